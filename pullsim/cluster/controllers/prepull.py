"""Prepull jobs: pods that bring images to nodes before other pods need them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from pullsim.kernel.event import Call
from pullsim.spec.cluster import covers
from pullsim.spec.pod import Pod

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pullsim.cluster.controllers.controller import PodApi
    from pullsim.cluster.node import ClusterNode
    from pullsim.kernel.environment import Environment
    from pullsim.kubelet.pod_status import PodStatus
    from pullsim.spec.cluster import ClusterSpec, Node, Prepull


class PrepullJob:
    """Runs a pod with a container for each image on every selected node, on ``parallelism`` nodes at a time.

    A pod is deleted when all its images are on the node. The pods pull through the kubelet, as the pods of a DaemonSet
    would: in its queue, with its back-off and its credentials, and each counts towards maxPods. OpenKruise's daemon
    calls the runtime itself instead; parallelism and timeout are as in OpenKruise's ImagePullJob (apis/apps/v1beta1).
    Nodes get their pods in the order in which they joined, and so do nodes that join later. As no container uses the
    images afterwards, garbage collection may remove them.
    """

    def __init__(self, env: Environment, job: Prepull, nodes: Iterable[Node], api: PodApi) -> None:
        """``nodes`` are those of the scenario: the run is not over before the job has finished on each of them."""
        self.job = job
        self._env = env
        self._api = api
        self._waiting: deque[str] = deque()  # nodes that have no pod of the job yet
        self._active: dict[PodStatus, str] = {}  # node of each running pod of the job
        self._begun = False
        self._expected = {node.name for node in nodes if covers(job, node.spec.pool, node.name)}
        for _ in self._expected:
            api.hold()

    def begin(self, nodes: Iterable[ClusterNode]) -> None:
        """Begin the job; ``nodes`` have joined by now."""
        self._begun = True
        for node in nodes:
            self.joined(node)

    def joined(self, node: ClusterNode) -> None:
        """Put a node in the queue, if the job has begun and selects the node."""
        if self._begun and covers(self.job, node.pool, node.name):
            if node.name in self._expected:
                self._expected.discard(node.name)
            else:
                self._api.hold()  # the run is not over before the job has finished on the node
            self._waiting.append(node.name)
            self._next()

    def left(self, node: str) -> None:
        """Remove a node that has left from the queue; a pod on it has ended with it."""
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

    def failing(self, pod: PodStatus) -> None:
        """Give a node up whose pod has failed to pull an image too often.

        That is once more than the limit, as in OpenKruise's daemon (pkg/daemon/imagepuller/imagepuller_worker.go Run),
        where the attempts of an image follow each other after 1 s, then twice as long, up to 30 s; here they follow
        after the kubelet's back-off.
        """
        limit = self.job.back_off_limit
        if limit is None or pod not in self._active or pod.pulling:
            return
        failed = (want.image for want in pod.pod.spec.wants if want.key in pod.trouble.failing)
        if any(pod.attempts.get(image, 0) > limit for image in failed):
            self._api.delete(pod)

    def gone(self, pod: PodStatus) -> None:
        """Go on with the next node after a pod has finished, has reached its timeout, or has lost its node."""
        if pod in self._active:
            del self._active[pod]
            self._next()
            self._api.release()

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

    def __init__(
        self, env: Environment, spec: ClusterSpec, api: PodApi, nodes: Callable[[], Iterable[ClusterNode]]
    ) -> None:
        """``nodes`` returns the nodes that have joined and not left, in the order in which they joined."""
        self._nodes = nodes
        self._api = api
        self._jobs = [PrepullJob(env, job, spec.nodes, api) for job in spec.prepulls]
        for job in self._jobs:
            api.hold()  # the run is not over before the job has begun
            Call(env, lambda _, which=job: self._begin(which), job.job.created)  # type: ignore[misc]

    def joined(self, node: ClusterNode) -> None:
        """Tell the jobs that a node has joined."""
        for job in self._jobs:
            job.joined(node)

    def left(self, node: str) -> None:
        """Tell the jobs that a node has left."""
        for job in self._jobs:
            job.left(node)

    def started(self, pod: PodStatus) -> None:
        """Tell the jobs that a pod has started."""
        for job in self._jobs:
            job.started(pod)

    def failing(self, pod: PodStatus) -> None:
        """Tell the jobs that a sync of a pod has ended, and that it has not all its images."""
        for job in self._jobs:
            job.failing(pod)

    def gone(self, pod: PodStatus) -> None:
        """Tell the jobs that a pod is gone."""
        for job in self._jobs:
            job.gone(pod)

    def _begin(self, job: PrepullJob) -> None:
        job.begin(self._nodes())
        self._api.release()
