"""The kubelet's worker for one pod, which syncs the pod until its containers run."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, Final, Protocol

from pullsim.kubelet.api_status import api_status
from pullsim.kubelet.credentials.pull_credentials import UNREADABLE
from pullsim.kubelet.events import NORMAL, WARNING
from pullsim.kubelet.images.image_manager import ERR_IMAGE_PULL, IMAGE_PULL_BACK_OFF, UNCOUNTED
from pullsim.kubelet.pod_status import Failure
from pullsim.kubelet.readiness import become_ready
from pullsim.records import ImageRequest
from pullsim.spec.feature_gates import IMAGE_VOLUMES

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.kubelet.cadence import Cadence
    from pullsim.kubelet.containers import Containers
    from pullsim.kubelet.context import NodeContext
    from pullsim.kubelet.credentials.pull_credentials import PullCredentials
    from pullsim.kubelet.images.image_manager import Ensured, ImageManager
    from pullsim.kubelet.in_pod_pulls import PodPulls
    from pullsim.kubelet.pod_status import PodStatus
    from pullsim.spec.pod import ContainerSpec, ImageVolume

CONTAINER_CREATING: Final = "ContainerCreating"  # the waiting reason of containers whose pod has no sandbox yet
CREATE_CONTAINER_ERROR: Final = "CreateContainerError"
#: The answer of containerd to CreateContainer if the image is not there (internal/cri/server/container_create.go).
NOT_RESOLVED: Final = 'failed to resolve image "{}": not found'
_NONE: Final[dict[str, Ensured]] = {}  # shared by all pods without image volumes


class Terminator(Protocol):
    """The part of the kubelet that a worker calls."""

    def terminate(self, pod: PodStatus) -> None:
        """End a pod that was deleted or evicted during a sync."""


class PodWorker:
    """Starts a pod's containers in order. It requests one image at a time, also where pulls run in parallel.

    A sync creates the sandbox, gets the image volumes and starts one init container, or then all regular containers; a
    regular container that fails does not keep the next one from starting. Models pkg/kubelet/pod_workers.go
    podWorkerLoop and pkg/kubelet/kuberuntime/kuberuntime_manager.go SyncPod.
    """

    def __init__(
        self,
        context: NodeContext,
        pod: PodStatus,
        images: ImageManager | PodPulls,
        containers: Containers,
        credentials: PullCredentials,
        cadence: Cadence,
        kubelet: Terminator,
    ) -> None:
        self._context = context
        self._env = context.env
        self._pod = pod
        self._images = images
        self._containers = containers
        self._credentials = credentials
        self._cadence = cadence
        self._messages = context.messages
        self._kubelet = kubelet
        #: Without the gate ImageVolume the API server has dropped image volumes and their mounts.
        self._volumes = pod.pod.spec.image_volumes if context.gate(IMAGE_VOLUMES) else ()
        self._ensured: dict[str, Ensured] = {} if self._volumes else _NONE  # outcome by image volume, in this sync
        self._missing: tuple[str, ...] = ()  # imagePullSecrets that do not exist, in this sync
        self._pull_failed = False  # whether a pull of this sync failed
        self._api = api_status(pod, context.recorder)
        self._inits = pod.pod.spec.init_containers  # those not yet started
        self._init_exit: float | None = None  # when the init container that was started last exits
        self._mains = pod.pod.spec.containers  # the regular containers not yet started
        own, pool = pod.pod.spec.startup, context.spec.startup
        #: Seconds that the creation of the sandbox takes; 0 once the pod has it.
        self._sandbox: float = (pool.sandbox or 0.0) if own.sandbox is None else own.sandbox
        #: Seconds that creating and starting a container takes.
        self._container: float = (pool.container or 0.0) if own.container is None else own.container

    def run(self) -> Generator[Any, Any, None]:
        """Sync until all containers run and are ready, or the pod has ended; a sync is not cut short by that."""
        env, pod, cadence = self._env, self._pod, self._cadence
        if pod.pod.spec.runtime_handler:
            yield from self._create_sandbox(pod.pod.spec.runtime_handler)
        if pod.has_ended():
            return
        if not self._sandbox:
            cadence.changed(env.now)  # the first sync creates the sandbox before anything else
        while True:
            pod.syncing = True
            ok = yield from self._sync()
            if self._pull_failed:
                self._tell_missing_secrets(told=self._messages.tells_secrets_of_failures)
                self._pull_failed = False
            pod.syncing = False
            if pod.has_ended():
                self._kubelet.terminate(pod)
                return
            if not self._mains:
                show = self._show if self._api.wanted else None
                yield from become_ready(self._context, self._pod, cadence, show)
                return
            pod.watcher.look(pod)
            yield from self._wait(cadence.next_sync(env.now, ok=ok))
            if pod.has_ended():
                return

    def _create_sandbox(self, handler: str) -> Generator[Any, Any, None]:
        """Sync until the pod's sandbox exists; before that no image is requested."""
        env, pod = self._env, self._pod
        while not pod.has_ended() and (error := self._containers.run_pod_sandbox(handler)) is not None:
            self._show(env.now)
            self._read_secrets()
            self._context.emit(pod, None, WARNING, "FailedCreatePodSandBox", self._messages.no_sandbox(error))
            pod.fail("", CONTAINER_CREATING, "sandbox", Failure(env.now, retryable=False))
            pod.watcher.look(pod)
            yield from self._wait(self._cadence.next_sync(env.now, ok=False))
        pod.recover("")

    def _sync(self) -> Generator[Any, Any, bool]:
        """Start the containers that can be started; return whether there was no error."""
        now = self._env.now
        self._show(now)
        self._read_secrets()
        if self._sandbox:
            yield from self._await_sandbox()
            if self._pod.has_ended():
                return False
        runs = self._init_exit is not None and self._init_exit > now
        if runs and self._context.version >= (1, 37):  # only a sync that starts a container looks at image volumes
            return True  # (kubernetes pull 138655)
        for volume in self._volumes:
            yield from self._ensure_volume(volume)
            if self._pod.has_ended():
                return False
        if runs:
            return True
        self._init_exit = None
        if self._inits:
            container = self._inits[0]
            if not (yield from self._start(container)):
                return False
            self._inits = self._inits[1:]
            if not container.sidecar:
                self._init_exit = self._env.now + container.run
                self._cadence.changed(self._init_exit)
            return True
        waiting: tuple[ContainerSpec, ...] = ()
        for container in self._mains:
            if self._pod.has_ended():
                break
            if not (yield from self._start(container)):
                waiting += (container,)
        self._mains = waiting
        return not waiting

    def _await_sandbox(self) -> Generator[Any, Any, None]:
        """Create the sandbox, where that takes time; the first image is requested when it exists."""
        env, clock = self._env, self._pod.clock
        clock.enter("sandbox", env.now)
        yield env.timeout(self._sandbox)
        clock.enter("sync", env.now)
        self._sandbox = 0.0
        self._cadence.changed(env.now)

    def _read_secrets(self) -> None:
        """Read the imagePullSecrets and emit an event about missing ones, without which the sync goes on."""
        if not self._pod.pod.spec.pull_secrets:
            return
        self._missing = self._credentials.read_secrets(self._pod)
        self._tell_missing_secrets(told=self._messages.tells_missing_secrets)

    def _tell_missing_secrets(self, *, told: bool) -> None:
        """Emit the event about missing Secrets, if the release has it at this point of a sync (``told``)."""
        if self._missing and told:
            text = self._messages.missing_secrets(self._missing)
            self._context.emit(self._pod, None, WARNING, "FailedToRetrieveImagePullSecret", text)

    def _start(self, container: ContainerSpec) -> Generator[Any, Any, bool]:
        """Start one container (pkg/kubelet/kuberuntime/kuberuntime_container.go startContainer)."""
        env, pod, requested = self._env, self._pod, self._env.now
        if self._volumes and self._blocked(container):
            return False
        ensured: Ensured = yield from self._images.ensure_image_exists(pod, container)
        self._pull_failed |= ensured.reason == ERR_IMAGE_PULL
        if pod.has_ended() or not self._create(container, requested, ensured):
            return False
        assert ensured.image_ref is not None
        mounting = self._context.service.await_mount(ensured.image_ref, pod.pod.spec.runtime_handler)
        if mounting is not None:
            yield from mounting
        if self._container:
            yield env.timeout(self._container)
        if pod.has_ended():
            return False
        pod.hold(container.name, ensured.image_ref)
        self._context.emit(pod, container, NORMAL, "Created", self._messages.created(container.name))
        self._context.emit(pod, container, NORMAL, "Started", self._messages.started(container.name))
        self._cadence.changed(env.now)
        return True

    def _create(self, container: ContainerSpec, requested: float, ensured: Ensured) -> bool:
        """Begin to create and start a container, if its image is there, which is in use from now on."""
        env, pod = self._env, self._pod
        pod.clock.enter("start", env.now)
        self._api.tried(container.name, ensured)
        self._record_request(container, requested, ensured, container.mounts)
        if ensured.image_ref is None:
            self._context.emit(pod, container, WARNING, "Failed", self._messages.error(str(ensured.reason)))
            return False
        pod.images_ready = env.now
        runs_out = container.completes or (container in pod.pod.spec.init_containers and not container.sidecar)
        starts = env.now + self._container
        exits = starts + container.run if runs_out else inf
        mounted = (self._ensured[name].image_ref for name in container.mounts if name in self._ensured)
        images = (ensured.image_ref, *(image for image in mounted if image is not None))
        missing = self._containers.create(pod, container.name, images, starts, exits)
        if missing is not None:  # the image was removed in the meantime; the next sync pulls it again
            pod.reason = CREATE_CONTAINER_ERROR
            self._context.emit(pod, container, WARNING, "Failed", self._messages.error(NOT_RESOLVED.format(missing)))
            return False
        return True

    def _ensure_volume(self, volume: ImageVolume) -> Generator[Any, Any, None]:
        """Find or pull the image of an image volume; if that fails, only containers that mount the volume wait.

        Source: pkg/kubelet/kuberuntime/kuberuntime_manager.go getImageVolumes, from 1.31.
        """
        pod, requested = self._pod, self._env.now
        ensured: Ensured = yield from self._images.ensure_image_exists(pod, volume)
        self._pull_failed |= ensured.reason == ERR_IMAGE_PULL
        pod.clock.enter("start", self._env.now)
        self._record_request(volume, requested, ensured)
        self._ensured[volume.name] = ensured
        if ensured.image_ref is not None:
            pod.hold(volume.key, ensured.image_ref)

    def _blocked(self, container: ContainerSpec) -> bool:
        """Whether a volume that the container mounts has no image (toKubeContainerImageVolumes)."""
        mounted = [self._ensured[name] for name in container.mounts if name in self._ensured]
        failed = [ensured for ensured in mounted if ensured.reason is not None]
        for ensured in failed:
            self._context.emit(self._pod, container, WARNING, "Failed", self._messages.error(str(ensured.reason)))
        if not failed:
            return False
        self._api.tried(container.name, failed[-1])
        self._record_request(container, self._env.now, failed[-1], container.mounts, asked=False)
        return True

    def _show(self, at: float) -> None:
        """Update the status in the API to what a sync at ``at`` finds."""
        init_runs = self._init_exit is not None and self._init_exit > at
        self._api.show(at, self._inits, self._mains, init_runs=init_runs)

    def _record_request(
        self,
        subject: ContainerSpec | ImageVolume,
        requested: float,
        ensured: Ensured,
        mounts: tuple[str, ...] = (),
        *,
        asked: bool = True,
    ) -> None:
        """Write the row of a request for an image, if the recorder takes such rows.

        ``asked`` is False if the container did not request its image because an image volume that it mounts has none.
        """
        record = self._context.recorder.request
        if record is None:
            return
        pod, spec = self._pod, self._pod.pod.spec
        init = any(subject is container for container in spec.init_containers)
        kind = "init_container" if init else "container" if subject.key == subject.name else "image_volume"
        sizes = self._images.record_sizes
        row = ImageRequest(
            node=pod.node or "",
            namespace=pod.namespace,
            pod=pod.name,
            container=subject.name,
            kind=kind,
            image=subject.image,
            policy=subject.policy if asked else None,
            requested=requested,
            ended=self._env.now,
            present=ensured.present if asked else None,
            pull_required=ensured.pull_required if asked else None,
            reason=ensured.reason,
            volumes=sum(name in self._ensured for name in mounts),
            check=ensured.check if sizes is not None else None,
            pull_intents=None if sizes is None else sizes[0],
            pulled_records=None if sizes is None else sizes[1],
        )
        record(row)

    def _wait(self, wake: float) -> Generator[Any, Any, None]:
        """Wait until the time ``wake``, in the stage that the pod waits in; wake up when an init container exits."""
        env, clock, exits = self._env, self._pod.clock, self._init_exit
        if exits is not None and exits > env.now:
            clock.enter("init", env.now)
            yield env.timeout(min(exits, wake) - env.now)
            if env.now >= exits:
                wake = yield from self._unmount(wake)
            clock.enter("sync", env.now)
        else:
            stage = self._retry_stage()
            clock.enter(stage, env.now, None if stage == "sync" else self._pod.cause)
        if wake > env.now:
            yield self._cadence.alarm(env, wake)

    def _unmount(self, wake: float) -> Generator[Any, Any, float]:
        """Unmount the root filesystem of an init container that has exited; return when the next sync begins.

        The runtime tells that the container has exited when that is done: containerd deletes the task first
        (internal/cri/server/events.go handleContainerExit).
        """
        unmounting = self._context.service.unmount_rootfs()
        if unmounting is None:
            return wake
        yield from unmounting
        now = self._init_exit = self._env.now
        self._cadence.changed(now)
        return max(wake, self._cadence.next_sync(now, ok=True))

    def _retry_stage(self) -> str:
        """Return the stage for the time between two syncs."""
        pod = self._pod
        if not pod.failing or pod.reason in UNCOUNTED or pod.reason == CONTAINER_CREATING:
            return "sync"
        if pod.cause == UNREADABLE and pod.reason not in (ERR_IMAGE_PULL, IMAGE_PULL_BACK_OFF):
            return "sync"  # the Secret was found unreadable before any pull, so that there is no back-off
        return "qps" if pod.cause == "qps" else "backoff"
