"""Sums over the pods of each domain of a topology, such as a zone or a single node."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from pullsim.cluster.scheduler.node_info import NodeInfo
    from pullsim.cluster.scheduler.signature import Signature


class Tally:
    """The sum of the weights of the pods in each domain: of the nodes that have the same value of a label.

    Only nodes that have the label and are eligible belong to a domain.
    """

    __slots__ = ("_eligible", "_nodes", "by_node", "key", "levels", "live", "sums", "total", "watchers", "weigh")

    def __init__(
        self,
        key: str,
        weigh: Callable[[Signature], int],
        eligible: Callable[[NodeInfo], bool] | None = None,
        *,
        live: bool = False,
    ) -> None:
        """``live``: pods that are being deleted do not count."""
        self.key = key
        self.weigh = weigh
        self.live = live
        self._eligible = eligible
        self.by_node: dict[str, int] = {}
        self._nodes: Counter[str] = Counter()  # number of nodes of each domain
        self.sums: dict[str, int] = {}  # by domain
        self.levels: Counter[int] = Counter()  # number of domains that have the same sum
        self.total = 0
        self.watchers: list[dict[NodeInfo, None]] = []  # to which nodes are added whose own pods' weight has changed

    def join(self, node: NodeInfo) -> None:
        """Take a node into its domain, with its pods."""
        value = node.labels.get(self.key)
        if value is None or (self._eligible is not None and not self._eligible(node)):
            return
        self.by_node[node.name] = 0
        self._nodes[value] += 1
        if value not in self.sums:
            self.sums[value] = 0
            self.levels[0] += 1
        for pod, count in (node.live if self.live else node.signatures).items():
            if count and (weight := self.weigh(pod)):
                self.add(node, weight * count)

    def leave(self, node: NodeInfo) -> None:
        """Take a node out of its domain, which ends with its last node."""
        if node.name not in self.by_node:
            return
        self.add(node, -self.by_node[node.name])
        del self.by_node[node.name]
        value = node.labels[self.key]
        self._nodes[value] -= 1
        if not self._nodes[value]:
            self._level(self.sums.pop(value), -1)

    def add(self, node: NodeInfo, weight: int) -> None:
        """Add the weight of a pod that came to a node; negative: of one that is gone."""
        if node.name not in self.by_node:
            return
        self.by_node[node.name] += weight
        value = node.labels[self.key]
        before = self.sums[value]
        self.sums[value] = before + weight
        self._level(before, -1)
        self._level(before + weight, 1)
        self.total += weight
        for watcher in self.watchers:
            watcher[node] = None

    def lowest(self, domains: int) -> int:
        """Return the smallest sum of a domain; 0 if there are fewer than ``domains``."""
        return min(self.levels) if len(self.sums) >= domains else 0

    def _level(self, level: int, change: int) -> None:
        self.levels[level] += change
        if not self.levels[level]:
            del self.levels[level]


class Tallies:
    """All tallies of a cluster, each kept up to date as long as the run lasts."""

    def __init__(self) -> None:
        self._nodes: dict[str, NodeInfo] = {}
        self._tallies: dict[Hashable, Tally] = {}
        #: The tallies that a pod counts in with its weight, by signature; first those of pods that are not deleted.
        self._feeds: dict[Signature, tuple[list[tuple[Tally, int]], list[tuple[Tally, int]]]] = {}

    def share(self, key: Hashable, tally: Tally) -> Tally:
        """Return the tally that is known by the key; if there is none, take this one."""
        known = self._tallies.setdefault(key, tally)
        if known is tally:
            for node in self._nodes.values():
                tally.join(node)
            for pod, feeds in self._feeds.items():
                if weight := tally.weigh(pod):
                    feeds[not tally.live].append((tally, weight))
        return known

    def join(self, node: NodeInfo) -> None:
        """Add a node, which has no pods."""
        self._nodes[node.name] = node
        for tally in self._tallies.values():
            tally.join(node)

    def leave(self, node: NodeInfo) -> None:
        """Remove a node with its pods."""
        del self._nodes[node.name]
        for tally in self._tallies.values():
            tally.leave(node)

    def tainted(self, node: NodeInfo) -> None:
        """Note that the taints of a node have changed, and with them whether it is eligible."""
        for tally in self._tallies.values():
            tally.leave(node)
            tally.join(node)

    def bound(self, node: NodeInfo, pod: Signature) -> None:
        """Count a pod that was bound to a node."""
        live, others = self._of(pod)
        _add(live, node, 1)
        _add(others, node, 1)

    def ended(self, node: NodeInfo, pod: Signature) -> None:
        """Stop counting a pod that is being deleted where such pods do not count."""
        _add(self._of(pod)[0], node, -1)

    def gone(self, node: NodeInfo, pod: Signature) -> None:
        """Stop counting a pod that is gone."""
        _add(self._of(pod)[1], node, -1)

    def _of(self, pod: Signature) -> tuple[list[tuple[Tally, int]], list[tuple[Tally, int]]]:
        feeds = self._feeds.get(pod)
        if feeds is None:
            feeds = self._feeds[pod] = [], []
            for tally in self._tallies.values():
                if weight := tally.weigh(pod):
                    feeds[not tally.live].append((tally, weight))
        return feeds


def _add(feeds: Iterable[tuple[Tally, int]], node: NodeInfo, sign: int) -> None:
    for tally, weight in feeds:
        tally.add(node, sign * weight)
