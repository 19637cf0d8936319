"""The nodes that are candidates for the pods of one signature, kept so that a choice need not look at all of them."""

from __future__ import annotations

from heapq import heappop, heappush, heapreplace
from typing import TYPE_CHECKING, Final

from pullsim.cluster.scheduler.scores import (
    NODE_AFFINITY,
    POD_AFFINITY,
    TAINT_TOLERATION,
    TOPOLOGY_SPREAD,
    locality,
    normalized,
)
from pullsim.cluster.scheduler.topology import Place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pullsim.cluster.scheduler.changes import Changes
    from pullsim.cluster.scheduler.node_info import NodeInfo
    from pullsim.cluster.scheduler.ranking import Group, Rank, Rankings
    from pullsim.cluster.scheduler.signature import Signature
    from pullsim.cluster.scheduler.topology import Topology

    Images = tuple[tuple[str, int], ...]
    Own = tuple[Images, tuple[int, ...]]  # the images that a node has of the pod's, and counts of pods on it

NOTHING: Own = (), ()
SLACK: Final = 64  # outdated entries that a heap may have beside as many as it has members


class Bucket:
    """Feasible nodes that are equal in all that is compared between nodes."""

    __slots__ = ("group", "heap", "images", "members", "own", "place")

    def __init__(self, group: Group, own: Own, zeros: tuple[int, ...]) -> None:
        self.group, self.own = group, own
        self.images = own[0]
        self.place = Place(own[1] or zeros, group.traits.domains)
        self.members: dict[int, None] = {}  # nodes by order of joining; empty: all of the group that are in no other
        self.heap: list[Rank] = []  # at least one for each member, no worse than its rank

    def add(self, node: int, rank: Rank) -> None:
        """Add a member."""
        self.members[node] = None
        heappush(self.heap, rank)

    def first(self, ranks: Mapping[int, Rank]) -> Rank:
        """Return the best rank of a member; ``ranks`` are those of all nodes."""
        heap, members = self.heap, self.members
        if len(heap) > 2 * len(members) + SLACK:
            heap[:] = sorted(ranks[node] for node in members)
        while True:
            rank = heap[0]
            now = ranks[rank[2]] if rank[2] in members else None
            if now == rank:
                return rank
            if now is None or now < rank:  # a better entry of the same node has come before this one
                heappop(heap)
            else:
                heapreplace(heap, now)


class Candidates:
    """The feasible nodes of the pods of one signature, in buckets.

    What a node's score depends on is of two kinds. How much of it is free concerns the node alone: by that a `Ranking`
    keeps the nodes in order, for all signatures to which it is the same. What is compared between nodes or counted over
    them (images, preferences, the pods of a domain) is the same for many nodes: these are a bucket, and are scored
    together at each choice; then the first node of each bucket is compared. Only nodes that have the pod's images or
    pods that count are kept here, in the heap of their bucket, where an entry stays when its node gets worse and is put
    right when it comes to the top; the others of a group of the ranking are a bucket too. A choice takes O(changes x
    log nodes + buckets) steps, and more only where most nodes that have much free are in buckets that are not wanted.
    """

    def __init__(
        self, pod: Signature, topology: Topology, changes: Changes, rankings: Rankings, *, scored: bool
    ) -> None:
        """``scored``: the scores of the scheduler count, and not only the ranking."""
        self._pod = pod
        self._topology = topology
        self._changes = changes
        self._rankings = rankings
        self._scored = scored
        self._changed: dict[NodeInfo, None] = {}  # nodes whose group, images or own pods have changed
        self._better: dict[int, None] = {}  # nodes that have a better rank
        if scored:
            changes.watch(pod.images, self._changed)
        self._begin()

    def best(self) -> NodeInfo | None:
        """Return the node that the next pod gets; None: no node is feasible."""
        self._refresh()
        buckets = self._feasible()
        if not buckets:
            return None
        nodes = self._ranking.nodes
        if len(buckets) == 1:
            return nodes[self._first(buckets[0])[2]]
        bonus = self._bonus(buckets) if self._scored else [0] * len(buckets)
        # No node of a bucket is better than the first of its group, so most buckets need not be searched.
        bounds = sorted([(bucket.group.top[0] - bonus[number], number) for number, bucket in enumerate(buckets)])
        best: Rank | None = None
        for bound, number in bounds:
            if best is not None and bound > best[0]:
                break
            score, pods, node = self._first(buckets[number])
            rank = score - bonus[number], pods, node
            best = rank if best is None else min(best, rank)
        assert best is not None
        return nodes[best[2]]

    def _begin(self) -> None:
        """Begin anew: which labels of nodes matter has changed."""
        self._meaning = self._topology.changes
        self._topology.unwatch(self._changed)
        self._topology.watch(self._changed)
        self._zeros = self._topology.zeros
        self._ranking = self._rankings.of(self._pod, self._topology.keys)
        if not any(each is self._changed for each in self._ranking.watchers):
            self._ranking.watchers.append(self._changed)
            self._ranking.better.append(self._better)
        self._groups: dict[Group, Bucket] = {}  # the nodes of each group that are in no other bucket
        self._buckets: dict[tuple[Group, Own], Bucket] = {}
        self._places: dict[int, Bucket] = {}  # the nodes that are in one of these
        self._apart: dict[Group, int] = {}  # number of these nodes
        self._changed.update(dict.fromkeys(map(self._changes.node, self._topology.occupied())))
        if self._scored:
            for name in self._pod.images:
                self._changed.update(self._changes.holders.get(name, {}))

    def _refresh(self) -> None:
        if self._meaning != self._topology.changes:
            self._begin()
        self._ranking.refresh()
        if self._better:
            places, ranks = self._places, self._ranking.ranks
            for order in self._better:
                if order in places and order in ranks:
                    heappush(places[order].heap, ranks[order])
            self._better.clear()
        if self._changed:
            for node in self._changed:
                self._update(node)
            self._changed.clear()

    def _update(self, node: NodeInfo) -> None:
        order = node.order
        before = self._places.pop(order, None)
        if before is not None:
            del before.members[order]
            self._apart[before.group] -= 1
            if not before.members:
                del self._buckets[before.group, before.own]
        group = self._ranking.places.get(order)
        if group is None:
            return
        own = self._own(node)
        if own == NOTHING:
            return
        bucket = self._buckets.get((group, own))
        if bucket is None:
            bucket = self._buckets[group, own] = Bucket(group, own, self._zeros)
        bucket.add(order, self._ranking.ranks[order])
        self._places[order] = bucket
        self._apart[group] = self._apart.get(group, 0) + 1

    def _own(self, node: NodeInfo) -> Own:
        images = node.images
        present: Images = ()
        if images and self._scored:
            present = tuple((name, images[name]) for name in self._pod.images if name in images)
        counts = self._topology.counts(node)
        return present, counts if any(counts) else ()

    def _feasible(self) -> list[Bucket]:
        """Return the buckets that have nodes and whose place the filters accept."""
        buckets = []
        groups, apart = self._groups, self._apart
        if len(groups) > 2 * len(self._ranking.groups):
            groups.clear()
        for group in self._ranking.groups.values():
            if group.size > apart.get(group, 0):
                bucket = groups.get(group)
                if bucket is None:
                    bucket = groups[group] = Bucket(group, NOTHING, self._zeros)
                buckets.append(bucket)
        buckets += self._buckets.values()
        if self._topology.refuses_none:
            return buckets
        refuses = self._topology.refuses
        return [bucket for bucket in buckets if refuses(bucket.place) is None]

    def _first(self, bucket: Bucket) -> Rank:
        """Return the best rank of a node of a bucket."""
        return bucket.first(self._ranking.ranks) if bucket.members else bucket.group.first_but(self._places)

    def _bonus(self, buckets: Sequence[Bucket]) -> list[int]:
        """Return the scores of the buckets of all that is compared between nodes."""
        pod, topology = self._pod, self._topology
        present = {images: self._locality(images) for images in {bucket.images for bucket in buckets}}
        bonus = [present[bucket.images] for bucket in buckets]
        if any(traits.unwanted for traits in self._ranking.groups):
            unwanted = [bucket.group.traits.unwanted for bucket in buckets]
            bonus = _sum(bonus, normalized(unwanted, reverse=True), TAINT_TOLERATION)
        if pod.scheduling.preferred_nodes:
            preferred = [bucket.group.traits.preferred for bucket in buckets]
            bonus = _sum(bonus, normalized(preferred, reverse=False), NODE_AFFINITY)
        if topology.spreads or topology.likes:
            places = [bucket.place for bucket in buckets]
            if topology.spreads:
                apart = self._apart
                sizes = [len(bucket.members) or bucket.group.size - apart.get(bucket.group, 0) for bucket in buckets]
                bonus = _sum(bonus, topology.spread(places, sizes), TOPOLOGY_SPREAD)
            if topology.likes:
                bonus = _sum(bonus, topology.liking(places), POD_AFFINITY)
        return bonus

    def _locality(self, images: Images) -> int:
        """Return the score of nodes that have these images of the pod's."""
        if not images:
            return 0
        total, holders = self._changes.nodes, self._changes.holders
        present = sum([int(size * (len(holders[name]) / total)) for name, size in images])
        return locality(present, len(self._pod.images))


def _sum(scores: Sequence[int], others: Sequence[int], weight: int) -> list[int]:
    return [score + weight * other for score, other in zip(scores, others, strict=True)]
