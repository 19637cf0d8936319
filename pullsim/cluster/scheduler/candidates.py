"""The nodes that are candidates for the pods of one signature, kept so that a choice need not look at all of them."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Final

from pullsim.cluster.scheduler.filters import fits, refuses_always
from pullsim.cluster.scheduler.scores import (
    NODE_AFFINITY,
    POD_AFFINITY,
    TAINT_TOLERATION,
    TOPOLOGY_SPREAD,
    allocation,
    locality,
    normalized,
    preference,
    unwanted,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pullsim.cluster.scheduler.changes import Changes
    from pullsim.cluster.scheduler.node_info import NodeInfo
    from pullsim.cluster.scheduler.signature import Signature
    from pullsim.cluster.scheduler.topology import Place, Topology

    Entry = tuple[int, int, int, NodeInfo]  # minus its own score, number of pods, order of joining, node
    Traits = tuple[tuple[tuple[str, int], ...], int, int, Place]

SLACK: Final = 64  # outdated entries that a heap may have beside as many as it has valid ones


class Bucket:
    """The feasible nodes that are equal in all that is compared between nodes, with a heap of the rest of the score."""

    __slots__ = ("entries", "images", "place", "preferred", "size", "unwanted")

    def __init__(self, traits: Traits) -> None:
        self.images, self.unwanted, self.preferred, self.place = traits
        self.entries: list[Entry] = []
        self.size = 0  # number of valid entries


class Candidates:
    """The feasible nodes of the pods of one signature, in buckets.

    What a node's score depends on is of two kinds. How much of it is free concerns the node alone: that part is an
    entry in a heap. What is compared between nodes or counted over them (images, preferences, the pods of a domain) is
    the same for many nodes: these are a bucket, and are scored together at each choice. When a node changes, it gets a
    new entry and the old one is skipped. A choice takes O(changes x log nodes + buckets) steps.
    """

    def __init__(
        self, pod: Signature, topology: Topology, changes: Changes, how: Callable[[NodeInfo, Signature], int] | None
    ) -> None:
        """``how`` ranks the nodes, the highest first; None: the scores of the scheduler do."""
        self._pod = pod
        self._topology = topology
        self._changes = changes
        self._how = how
        self._seen = -1  # number of changes that are taken into account; -1: not even the nodes are
        self._meaning = topology.changes
        self._buckets: dict[Traits, Bucket] = {}
        self._entries: dict[str, tuple[Bucket, Entry]] = {}  # the valid entry of each feasible node
        #: By node: its number of changes of taints, and whether it may be feasible, with the traits that depend on it.
        self._fixed: dict[str, tuple[int, bool, int, int]] = {}

    def best(self) -> NodeInfo | None:
        """Return the node that the next pod gets; None: no node is feasible."""
        self._refresh()
        refuses = self._topology.refuses
        buckets = list(self._buckets.values())
        if not self._topology.plain:
            buckets = [bucket for bucket in buckets if refuses(bucket.place) is None]
        if not buckets:
            return None
        if len(buckets) == 1:
            return self._head(buckets[0])[3]
        bonus = self._bonus(buckets) if self._how is None else [0] * len(buckets)
        heads = (
            (score - extra, pods, order, node)
            for extra, (score, pods, order, node) in zip(bonus, map(self._head, buckets), strict=True)
        )
        return min(heads, key=lambda head: head[:3])[3]

    def _bonus(self, buckets: Sequence[Bucket]) -> list[int]:
        """Return the scores of the buckets of all that is compared between nodes."""
        pod, topology = self._pod, self._topology
        total = self._changes.nodes
        holders = self._changes.holders
        bonus = [0] * len(buckets)
        if pod.images:
            for number, bucket in enumerate(buckets):
                if bucket.images:
                    present = sum(int(size * (holders[name] / total)) for name, size in bucket.images)
                    bonus[number] += locality(present, len(pod.images))
        if any(bucket.unwanted for bucket in buckets):
            _add(bonus, normalized([bucket.unwanted for bucket in buckets], reverse=True), TAINT_TOLERATION)
        if pod.scheduling.preferred_nodes:
            _add(bonus, normalized([bucket.preferred for bucket in buckets], reverse=False), NODE_AFFINITY)
        if not topology.plain:
            _add(bonus, topology.spread([(bucket.place, bucket.size) for bucket in buckets]), TOPOLOGY_SPREAD)
            _add(bonus, topology.liking([bucket.place for bucket in buckets]), POD_AFFINITY)
        return bonus

    def _refresh(self) -> None:
        if self._meaning != self._topology.changes:
            self._meaning = self._topology.changes
            self._seen = -1
        changed = self._changes.since(self._seen)
        if changed is None:
            self._buckets.clear()
            self._entries.clear()
            changed = self._changes.all()
        self._seen = self._changes.count
        for node in changed:
            self._update(node)

    def _update(self, node: NodeInfo) -> None:
        pod = self._pod
        before = self._entries.get(node.name)
        possible, avoided, preferred = self._look(node)
        if not possible or not fits(node, pod):
            if before is not None:
                del self._entries[node.name]
                self._drop(before[0])
            return
        images = node.images
        present = tuple((name, images[name]) for name in pod.images if name in images) if images else ()
        traits = present, avoided, preferred, self._topology.place(node)
        if self._how is None:
            entry = -allocation(node, pod), node.pods, node.order, node
        else:
            entry = -self._how(node, pod), node.pods, node.order, node
            traits = (), 0, 0, traits[3]
        bucket = self._buckets.get(traits)
        if before is not None:
            if before[0] is bucket and before[1] == entry:
                return
            if before[0] is not bucket:
                self._drop(before[0])
        if bucket is None:
            bucket = self._buckets[traits] = Bucket(traits)
        if before is None or before[0] is not bucket:
            bucket.size += 1
        self._entries[node.name] = bucket, entry
        heappush(bucket.entries, entry)
        if len(bucket.entries) > 2 * bucket.size + SLACK:
            bucket.entries = [each for each in bucket.entries if self._is_valid(bucket, each)]
            heapify(bucket.entries)

    def _look(self, node: NodeInfo) -> tuple[bool, int, int]:
        """Return whether labels and taints let the pod in, and what they are worth."""
        if node.gone:
            return False, 0, 0
        known = self._fixed.get(node.name)
        if known is None or known[0] != node.static:
            pod = self._pod
            possible = refuses_always(node, pod) is None
            known = node.static, possible, unwanted(node, pod), preference(node, pod)
            self._fixed[node.name] = known
        return known[1:]

    def _drop(self, bucket: Bucket) -> None:
        """Note that a bucket has an entry less."""
        bucket.size -= 1
        if not bucket.size:
            del self._buckets[bucket.images, bucket.unwanted, bucket.preferred, bucket.place]

    def _head(self, bucket: Bucket) -> Entry:
        entries = bucket.entries
        while not self._is_valid(bucket, entries[0]):
            heappop(entries)
        return entries[0]

    def _is_valid(self, bucket: Bucket, entry: Entry) -> bool:
        valid = self._entries.get(entry[3].name)
        return valid is not None and valid[1] is entry and valid[0] is bucket


def _add(scores: list[int], others: Sequence[int], weight: int) -> None:
    for number, other in enumerate(others):
        scores[number] += weight * other
