"""A node of the cluster, with its hardware, runtime and kubelet."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pullsim.hardware.filesystem import filesystem
from pullsim.kernel.environment import Environment
from pullsim.kubelet.context import NodeContext
from pullsim.kubelet.credentials.pull_credentials import PullCredentials
from pullsim.kubelet.credentials.pull_secrets import PullObjects
from pullsim.kubelet.kubelet import Kubelet
from pullsim.records import DiskUse, Recorder
from pullsim.runtime.handlers import runtime_handlers
from pullsim.runtime.kinds import make_runtime
from pullsim.runtime.node import RuntimeCluster, RuntimeNode
from pullsim.streams import Streams

if TYPE_CHECKING:
    from pullsim.cri import ListedImage
    from pullsim.kubelet.kubelet import NodeWatcher
    from pullsim.kubelet.pod_status import PodStatus
    from pullsim.spec.cluster import Node


class ClusterContext(NamedTuple):
    """What all nodes of a cluster share."""

    env: Environment
    runtimes: RuntimeCluster
    streams: Streams
    recorder: Recorder
    objects: PullObjects  # Secrets and service accounts


class ClusterNode:
    """One node that has joined the cluster."""

    __slots__ = (
        "_env",
        "_filesystem",
        "_max_images",
        "_service",
        "kubelet",
        "name",
        "node",
        "pool",
    )

    def __init__(
        self,
        cluster: ClusterContext,
        node: Node,
        watcher: NodeWatcher,
    ) -> None:
        env, runtimes, streams, recorder, objects = cluster
        spec = node.spec
        self._env = env
        self.node = node
        self.name = node.name
        self.pool = spec.pool
        self._filesystem = filesystem(spec.filesystem)
        handlers = runtime_handlers(spec.runtime_handlers)
        service = make_runtime(RuntimeNode(runtimes, node, self._filesystem, handlers))
        for image in spec.cached:
            service.preload(image)
        if spec.secondary_disk is not None:
            for image in spec.secondary_disk.images:
                service.attach(image)
        self._service, self._max_images = service, spec.kubelet.node_status_max_images
        context = NodeContext(env, node, service, streams, recorder)
        self.kubelet = Kubelet(context, PullCredentials(context, objects), handlers, watcher)

    def images(self) -> tuple[list[ListedImage], int]:
        """Return the images on the node, and how many of them its status may list (-1: all)."""
        return self._service.list_images(), self._max_images

    def disk_use(self) -> DiskUse | None:
        """Return how full the node's disk was; None: its disk has no size."""
        use = self._filesystem
        return None if use is None else DiskUse(self.name, use.capacity, use.peak, use.used)

    def bind(self, pod: PodStatus) -> None:
        """Bind the pod to this node and start its worker."""
        pod.bind(self.name, self._env.now)
        self.kubelet.start(pod)

    def leave(self) -> None:
        """Leave the cluster: everything on the node ends, and the transfers of its pulls are cancelled."""
        self.kubelet.stop()
        self._service.leave()
        self.kubelet.cancel()
