"""Prepull jobs: pods that bring images to nodes before other pods need them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from pullsim.kernel.event import Call
from pullsim.spec.pod import Pod

if TYPE_CHECKING:
    from collections.abc import Iterable

    import simpy

    from pullsim.cluster.controllers.controller import PodApi
    from pullsim.cluster.node import ClusterNode
    from pullsim.kubelet.pod_status import PodStatus
    from pullsim.spec.cluster import ClusterSpec, Node, Prepull


class PrepullJob:
    """Has a pod on some nodes at a time, with a container for each image; a pod is deleted when it has all its images.

    The pods pull through the kubelet, as those of a DaemonSet of pullers do: in its queue, with its back-off and its
    credentials, and they take a place on the node. OpenKruise's daemon calls the runtime itself instead; the job's
    parallelism and time limit are OpenKruise's (apis/apps/v1beta1 ImagePullJob). Nodes are taken in the order in which
    they joined, and nodes that join later are taken too. As no container uses the images afterwards, garbage
    collection may remove them.
    """

    def __init__(self, env: simpy.Environment, job: Prepull, nodes: Iterable[Node], api: PodApi) -> None:
        """``nodes`` are those of the scenario: the run is not over before each of them had its turn."""
        self.job = job
        self._env = env
        self._api = api
        self._waiting: deque[str] = deque()  # nodes whose turn is to come
        self._active: dict[PodStatus, str] = {}  # nodes whose turn it is, by the pod there
        self._begun = False
        self._expected = {node.name for node in nodes if self._for(node.spec.pool, node.name)}
        for _ in self._expected:
            api.hold()

    def begin(self, nodes: Iterable[ClusterNode]) -> None:
        """Begin with these nodes."""
        self._begun = True
        for node in nodes:
            self.joined(node)

    def joined(self, node: ClusterNode) -> None:
        """Take up a node, if the job has begun and is for it."""
        if self._begun and self._for(node.pool, node.name):
            if node.name in self._expected:
                self._expected.discard(node.name)
            else:
                self._api.hold()  # the run is not over before the node had its turn
            self._waiting.append(node.name)
            self._next()

    def left(self, node: str) -> None:
        """Forget a node that has left; its pod is gone by itself."""
        if node in self._waiting:
            self._waiting.remove(node)
        elif node in self._expected:
            self._expected.discard(node)
        else:
            return
        self._api.release()

    def started(self, pod: PodStatus) -> None:
        """Take note that all images of a pod are on its node."""
        if pod in self._active:
            self._api.delete(pod)

    def gone(self, pod: PodStatus) -> None:
        """Go on with the next node, as a pod is done, its time was up, or its node has left."""
        if pod in self._active:
            del self._active[pod]
            self._next()
            self._api.release()

    def _for(self, pool: str, node: str) -> bool:
        return self.job.pool in (None, pool) and self.job.node in (None, node)

    def _next(self) -> None:
        job = self.job
        while self._waiting and len(self._active) < job.parallelism:
            node = self._waiting.popleft()
            pod = Pod(
                f"{job.name}-{node}",
                job.namespace,
                job.name,
                job.spec,
                self._env.now,
                node=node,
                lives=job.timeout,
                prepull=True,
            )
            self._active[self._api.create(pod)] = node


class PrepullJobs:
    """All prepull jobs of a cluster."""

    def __init__(self, env: simpy.Environment, spec: ClusterSpec, api: PodApi) -> None:
        self._nodes: dict[str, ClusterNode] = {}  # the nodes that have joined and not left, by name
        self._api = api
        self._jobs = [PrepullJob(env, job, spec.nodes, api) for job in spec.prepulls]
        for job in self._jobs:
            api.hold()  # the run is not over before the job has begun
            Call(env, lambda _, which=job: self._begin(which), job.job.created)  # type: ignore[misc]

    def joined(self, node: ClusterNode) -> None:
        """Tell the jobs of a node that has joined."""
        self._nodes[node.name] = node
        for job in self._jobs:
            job.joined(node)

    def left(self, node: str) -> None:
        """Tell the jobs of a node that has left."""
        del self._nodes[node]
        for job in self._jobs:
            job.left(node)

    def started(self, pod: PodStatus) -> None:
        """Tell the jobs of a pod of theirs that has started."""
        for job in self._jobs:
            job.started(pod)

    def gone(self, pod: PodStatus) -> None:
        """Tell the jobs of a pod of theirs that is gone."""
        for job in self._jobs:
            job.gone(pod)

    def _begin(self, job: PrepullJob) -> None:
        job.begin(self._nodes.values())
        self._api.release()
