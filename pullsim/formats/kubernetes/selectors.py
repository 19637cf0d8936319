"""Selectors of labels and of nodes, and the affinity of pods to nodes and to other pods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

from pullsim.errors import shown
from pullsim.spec.scheduling import Labels, NodeSelectorTerm, PodTerm, PreferredNodes, Requirement, Selector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pullsim.formats.kubernetes.item import Item

_SETS: Final = ("In", "NotIn")
_PRESENCE: Final = ("Exists", "DoesNotExist")
_NUMBERS: Final = ("Gt", "Lt")
_LABELS: Final = (*_SETS, *_PRESENCE)
_NODES: Final = (*_LABELS, *_NUMBERS)
_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED: Final = "preferredDuringSchedulingIgnoredDuringExecution"
#: The label that the API server gives each namespace (pkg/apis/core/v1/defaults.go SetDefaults_Namespace).
_NAMESPACE_NAME: Final = "kubernetes.io/metadata.name"


def read_labels(item: Item, key: str) -> Labels:
    """Read a mapping of texts, as labels and node selectors are. Raises InputError for other values."""
    labels = item.mapping(key).value
    for label, value in labels.items():
        if not isinstance(value, str):
            quotes = "; write it in quotes" if isinstance(value, bool | int | float) else ""
            item.fail(f"{label} must be text, not {shown(value)}{quotes}", key, label)
    return tuple(sorted(labels.items()))


def read_selector(item: Item, key: str) -> Selector | None:
    """Read a selector of labels; None, which selects nothing, where there is none. Raises InputError."""
    if item.value.get(key) is None:
        return None
    selector = item.mapping(key)
    known_fields(selector, ("matchLabels", "matchExpressions"))
    equal = (Requirement(label, "In", (value,)) for label, value in read_labels(selector, "matchLabels"))
    return (*equal, *(_requirement(entry, _LABELS) for entry in selector.items("matchExpressions")))


def _requirement(item: Item, operators: Sequence[str]) -> Requirement:
    known_fields(item, ("key", "operator", "values"))
    key, operator, values = item.text("key"), item.text("operator"), read_texts(item, "values")
    if not key:
        item.fail("an expression needs a key", "key")
    if operator is None or operator not in operators:
        item.fail(f"operator {shown(operator)} is not one of {', '.join(operators)}", "operator")
    if operator in _SETS and not values:
        item.fail(f"values must be specified when operator is {operator}", "values")
    if operator in _PRESENCE and values:
        item.fail(f"values may not be specified when operator is {operator}", "values")
    if operator in _NUMBERS and (len(values) != 1 or not values[0].removeprefix("-").isdecimal()):
        item.fail(f"values must be one whole number, in quotes, when operator is {operator}", "values")
    return Requirement(key, operator, values)


def read_texts(item: Item, key: str) -> tuple[str, ...]:
    """Read a list of texts. Raises InputError for another type."""
    values = item.value.get(key)
    if values is not None and not (isinstance(values, list) and all(isinstance(each, str) for each in values)):
        item.fail(f"{key} must be a list of texts", key)
    return tuple(values or ())


def required_nodes(affinity: Item) -> tuple[NodeSelectorTerm, ...] | None:
    """Read the required node affinity; None: there is none. Raises InputError."""
    required = affinity.mapping("nodeAffinity", _REQUIRED)
    if not required.value:
        return None
    known_fields(required, ("nodeSelectorTerms",))
    terms = tuple(_node_term(entry) for entry in required.items("nodeSelectorTerms"))
    if not terms:
        required.fail("must have at least one node selector term", "nodeSelectorTerms")
    return terms


def preferred_nodes(affinity: Item) -> tuple[PreferredNodes, ...]:
    """Read the preferred node affinity. Raises InputError."""
    node = affinity.mapping("nodeAffinity")
    known_fields(node, (_REQUIRED, _PREFERRED))
    return tuple(
        PreferredNodes(_weight(entry), _node_term(entry.mapping("preference"))) for entry in node.items(_PREFERRED)
    )


def _node_term(item: Item) -> NodeSelectorTerm:
    known_fields(item, ("matchExpressions", "matchFields"))
    fields = tuple(_requirement(entry, _SETS) for entry in item.items("matchFields"))
    for entry, field in zip(item.items("matchFields"), fields, strict=True):
        if field.key != "metadata.name":
            entry.fail(f"{shown(field.key)} is no field of a node selector; metadata.name is the only one", "key")
    return NodeSelectorTerm(tuple(_requirement(entry, _NODES) for entry in item.items("matchExpressions")), fields)


def _weight(item: Item) -> int:
    weight = item.value.get("weight")
    if type(weight) is not int or not 1 <= weight <= 100:
        item.fail(f"weight must be a whole number from 1 to 100, not {shown(weight)}", "weight")
    return weight


def read_affinity(affinity: Item, key: str, labels: Labels, warn: Callable[[str], None]) -> tuple[PodTerm, ...]:
    """Read podAffinity or podAntiAffinity, as ``key`` says; ``labels`` are those of the pod. Raises InputError."""
    item = affinity.mapping(key)
    known_fields(item, (_REQUIRED, _PREFERRED))
    return tuple(_pod_terms(item, labels, warn))


def _pod_terms(item: Item, labels: Labels, warn: Callable[[str], None]) -> Iterator[PodTerm]:
    for entry in item.items(_REQUIRED):
        yield _pod_term(entry, labels, None, warn)
    for entry in item.items(_PREFERRED):
        known_fields(entry, ("weight", "podAffinityTerm"))
        yield _pod_term(entry.mapping("podAffinityTerm"), labels, _weight(entry), warn)


def _pod_term(item: Item, labels: Labels, weight: int | None, warn: Callable[[str], None]) -> PodTerm:
    keys = ("matchLabelKeys", "mismatchLabelKeys")
    known_fields(item, ("topologyKey", "labelSelector", "namespaces", "namespaceSelector", *keys))
    return PodTerm(
        read_topology_key(item),
        with_label_keys(item, labels, *keys),
        _namespaces(item, warn),
        weight,
    )


def read_topology_key(item: Item) -> str:
    """Read the topologyKey. Raises InputError if there is none."""
    key = item.text("topologyKey")
    if not key:
        item.fail("topologyKey: Required value, as kubernetes.io/hostname", "topologyKey")
    return key


def with_label_keys(item: Item, labels: Labels, equal: str, unequal: str | None = None) -> Selector | None:
    """Return labelSelector with what matchLabelKeys and mismatchLabelKeys add to it, by the pod's own labels.

    A key that the pod does not have adds nothing. Raises InputError for keys without a labelSelector. Source:
    pkg/registry/core/pod/strategy.go applyMatchLabelKeysAndMismatchLabelKeys.
    """
    selector, own = read_selector(item, "labelSelector"), dict(labels)
    for field, operator in ((equal, "In"), (unequal, "NotIn")):
        for key in read_texts(item, field) if field else ():
            if selector is None:
                item.fail(f"{field} must not be given without labelSelector", field or "")
            if key in own:
                selector = (*selector, Requirement(key, operator, (own[key],)))
    return selector


def _namespaces(item: Item, warn: Callable[[str], None]) -> tuple[str, ...] | None:
    """Return the namespaces of a term: (): the pod's own; None: all."""
    named, selector = read_texts(item, "namespaces"), read_selector(item, "namespaceSelector")
    if selector is None:
        return named
    if not selector:
        return None
    first = selector[0]
    if len(selector) == 1 and (first.key, first.operator) == (_NAMESPACE_NAME, "In"):
        return tuple(dict.fromkeys((*named, *first.values)))
    warn("namespaceSelector: labels of namespaces are not simulated: it is taken to select all namespaces")
    return None


def known_fields(item: Item, fields: tuple[str, ...]) -> None:
    """Raise InputError for a field that is not in ``fields``: what it would ask of the placement is unknown here."""
    item.check_spelling(fields)
    for key in item.value:
        if key not in fields:
            _unknown(item, key, fields)


def _unknown(item: Item, key: str, fields: tuple[str, ...]) -> NoReturn:
    item.fail(f"unknown field {shown(key)}; known are {', '.join(fields)}", key)
