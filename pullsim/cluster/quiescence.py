"""The end of a run without a horizon: the moment from which nothing can change any more."""

from __future__ import annotations

import math
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING

from pullsim.kernel.event import Event
from pullsim.oci.reference import InvalidReference, cri_image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pullsim.kernel.environment import Environment
    from pullsim.kubelet.pod_status import PodStatus
    from pullsim.spec.cluster import ClusterSpec


class Quiescence:
    """Tracks which pods are active, and triggers the event ``over`` when nothing can change any more.

    A pod is active while a sync of it may still change something, and from its start until it is ready. It is idle when
    it cannot start without a change: none of its images is being pulled, no failure is retryable, and each failed
    attempt began after the last change that could alter its outcome (a fault that ends, a tag that moves, an image that
    is removed, a node that joins, a pod that is created). It stays idle during further attempts, which fail as the last
    one did. An image that another pod brings to the node makes it active again.
    """

    def __init__(self, env: Environment, spec: ClusterSpec, pressure_may_end: Callable[[], bool]) -> None:
        """``pressure_may_end`` tells whether the disk pressure of a node may still end, so that it takes pods again."""
        self.over = Event(env)
        self.to_come = 0  # pods that have not been created yet
        self.unfinished: dict[PodStatus, None] = {}  # neither ready nor ended, in order of creation
        self._env = env
        self._pressure_may_end = pressure_may_end
        self._last_change = max(changes(spec), default=0.0)
        self._held = 0  # how many holds keep the run from being over
        self._active = 0  # pods that are active
        self._idle: set[PodStatus] = set()
        #: Whether a node may still come that pods without one wait for; an autoscaler says so.
        self.nodes_may_come: Callable[[], bool] = _never
        self._terminating: set[PodStatus] = set()  # deleted or evicted pods whose last sync is still running
        #: Idle pods that would use an image if it were present, by node and by the image's name as the CRI is given it.
        self._would_find: dict[tuple[str | None, str], dict[PodStatus, None]] = {}
        #: The time in seconds at which an image was last pulled, by node and by the same name.
        self._pulled: defaultdict[str | None, dict[str, float]] = defaultdict(dict)

    def hold(self) -> None:
        """Keep the run from being over."""
        self._held += 1

    def release(self) -> None:
        """Take one `hold` back."""
        self._held -= 1
        self.check()

    def create(self, pod: PodStatus) -> None:
        """Note that a pod was created. If it has a lifetime, its deletion is a change that is still to come."""
        self.unfinished[pod] = None
        if pod.pod.lives is not None:
            self._last_change = max(self._last_change, pod.pod.created + pod.pod.lives)

    def expect(self, pod: PodStatus) -> None:
        """Note that a pod was bound to a node: it is active."""
        self._set_active(pod, active=True)

    def finished(self, pod: PodStatus) -> None:
        """Note that a pod is ready; `check` is called once its followers are there."""
        self._set_active(pod, active=False)
        del self.unfinished[pod]

    def ended(self, pod: PodStatus) -> None:
        """Note that a pod was deleted or evicted, or has completed; its last sync may still be running."""
        if pod.syncing:
            self._terminating.add(pod)
        if pod in self.unfinished:
            self.finished(pod)
        self.check()

    def terminated(self, pod: PodStatus) -> None:
        """Note that a pod that has ended has left its node, and that pending pods were tried there."""
        self._terminating.discard(pod)
        self.check()

    def look(self, pod: PodStatus) -> None:
        """Check whether a pod is idle; called when a pull for it begins, after every sync and after a failed read."""
        if self._has_failed_for_good(pod):
            self._set_active(pod, active=False)
            self._idle.add(pod)
            for image in present_helps(pod):
                self._would_find.setdefault((pod.node, image), {})[pod] = None
        elif not (pod in self._idle and pod.pulling):
            self._idle.discard(pod)
            self._set_active(pod, active=True)
            return
        self.check()

    def check(self) -> None:
        """End the run if no pod is active, and all pods are ready or nothing will change any more."""
        changed = not self.unfinished or self._env.now >= self._last_change
        if (
            changed
            and not self._active
            and not self.to_come
            and not self._held
            and not self.over.triggered
            and not self._awaits_node()
        ):
            self.over.succeed()

    def _awaits_node(self) -> bool:
        """Whether a pod without a node may still be bound to one."""
        return any(pod.node is None for pod in self.unfinished) and (
            bool(self._terminating) or self._pressure_may_end() or self.nodes_may_come()
        )

    def pulled(self, pod: PodStatus, image: str) -> None:
        """Note that a pod brought an image to its node: idle pods there that will find it are active again."""
        self._pulled[pod.node][image] = self._env.now
        for other in self._would_find.pop((pod.node, image), ()):
            if other in self.unfinished:
                self._idle.discard(other)
                self._set_active(other, active=True)

    def _set_active(self, pod: PodStatus, *, active: bool) -> None:
        """Note whether a pod is active; all are counted, as a set of them would be among what takes most memory."""
        if pod.active != active:
            pod.active = active
            self._active += 1 if active else -1

    def _has_failed_for_good(self, pod: PodStatus) -> bool:
        """Whether the pod can only start after a change, such as the end of a fault, or after another pod's pull."""
        if pod.pulling or not pod.trouble.failing:
            return False
        began = math.inf
        for failure in pod.trouble.failing.values():
            if failure.retryable or failure.began < self._last_change:
                return False
            began = min(began, failure.began)
        # An image that a failing container would find on the node may have come since its attempt began.
        pulled = self._pulled[pod.node]
        return all(pulled.get(image, -1.0) < began for image in present_helps(pod))


def _never() -> bool:
    return False


def present_helps(pod: PodStatus) -> Iterator[str]:
    """Yield the images, by the names that the CRI is given, that the pod's failing containers would use if present."""
    for want in pod.pod.spec.wants:
        if want.key in pod.trouble.failing and want.policy != "Always":
            with suppress(InvalidReference):
                yield cri_image(want.image)


def changes(spec: ClusterSpec) -> Iterator[float]:
    """Yield the times, in seconds, of all changes in the spec: faults that end, tags that move, nodes that join."""
    for registry in spec.registries:
        for fault in registry.faults:
            if fault.ends < math.inf:
                yield fault.ends
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
                if window.ends < math.inf:
                    yield window.ends
    for pod in spec.pods:
        yield pod.created
    for daemon_set in spec.daemon_sets:
        yield daemon_set.created
    for prepull in spec.prepulls:
        yield prepull.created
