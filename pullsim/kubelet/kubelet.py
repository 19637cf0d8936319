"""A node's kubelet: the parts that handle images, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pullsim.kernel.clock import nanoseconds
from pullsim.kubelet.api_status import ended
from pullsim.kubelet.cadence import Cadence, KubeletCadence, MinimalCadence, Phases, Requeue
from pullsim.kubelet.containers import Containers
from pullsim.kubelet.events import NORMAL, WARNING, messages
from pullsim.kubelet.housekeeping import Housekeeping, needed
from pullsim.kubelet.images.backoff import Backoff
from pullsim.kubelet.images.image_manager import ImageManager
from pullsim.kubelet.images.image_service import RuntimeImageService
from pullsim.kubelet.images.pull_records import ImagePullManager
from pullsim.kubelet.images.puller import image_puller
from pullsim.kubelet.images.throttle import throttle
from pullsim.kubelet.pod_status import COMPLETED, DELETED, EVICTED
from pullsim.kubelet.pod_worker import PodWorker
from pullsim.records import KubeletEvent
from pullsim.spec.cadence import Interval
from pullsim.spec.feature_gates import IMAGE_VOLUMES, IMAGES_BY_HANDLER, VERIFICATION
from pullsim.spec.pod import ContainerSpec

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    import simpy

    from pullsim.cri import ImageService, RuntimeService
    from pullsim.kubelet.credentials.pull_credentials import PullCredentials
    from pullsim.kubelet.pod_status import PodStatus
    from pullsim.records import Recorder
    from pullsim.releases.kubelet import Version
    from pullsim.spec.cadence import LoopSpec
    from pullsim.spec.kubelet import KubeletConfig
    from pullsim.spec.pod import ImageVolume
    from pullsim.streams import Streams


class NodeWatcher(Protocol):
    """Who follows a node."""

    def terminated(self, pod: PodStatus) -> None:
        """Take note that a pod that was deleted or evicted is gone, and its place is free."""

    def disk_pressure(self, node: str, under_pressure: bool) -> None:
        """Take note that the node's condition DiskPressure, and with it its taint, begins or ends."""

    def images_changed(self, node: str) -> None:
        """Take note that an image was removed from the node."""

    def settle(self) -> None:
        """See whether the run is over; called now and then."""


class Kubelet:
    """Starts the pods that are bound to its node, and ends them."""

    def __init__(
        self,
        env: simpy.Environment,
        node: str,
        config: KubeletConfig,
        version: Version,
        loop: LoopSpec,
        service: ImageService,
        credentials: PullCredentials,
        streams: Streams,
        recorder: Recorder,
        sandboxes: RuntimeService,
        watcher: NodeWatcher,
    ) -> None:
        self._env = env
        self._node = node
        self._version = version
        self._loop = loop
        self._streams = streams
        self._recorder = recorder
        self._credentials = credentials
        self._messages = messages(version, verified=config.feature_gates.get(VERIFICATION, False))
        self._sandboxes = sandboxes
        self._image_volumes = config.feature_gates.get(IMAGE_VOLUMES, False)
        self._resync = loop.resync or Interval(config.sync_frequency, 0.5)
        self._phases = Phases(loop.tick_phase, loop.relist_phase, streams, node)
        pulls = throttle(env, RuntimeImageService(env, service), config.registry_pull_qps, config.registry_burst)
        pull_records = ImagePullManager(
            config.image_pull_credentials_verification_policy,
            config.preloaded_images_verification_allowlist,
            normalise=version >= (1, 36),
            accounts=version >= (1, 34),
        )
        self._pull_records = pull_records
        self._watcher = watcher
        self._pods: dict[PodStatus, None] = {}  # that have not ended, in order of binding
        by_handler = config.feature_gates.get(IMAGES_BY_HANDLER, False)
        self._containers = Containers(service, by_handler=by_handler)
        self.housekeeping: Housekeeping | None = None
        if needed(config, service):
            self.housekeeping = Housekeeping(
                env,
                node,
                config,
                version,
                service,
                self._containers,
                self._emit_node,
                self._forget,
                self._evict,
                lambda under_pressure: watcher.disk_pressure(node, under_pressure),
                watcher.settle,
                recorder,
            )
            self.housekeeping.start()
        self._images = ImageManager(
            env,
            node,
            service,
            image_puller(env, pulls, serialize=config.serialize_image_pulls, maximum=config.max_parallel_image_pulls),
            Backoff(nanoseconds(loop.backoff_initial), nanoseconds(loop.backoff_max)),
            pull_records,
            credentials,
            self._messages,
            self._emit,
            recorder,
            handlers=by_handler,
            inspects_always=version < (1, 32),
            housekeeping=self.housekeeping,
        )

    def start(self, pod: PodStatus) -> Generator[Any, Any, None]:
        """Return the worker of a pod that was just bound: a process that ends when all its containers run."""
        self._pods[pod] = None
        return PodWorker(
            self._env,
            pod,
            self._images,
            self._containers,
            self._credentials,
            self._cadence(pod),
            self._messages,
            self._emit,
            self._terminate,
            self._sandboxes,
            self._recorder,
            image_volumes=self._image_volumes,
            ensures_when_starting=self._version >= (1, 37),
        ).run()

    def end(self, pod: PodStatus, how: str) -> None:
        """End a pod that was deleted or evicted: at once, or when the sync under way is done with its pull."""
        pod.end(how)
        if self._recorder.status is not None:
            self._recorder.status(ended(pod, self._env.now))
        if not pod.syncing:
            self._terminate(pod)

    @property
    def pods(self) -> list[PodStatus]:
        """The pods that are bound here and not gone, in order of binding; those that completed count no more."""
        return list(self._pods)

    def stop(self) -> None:
        """Vanish with the node: all pods are gone at once, without a word, and nothing is looked after any more.

        Workers that are under way are the caller's to interrupt.
        """
        if self.housekeeping is not None:
            self.housekeeping.stop()
        for pod in self.pods:
            if not pod.has_ended():
                pod.end(DELETED)
                if self._recorder.status is not None:
                    self._recorder.status(ended(pod, self._env.now))
            self._containers.remove(pod)
            del self._pods[pod]
            self._watcher.terminated(pod)

    def _forget(self, image: str) -> None:
        """Take note that an image was removed, by its ID."""
        self._pull_records.forget(image)
        self._watcher.images_changed(self._node)

    def complete(self, pod: PodStatus) -> None:
        """Let go of a pod whose containers have all exited; they stay, and with them their images, until it is gone."""
        pod.end(COMPLETED)
        if self._recorder.status is not None:
            self._recorder.status(ended(pod, self._env.now))
        del self._pods[pod]
        if self.housekeeping is not None:
            self.housekeeping.changed()
        self._watcher.terminated(pod)

    def _terminate(self, pod: PodStatus) -> None:
        """Kill the pod's containers and let go of it.

        They exit at once, and are removed when they have (pkg/kubelet/kubelet.go cleanUpContainersInPod).
        """
        if pod not in self._pods:  # it went with the node
            return
        specs = {spec.name: spec for spec in (*pod.pod.spec.init_containers, *pod.pod.spec.containers)}
        for container in self._containers.remove(pod):
            if container.runs(self._env.now):
                message = self._messages.killing(container.name)
                self._emit(pod, specs[container.name], NORMAL, "Killing", message)
        del self._pods[pod]
        if self.housekeeping is not None:
            self.housekeeping.changed()
        self._watcher.terminated(pod)

    def _evict(self, message: str) -> bool:
        """Evict the pod that was bound last; tell whether there was one."""
        pod = next((pod for pod in reversed(self._pods) if not pod.has_ended()), None)
        if pod is None:
            return False
        self._emit(pod, None, WARNING, EVICTED, message)
        self.end(pod, EVICTED)
        return True

    def _cadence(self, pod: PodStatus) -> Cadence:
        requeue = Requeue(
            self._loop.retry,
            self._resync,
            self._loop.requeue_draws.get(pod.name, ()),
            self._streams,
            ("requeue", pod.namespace, pod.name),
        )
        if self._loop.minimal:
            return MinimalCadence(requeue)
        return KubeletCadence(requeue, self._phases, relist_on_demand=self._version >= (1, 36))

    def _emit_node(self, type: str, reason: str, message: str) -> None:
        self._recorder.event(KubeletEvent(self._env.now, self._node, None, None, type, reason, message, None, None))

    def _emit(
        self, pod: PodStatus, subject: ContainerSpec | ImageVolume | None, type: str, reason: str, message: str
    ) -> None:
        """Emit an event about a container, or about the pod: an image volume's, or all of it (None)."""
        self._recorder.event(
            KubeletEvent(
                self._env.now,
                self._node,
                pod.name,
                subject.name if isinstance(subject, ContainerSpec) else None,
                type,
                reason,
                message,
                None if subject is None else subject.image,
                pod.namespace,
            )
        )
