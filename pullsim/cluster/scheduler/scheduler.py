"""The scheduler, which binds pods to nodes and keeps the pending pods."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pullsim.cluster.scheduler.node_images import NodeImages
from pullsim.cluster.scheduler.node_info import DISK_PRESSURE, NOT_READY, NodeInfo
from pullsim.cluster.scheduler.placement import Placement
from pullsim.cluster.scheduler.scheduling_queue import SchedulingQueue
from pullsim.cluster.scheduler.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from pullsim.cluster.node import ClusterNode
    from pullsim.kernel.environment import Environment
    from pullsim.kubelet.pod_status import PodStatus
    from pullsim.spec.cluster import ClusterSpec
    from pullsim.spec.pod import Pod


class Scheduler:
    """Binds each pod to the node that the placement chooses; pods that fit nowhere wait in a queue."""

    __deletable__ = ("_queue",)  # asked for by mypyc; see `dissolve`

    def __init__(self, env: Environment, spec: ClusterSpec) -> None:
        self._env = env
        self._placement = Placement(spec.placement, spec.owners)
        self._queue = SchedulingQueue(self._bind)
        self._nodes: dict[str, ClusterNode] = {}  # nodes that have joined and not left, by name
        #: The images in the status of the nodes; empty if no pod leaves the choice of its node to the scheduler.
        self._images: dict[str, NodeImages] = {}
        self._looks_at_images = any(pod.node is None for pod in spec.pods)
        self._waits = False  # whether pods that are created wait until `batch` ends
        self._not_ready: dict[str, None] = {}  # nodes that have joined and are not ready

    @contextmanager
    def batch(self) -> Generator[None]:
        """Let all pods that are created in the block wait until its end, so that their priorities count."""
        self._waits = True
        yield
        self._waits = False
        self._queue.retry()

    @contextmanager
    def trial(self, *, ready_only: bool = False) -> Generator[Trial]:
        """Try in the block where pods would go if nodes were other ones; nothing of it is left afterwards.

        Nodes that are not ready yet take pods in it, unless ``ready_only`` is set.
        """
        trial = Trial(self._placement, () if ready_only else self._not_ready)
        yield trial
        trial.undo()

    def add(self, pod: PodStatus) -> None:
        """Bind a pod that was just created, or let it wait until a node is feasible."""
        if self._waits:
            self._wait(pod)
        elif self._bind(pod):
            self._queue.bound()
        else:
            self._wait(pod)

    def delete(self, pod: PodStatus) -> None:
        """Remove a pod that was deleted while it was pending."""
        pod.troubled().message = self._placement.explain(pod.pod)
        self._queue.delete(pod)

    @property
    def idle(self) -> bool:
        """Whether no pod waits for a node."""
        return self._queue.empty

    def pending(self) -> Iterable[PodStatus]:
        """Return the pods that are not bound, in the order in which they are tried."""
        return self._queue.pods()

    def pending_for(self, node: str) -> Iterable[PodStatus]:
        """Return the pods that are not bound and name the node."""
        return self._queue.naming(node)

    def explain(self) -> None:
        """Tell the pods that are not bound why, in the words of the event FailedScheduling."""
        for pods in self._queue.alike():
            message = self._placement.explain(pods[0].pod)
            for pod in pods:
                pod.troubled().message = message

    def runs_daemon(self, node: str, pod: Pod) -> bool:
        """Whether a DaemonSet has its pod on a node: whether the node's labels and taints let it in."""
        return self._placement.runs_daemon(node, pod)

    def join(self, node: ClusterNode) -> None:
        """Add a node that has joined; pending pods are tried at the next `retry`."""
        info = NodeInfo(node.node)
        if node.node.ready_after:
            info.taint(NOT_READY, tainted=True)
            self._not_ready[node.name] = None
        self._nodes[node.name] = node
        self._placement.join(info)
        if self._looks_at_images:
            self._images[node.name] = NodeImages(self._env, node, lambda images: self._placement.listed(info, images))

    def is_ready(self, node: str) -> bool:
        """Whether a node that has joined is ready."""
        return node not in self._not_ready

    def ready(self, node: str) -> bool:
        """Take the taint of a node away that it has until it is ready, and return whether it has not left before.

        Pods are tried at the next `retry`.
        """
        if node not in self._nodes:
            return False
        del self._not_ready[node]
        self._placement.taint(node, NOT_READY, tainted=False)
        return True

    def remove(self, node: str) -> None:
        """Remove a node, which leaves the cluster."""
        del self._nodes[node]
        self._not_ready.pop(node, None)
        self._images.pop(node, None)
        self._placement.remove(node)

    def nodes(self) -> list[ClusterNode]:
        """Return the nodes that have joined and not left, in the order in which they joined."""
        return list(self._nodes.values())

    def node(self, name: str) -> ClusterNode:
        """Return the node of that name. Raises KeyError if it has left."""
        return self._nodes[name]

    def ended(self, pod: PodStatus) -> None:
        """Note that a pod that is bound is being deleted, was evicted, or has completed."""
        assert pod.node is not None
        self._placement.ended(pod.node, pod.pod)

    def terminated(self, pod: PodStatus) -> None:
        """Free the place of a pod that is gone, and try the pending pods."""
        assert pod.node is not None
        self._placement.leave(pod.node, pod.pod)
        self._queue.retry(pod.node)

    def disk_pressure(self, node: str, *, under_pressure: bool) -> None:
        """Taint a node that is under disk pressure, or take the taint away."""
        self._placement.taint(node, DISK_PRESSURE, tainted=under_pressure)
        if not under_pressure:
            self._queue.retry(node)

    def images_changed(self, node: str) -> None:
        """Take note that an image came to the node or was removed from it."""
        if node in self._images:
            self._images[node].changed()

    def pressure_may_end(self) -> bool:
        """Whether the disk pressure of a node may still end, so that it takes pods again."""
        return any(node.kubelet.housekeeping.pressure_may_end for node in self._nodes.values())

    def retry(self) -> None:
        """Try to bind the pending pods."""
        self._queue.retry()

    def dissolve(self) -> None:
        """Drop the references to the nodes, which refer back to the scheduler."""
        self._nodes.clear()
        self._images.clear()
        del self._queue

    def _wait(self, pod: PodStatus) -> None:
        signature = self._placement.signature(pod.pod)
        self._queue.add(pod, signature, waits_for_pods=self._placement.waits_for_pods(signature))

    def _bind(self, pod: PodStatus) -> bool:
        """Bind a pod; return whether a node was feasible."""
        node = self._placement.choose(pod.pod)
        if node is None:
            return False
        self._nodes[node.name].bind(pod)
        return True
