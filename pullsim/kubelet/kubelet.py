"""A node's kubelet: the parts that handle images, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.engine.clock import nanoseconds
from pullsim.kubelet.backoff import Backoff
from pullsim.kubelet.cadence import Cadence, KubeletCadence, MinimalCadence, Requeue
from pullsim.kubelet.events import Messages
from pullsim.kubelet.feature_gates import IMAGE_VOLUMES, IMAGES_BY_HANDLER, VERIFICATION
from pullsim.kubelet.image_manager import ImageManager
from pullsim.kubelet.image_service import RuntimeImageService
from pullsim.kubelet.loop import Interval
from pullsim.kubelet.pod import ContainerSpec
from pullsim.kubelet.pod_worker import PodWorker
from pullsim.kubelet.pull_records import ImagePullManager
from pullsim.kubelet.puller import image_puller
from pullsim.kubelet.throttle import throttle
from pullsim.records import KubeletEvent

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    import simpy

    from pullsim.cri import ImageService, RuntimeService
    from pullsim.engine.streams import Streams
    from pullsim.kubelet.config import KubeletConfig
    from pullsim.kubelet.events import Version
    from pullsim.kubelet.loop import LoopSpec
    from pullsim.kubelet.pod import ImageVolume
    from pullsim.kubelet.pod_status import PodStatus
    from pullsim.kubelet.pull_credentials import PullCredentials
    from pullsim.records import Recorder


class Kubelet:
    """Starts the pods that are bound to its node."""

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
    ) -> None:
        self._env = env
        self._node = node
        self._version = version
        self._loop = loop
        self._streams = streams
        self._recorder = recorder
        self._credentials = credentials
        self._messages = Messages(version, verified=config.feature_gates.get(VERIFICATION, False))
        self._sandboxes = sandboxes
        self._image_volumes = config.feature_gates.get(IMAGE_VOLUMES, False)
        self._resync = loop.resync or Interval(config.sync_frequency, 0.5)
        self._phases = self._draw_phases()
        pulls = throttle(env, RuntimeImageService(env, service), config.registry_pull_qps, config.registry_burst)
        self._images = ImageManager(
            env,
            node,
            service,
            image_puller(env, pulls, serialize=config.serialize_image_pulls, maximum=config.max_parallel_image_pulls),
            Backoff(nanoseconds(loop.backoff_initial), nanoseconds(loop.backoff_max)),
            ImagePullManager(
                config.image_pull_credentials_verification_policy,
                config.preloaded_images_verification_allowlist,
                normalise=version >= (1, 36),
            ),
            credentials,
            self._messages,
            self._emit,
            recorder,
            handlers=config.feature_gates.get(IMAGES_BY_HANDLER, False),
            inspects_always=version < (1, 32),
        )

    def start(self, pod: PodStatus) -> Generator[Any, Any, None]:
        """Return the worker of a pod that was just bound: a process that ends when all its containers run."""
        return PodWorker(
            self._env,
            pod,
            self._images,
            self._credentials,
            self._cadence(pod),
            self._messages,
            self._emit,
            self._sandboxes,
            self._recorder,
            image_volumes=self._image_volumes,
        ).run()

    def _cadence(self, pod: PodStatus) -> Cadence:
        requeue = Requeue(
            self._loop.retry,
            self._resync,
            self._loop.requeue_draws.get(pod.name, ()),
            lambda: self._streams.get("requeue", pod.namespace, pod.name),
        )
        if self._loop.minimal:
            return MinimalCadence(requeue)
        return KubeletCadence(requeue, *self._phases, relist_on_demand=self._version >= (1, 36))

    def _draw_phases(self) -> tuple[float, float]:
        """Return the phases of tick and relist: a node's kubelet starts at any moment."""
        tick, relist = self._loop.tick_phase, self._loop.relist_phase
        if tick is None or relist is None:
            stream = self._streams.get("phases", self._node)
            drawn = stream.uniform(), stream.uniform()
            tick = drawn[0] if tick is None else tick
            relist = drawn[1] if relist is None else relist
        return tick, relist

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
