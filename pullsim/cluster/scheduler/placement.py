"""The choice of the node that a pod is bound to."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pullsim.cluster.node import ClusterNode
    from pullsim.spec.pod import Pod

SPREAD, PACK, GIVEN = "spread", "pack", "given"


class Placement:
    """Chooses, among the nodes that have room, the one with the fewest pods (spread) or with the most pods (pack).

    On a tie it chooses the node that joined first. With ``given``, only pods that name their node or pool are bound. A
    pod that names a node or pool is bound only there. A node has room up to maxPods; other resources are not modelled.
    A node with the taint of disk pressure gets no pod, not even a DaemonSet's. A choice takes O(log nodes) steps.
    """

    def __init__(self, how: str) -> None:
        """``how``: spread | pack | given."""
        self._sign = -1 if how == PACK else 1
        self._given = how == GIVEN
        self._nodes: dict[str, ClusterNode] = {}  # nodes that have joined and not left, by name
        self._joined = 0  # number of nodes that have joined so far
        #: For each pool a heap of (pods, order, node), with pods negative to pack; outdated entries are skipped.
        self._pools: dict[str, list[tuple[int, int, ClusterNode]]] = {}

    def join(self, node: ClusterNode) -> None:
        """Add a node that pods can be bound to."""
        node.order = self._joined
        self._joined += 1
        self._nodes[node.name] = node
        self._pools.setdefault(node.pool, [])
        self._offer(node)

    def remove(self, name: str) -> None:
        """Remove a node, which leaves the cluster."""
        self._nodes.pop(name).tainted = True

    def leave(self, name: str, pod: Pod) -> None:
        """Free the place of a pod on a node, unless the node has left."""
        del pod
        node = self._nodes.get(name)
        if node is None:
            return
        node.pods -= 1
        self._offer(node)

    def taint(self, name: str, *, tainted: bool) -> None:
        """Set or remove the taint of a node, with which it gets no pods."""
        node = self._nodes[name]
        node.tainted = tainted
        self._offer(node)

    def images_changed(self, node: str) -> None:
        """Note that images came to a node or were removed from it; this placement does not depend on them."""

    def node(self, name: str) -> ClusterNode:
        """Return the node of that name. Raises KeyError if it has left."""
        return self._nodes[name]

    def nodes(self) -> list[ClusterNode]:
        """Return the nodes that have joined and not left, in the order in which they joined."""
        return list(self._nodes.values())

    def choose(self, pod: Pod) -> ClusterNode | None:
        """Choose a node for the pod and reserve a place on it; None: no node has room."""
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
