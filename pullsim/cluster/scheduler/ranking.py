"""The nodes that pods of one demand fit on, in the order of what is free of them."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING, NamedTuple

from pullsim.cluster.scheduler.filters import fits, refuses_always
from pullsim.cluster.scheduler.scores import allocation, preference, unwanted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable

    from pullsim.cluster.scheduler.changes import Changes
    from pullsim.cluster.scheduler.node_info import NodeInfo
    from pullsim.cluster.scheduler.signature import Signature

    Level = tuple[int, int]  # minus what is free, and the number of pods
    Rank = tuple[int, int, int]  # the level of a node and its order of joining: the lower the better
    Worth = Callable[[NodeInfo, Signature], int]


class Traits(NamedTuple):
    """What pods of one demand see of a node's labels and taints."""

    unwanted: int  # taints that are not preferred
    preferred: int  # the weight of node affinity
    domains: tuple[str | None, ...]  # the values of topology keys


class Group:
    """Feasible nodes of equal traits. Nodes are known by the order in which they joined."""

    __slots__ = ("_keys", "_levels", "size", "traits")

    def __init__(self, traits: Traits) -> None:
        self.traits = traits
        self.size = 0
        self._keys: list[Level] = []  # sorted
        self._levels: dict[Level, list[int]] = {}  # nodes of each level, sorted

    @property
    def top(self) -> Level:
        """The level of its first node."""
        return self._keys[0]

    def add(self, level: Level, node: int) -> None:
        """Add a node."""
        self.size += 1
        nodes = self._levels.get(level)
        if nodes is None:
            self._levels[level] = [node]
            insort(self._keys, level)
        else:
            insort(nodes, node)

    def remove(self, level: Level, node: int) -> None:
        """Remove a node."""
        self.size -= 1
        nodes = self._levels[level]
        del nodes[bisect_left(nodes, node)]
        if not nodes:
            del self._levels[level]
            del self._keys[bisect_left(self._keys, level)]

    def first_but(self, others: Collection[int]) -> Rank:
        """Return the rank of the first node that is none of the others, which there must be."""
        return next((*level, node) for level in self._keys for node in self._levels[level] if node not in others)


class Ranking:
    """The feasible nodes for all signatures that ask for the same and tolerate and select the same.

    What is free, their labels and taints are looked at here, once for all these signatures; their images and the pods
    of their domains are not.
    """

    def __init__(self, pod: Signature, keys: tuple[str, ...], changes: Changes, how: Worth | None) -> None:
        """``pod`` is one of the signatures, ``keys`` are their topology keys; ``how`` ranks instead of the scores."""
        self._pod = pod
        self._keys = keys
        self._changes = changes
        self._how = how
        self._seen = 0  # number of changes that are taken into account
        self.nodes: dict[int, NodeInfo] = {}  # by order of joining
        self.groups: dict[Traits, Group] = {}  # those that have nodes
        self.places: dict[int, Group] = {}  # of each feasible node
        self.ranks: dict[int, Rank] = {}  # of each feasible node
        self.watchers: list[dict[NodeInfo, None]] = []  # to which nodes are added that come to a group or leave it
        self.better: list[dict[int, None]] = []  # to which nodes are added that get a better rank in their group
        #: By node: its number of changes of taints and its traits; None: its labels or taints keep the pods out.
        self._traits: dict[int, tuple[int, Traits | None]] = {}
        self._begin()

    def refresh(self) -> None:
        """Take the changes of nodes into account."""
        changed = self._changes.since(self._seen)
        if changed is None:
            self._begin()
            return
        self._seen = self._changes.count
        for node in changed:
            self._update(node)

    def _begin(self) -> None:
        gone = [node for node in self.nodes.values() if node.gone]
        self._seen = self._changes.count
        for node in (*gone, *self._changes.all()):
            self._update(node)

    def _update(self, node: NodeInfo) -> None:
        order, pod = node.order, self._pod
        traits = self._look(node)
        before = self.places.get(order)
        if traits is None or not fits(node, pod):
            if before is not None:
                self._remove(order, before)
                del self.places[order], self.ranks[order], self.nodes[order]
                self._tell(node)
            return
        group = self.groups.get(traits)
        if group is None:
            group = self.groups[traits] = Group(traits)
        rank = -self._free(node), node.pods, order
        known = self.ranks.get(order, rank)
        if before is not None:
            if before is group and known == rank:
                return
            self._remove(order, before)
        group.add(rank[:2], order)
        self.groups[traits] = group
        self.ranks[order] = rank
        if before is not group:
            self.places[order] = group
            self.nodes[order] = node
            self._tell(node)
        elif rank < known:
            for better in self.better:
                better[order] = None

    def _free(self, node: NodeInfo) -> int:
        pod = self._pod
        if self._how is not None:
            return self._how(node, pod)
        score = node.scores.get(pod.demand)
        if score is None:
            score = node.scores[pod.demand] = allocation(node, pod)
        return score

    def _look(self, node: NodeInfo) -> Traits | None:
        if node.gone:
            self._traits.pop(node.order, None)
            return None
        known = self._traits.get(node.order)
        if known is None or known[0] != node.static:
            pod, traits = self._pod, None
            if refuses_always(node, pod) is None:
                domains = tuple(map(node.labels.get, self._keys))
                liked = (unwanted(node, pod), preference(node, pod)) if self._how is None else (0, 0)
                traits = Traits(*liked, domains)
            known = self._traits[node.order] = node.static, traits
        return known[1]

    def _remove(self, order: int, group: Group) -> None:
        group.remove(self.ranks[order][:2], order)
        if not group.size:
            del self.groups[group.traits]

    def _tell(self, node: NodeInfo) -> None:
        for watcher in self.watchers:
            watcher[node] = None


class Rankings:
    """The rankings of all signatures."""

    def __init__(self, changes: Changes, how: Worth | None) -> None:
        """``how`` ranks nodes, the highest first, instead of the scores of the scheduler."""
        self._changes = changes
        self._how = how
        self._known: dict[Hashable, Ranking] = {}

    def of(self, pod: Signature, keys: tuple[str, ...]) -> Ranking:
        """Return the ranking for a signature that sees these topology keys of nodes."""
        key = pod.same_fit, keys
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = Ranking(pod, keys, self._changes, self._how)
        return known
