"""The domains of a topology, such as its zones or its single nodes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.cluster.scheduler.node_info import NodeInfo
    from pullsim.cluster.scheduler.tally import Tally


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
            if weight := tally.by_node.get(node):
                tally.add(node, -weight)
        value = self.of.pop(node)
        self._sizes[value] -= 1
        if not self._sizes[value]:
            del self._sizes[value]

    def tainted(self, node: NodeInfo) -> None:
        """Note that the taints of a node have changed, and with them whether it is eligible."""
        if self._eligible is not None and self._eligible(node) != (node in self.of):
            self.leave(node)
            self.join(node)
