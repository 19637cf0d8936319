"""Whether selectors match labels, node affinity matches a node, and tolerations cover a taint."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pullsim.spec.scheduling import NodeSelectorTerm, Requirement, Scheduling, Selector, Taint, Toleration

KEEPS_OUT: Final = ("NoSchedule", "NoExecute")  # effects of taints for which a node is no candidate
NOT_PREFERRED: Final = "PreferNoSchedule"
_INTEGER: Final = re.compile(r"[-+]?[0-9]+")  # what strconv.ParseInt takes, which no label with an underscore is


def matches(selector: Selector | None, labels: Mapping[str, str]) -> bool:
    """Whether labels match a selector; None matches nothing (apimachinery/pkg/labels/selector.go Matches)."""
    return selector is not None and all(_holds(requirement, labels) for requirement in selector)


def _holds(requirement: Requirement, labels: Mapping[str, str]) -> bool:
    value, operator = labels.get(requirement.key), requirement.operator
    match operator:
        case "In":
            return value in requirement.values
        case "NotIn":
            return value not in requirement.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    numbers = [text for text in (value or "", *requirement.values) if _INTEGER.fullmatch(text)]
    if len(numbers) != 2:
        return False
    own, bound = map(int, numbers)
    return own > bound if operator == "Gt" else own < bound


def selects(term: NodeSelectorTerm, name: str, labels: Mapping[str, str]) -> bool:
    """Whether a term of node affinity selects a node; one without requirements selects none.

    Models component-helpers/scheduling/corev1/nodeaffinity/nodeaffinity.go nodeSelectorTerm.match.
    """
    if not term.expressions and not term.fields:
        return False
    return matches(term.expressions, labels) and matches(term.fields, {"metadata.name": name})


def requires(pod: Scheduling, name: str, labels: Mapping[str, str]) -> bool:
    """Whether a node has what a pod's nodeSelector and required node affinity ask for.

    Models component-helpers/scheduling/corev1/nodeaffinity/nodeaffinity.go RequiredNodeAffinity.Match.
    """
    if pod.node_selector and any(labels.get(key) != value for key, value in pod.node_selector):
        return False
    return pod.required_nodes is None or any(selects(term, name, labels) for term in pod.required_nodes)


def untolerated(taints: Iterable[Taint], tolerations: Iterable[Toleration]) -> Taint | None:
    """Return the first taint that keeps out pods with these tolerations; None: there is none.

    Models component-helpers/scheduling/corev1/helpers.go FindMatchingUntoleratedTaint.
    """
    for taint in taints:
        if taint.effect in KEEPS_OUT and not any(covers(toleration, taint) for toleration in tolerations):
            return taint
    return None


def covers(toleration: Toleration, taint: Taint) -> bool:
    """Whether a toleration tolerates a taint (k8s.io/api/core/v1/toleration.go ToleratesTaint)."""
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    return toleration.operator == "Exists" or toleration.value == taint.value
