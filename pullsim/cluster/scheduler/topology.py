"""The plugins that look at the pods of other nodes: PodTopologySpread and InterPodAffinity."""

from __future__ import annotations

import math
from itertools import chain, compress
from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim.cluster.scheduler.tally import Tally
from pullsim.spec.scheduling import HOSTNAME, ZONE, SpreadConstraint
from pullsim.spec.selectors import matches, requires, untolerated

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from pullsim.cluster.scheduler.node_info import NodeInfo
    from pullsim.cluster.scheduler.signature import Signature
    from pullsim.cluster.scheduler.tally import Tallies
    from pullsim.spec.scheduling import PodTerm

TOP: Final = 100  # the highest score of a plugin (MaxNodeScore)
#: The constraints of pods that have none of their own (podtopologyspread/plugin.go systemDefaultConstraints).
DEFAULTS: Final = (
    SpreadConstraint(HOSTNAME, 3, hard=False, selector=()),
    SpreadConstraint(ZONE, 5, hard=False, selector=()),
)
NO_LABEL: Final = "node(s) didn't match pod topology spread constraints (missing required label)"
SKEWED: Final = "node(s) didn't match pod topology spread constraints"
NOT_NEAR: Final = "node(s) didn't match pod affinity rules"
TOO_NEAR: Final = "node(s) didn't match pod anti-affinity rules"
UNWELCOME: Final = "node(s) didn't satisfy existing pods anti-affinity rules"


class Place(NamedTuple):
    """All of a node that these plugins see: two nodes with equal places are equal to them."""

    counts: tuple[int, ...]  # of the tallies whose domains are single nodes
    domains: tuple[str | None, ...]  # the values of the other labels


class Part(NamedTuple):
    """A tally as a pod's rules use it, and where a `Place` has its domain."""

    tally: Tally
    slot: int  # index in `Place.counts`; -1: its domains are no single nodes
    domain: int  # index in `Place.domains`

    def has(self, place: Place) -> bool:
        """Whether the node has the label."""
        return self.slot >= 0 or place.domains[self.domain] is not None

    def at(self, place: Place) -> int:
        """Return the sum of the node's domain."""
        if self.slot >= 0:
            return place.counts[self.slot]
        return self.tally.sums.get(place.domains[self.domain] or "", 0)


class Topology:
    """What topology spread and inter-pod affinity say of the nodes for the pods of one signature.

    Models pkg/scheduler/framework/plugins/podtopologyspread and interpodaffinity, 1.35. Of the objects that select a
    pod, the default constraints know its owner and no Services.
    """

    def __init__(self, pod: Signature, tallies: Tallies) -> None:
        self._pod = pod
        self._tallies = tallies
        self._parts: list[Part] = []
        self._keys: list[str] = []  # of `Place.domains`
        self.changes = 0  # how often the meaning of places has changed
        spread = pod.scheduling.spread
        self._hard = [(self._spread(each), each) for each in spread if each.hard]
        self._own = bool(spread)  # whether the pod has constraints of its own
        soft = [each for each in spread if not each.hard] if spread else DEFAULTS if pod.group is not None else ()
        self._soft = [(self._spread(each), each) for each in soft]
        terms = pod.terms()
        near = [term for what, term, _ in terms if what == "affinity"]
        self._near = [self._count(key, tuple(near)) for key in dict.fromkeys(term.topology_key for term in near)]
        self._first = bool(near) and all(meets(term, pod, pod) for term in near)
        self._far = [self._count(term.topology_key, (term,)) for what, term, _ in terms if what == "anti"]
        self._unwelcome: list[Part] = []  # required anti-affinity of other pods, one for each topology key
        self._liked: list[Part] = []  # preferences of this pod and of others, one for each topology key
        self.meet([pod])

    @property
    def plain(self) -> bool:
        """Whether all nodes are equal to these plugins."""
        return not self._parts

    @property
    def refuses_none(self) -> bool:
        """Whether the filters let the pod on all nodes."""
        return not (self._hard or self._near or self._far or self._unwelcome)

    @property
    def spreads(self) -> bool:
        """Whether PodTopologySpread scores the nodes."""
        return bool(self._soft)

    @property
    def likes(self) -> bool:
        """Whether InterPodAffinity scores the nodes."""
        return bool(self._liked)

    @property
    def waits_for_pods(self) -> bool:
        """Whether another pod that is bound can make a node feasible."""
        return bool(self._near or self._hard)

    def meet(self, pods: Iterable[Signature]) -> None:
        """Take the terms of other pods into account; `changes` tells whether they matter."""
        for pod in pods:
            for what, term, _ in pod.terms():
                if what == "anti" and meets(term, pod, self._pod):
                    self._react(self._unwelcome, term.topology_key, "anti")
                elif what != "anti" and meets(term, pod, self._pod):
                    self._react(self._liked, term.topology_key, "liked")
        for what, term, _ in self._pod.terms():
            if what == "preferred":
                self._react(self._liked, term.topology_key, "liked")

    def watch(self, changed: dict[NodeInfo, None]) -> None:
        """Let nodes be added to ``changed`` when the weight of their own pods changes, and with it their place."""
        for part in self._parts:
            if part.slot >= 0:
                part.tally.watchers.append(changed)

    def unwatch(self, changed: dict[NodeInfo, None]) -> None:
        """Take `watch` back."""
        for part in self._parts:
            watchers = part.tally.watchers
            watchers[:] = [each for each in watchers if each is not changed]

    @property
    def keys(self) -> tuple[str, ...]:
        """The topology keys of `Place.domains`."""
        return tuple(self._keys)

    @property
    def zeros(self) -> tuple[int, ...]:
        """The `Place.counts` of a node without pods that count."""
        return tuple(0 for part in self._parts if part.slot >= 0)

    def counts(self, node: NodeInfo) -> tuple[int, ...]:
        """Return the `Place.counts` of a node."""
        return tuple([part.tally.sums.get(node.name, 0) for part in self._parts if part.slot >= 0])

    def occupied(self) -> Iterable[str]:
        """Yield the names of the nodes that have `counts` other than 0."""
        return chain.from_iterable(part.tally.sums for part in self._parts if part.slot >= 0)

    def place(self, node: NodeInfo) -> Place:
        """Return what these plugins see of a node."""
        return Place(self.counts(node), tuple(map(node.labels.get, self._keys)))

    def refuses(self, place: Place) -> str | None:
        """Return why the filters refuse nodes of this place; None: they do not."""
        for part, constraint in self._hard:
            if not part.has(place):
                return NO_LABEL
            mine = matches(constraint.selector, self._pod.labels)
            if part.at(place) + mine - part.tally.lowest(constraint.min_domains) > constraint.max_skew:
                return SKEWED
        if self._near:
            if not all(part.has(place) for part in self._near):
                return NOT_NEAR
            alone = self._first and not any(part.tally.total for part in self._near)
            if not alone and not all(part.at(place) > 0 for part in self._near):
                return NOT_NEAR
        if any(part.has(place) and part.at(place) > 0 for part in self._far):
            return TOO_NEAR
        return UNWELCOME if any(part.has(place) and part.at(place) > 0 for part in self._unwelcome) else None

    def spread(self, places: Sequence[Place], sizes: Sequence[int]) -> list[int]:
        """Return the score of PodTopologySpread of each place; ``sizes`` are the numbers of feasible nodes there."""
        soft = self._soft
        # A node that lacks a label of the pod's own constraints does not count; for the defaults all nodes do.
        counts = [all(part.has(place) for part, _ in soft) for place in places] if self._own else None
        raw = [0.0] * len(places)
        for part, constraint in soft:
            slot, domain, least = part.slot, part.domain, constraint.max_skew - 1
            if slot >= 0:
                weight = math.log(sum(sizes if counts is None else compress(sizes, counts)) + 2)
                raw = [score + (place.counts[slot] * weight + least) for score, place in zip(raw, places, strict=True)]
                continue
            values = [place.domains[domain] for place in places]
            weight = math.log(len(set(values if counts is None else compress(values, counts))) + 2)
            sums = part.tally.sums
            raw = [
                score if value is None else score + (sums.get(value, 0) * weight + least)
                for score, value in zip(raw, values, strict=True)
            ]
        scores = [int(score + 0.5) for score in raw]
        if counts is not None:
            scores = [score if counted else -1 for score, counted in zip(scores, counts, strict=True)]
        return normalized_spread(scores)

    def liking(self, places: Sequence[Place]) -> list[int]:
        """Return the score of InterPodAffinity of each place (interpodaffinity/scoring.go NormalizeScore)."""
        raw = [sum(part.at(place) for part in self._liked if part.has(place)) for place in places]
        lowest, range_ = min(raw), max(raw) - min(raw)
        return [int(TOP * ((score - lowest) / range_)) if range_ else 0 for score in raw]

    def _part(self, name: Hashable, tally: Tally) -> Part:
        shared = self._tallies.share(name, tally)
        for part in self._parts:
            if part.tally is shared:
                return part
        self.changes += 1
        key = shared.domains.key
        if key == HOSTNAME:
            part = Part(shared, sum(each.slot >= 0 for each in self._parts), -1)
        else:
            if key not in self._keys:
                self._keys.append(key)
            part = Part(shared, -1, self._keys.index(key))
        self._parts.append(part)
        return part

    def _spread(self, constraint: SpreadConstraint) -> Part:
        """Return the number of pods that a constraint counts (podtopologyspread/common.go)."""
        pod = self._pod
        scheduling, tolerations = pod.scheduling, pod.tolerations
        own = scheduling.spread
        keys = tuple(each.topology_key for each in own if each.hard == constraint.hard)

        def eligible(node: NodeInfo) -> bool:
            return (
                all(key in node.labels for key in keys)
                and (not constraint.honor_affinity or requires(scheduling, node.name, node.labels))
                and (not constraint.honor_taints or untolerated(node.taints, tolerations) is None)
            )

        def weigh(other: Signature) -> int:
            if not own:
                return other.group == pod.group
            # A selector without requirements counts no pod (countPodsMatchSelector), although it matches this one.
            selected = bool(constraint.selector) and matches(constraint.selector, other.labels)
            return selected and other.namespace == pod.namespace

        key = constraint.topology_key
        chosen = (scheduling.node_selector, scheduling.required_nodes) if constraint.honor_affinity else None
        nodes = keys, chosen, tolerations if constraint.honor_taints else None
        counts = pod.group if not own else (pod.namespace, constraint)
        return self._part(
            ("spread", key, counts, nodes), Tally(self._tallies.domains(key, nodes, eligible), weigh, live=True)
        )

    def _count(self, key: str, terms: tuple[PodTerm, ...]) -> Part:
        """Return the number of pods that meet all of the pod's terms."""
        pod = self._pod
        names = tuple((term.selector, term.namespaces) for term in terms)
        tally = Tally(self._tallies.domains(key), lambda other: all(meets(term, pod, other) for term in terms))
        return self._part(("count", key, pod.namespace, names), tally)

    def _react(self, parts: list[Part], key: str, what: str) -> None:
        """Take a topology key into the parts that sum what other pods' terms say of this pod."""
        if any(part.tally.domains.key == key for part in parts):
            return
        pod = self._pod
        weigh = _unwelcome if what == "anti" else _liking
        tally = Tally(self._tallies.domains(key), lambda other: weigh(key, pod, other))
        parts.append(self._part((what, key, pod), tally))


def meets(term: PodTerm, of: Signature, other: Signature) -> bool:
    """Whether a pod is one that a term of another pod speaks of (framework/types.go AffinityTerm.Matches)."""
    if term.namespaces is not None and other.namespace not in (term.namespaces or (of.namespace,)):
        return False
    return matches(term.selector, other.labels)


def normalized_spread(raw: Sequence[int]) -> list[int]:
    """Return the scores of nodes from the numbers of pods in their domains; -1: of a node that has no domain.

    Models podtopologyspread/scoring.go NormalizeScore.
    """
    highest, lowest = max(raw), min(raw)
    if lowest < 0:
        lowest = min([score for score in raw if score >= 0], default=0)
    if highest <= 0:
        return [0 if score < 0 else TOP for score in raw]
    return [0 if score < 0 else TOP * (highest + lowest - score) // highest for score in raw]


def _unwelcome(key: str, pod: Signature, other: Signature) -> int:
    """Return how many terms of required anti-affinity of the other pod meet the pod, in the domains of the key."""
    return sum(
        what == "anti" and term.topology_key == key and meets(term, other, pod) for what, term, _ in other.terms()
    )


def _liking(key: str, pod: Signature, other: Signature) -> int:
    """Return by how much one more of the other pods changes the score of its domain for the pod.

    Required affinity of the other counts as a preference of weight 1 (hardPodAffinityWeight).
    """
    mine = (
        weight
        for what, term, weight in pod.terms()
        if what == "preferred" and term.topology_key == key and meets(term, pod, other)
    )
    theirs = (
        weight or 1
        for what, term, weight in other.terms()
        if what != "anti" and term.topology_key == key and meets(term, other, pod)
    )
    return sum(mine) + sum(theirs)
