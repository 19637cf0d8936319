"""Taints of nodes and tolerations of pods."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pullsim.errors import shown
from pullsim.formats.kubernetes.selectors import known_fields
from pullsim.spec.scheduling import Taint, Toleration

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.formats.kubernetes.item import Item

EFFECTS: Final = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_WRITTEN: Final = re.compile(r"(?P<key>[^=:\s]+)(=(?P<value>[^=:\s]*))?:(?P<effect>[A-Za-z]+)")
_LOST: Final = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
_EQUAL: Final = ("Equal", "Exists")
_NUMERIC: Final = ("Gt", "Lt")  # they need the feature gate TaintTolerationComparisonOperators, off by default


def parse_taint(text: str) -> Taint:
    """Return the taint that kubectl writes so: ``key=value:NoSchedule`` or ``key:NoSchedule``. Raises ValueError."""
    match = _WRITTEN.fullmatch(text)
    if match is None:
        raise ValueError(f"{shown(text)} is no taint; a taint is key=value:EFFECT or key:EFFECT, as gpu:NoSchedule")
    check_effect(match["effect"])
    return Taint(match["key"], match["value"] or "", match["effect"])


def check_effect(effect: str) -> None:
    """Raise ValueError for what is no effect of a taint."""
    if effect not in EFFECTS:
        raise ValueError(f"effect {shown(effect)} is not one of {', '.join(EFFECTS)}")


def read_tolerations(pod: Item, warn: Callable[[str], None]) -> tuple[Toleration, ...]:
    """Read the tolerations of a pod. Raises InputError for those that the API server refuses."""
    tolerations = [(item, _toleration(item, warn)) for item in pod.items("tolerations")]
    return tuple(each for item, each in tolerations if not _of_running_pods(item, each))


def _of_running_pods(item: Item, toleration: Toleration) -> bool:
    """Whether it is one that every pod has, which says how long a pod stays on a node that is lost.

    Source: plugin/pkg/admission/defaulttolerationseconds.
    """
    return toleration.key in _LOST and item.value.get("tolerationSeconds") is not None


def _toleration(item: Item, warn: Callable[[str], None]) -> Toleration:
    known_fields(item, ("key", "operator", "value", "effect", "tolerationSeconds"))
    key, effect, value = (item.text(field) or "" for field in ("key", "effect", "value"))
    operator = item.text("operator") or _EQUAL[0]
    if operator not in (*_EQUAL, *_NUMERIC):
        item.fail(f"operator {shown(operator)} is not one of {', '.join(_EQUAL)}", "operator")
    if not key and operator != "Exists":
        item.fail("operator must be Exists when key is empty, which means all values and all keys", "operator")
    if operator == "Exists" and value:
        item.fail("value must be empty when operator is Exists", "value")
    if effect:
        try:
            check_effect(effect)
        except ValueError as error:
            item.fail(str(error), "effect")
    if item.value.get("tolerationSeconds") is not None:
        if effect != "NoExecute":
            item.fail("effect must be NoExecute when tolerationSeconds is set", "effect")
        if key not in _LOST:
            warn(f"tolerationSeconds for {key or 'every taint'} is not simulated: its pods stay on their nodes")
    if operator in _NUMERIC:
        warn(f"the operator {operator} of a toleration is not simulated: it tolerates nothing")
    return Toleration(key, operator, value, effect)
