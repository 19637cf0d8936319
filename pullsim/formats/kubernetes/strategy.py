"""Reading the update strategy of a Deployment, StatefulSet or DaemonSet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pullsim.errors import shown
from pullsim.frozen import dataclass

if TYPE_CHECKING:
    from pullsim.formats.kubernetes.item import Item

_AMOUNT: Final = re.compile(r"[0-9]{1,9}%?")
#: For each kind the field that has the strategy, and the possible types, the default first.
_FIELDS: Final = {
    "Deployment": ("strategy", ("RollingUpdate", "Recreate")),
    "StatefulSet": ("updateStrategy", ("RollingUpdate", "OnDelete")),
    "DaemonSet": ("updateStrategy", ("RollingUpdate", "OnDelete")),
}


@dataclass(frozen=True, slots=True)
class Strategy:
    """The fields of an update strategy; None where the object does not have the field."""

    type: str = "RollingUpdate"
    max_unavailable: str | None = None
    max_surge: str | None = None
    partition: int = 0
    min_ready: float = 0.0  # minReadySeconds of the object: seconds that a pod is ready before it is available


def read_strategy(kind: str, spec: Item) -> Strategy:
    """Read the strategy and minReadySeconds of an object's spec. Raises InputError for an invalid one."""
    if kind not in _FIELDS:
        return Strategy()
    name, types = _FIELDS[kind]
    item = spec.mapping(name)
    item.check_spelling(("type", "rollingUpdate"))
    type_ = item.text("type") or types[0]
    if type_ not in types:
        item.fail(f"{shown(type_)} is not one of {', '.join(types)}", "type")
    rolling = item.mapping("rollingUpdate")
    if rolling.value and type_ != "RollingUpdate":
        item.fail(f"rollingUpdate may not be specified when the type is {shown(type_)}", "rollingUpdate")
    rolling.check_spelling(("maxUnavailable", "maxSurge", "partition"))
    return Strategy(
        type_,
        _amount(rolling, "maxUnavailable"),
        _amount(rolling, "maxSurge"),
        rolling.count("partition", 0),
        _min_ready(spec),
    )


def _min_ready(spec: Item) -> float:
    value = spec.value.get("minReadySeconds")
    if value is not None and (type(value) is not int or not 0 <= value < 2**31):
        spec.fail(f"it must be a whole number of seconds from 0 on, not {shown(value)}", "minReadySeconds")
    return float(value or 0)


def _amount(item: Item, key: str) -> str | None:
    value = item.value.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | str) or not _AMOUNT.fullmatch(str(value)):
        item.fail(f"{key} must be a number of pods or a percentage such as 25%, not {shown(value)}", key)
    return str(value)
