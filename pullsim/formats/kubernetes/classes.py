"""Classes that pods name: RuntimeClass and PriorityClass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.errors import shown
from pullsim.formats.kubernetes.resources import read_amounts, written
from pullsim.formats.kubernetes.selectors import known_fields, read_labels
from pullsim.formats.kubernetes.tolerations import read_tolerations
from pullsim.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.formats.kubernetes.item import Item
    from pullsim.spec.scheduling import Amounts, Labels, Toleration

#: The classes that each cluster has (pkg/apis/scheduling/v1/helpers.go SystemPriorityClasses).
SYSTEM_PRIORITIES: Final = {"system-node-critical": 2_000_001_000, "system-cluster-critical": 2_000_000_000}
_POLICIES: Final = ("PreemptLowerPriority", "Never")
#: The highest value of a class that is not the system's (pkg/apis/scheduling HighestUserDefinablePriority).
_HIGHEST: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class RuntimeClass:
    """A RuntimeClass: the handler that it names, and what it adds to the pods that name it."""

    handler: str
    overhead: Amounts = ()  # overhead.podFixed
    node_selector: Labels = ()  # scheduling.nodeSelector
    tolerations: tuple[Toleration, ...] = ()  # scheduling.tolerations


@dataclass(frozen=True, slots=True)
class PriorityClass:
    """A PriorityClass."""

    value: int
    default: bool = False  # globalDefault: whether pods without a class have it
    preempts: bool = True  # preemptionPolicy


@dataclass(frozen=True, slots=True)
class ClassNames:
    """The classes that a pod names, and what it has already of what they decide."""

    runtime: str | None = None  # runtimeClassName
    priority: str | None = None  # priorityClassName
    own_priority: int | None = None  # spec.priority
    preempts: bool | None = None  # spec.preemptionPolicy
    own_overhead: bool = False  # whether spec.overhead is given; the pod's requests contain it then


def read_class_names(pod: Item) -> ClassNames:
    """Read the classes in the spec of a pod. Raises InputError."""
    priority = pod.value.get("priority")
    if priority is not None and (type(priority) is not int or not -(2**31) <= priority < 2**31):
        pod.fail(f"priority must be a whole number of 32 bits, not {shown(priority)}", "priority")
    return ClassNames(
        pod.text("runtimeClassName"),
        pod.text("priorityClassName"),
        priority,
        _preempts(pod),
        pod.value.get("overhead") is not None,
    )


def _preempts(item: Item) -> bool | None:
    """Return whether the preemptionPolicy of a pod or a class lets it evict others; None: there is none."""
    policy = item.text("preemptionPolicy")
    if policy not in (None, *_POLICIES):
        item.fail(f"preemptionPolicy {shown(policy)} is not one of {', '.join(_POLICIES)}", "preemptionPolicy")
    return None if policy is None else policy == _POLICIES[0]


def read_runtime_class(item: Item, title: str, warn: Callable[[str], None]) -> RuntimeClass:
    """Read a RuntimeClass (node.k8s.io/v1). Raises InputError for what the API server refuses."""
    handler = item.text("handler")
    if not item.name:
        item.fail("a RuntimeClass needs metadata.name")
    if not handler:
        item.fail(f"{title}: handler: Required value", "handler")
    scheduling = item.mapping("scheduling")
    known_fields(scheduling, ("nodeSelector", "tolerations"))
    return RuntimeClass(
        handler,
        written(read_amounts(item.mapping("overhead"), "podFixed")),
        read_labels(scheduling, "nodeSelector"),
        read_tolerations(scheduling, warn),
    )


def read_priority_class(item: Item) -> PriorityClass:
    """Read a PriorityClass (scheduling.k8s.io/v1). Raises InputError for what the API server refuses."""
    if not item.name:
        item.fail("a PriorityClass needs metadata.name")
    value = item.value.get("value", 0)
    system = SYSTEM_PRIORITIES.get(item.name)
    if type(value) is not int or not -(2**31) <= value <= (_HIGHEST if system is None else 2**31 - 1):
        item.fail(f"value must be a whole number of at most {_HIGHEST}, not {shown(value)}", "value")
    if system is not None and value != system:
        item.fail(f"value of {item.name} is {system}, not {value}", "value")
    return PriorityClass(value, item.value.get("globalDefault") is True, _preempts(item) is not False)
