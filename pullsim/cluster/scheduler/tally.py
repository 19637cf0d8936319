"""Sums over the pods of each domain of a topology, such as a zone or a single node."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from pullsim.cluster.scheduler.node_info import NodeInfo
    from pullsim.cluster.scheduler.signature import Signature

Key = TypeVar("Key")


class Domains:
    """The nodes that have the same value of a label, value by value.

    Only nodes that have the label and are eligible belong to a domain.
    """

    __slots__ = ("_eligible", "_sizes", "key", "of", "tallies")

    def __init__(self, key: str, eligible: Callable[[NodeInfo], bool] | None = None) -> None:
        self.key = key
        self.of: dict[NodeInfo, str] = {}  # the domain of each node that belongs to one
        self.tallies: list[Tally] = []  # those that sum over these domains
        self._eligible = eligible
        self._sizes: Counter[str] = Counter()  # number of nodes of each domain

    def __len__(self) -> int:
        """Return the number of domains."""
        return len(self._sizes)

    def join(self, node: NodeInfo) -> None:
        """Take a node into its domain, with its pods."""
        value = node.labels.get(self.key)
        if value is None or (self._eligible is not None and not self._eligible(node)):
            return
        self.of[node] = value
        self._sizes[value] += 1
        for tally in self.tallies:
            tally.count(node)

    def leave(self, node: NodeInfo) -> None:
        """Take a node with its pods out of its domain, which ends with its last node."""
        if node not in self.of:
            return
        for tally in self.tallies:
            tally.count(node, -1)
        value = self.of.pop(node)
        self._sizes[value] -= 1
        if not self._sizes[value]:
            del self._sizes[value]

    def tainted(self, node: NodeInfo) -> None:
        """Note that the taints of a node have changed, and with them whether it is eligible."""
        if self._eligible is not None and self._eligible(node) != (node in self.of):
            self.leave(node)
            self.join(node)


class Tally:
    """The sum of the weights of the pods in each domain; what is 0 has no entry."""

    __slots__ = ("_levels", "domains", "live", "sums", "total", "watchers", "weigh", "weights")

    def __init__(self, domains: Domains, weigh: Callable[[Signature], int], *, live: bool = False) -> None:
        """``live``: pods that are being deleted do not count."""
        self.domains = domains
        self.weigh = weigh
        self.live = live
        self.weights: dict[Signature, int] = {}  # of the pods that count, as far as they are known
        self.sums: dict[str, int] = {}  # by domain
        self.total = 0
        self.watchers: list[dict[NodeInfo, None]] = []  # to which nodes are added whose own pods' weight has changed
        self._levels: Counter[int] | None = None  # number of domains that have the same sum; None: nobody has asked

    def count(self, node: NodeInfo, sign: int = 1) -> None:
        """Add the weights of all pods of a node; ``sign`` -1: take them away."""
        weight = sum(weight * node.count(pod, live=self.live) for pod, weight in self.weights.items())
        if weight:
            self.add(node, sign * weight)

    def add(self, node: NodeInfo, weight: int) -> None:
        """Add the weight of a pod that came to a node; negative: of one that is gone."""
        domain = self.domains.of.get(node)
        if domain is None:
            return
        before, after = _change(self.sums, domain, weight)
        self.total += weight
        if self._levels is not None:
            for level, change in ((before, -1), (after, 1)):
                if level:
                    _change(self._levels, level, change)
        for watcher in self.watchers:
            watcher[node] = None

    def lowest(self, domains: int) -> int:
        """Return the smallest sum of a domain; 0 if there are fewer than ``domains``."""
        if len(self.domains) < domains:
            return 0
        if self._levels is None:
            self._levels = Counter(self.sums.values())
        lowest = min(self._levels, default=0)
        return lowest if len(self.sums) == len(self.domains) else min(lowest, 0)


class Tallies:
    """All tallies of a cluster, each kept up to date as long as the run lasts."""

    def __init__(self) -> None:
        self._nodes: dict[NodeInfo, None] = {}
        self._domains: dict[Hashable, Domains] = {}
        self._tallies: dict[Hashable, Tally] = {}
        #: The tallies that a pod counts in with its weight, by signature; first those of pods that are not deleted.
        self._feeds: dict[Signature, tuple[list[tuple[Tally, int]], list[tuple[Tally, int]]]] = {}

    def domains(self, key: str, nodes: Hashable = None, eligible: Callable[[NodeInfo], bool] | None = None) -> Domains:
        """Return the domains of a topology key; ``nodes`` is equal for those that have the same eligible nodes."""
        known = self._domains.get((key, nodes))
        if known is None:
            known = self._domains[key, nodes] = Domains(key, eligible)
            for node in self._nodes:
                known.join(node)
        return known

    def share(self, key: Hashable, tally: Tally) -> Tally:
        """Return the tally that is known by the key; if there is none, take this one."""
        known = self._tallies.setdefault(key, tally)
        if known is tally:
            tally.domains.tallies.append(tally)
            for pod, feeds in self._feeds.items():
                _feed(feeds, pod, tally)
            if tally.weights:
                for node in tally.domains.of:
                    tally.count(node)
        return known

    def join(self, node: NodeInfo) -> None:
        """Add a node, which has no pods."""
        self._nodes[node] = None
        for domains in self._domains.values():
            domains.join(node)

    def leave(self, node: NodeInfo) -> None:
        """Remove a node with its pods."""
        del self._nodes[node]
        for domains in self._domains.values():
            domains.leave(node)

    def tainted(self, node: NodeInfo) -> None:
        """Note that the taints of a node have changed, and with them whether it is eligible."""
        for domains in self._domains.values():
            domains.tainted(node)

    def bound(self, node: NodeInfo, pod: Signature) -> None:
        """Count a pod that was bound to a node."""
        for feeds in self._of(pod):
            for tally, weight in feeds:
                tally.add(node, weight)

    def ended(self, node: NodeInfo, pod: Signature) -> None:
        """Stop counting a pod that is being deleted where such pods do not count."""
        for tally, weight in self._of(pod)[0]:
            tally.add(node, -weight)

    def gone(self, node: NodeInfo, pod: Signature) -> None:
        """Stop counting a pod that is gone."""
        for tally, weight in self._of(pod)[1]:
            tally.add(node, -weight)

    def _of(self, pod: Signature) -> tuple[list[tuple[Tally, int]], list[tuple[Tally, int]]]:
        feeds = self._feeds.get(pod)
        if feeds is None:
            feeds = self._feeds[pod] = [], []
            for tally in self._tallies.values():
                _feed(feeds, pod, tally)
        return feeds


def _feed(feeds: tuple[list[tuple[Tally, int]], list[tuple[Tally, int]]], pod: Signature, tally: Tally) -> None:
    """Let a pod count in a tally, if it has a weight there."""
    if weight := tally.weigh(pod):
        tally.weights[pod] = weight
        feeds[not tally.live].append((tally, weight))


def _change(sums: dict[Key, int], key: Key, change: int) -> tuple[int, int]:
    """Change a sum, of which there is no entry if it is 0; return what it was and what it is."""
    before = sums.get(key, 0)
    after = before + change
    if after:
        sums[key] = after
    else:
        del sums[key]
    return before, after
