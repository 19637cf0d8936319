"""Which nodes a pod may go to, as far as nodes say it before the run: their labels, taints and what they have."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pullsim.frozen import dataclass
from pullsim.scenario.model.placement import amount_text
from pullsim.spec.scheduling import HOSTNAME, STANDARD, ZONE, NodeSelectorTerm
from pullsim.spec.selectors import requires, untolerated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pullsim.spec.cluster import Node
    from pullsim.spec.scheduling import Requirement, Scheduling, Selector, Taint

#: Operators that a node without the label never satisfies.
_NEED_A_LABEL: Final = ("In", "Exists", "Gt", "Lt")


@dataclass(frozen=True, slots=True)
class _Kind:
    """Nodes that are equal but for their names; a single one where names matter."""

    node: Node
    labels: dict[str, str]


class Fitting:
    """Answers which pools have nodes for a pod, and why none has."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = [_Kind(node, _labels(node)) for node in nodes]
        self._kinds = list({(each.node.spec.pool, each.node.zone): each for each in self._nodes}.values())
        self._keys = {key for kind in self._kinds for key in kind.labels}
        allocatable = (kind.node.spec.scheduling.allocatable for kind in self._kinds)
        #: Resources that some node has. Of the rest each node gets what is asked of it (`builder.capacity`).
        self._resources = {*STANDARD, *(name for amounts in allocatable for name, _ in amounts)}

    def known(self, scheduling: Scheduling) -> tuple[Scheduling, list[str]]:
        """Return constraints without those on labels that no node of the scenario has, and texts that say so.

        A manifest may come from a cluster whose labels the scenario does not give: a label that no node has cannot tell
        one node from another, so it would keep pods from all of them.
        """
        selector = tuple(pair for pair in scheduling.node_selector if pair[0] in self._keys)
        spread = tuple(each for each in scheduling.spread if each.topology_key in self._keys)
        terms = scheduling.required_nodes
        if terms and all(any(map(self._unknown, term.expressions)) for term in terms):
            terms = tuple(replace(term, expressions=self._without_unknown(term.expressions)) for term in terms)
            terms = None if NodeSelectorTerm() in terms else terms
        affinity, anti = (
            tuple(term for term in terms_of if term.topology_key in self._keys)
            for terms_of in (scheduling.affinity, scheduling.anti_affinity)
        )
        kept = replace(
            scheduling,
            node_selector=selector,
            required_nodes=terms,
            spread=spread,
            affinity=affinity,
            anti_affinity=anti,
        )
        return kept, list(self._texts(scheduling, kept))

    def _unknown(self, requirement: Requirement) -> bool:
        return requirement.operator in _NEED_A_LABEL and requirement.key not in self._keys

    def _without_unknown(self, selector: Selector) -> Selector:
        return tuple(each for each in selector if not self._unknown(each))

    def _texts(self, asked: Scheduling, kept: Scheduling) -> Iterator[str]:
        """Yield a text for each field that names a label which no node has."""
        required = () if kept.required_nodes == asked.required_nodes else asked.required_nodes or ()
        preferred = (each.term for each in asked.preferred_nodes)
        fields = {
            "nodeSelector": [f"{key}: {value}" for key, value in asked.node_selector if key not in self._keys],
            "nodeAffinity": [
                each.key for term in (*required, *preferred) for each in term.expressions if self._unknown(each)
            ],
            "topologySpreadConstraints": [
                each.topology_key for each in asked.spread if each.topology_key not in self._keys
            ],
            "podAffinity": [each.topology_key for each in asked.affinity if each.topology_key not in self._keys],
            "podAntiAffinity": [
                each.topology_key for each in asked.anti_affinity if each.topology_key not in self._keys
            ],
        }
        for field, labels in fields.items():
            if labels:
                names = ", ".join(dict.fromkeys(labels))
                keys = "nodes[].zones" if set(labels) == {ZONE} else "nodes[].labels"
                yield f"{field} {names}: no node has such a label ({keys}), so it is left out"

    def nodes(self, scheduling: Scheduling) -> list[Node] | None:
        """Return a node of each kind that has the labels which a pod asks for; None: all kinds have them.

        Nodes of a kind are those of a pool and a zone, or a single one if the pod asks for names of nodes.
        """
        if not scheduling.node_selector and scheduling.required_nodes is None:
            return None
        kinds = self._nodes if self.names_nodes(scheduling) else self._kinds
        selected = [kind.node for kind in kinds if requires(scheduling, kind.node.name, kind.labels)]
        return None if len(selected) == len(kinds) else selected

    @staticmethod
    def names_nodes(scheduling: Scheduling) -> bool:
        """Whether a pod asks for names of nodes."""
        terms = scheduling.required_nodes or ()
        return any(key == HOSTNAME for key, _ in scheduling.node_selector) or any(
            term.fields or any(each.key == HOSTNAME for each in term.expressions) for term in terms
        )

    def pools(self, scheduling: Scheduling) -> frozenset[str] | None:
        """Return the pools with nodes that have the labels which a pod asks for, and no taint against it; None: all."""
        selected = self.nodes(scheduling)
        nodes = [kind.node for kind in self._kinds] if selected is None else selected
        tolerated = [node for node in nodes if not untolerated(node.spec.scheduling.taints, scheduling.tolerations)]
        pools = frozenset(node.spec.pool for node in tolerated or nodes)
        return None if pools == {kind.node.spec.pool for kind in self._kinds} else pools

    def obstacle(self, scheduling: Scheduling, pools: frozenset[str] | None, *, each: bool) -> str | None:
        """Return why a pod never gets a node of these pools (None: of any), even an empty one; None: it may.

        ``each``: whether there are pods for just those nodes that labels and taints leave.
        """
        nodes = self.nodes(scheduling)
        if nodes is None:
            nodes = [kind.node for kind in self._kinds]
        if not nodes:
            return None if each else "no node has the labels that nodeSelector and affinity ask for"
        if absent := [key for key in _required_topologies(scheduling) if key not in self._keys]:
            return f"no node has the label {absent[0]}, over which they spread or by which they look for other pods"
        nodes = [node for node in nodes if pools is None or node.spec.pool in pools]
        taints = [untolerated(node.spec.scheduling.taints, scheduling.tolerations) for node in nodes]
        if all(taints):
            names = dict.fromkeys(_written(taint) for taint in taints if taint)
            return None if each or not names else f"all nodes for them have taints: {', '.join(names)}"
        nodes = [node for node, taint in zip(nodes, taints, strict=True) if taint is None]
        for resource, amount in scheduling.requests:
            if resource not in self._resources:
                continue
            most = [_allocatable(node, resource) for node in nodes]
            if all(each is not None and each < amount for each in most):
                have = max(each or 0 for each in most)
                texts = amount_text(resource, have), amount_text(resource, amount)
                return f"they request more {resource} than any node has ({texts[0]} of {texts[1]})"
        return None


def preferences(scheduling: Scheduling) -> list[str]:
    """Return the fields of a pod that say which nodes are better, and not which nodes are possible."""
    fields = {
        "preferred nodeAffinity": scheduling.preferred_nodes,
        "preferred podAffinity": [term for term in scheduling.affinity if term.weight is not None],
        "preferred podAntiAffinity": [term for term in scheduling.anti_affinity if term.weight is not None],
        "topologySpreadConstraints with ScheduleAnyway": [each for each in scheduling.spread if not each.hard],
    }
    return [name for name, terms in fields.items() if terms]


def _required_topologies(scheduling: Scheduling) -> list[str]:
    """Return the labels of nodes without which a pod fits on none of them."""
    spread = [each.topology_key for each in scheduling.spread if each.hard]
    return spread + [term.topology_key for term in scheduling.affinity if term.weight is None]


def _written(taint: Taint) -> str:
    """Write a taint as kubectl does."""
    return f"{taint.key}={taint.value}:{taint.effect}" if taint.value else f"{taint.key}:{taint.effect}"


def _labels(node: Node) -> dict[str, str]:
    zone = {} if node.zone is None else {ZONE: node.zone}
    return {**dict(node.spec.scheduling.labels), **zone, HOSTNAME: node.name}


def _allocatable(node: Node, resource: str) -> int | None:
    """Return what a node has of a resource; None: it has no limit."""
    without = None if resource in STANDARD else 0
    return dict(node.spec.scheduling.allocatable).get(resource, without)
