"""The kubelet's worker for one pod, which syncs the pod until its containers run."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, Final, Protocol

from pullsim.kubelet.api_status import api_status
from pullsim.kubelet.credentials.pod_secrets import PodSecrets
from pullsim.kubelet.events import NORMAL, WARNING
from pullsim.kubelet.image_requests import Asked, image_request
from pullsim.kubelet.images.image_manager import ERR_IMAGE_PULL, Ensured, ImageManager, QueuedPull
from pullsim.kubelet.pod_status import Failure
from pullsim.kubelet.readiness import become_ready
from pullsim.kubelet.retry_stage import CONTAINER_CREATING, retry_stage
from pullsim.spec.feature_gates import IMAGE_VOLUMES

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.kernel.event import Event
    from pullsim.kubelet.cadence import Cadence
    from pullsim.kubelet.containers import Containers
    from pullsim.kubelet.context import NodeContext
    from pullsim.kubelet.credentials.pull_credentials import PullCredentials
    from pullsim.kubelet.in_pod_pulls import PodPulls
    from pullsim.kubelet.pod_status import PodStatus
    from pullsim.spec.pod import ContainerSpec, ImageVolume

CREATE_CONTAINER_ERROR: Final = "CreateContainerError"
#: The answer of containerd to CreateContainer if the image is not there (internal/cri/server/container_create.go).
NOT_RESOLVED: Final = 'failed to resolve image "{}": not found'
_NONE: Final[dict[str, Ensured]] = {}  # shared by all pods without image volumes


class Terminator(Protocol):
    """The part of the kubelet that a worker calls."""

    def terminate(self, pod: PodStatus) -> None:
        """End a pod that was deleted or evicted during a sync."""

    def go_on(self, pod: PodStatus, worker: Generator[Any, Any, None]) -> None:
        """Begin, at once, the process in which a pod's worker goes on with the pull whose turn has come."""


class PodWorker:
    """Starts a pod's containers in order. It requests one image at a time, also where pulls run in parallel.

    A sync creates the sandbox, gets the image volumes and starts one init container, or then all regular containers; a
    regular container that fails does not keep the next one from starting. Models pkg/kubelet/pod_workers.go
    podWorkerLoop and pkg/kubelet/kuberuntime/kuberuntime_manager.go SyncPod.

    In a large run most pods wait until it is their turn to pull. A worker has no process meanwhile, and no generators,
    which would take more memory than all else of a pod; it goes on in the middle of its sync, in a new process.
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
        self._secrets = PodSecrets(context, pod, credentials) if pod.pod.spec.pull_secrets else None
        self._cadence = cadence
        self._messages = context.messages
        self._kubelet = kubelet
        #: Without the gate ImageVolume the API server has dropped image volumes and their mounts.
        self._volumes = pod.pod.spec.image_volumes if context.gate(IMAGE_VOLUMES) else ()
        self._ensured: dict[str, Ensured] = {} if self._volumes else _NONE  # outcome by image volume, in this sync
        self._pull_failed = False  # whether a pull of this sync failed
        self._api = api_status(pod, context.recorder)
        self._inits = pod.pod.spec.init_containers  # those not yet started
        self._init_exit: float | None = None  # when the init container that was started last exits
        self._mains = pod.pod.spec.containers  # the regular containers that had not started before this sync
        self._untried: tuple[ContainerSpec, ...] = ()  # those of them that this sync is still to start
        self._failed: tuple[ContainerSpec, ...] = ()  # those of them that could not start in this sync
        self._waiting: QueuedPull | None = None  # the pull of the container that is being started, until its turn
        self._requested = 0.0  # when that container's image was asked for
        own, pool = pod.pod.spec.startup, context.spec.startup
        #: Seconds that the creation of the sandbox takes; 0 once the pod has it.
        self._sandbox: float = (pool.sandbox or 0.0) if own.sandbox is None else own.sandbox
        #: Seconds that creating and starting a container takes.
        self._container: float = (pool.container or 0.0) if own.container is None else own.container

    def run(self) -> Generator[Any, Any, None]:
        """Sync until all containers run and are ready, or the pod has ended; a sync is not cut short by that.

        It ends as well when a pull begins to wait for its turn, which calls `_go_on`.
        """
        env, pod, cadence = self._env, self._pod, self._cadence
        if self._waiting is None:
            if pod.pod.spec.runtime_handler:
                yield from self._create_sandbox(pod.pod.spec.runtime_handler)
            if pod.has_ended():
                return
            if not self._sandbox:
                cadence.changed(env.now)  # the first sync creates the sandbox before anything else
        while True:
            pod.syncing = True
            ok = yield from self._sync()
            if self._waiting is not None:
                return
            if self._pull_failed:
                if self._secrets is not None:
                    self._secrets.tell_of_failure()
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

    def _go_on(self, _: Event) -> None:
        """Go on with the sync whose pull has its turn."""
        self._kubelet.go_on(self._pod, self.run())

    def _create_sandbox(self, handler: str) -> Generator[Any, Any, None]:
        """Sync until the pod's sandbox exists; before that no image is requested."""
        env, pod = self._env, self._pod
        while not pod.has_ended() and (error := self._containers.run_pod_sandbox(handler)) is not None:
            self._show(env.now)
            if self._secrets is not None:
                self._secrets.read()
            self._context.emit(pod, None, WARNING, "FailedCreatePodSandBox", self._messages.no_sandbox(error))
            pod.fail("", CONTAINER_CREATING, "sandbox", Failure(env.now, retryable=False))
            pod.watcher.look(pod)
            yield from self._wait(self._cadence.next_sync(env.now, ok=False))
        pod.recover("")

    def _sync(self) -> Generator[Any, Any, bool]:
        """Start the containers that can be started; return whether there was no error."""
        if self._waiting is None:
            over: bool | None = yield from self._begin_sync()
            if over is not None:
                return over
        if self._inits:
            container = self._inits[0]
            if not (yield from self._start(container)):
                return False
            self._inits = self._inits[1:]
            if not container.sidecar:
                self._init_exit = self._env.now + container.run
                self._cadence.changed(self._init_exit)
            return True
        while self._untried and (self._waiting is not None or not self._pod.has_ended()):
            container = self._untried[0]
            started = yield from self._start(container)
            if self._waiting is not None:
                return False
            self._untried = self._untried[1:]
            if not started:
                self._failed += (container,)
        self._mains = self._failed
        return not self._failed

    def _begin_sync(self) -> Generator[Any, Any, bool | None]:
        """Do what a sync does before it starts containers; return whether there was no error if it starts none."""
        now = self._env.now
        self._show(now)
        if self._secrets is not None:
            self._secrets.read()
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
        self._untried, self._failed = self._mains, ()
        return None

    def _await_sandbox(self) -> Generator[Any, Any, None]:
        """Create the sandbox, where that takes time; the first image is requested when it exists."""
        env, clock = self._env, self._pod.clock
        clock.enter("sandbox", env.now)
        yield env.timeout(self._sandbox)
        clock.enter("sync", env.now)
        self._sandbox = 0.0
        self._cadence.changed(env.now)

    def _start(self, container: ContainerSpec) -> Generator[Any, Any, bool]:
        """Start one container (pkg/kubelet/kuberuntime/kuberuntime_container.go startContainer).

        Return whether it was started. It was not if it waits for its turn to pull: then this is called again.
        """
        env, pod = self._env, self._pod
        asked: Ensured | QueuedPull | None = self._waiting
        if asked is None:
            self._requested = env.now
            if self._volumes and self._blocked(container):
                return False
            asked = yield from self._images.ask(pod, container)
            if isinstance(asked, QueuedPull) and asked.turn is not None:
                self._waiting = asked
                asked.turn.call(self._go_on)
                return False
        self._waiting = None
        if isinstance(asked, Ensured):
            ensured: Ensured = asked
        else:
            assert isinstance(self._images, ImageManager)  # requests in other ways wait for their pulls themselves
            ensured = yield from self._images.pull(pod, asked, pod.clock)
        self._pull_failed |= ensured.reason == ERR_IMAGE_PULL
        if pod.has_ended() or not self._create(container, self._requested, ensured):
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
        self._record(container, requested, ensured, container.mounts)
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
        self._record(volume, requested, ensured)
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
        self._record(container, self._env.now, failed[-1], container.mounts, called=False)
        return True

    def _show(self, at: float) -> None:
        """Update the status in the API to what a sync at ``at`` finds."""
        init_runs = self._init_exit is not None and self._init_exit > at
        self._api.show(at, self._inits, self._mains, init_runs=init_runs)

    def _record(
        self,
        subject: ContainerSpec | ImageVolume,
        requested: float,
        ensured: Ensured,
        mounts: tuple[str, ...] = (),
        *,
        called: bool = True,
    ) -> None:
        """Write the row of a request for an image, if the recorder takes such rows: see `Asked`."""
        record = self._context.recorder.request
        if record is not None:
            volumes = sum(name in self._ensured for name in mounts)
            asked = Asked(subject, requested, self._env.now, ensured, volumes, called)
            record(image_request(self._pod, asked, self._images.record_sizes))

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
            stage = retry_stage(self._pod)
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
