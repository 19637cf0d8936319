"""The kubelet's worker of one pod: syncs it until its containers run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullsim.kubelet.events import NORMAL, WARNING
from pullsim.kubelet.image_manager import ERR_IMAGE_NEVER_PULL, INVALID_IMAGE_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import simpy

    from pullsim.kubelet.cadence import Cadence
    from pullsim.kubelet.events import Messages
    from pullsim.kubelet.image_manager import Ensured, ImageManager
    from pullsim.kubelet.pod import ContainerSpec
    from pullsim.kubelet.pod_status import PodStatus


class PodWorker:
    """Starts a pod's containers in order, one image at a time, whatever the puller.

    Models pkg/kubelet/pod_workers.go podWorkerLoop and pkg/kubelet/kuberuntime/kuberuntime_manager.go SyncPod: one
    init container a sync, then all regular containers; a failing regular one does not hold up the next.
    """

    def __init__(
        self,
        env: simpy.Environment,
        pod: PodStatus,
        images: ImageManager,
        cadence: Cadence,
        messages: Messages,
        emit: Callable[[PodStatus, ContainerSpec, str, str, str], None],
    ) -> None:
        self._env = env
        self._pod = pod
        self._images = images
        self._cadence = cadence
        self._messages = messages
        self._emit = emit
        self._inits = list(pod.pod.spec.init_containers)  # not yet started
        self._init_exit: float | None = None  # of the init container that runs
        self._mains = list(pod.pod.spec.containers)  # not yet started

    def run(self) -> Generator[Any, Any, None]:
        """Sync until all containers run."""
        env, pod, cadence = self._env, self._pod, self._cadence
        cadence.changed(env.now)  # the first sync creates the sandbox before anything else
        while True:
            ok = yield from self._sync()
            if not self._mains:
                pod.started = env.now
            pod.watcher.look(pod)
            if not self._mains:
                return
            yield from self._wait(cadence.next_sync(env.now, ok=ok))

    def _sync(self) -> Generator[Any, Any, bool]:
        """Start what can be started; tell whether there was no error."""
        now = self._env.now
        if self._init_exit is not None:
            if self._init_exit > now:
                return True
            self._init_exit = None
        if self._inits:
            container = self._inits[0]
            if not (yield from self._start(container)):
                return False
            del self._inits[0]
            if not container.sidecar:
                self._init_exit = self._env.now + container.run
                self._cadence.changed(self._init_exit)
            return True
        waiting = []
        for container in self._mains:
            if not (yield from self._start(container)):
                waiting.append(container)  # noqa: PERF401  # a comprehension cannot yield
        self._mains = waiting
        return not waiting

    def _start(self, container: ContainerSpec) -> Generator[Any, Any, bool]:
        """Start one container (pkg/kubelet/kuberuntime/kuberuntime_container.go startContainer)."""
        env, pod = self._env, self._pod
        ensured: Ensured = yield from self._images.ensure_image_exists(pod, container)
        pod.clock.enter("start", env.now)
        if ensured.image_ref is None:
            self._emit(pod, container, WARNING, "Failed", self._messages.error(str(ensured.reason)))
            return False
        pod.failing.pop(container.name, None)
        pod.image_refs[container.name] = ensured.image_ref
        self._emit(pod, container, NORMAL, "Created", self._messages.created(container.name))
        self._emit(pod, container, NORMAL, "Started", self._messages.started(container.name))
        self._cadence.changed(env.now)
        return True

    def _wait(self, wake: float) -> Generator[Any, Any, None]:
        """Sleep until ``wake``, giving the time to what is waited for."""
        env, clock, exits = self._env, self._pod.clock, self._init_exit
        if exits is not None and exits > env.now:
            clock.enter("init", env.now)
            yield env.timeout(min(exits, wake) - env.now)
            clock.enter("sync", env.now)
        else:
            clock.enter(self._retry_stage(), env.now)
        if wake > env.now:
            yield env.timeout(wake - env.now)

    def _retry_stage(self) -> str:
        """Return what a pod waits for between two looks of the kubelet."""
        pod = self._pod
        if not pod.failing or pod.reason in (ERR_IMAGE_NEVER_PULL, INVALID_IMAGE_NAME):
            return "sync"
        return "qps" if pod.cause == "qps" else "backoff"
