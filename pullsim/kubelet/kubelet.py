"""A node's kubelet: the parts that handle images, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pullsim.kubelet.api_status import record_end
from pullsim.kubelet.cadence import Cadence, KubeletCadence, MinimalCadence, Phases, Requeue
from pullsim.kubelet.containers import Containers
from pullsim.kubelet.events import NORMAL, WARNING
from pullsim.kubelet.housekeeping import Housekeeping, ImageHousekeeping, needed
from pullsim.kubelet.images.image_parts import image_parts
from pullsim.kubelet.images.pull_records import ImagePullManager
from pullsim.kubelet.images.retries import RetryCadence
from pullsim.kubelet.in_pod_pulls import PodPulls
from pullsim.kubelet.pod_status import COMPLETED, DELETED, EVICTED
from pullsim.kubelet.pod_worker import PodWorker
from pullsim.kubelet.worker_processes import WorkerProcesses
from pullsim.spec.cadence import Interval
from pullsim.spec.feature_gates import IMAGE_VOLUMES

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from pullsim.cri import RuntimeService
    from pullsim.kubelet.context import NodeContext
    from pullsim.kubelet.credentials.pull_credentials import PullCredentials
    from pullsim.kubelet.pod_status import PodStatus


class NodeWatcher(Protocol):
    """The part of the cluster that a kubelet reports to."""

    def terminated(self, pod: PodStatus) -> None:
        """Take note that a pod that was deleted or evicted, or that completed, is gone, and that its place is free."""

    def disk_pressure(self, node: str, under_pressure: bool) -> None:
        """Take note that the node's condition DiskPressure, and with it its taint, begins or ends."""

    def images_changed(self, node: str) -> None:
        """Take note that an image was removed from the node."""

    def check_end(self) -> None:
        """Check whether the run is over; called after each image garbage collection."""


class Kubelet:
    """Starts the pods that are bound to its node, and ends them."""

    def __init__(
        self,
        context: NodeContext,
        credentials: PullCredentials,
        sandboxes: RuntimeService,
        watcher: NodeWatcher,
    ) -> None:
        env, config, version, loop = context.env, context.config, context.version, context.spec.loop
        self._context = context
        self._env = env
        self._loop = loop
        self._credentials = credentials
        resync = loop.resync or Interval(config.sync_frequency, 0.5)
        self._requeue = Requeue(loop.retry, resync, loop.requeue_draws, context.streams)
        self._phases = Phases(loop.tick_phase, loop.relist_phase, context.streams, context.node)
        self._pull_records = ImagePullManager(
            config.image_pull_credentials_verification_policy,
            config.preloaded_images_verification_allowlist,
            normalise=version >= (1, 36),
            accounts=version >= (1, 34),
        )
        self._watcher = watcher
        self._pods: dict[PodStatus, None] = {}  # pods that were bound and not yet removed, in order of binding
        self.containers = Containers(context, sandboxes)
        self._workers = WorkerProcesses(env, may_leave=context.spec.leave is not None or context.spec.removable)
        self.housekeeping = self._make_housekeeping()
        self.housekeeping.start()
        self._images, self._retries, self._in_pod = image_parts(
            context, self._pull_records, credentials, self.housekeeping
        )

    def _make_housekeeping(self) -> Housekeeping:
        """Return the node's housekeeping; it does nothing if no image can ever be removed there."""
        if not needed(self._context):
            return Housekeeping()
        watcher, node = self._watcher, self._context.node
        return ImageHousekeeping(
            self._context,
            self.containers,
            self._forget,
            self._evict,
            lambda under_pressure: watcher.disk_pressure(node, under_pressure),
            watcher.check_end,
        )

    def start(self, pod: PodStatus) -> None:
        """Begin the worker of a pod that was just bound."""
        self._pods[pod] = None
        pulls = None
        if self._in_pod:
            pulls = PodPulls(self._env, self._images, pod, volumes=self._context.gate(IMAGE_VOLUMES))
        images = self._images if pulls is None else pulls
        worker = PodWorker(self._context, pod, images, self._credentials, self).run()
        self._workers.start(pod, worker if pulls is None else pulls.watched(worker))

    def go_on(self, pod: PodStatus, worker: Generator[Any, Any, None]) -> None:
        """See `Terminator.go_on`."""
        self._workers.go_on(pod, worker)

    def end(self, pod: PodStatus, how: str) -> None:
        """End a pod that was deleted or evicted: at once, or else when the sync that is under way has finished."""
        pod.end(how)
        record_end(pod, self._context.recorder, self._env.now)
        if not pod.syncing:
            self.terminate(pod)

    @property
    def pods(self) -> list[PodStatus]:
        """The pods that are bound here and not gone, in order of binding; pods that completed are not among them."""
        return list(self._pods)

    def stop(self) -> None:
        """Stop, as the node has left: all its pods are gone at once, without events, and nothing is collected any more.

        The workers that are under way are interrupted by `cancel`, when the runtime has stopped too.
        """
        self.housekeeping.stop()
        for pod in self.pods:
            if not pod.has_ended():
                pod.withdrawn = pod.pod.owner is not None or pod.pod.prepull  # it has a successor, or is not needed
                pod.end(DELETED)
                record_end(pod, self._context.recorder, self._env.now)
            self.containers.remove(pod)
            del self._pods[pod]
            self._watcher.terminated(pod)

    def cancel(self) -> None:
        """Interrupt the workers that are under way, as the node has left."""
        self._workers.cancel()

    def unmount_rootfs(self) -> Generator[Any, Any, None] | None:
        """See `ImageService.unmount_rootfs`."""
        return self._context.service.unmount_rootfs()

    def complete(self, pod: PodStatus) -> None:
        """Remove a pod whose containers have all exited; until they are removed they keep their images in use."""
        pod.end(COMPLETED)
        record_end(pod, self._context.recorder, self._env.now)
        del self._pods[pod]
        self.housekeeping.changed()
        self._watcher.terminated(pod)

    def _forget(self, image: str) -> None:
        """Note that the image with this ID was removed."""
        self._pull_records.forget(image)
        self._watcher.images_changed(self._context.node)

    def terminate(self, pod: PodStatus) -> None:
        """Kill and remove the pod's containers, and remove the pod.

        Containers exit at once when they are killed (pkg/kubelet/kubelet.go cleanUpContainersInPod).
        """
        if pod not in self._pods:  # it is gone already: its node has left
            return
        specs = {spec.name: spec for spec in (*pod.pod.spec.init_containers, *pod.pod.spec.containers)}
        killed = False
        for container in self.containers.remove(pod):
            if container.runs(self._env.now):
                killed = True
                message = self._context.messages.killing(container.name)
                self._context.emit(pod, specs[container.name], NORMAL, "Killing", message)
        if killed:
            self.unmount_rootfs()  # nothing waits for it, but the disk writes
        del self._pods[pod]
        self.housekeeping.changed()
        self._watcher.terminated(pod)

    def _evict(self, message: str) -> bool:
        """Evict the pod that was bound last, with this event message; return whether there was one."""
        pod = next((pod for pod in reversed(self._pods) if not pod.has_ended()), None)
        if pod is None:
            return False
        self._context.emit(pod, None, WARNING, EVICTED, message)
        self.end(pod, EVICTED)
        return True

    def cadence(self, pod: PodStatus) -> Cadence:
        """See `Terminator.cadence`."""
        if self._loop.minimal:
            cadence: Cadence = MinimalCadence(self._requeue, pod)
        else:
            on_demand = self._context.version >= (1, 36)
            cadence = KubeletCadence(self._requeue, pod, self._phases, relist_on_demand=on_demand)
        return cadence if self._retries is None else RetryCadence(cadence, self._retries, pod)
