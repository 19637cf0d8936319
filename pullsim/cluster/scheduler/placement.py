"""Which node a pod is bound to."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pullsim.cluster.node import ClusterNode
    from pullsim.spec.pod import Pod

SPREAD, PACK, GIVEN = "spread", "pack", "given"


class Placement:
    """Chooses, of the nodes that have room, the one with the fewest pods (spread) or with the most pods (pack).

    Of several such nodes it is the one that joined first. ``given`` places only pods that name their node or pool. A
    pod that names a node or pool goes nowhere else. Room is maxPods: other resources are not modelled. A node with the
    taint of disk pressure gets no pod, not even a DaemonSet's. A choice is O(log nodes).
    """

    def __init__(self, how: str) -> None:
        self._sign = -1 if how == PACK else 1
        self._given = how == GIVEN
        self._nodes: dict[str, ClusterNode] = {}  # nodes that have joined and not left, by name
        self._joined = 0  # number of nodes that have joined so far
        #: A heap of (±pods, order, node) for each pool; entries that a later one has replaced are skipped.
        self._pools: dict[str, list[tuple[int, int, ClusterNode]]] = {}

    def join(self, node: ClusterNode) -> None:
        """Offer a node."""
        node.order = self._joined
        self._joined += 1
        self._nodes[node.name] = node
        self._pools.setdefault(node.pool, [])
        self._offer(node)

    def remove(self, name: str) -> None:
        """Offer a node no more: it leaves."""
        self._nodes.pop(name).tainted = True

    def leave(self, name: str, pod: Pod) -> None:
        """Take a pod's place back, unless its node has left."""
        del pod
        node = self._nodes.get(name)
        if node is None:
            return
        node.pods -= 1
        self._offer(node)

    def taint(self, name: str, *, tainted: bool) -> None:
        """Keep pods away from a node, or do so no more."""
        node = self._nodes[name]
        node.tainted = tainted
        self._offer(node)

    def images_changed(self, node: str) -> None:
        """Take note that a node has more images, or fewer: nothing here depends on them."""

    def node(self, name: str) -> ClusterNode:
        """Return the node of that name. Raises KeyError if it has left."""
        return self._nodes[name]

    def nodes(self) -> list[ClusterNode]:
        """Return the nodes that have joined."""
        return list(self._nodes.values())

    def choose(self, pod: Pod) -> ClusterNode | None:
        """Take a place for the pod on a node; None: no node has room now."""
        node = self._choose(pod)
        if node is not None:
            node.pods += 1
            self._offer(node)
        return node

    def _choose(self, pod: Pod) -> ClusterNode | None:
        if pod.node is not None:
            node = self._nodes.get(pod.node)
            return node if node is not None and node.has_room else None
        if self._given and pod.pool is None:
            return None
        pools = self._pools if pod.pool is None else (pod.pool,)
        heads = [head for pool in pools if (head := self._head(pool)) is not None]
        return min(heads, key=lambda head: head[:2])[2] if heads else None

    def _head(self, pool: str) -> tuple[int, int, ClusterNode] | None:
        heap = self._pools.get(pool, [])
        while heap and (heap[0][0] != self._sign * heap[0][2].pods or not heap[0][2].has_room):
            heappop(heap)
        return heap[0] if heap else None

    def _offer(self, node: ClusterNode) -> None:
        if node.has_room:
            heappush(self._pools[node.pool], (self._sign * node.pods, node.order, node))
