"""The state of one pod during the simulation."""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from pullsim.time_line import TimeLine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pullsim.records import Span
    from pullsim.spec.credentials import Secret
    from pullsim.spec.pod import Pod


_NONE: Final[Mapping[str, Any]] = MappingProxyType({})  # shared by all pods that have nothing to keep in it


@lru_cache(10_000)
def _only(key: str, value: Any) -> Mapping[str, Any]:
    """Return a mapping of one key: the same one for all pods, of which most have one container. Nothing changes it."""
    return {key: value}


class Watcher(Protocol):
    """The part of the cluster that pods report to."""

    def bound(self, pod: PodStatus) -> None:
        """Take note that the scheduler gave the pod to a node."""

    def look(self, pod: PodStatus) -> None:
        """Check the state of a pod, when a pull for it begins and after every sync."""

    def stuck(self, pod: PodStatus) -> None:
        """Check a pod that runs and whose process cannot read its image."""

    def pulled(self, pod: PodStatus, image: str) -> None:
        """Take note that a pull of the pod brought an image to its node."""

    def ended(self, pod: PodStatus) -> None:
        """Take note that the pod was deleted or evicted, or that it has completed."""


DELETED, EVICTED, COMPLETED = "Deleted", "Evicted", "Completed"  # how a pod can end


class Failure(NamedTuple):
    """A failed attempt to get the image of a container or image volume, or a pod's sandbox."""

    began: float  # when the attempt began, in seconds
    retryable: bool  # whether the next attempt may succeed although no fault, tag, node or pod changes until then


class Trouble:
    """What keeps a pod from its start, or has ended it, and what has failed before; most pods have none."""

    __slots__ = ("backoffs", "cause", "failing", "failures", "message", "reason")

    def __init__(self) -> None:
        #: The last failure of each container and image volume that has no image, by its key; "" is the sandbox.
        self.failing: Mapping[str, Failure] = _NONE
        self.failures = 0  # number of failed pulls
        self.backoffs = 0  # number of attempts that found the image in back-off
        self.reason: str | None = None  # why the pod waits, or how it ended
        self.cause: str | None = None  # the cause of the last failure, as `PullOutcome.cause` names it
        self.message: str | None = None  # why no node was feasible, at the end of the run


_NO_TROUBLE: Final = Trouble()  # of all pods that have had none; it never changes


class PodStatus:
    """One pod: its node, the stages of its time, its pulls and its trouble. Times are seconds.

    An object stands for one pod UID, and is a dictionary key by its identity.
    """

    __slots__ = (
        "_scheduled",
        "active",
        "attempts",
        "available",
        "clock",
        "ended",
        "image_refs",
        "images_ready",
        "name",
        "namespace",
        "node",
        "pod",
        "pull_secrets",
        "pulling",
        "ready",
        "ready_later",
        "started",
        "syncing",
        "trouble",
        "watcher",
        "withdrawn",
    )

    def __init__(self, pod: Pod, now: float, watcher: Watcher, *, spans: bool = False) -> None:
        """``spans``: the pod's time line is kept, and not only the sums by stage."""
        self.pod = pod
        self.watcher = watcher
        # Side by side, as compiled they take a byte each.
        self.active = False  # whether it counts as active, see `pullsim.cluster.quiescence.Quiescence`
        self.available = False  # whether it has been ready for its owner's minReadySeconds
        self.ready_later = False  # whether its start was told before it was ready
        self.syncing = False  # whether a sync of it is under way
        self.withdrawn = False  # whether nobody wanted it any more when it was deleted
        self.name = pod.name
        self.namespace = pod.namespace
        self.node: str | None = None
        self._scheduled = 0.0  # when it was bound to its node, if it has one
        self.started: float | None = None  # when the last of its containers was started
        self.ready: float | None = None  # when its condition Ready became true
        self.images_ready: float | None = None  # when the last image that was asked for was there
        self.clock = TimeLine(now, "scheduling", spans=spans)
        self.attempts: Mapping[str, int] = _NONE  # number of pulls by image, as written in the pod
        self.pull_secrets: tuple[Secret, ...] = ()  # the existing ones, as read when the sync began
        self.pulling = 0  # number of its pulls that are queued or under way
        self.trouble = _NO_TROUBLE  # to be read; `troubled` is to be changed
        self.ended: str | None = None  # DELETED, EVICTED or COMPLETED
        #: The image IDs of containers that were started, and of image volumes whose image is there, by key.
        self.image_refs: Mapping[str, str] = _NONE

    def bind(self, node: str, now: float) -> None:
        """Note that the scheduler gave the pod to ``node``."""
        self.node = node
        self._scheduled = now
        self.clock.enter("sync", now)
        self.watcher.bound(self)

    def attempt(self, image: str) -> None:
        """Note that a pull of the image is requested; ``image`` is as written in the pod."""
        attempts = self.attempts
        self.attempts = {**attempts, image: attempts.get(image, 0) + 1} if attempts else _only(image, 1)
        self.pulling += 1
        self.watcher.look(self)

    def pulled(self, image: str) -> None:
        """Note that a pull brought an image, by the name that the CRI was given."""
        self.watcher.pulled(self, image)

    def recover(self, key: str) -> None:
        """Note that the container or volume with this key, or the sandbox (""), no longer fails."""
        failing = self.trouble.failing
        if key in failing:
            self.trouble.failing = {other: failure for other, failure in failing.items() if other != key}

    def hold(self, key: str, image_ref: str) -> None:
        """Note that the container with this key was started, or that the image of this volume is on the node."""
        self.recover(key)
        self.image_refs = {**self.image_refs, key: image_ref} if self.image_refs else _only(key, image_ref)

    def fail(self, key: str, reason: str, cause: str | None, failure: Failure) -> None:
        """Note that the container or volume with this key has no image, or that the pod ("") has no sandbox."""
        trouble = self.troubled()
        trouble.reason = reason
        trouble.cause = cause
        trouble.failing = {**trouble.failing, key: failure}

    def troubled(self) -> Trouble:
        """Return its trouble, which it has from now on."""
        if self.trouble is _NO_TROUBLE:
            self.trouble = Trouble()
        return self.trouble

    def has_ended(self) -> bool:
        """Whether it was deleted or evicted, or has completed."""
        return self.ended is not None

    def end(self, how: str) -> None:
        """Note that the pod was deleted or evicted, or that all its containers have exited."""
        self.ended = how
        if self.started is None:
            self.troubled().reason = how
        self.watcher.ended(self)

    def take_spans(self) -> list[Span]:
        """Return the spans of the time line so far, and stop keeping spans."""
        spans, self.clock.spans = self.clock.spans or [], None
        return spans

    def record(self, now: float, *, never: bool = False) -> tuple[Any, ...]:
        """Return the fields of the pod's `PodRecord`: when it is ready, has ended before that, or the run ends.

        ``never``: the pod has not started and never would have, so that it has missed a deadline that is yet to come.
        """
        pod = self.pod
        end = now if self.started is None else self.started
        ready_end = now if self.ready is None else self.ready
        wants = pod.spec.wants
        waits = self.started is None
        stages, trouble = self.clock.close(ready_end), self.trouble
        created, deadline = pod.created, pod.deadline
        return (
            self.namespace,
            self.name,
            pod.workload,
            self.node,
            created,
            None if self.node is None else self._scheduled,
            self.started,
            end - created,
            self.ready,
            ready_end - created,
            sum(self.attempts.values()),
            trouble.failures,
            trouble.backoffs,
            trouble.reason if waits else None,
            trouble.cause if waits else None,
            trouble.message,
            tuple([want.image for want in wants]),
            tuple([self.image_refs.get(want.key) for want in wants]),
            deadline,
            deadline is not None and (end - created > deadline or (waits and never)),
            (self.withdrawn or self.ended == COMPLETED) and self.ready is None,
            stages if self.ended is None else dict(stages),  # a running pull may still add to the dictionary
            None if waits else self.images_ready,
            pod.spec.scheduling.requests,
        )
