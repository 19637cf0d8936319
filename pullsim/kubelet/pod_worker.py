"""The kubelet's worker for one pod, which syncs the pod until its containers run."""

from __future__ import annotations

from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol

from pullsim.kernel.event import Call
from pullsim.kubelet.api_status import api_status
from pullsim.kubelet.credentials.pod_secrets import PodSecrets
from pullsim.kubelet.events import NORMAL, WARNING
from pullsim.kubelet.image_requests import Asked, image_request
from pullsim.kubelet.images.image_manager import ERR_IMAGE_PULL, Ensured, ImageManager
from pullsim.kubelet.images.image_service import PullRequest
from pullsim.kubelet.pod_status import Failure
from pullsim.kubelet.readiness import become_ready
from pullsim.kubelet.retry_stage import CONTAINER_CREATING, retry_stage
from pullsim.spec.feature_gates import IMAGE_VOLUMES

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

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
_NONE: Final[Mapping[str, Ensured]] = MappingProxyType({})  # shared by all pods that have none


class Terminator(Protocol):
    """The part of the kubelet that a worker calls."""

    containers: Containers

    def cadence(self, pod: PodStatus) -> Cadence:
        """Return what decides when the pod's worker syncs."""

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
        credentials: PullCredentials,
        kubelet: Terminator,
    ) -> None:
        self._context = context
        self._pod = pod
        self._images = images
        self._secrets = PodSecrets(context, pod, credentials) if pod.pod.spec.pull_secrets else None
        self._kubelet = kubelet
        self._ensured: Mapping[str, Ensured] = _NONE  # outcome by image volume, in this sync
        self._pull_failed = False  # whether a pull of this sync failed
        self._api = api_status(pod, context.recorder)
        self._inits = pod.pod.spec.init_containers  # those not yet started
        self._init_exit: float | None = None  # when the init container that was started last exits
        self._mains = pod.pod.spec.containers  # the regular containers that had not started before this sync
        self._untried: tuple[ContainerSpec, ...] = ()  # those of them that this sync is still to start
        self._failed: tuple[ContainerSpec, ...] = ()  # those of them that could not start in this sync
        self._waiting: PullRequest | None = None  # the pull of the container that is being started, until its turn
        self._requested = 0.0  # when that container's image was asked for
        self._sandboxed = inf  # when its sandbox was created; infinity: it has none yet
        self._timing: Cadence | None = None  # made when it is first needed: most pods wait in their first sync

    def run(self) -> Generator[Any, Any, None]:
        """Sync until all containers run and are ready, or the pod has ended; a sync is not cut short by that.

        It ends as well when a pull begins to wait for its turn, which calls `succeed`.
        """
        env, pod = self._context.env, self._pod
        if self._waiting is None:
            if pod.pod.spec.runtime_handler:
                yield from self._create_sandbox(pod.pod.spec.runtime_handler)
            if pod.has_ended():
                return
            if not self._context.sandbox_takes(pod.pod.spec):
                self._sandboxed = env.now  # the first sync creates it before anything else
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
                yield from become_ready(self._context, pod, self._cadence, show)
                return
            pod.watcher.look(pod)
            yield from self._wait(self._cadence.next_sync(env.now, ok=ok))
            if pod.has_ended():
                return

    def succeed(self) -> None:
        """See `Waiter.succeed`: the pull that the worker waits for has its turn."""
        Call(self._context.env, lambda _: self._kubelet.go_on(self._pod, self.run()))

    def _create_sandbox(self, handler: str) -> Generator[Any, Any, None]:
        """Sync until the pod's sandbox exists; before that no image is requested."""
        env, pod = self._context.env, self._pod
        while not pod.has_ended() and (error := self._kubelet.containers.run_pod_sandbox(handler)) is not None:
            self._show(env.now)
            if self._secrets is not None:
                self._secrets.read()
            self._context.emit(pod, None, WARNING, "FailedCreatePodSandBox", self._context.messages.no_sandbox(error))
            pod.fail("", CONTAINER_CREATING, "sandbox", Failure(env.now, retryable=False))
            pod.watcher.look(pod)
            yield from self._wait(self._cadence.next_sync(env.now, ok=False))
        pod.recover("")
        self._timing = None  # the one that is made next is told of the sandbox

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
                self._init_exit = self._context.env.now + container.run
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
        env, pod = self._context.env, self._pod
        now = env.now
        self._show(now)
        if self._secrets is not None:
            self._secrets.read()
        if self._sandboxed == inf:  # the first image is requested when it exists
            pod.clock.enter("sandbox", now)
            yield env.timeout(self._context.sandbox_takes(pod.pod.spec))
            pod.clock.enter("sync", env.now)
            self._sandboxed = env.now
            if pod.has_ended():
                return False
        runs = self._init_exit is not None and self._init_exit > now
        if runs and self._context.version >= (1, 37):  # only a sync that starts a container looks at image volumes
            return True  # (kubernetes pull 138655)
        # Without the gate ImageVolume the API server has dropped image volumes and their mounts.
        for volume in pod.pod.spec.image_volumes if self._context.gate(IMAGE_VOLUMES) else ():
            yield from self._ensure_volume(volume)
            if pod.has_ended():
                return False
        if runs:
            return True
        self._init_exit = None
        self._untried, self._failed = self._mains, ()
        return None

    def _start(self, container: ContainerSpec) -> Generator[Any, Any, bool]:
        """Start one container (pkg/kubelet/kuberuntime/kuberuntime_container.go startContainer).

        Return whether it was started. It was not if it waits for its turn to pull: then this is called again.
        """
        env, pod = self._context.env, self._pod
        asked: Ensured | PullRequest | None = self._waiting
        if asked is None:
            self._requested = env.now
            if self._ensured and self._blocked(container):
                return False
            asked = yield from self._images.ask(pod, container)
            if isinstance(asked, PullRequest) and asked.queued:
                self._waiting = asked
                asked.waiter = self
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
        if takes := self._context.container_takes(pod.pod.spec):
            yield env.timeout(takes)
        if pod.has_ended():
            return False
        pod.hold(container.name, ensured.image_ref)
        self._context.emit(pod, container, NORMAL, "Created", self._context.messages.created(container.name))
        self._context.emit(pod, container, NORMAL, "Started", self._context.messages.started(container.name))
        self._cadence.changed(env.now)
        return True

    def _create(self, container: ContainerSpec, requested: float, ensured: Ensured) -> bool:
        """Begin to create and start a container, if its image is there, which is in use from now on."""
        env, pod = self._context.env, self._pod
        pod.clock.enter("start", env.now)
        self._api.tried(container.name, ensured)
        self._record(container, requested, ensured, container.mounts)
        if ensured.image_ref is None:
            self._tell(container, str(ensured.reason))
            return False
        pod.images_ready = env.now
        runs_out = container.completes or (container in pod.pod.spec.init_containers and not container.sidecar)
        starts = env.now + self._context.container_takes(pod.pod.spec)
        exits = starts + container.run if runs_out else inf
        mounted = (self._ensured[name].image_ref for name in container.mounts if name in self._ensured)
        images = (ensured.image_ref, *(image for image in mounted if image is not None))
        missing = self._kubelet.containers.create(pod, container.name, images, starts, exits)
        if missing is not None:  # the image was removed in the meantime; the next sync pulls it again
            pod.troubled().reason = CREATE_CONTAINER_ERROR
            self._tell(container, NOT_RESOLVED.format(missing))
            return False
        return True

    def _tell(self, container: ContainerSpec, error: str) -> None:
        """Emit the event of a container that cannot be created."""
        self._context.emit(self._pod, container, WARNING, "Failed", self._context.messages.error(error))

    def _ensure_volume(self, volume: ImageVolume) -> Generator[Any, Any, None]:
        """Find or pull the image of an image volume; if that fails, only containers that mount the volume wait.

        Source: pkg/kubelet/kuberuntime/kuberuntime_manager.go getImageVolumes, from 1.31.
        """
        pod, requested = self._pod, self._context.env.now
        ensured: Ensured = yield from self._images.ensure_image_exists(pod, volume)
        self._pull_failed |= ensured.reason == ERR_IMAGE_PULL
        pod.clock.enter("start", self._context.env.now)
        self._record(volume, requested, ensured)
        self._ensured = {**self._ensured, volume.name: ensured}
        if ensured.image_ref is not None:
            pod.hold(volume.key, ensured.image_ref)

    @property
    def _cadence(self) -> Cadence:
        """What decides when it syncs."""
        cadence = self._timing
        if cadence is None:
            cadence = self._timing = self._kubelet.cadence(self._pod)
            if self._sandboxed < inf:
                cadence.changed(self._sandboxed)  # nothing else has changed before
        return cadence

    def _blocked(self, container: ContainerSpec) -> bool:
        """Whether a volume that the container mounts has no image (toKubeContainerImageVolumes)."""
        mounted = [self._ensured[name] for name in container.mounts if name in self._ensured]
        failed = [ensured for ensured in mounted if ensured.reason is not None]
        for ensured in failed:
            self._tell(container, str(ensured.reason))
        if not failed:
            return False
        self._api.tried(container.name, failed[-1])
        self._record(container, self._context.env.now, failed[-1], container.mounts, called=False)
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
            asked = Asked(subject, requested, self._context.env.now, ensured, volumes, called)
            record(image_request(self._pod, asked, self._images.record_sizes))

    def _wait(self, wake: float) -> Generator[Any, Any, None]:
        """Wait until the time ``wake``, in the stage that the pod waits in; wake up when an init container exits."""
        env, clock, exits = self._context.env, self._pod.clock, self._init_exit
        if exits is not None and exits > env.now:
            clock.enter("init", env.now)
            yield env.timeout(min(exits, wake) - env.now)
            if env.now >= exits:
                wake = yield from self._unmount(wake)
            clock.enter("sync", env.now)
        else:
            stage = retry_stage(self._pod)
            clock.enter(stage, env.now, None if stage == "sync" else self._pod.trouble.cause)
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
        now = self._init_exit = self._context.env.now
        self._cadence.changed(now)
        return max(wake, self._cadence.next_sync(now, ok=True))
