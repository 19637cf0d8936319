"""When a run without a horizon is over."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pullsim.kernel.event import Event
from pullsim.oci.reference import InvalidReference, cri_image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import simpy

    from pullsim.kubelet.pod_status import PodStatus
    from pullsim.records import PodRecord, Recorder
    from pullsim.spec.cluster import ClusterSpec


class Settlement:
    """Watches the pods, writes the row of each that started, and triggers ``over`` when nothing can change any more.

    A pod is settled when it has started, or when its last attempt failed and began after the last change of the world
    that could alter its outcome (end of a fault, tag move, image removal, join, creation of a pod). It stays so while
    it tries again: that attempt fails as the last one did.
    """

    def __init__(
        self,
        env: simpy.Environment,
        spec: ClusterSpec,
        recorder: Recorder,
        started: Callable[[PodStatus, int], None],
        restless: Callable[[], bool],
    ) -> None:
        """``started`` is told each pod that has started, and how many have.

        ``restless`` tells whether a node that now takes no pods may yet take some.
        """
        self.over = Event(env)
        self.to_come = 0  # pods not created yet
        self.held = 0  # by how many the run is kept from being over
        self.images_changed: Callable[[str], None] | None = None  # told the node of each pull that succeeded
        self.prepulls: list[PodRecord] = []  # rows of pods of prepull jobs
        self._env = env
        self._recorder = recorder
        self._started = started
        self._restless = restless
        self._count = 0
        self._last_change = max(changes(spec), default=0.0)
        self._open: set[PodStatus] = set()  # not settled
        self._settled: set[PodStatus] = set()  # not started; another attempt of theirs fails as the last one did
        self._terminating: set[PodStatus] = set()  # ended, with a sync that goes on
        # settled pods that a pull could help, and when each image came last, by node and the name the CRI is given
        self._hopeful: dict[tuple[str | None, str], dict[PodStatus, None]] = {}
        self._pulled: dict[tuple[str | None, str], float] = {}
        self.unfinished: dict[PodStatus, None] = {}  # not started, in order of creation

    def create(self, pod: PodStatus) -> None:
        """Note that a pod was created; that it will be deleted is a change to come."""
        self.unfinished[pod] = None
        if pod.pod.lives is not None:
            self._last_change = max(self._last_change, pod.pod.created + pod.pod.lives)

    def ended(self, pod: PodStatus) -> None:
        """Write the row of a pod that was deleted or evicted before it started; a sync of it may still go on."""
        if pod.syncing:
            self._terminating.add(pod)
        if pod in self.unfinished:
            self.write(pod, pod.record(self._env.now, settled=True))
            self._open.discard(pod)
            del self.unfinished[pod]
        self.check()

    def write(self, pod: PodStatus, row: PodRecord) -> None:
        """Write the row of a pod, and its time line where that is wanted."""
        if self._recorder.span is not None:
            for span in pod.time_line():
                self._recorder.span(span)
        if pod.pod.prepull:
            self.prepulls.append(row)
        else:
            self._recorder.pod(row)

    def terminated(self, pod: PodStatus) -> None:
        """Note that a pod that has ended is gone, and its place given to others."""
        self._terminating.discard(pod)
        self.check()

    def look(self, pod: PodStatus) -> None:
        """See whether a pod is settled: after a sync of it, and when a pull of it begins.

        One that has ended is: a pull that its last sync begins after that brings nothing it could start.
        """
        if pod.has_ended():
            return
        if pod.started is not None:
            self.write(pod, pod.record(pod.started))
            self._count += 1
            self._open.discard(pod)
            del self.unfinished[pod]
            self._started(pod, self._count)
        elif pod.hopeless(self._last_change) and not self._overtaken(pod):
            self._open.discard(pod)
            self._settled.add(pod)
            for image in present_helps(pod):
                self._hopeful.setdefault((pod.node, image), {})[pod] = None
        elif not (pod in self._settled and pod.pulling):
            self._settled.discard(pod)
            self._open.add(pod)
            return
        self.check()

    def check(self) -> None:
        """End the run if nothing is open, and all pods have started or nothing will change any more."""
        changed = not self.unfinished or self._env.now >= self._last_change
        if (
            changed
            and not self._open
            and not self.to_come
            and not self.held
            and not self.over.triggered
            and not self._waits()
        ):
            self.over.succeed()

    def _waits(self) -> bool:
        """Whether a pod without a node may yet get one."""
        return any(pod.node is None for pod in self.unfinished) and (bool(self._terminating) or self._restless())

    def pulled(self, pod: PodStatus, image: str) -> None:
        """Reopen the settled pods of the node that will find the image when they look again."""
        self._pulled[pod.node, image] = self._env.now
        if self.images_changed is not None and pod.node is not None:
            self.images_changed(pod.node)
        for other in self._hopeful.pop((pod.node, image), ()):
            if other in self.unfinished:
                self._settled.discard(other)
                self._open.add(other)

    def _overtaken(self, pod: PodStatus) -> bool:
        """Whether an image that a failing container would take from the node has come since its last attempt."""
        began = min(pod.failing.values())
        return any(self._pulled.get((pod.node, image), -1.0) >= began for image in present_helps(pod))

    def expect(self, pod: PodStatus) -> None:
        """Count on a pod that was just given to a node."""
        self._open.add(pod)


def present_helps(pod: PodStatus) -> Iterator[str]:
    """Yield the images, as the CRI is given them, that what is failing of the pod would take from the node."""
    for want in pod.pod.spec.wants:
        if want.key in pod.failing and want.policy != "Always":
            with suppress(InvalidReference):
                yield cri_image(want.image)


def changes(spec: ClusterSpec) -> Iterator[float]:
    """Yield the times at which the world changes by itself, in seconds."""
    for registry in spec.registries:
        for fault in registry.faults:
            if fault.at + fault.duration < float("inf"):
                yield fault.at + fault.duration
        for account in registry.access.accounts:
            yield account.since
    yield from spec.catalog.moves()
    for node in spec.nodes:
        yield node.joins
    for runtime in {node.spec.pool: node.spec.runtime for node in spec.nodes}.values():
        yield from runtime.changes()
    for secret in spec.secrets:
        yield secret.created
    for sources in {node.spec.pool: node.spec.credentials for node in spec.nodes}.values():
        for provider in sources.providers:
            for window in provider.plugin.failures:
                if window.at + window.duration < float("inf"):
                    yield window.at + window.duration
    for pod in spec.pods:
        yield pod.created
    for daemon_set in spec.daemon_sets:
        yield daemon_set.created
    for prepull in spec.prepulls:
        yield prepull.created
