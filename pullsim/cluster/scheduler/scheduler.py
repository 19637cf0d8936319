"""The scheduler, which binds pods to nodes and keeps the pending pods."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pullsim.cluster.node import ClusterNode
    from pullsim.cluster.scheduler.placement import Placement
    from pullsim.kubelet.pod_status import PodStatus


class Scheduler:
    """Binds each pod to the node that the placement chooses; pods without a node wait in order of creation."""

    def __init__(self, placement: Placement) -> None:
        self._placement = placement
        self._pending: deque[PodStatus] = deque()

    def add(self, pod: PodStatus) -> None:
        """Bind a pod that was just created, or let it wait until a node has room."""
        if not self._bind(pod):
            self._pending.append(pod)

    def delete(self, pod: PodStatus) -> None:
        """Remove a pod that was deleted while it was pending."""
        self._pending.remove(pod)

    def pending(self) -> Iterable[PodStatus]:
        """Return the pods that are not bound, in the order in which they are tried."""
        return tuple(self._pending)

    def join(self, node: ClusterNode) -> None:
        """Add a node that has joined; pending pods are tried at the next `retry`."""
        self._placement.join(node)

    def remove(self, node: str) -> None:
        """Remove a node, which leaves the cluster."""
        self._placement.remove(node)

    def nodes(self) -> list[ClusterNode]:
        """Return the nodes that have joined and not left, in the order in which they joined."""
        return self._placement.nodes()

    def node(self, name: str) -> ClusterNode:
        """Return the node of that name. Raises KeyError if it has left."""
        return self._placement.node(name)

    def terminated(self, pod: PodStatus) -> None:
        """Free the place of a pod that is gone, and try the pending pods."""
        assert pod.node is not None
        self._placement.leave(pod.node, pod.pod)
        self.retry()

    def disk_pressure(self, node: str, *, under_pressure: bool) -> None:
        """Taint a node that is under disk pressure, or take the taint away."""
        self._placement.taint(node, tainted=under_pressure)
        if not under_pressure:
            self.retry()

    def images_changed(self, node: str) -> None:
        """Take note that an image came to the node or was removed from it."""
        self._placement.images_changed(node)

    def pressure_may_end(self) -> bool:
        """Whether the disk pressure of a node may still end, so that it takes pods again."""
        return any(node.kubelet.housekeeping.pressure_may_end for node in self.nodes())

    def retry(self) -> None:
        """Try to bind the pending pods, in order of creation."""
        full = False  # whether no node has room for a pod that names neither node nor pool
        for _ in range(len(self._pending)):
            pod = self._pending.popleft()
            anywhere = pod.pod.node is None and pod.pod.pool is None
            if (full and anywhere) or not self._bind(pod):
                self._pending.append(pod)
                full = full or anywhere

    def dissolve(self) -> None:
        """Drop the reference to the placement, whose nodes refer back to the scheduler."""
        del self._placement

    def _bind(self, pod: PodStatus) -> bool:
        """Bind a pod; return whether a node had room for it."""
        node = self._placement.choose(pod.pod)
        if node is None:
            return False
        node.bind(pod)
        return True
