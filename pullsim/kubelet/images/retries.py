"""When failed pulls of a node are tried again under pull policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pullsim.cri import NO_SPACE
from pullsim.errors import InputError, shown
from pullsim.kernel.clock import nanoseconds
from pullsim.kernel.event import Call, Event
from pullsim.kubelet.credentials.pull_credentials import UNREADABLE
from pullsim.kubelet.images.backoff import Backoff
from pullsim.kubelet.images.policy import PullError, later
from pullsim.oci.reference import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from pullsim.cri import PullOutcome
    from pullsim.kernel.environment import Environment
    from pullsim.kubelet.cadence import Cadence
    from pullsim.kubelet.context import NodeContext
    from pullsim.kubelet.images.image_service import PullRequest
    from pullsim.kubelet.images.policy import WaitingPull
    from pullsim.kubelet.images.policy_queue import PolicyQueue
    from pullsim.kubelet.pod_status import PodStatus

    After = Callable[[PullError, WaitingPull, float], Any]  # the answer is checked, see `later`

#: Causes of failed pulls that another pull's success at the same registry does not make go away.
STAYING: Final = frozenset({"notFound", "platform", "unauthorized", "forbidden", "qps", NO_SPACE, UNREADABLE})


class AdjustableBackoff(Backoff):
    """A back-off of which a policy can set the end. Times are nanoseconds."""

    __slots__ = ("_ends",)

    def __init__(self, initial: int, maximum: int) -> None:
        super().__init__(initial, maximum)
        self._ends: dict[Hashable, int] = {}  # by key of which a policy has set the end

    def active(self, key: Hashable, now: int) -> bool:
        """See `Backoff.active`."""
        return self.left(key, now) > 0

    def next(self, key: Hashable, now: int) -> None:
        """See `Backoff.next`."""
        self._ends.pop(key, None)
        Backoff.next(self, key, now)

    def left(self, key: Hashable, now: int) -> int:
        """See `Backoff.left`."""
        end = self._ends.get(key)
        return Backoff.left(self, key, now) if end is None else max(end - now, 0)

    def end_at(self, key: Hashable, at: int) -> None:
        """Let the present back-off of ``key`` end at a time."""
        self._ends[key] = at

    def set_by_policy(self, key: Hashable) -> bool:
        """Whether a policy has set the end of the present back-off."""
        return key in self._ends


class Retries:
    """Applies what policies say after a failure, and ends back-offs when a registry has recovered.

    Where a policy sets the end of a back-off, the pod's worker is due in the work queue then, so that it tries again at
    that time and not when it would look by itself.
    """

    def __init__(
        self,
        context: NodeContext,
        backoff: AdjustableBackoff,
        queue: PolicyQueue,
        afters: Sequence[tuple[str, After]],
        jitter: float | None,
    ) -> None:
        """``afters``: names and methods of policies, in order; ``jitter``: of `ResetOnRecovery`, None: not wanted."""
        self._context = context
        self._env = context.env
        self._backoff = backoff
        self._queue = queue
        self._afters = afters
        self._jitter = jitter
        self._failed: dict[str, dict[tuple[PodStatus, str], None]] = {}  # keys that failed since, by registry
        self._alarms: dict[PodStatus, tuple[Event, Cadence]] = {}  # of the pods whose workers wait

    def failed(self, pod: PodStatus, request: PullRequest, outcome: PullOutcome) -> None:
        """Ask the policies when a pull that has just failed is tried again; the kubelet's own back-off has begun."""
        key, now = (pod, request.subject.image), self._env.now
        if self._jitter is not None:
            waiting = self._failed.setdefault(parse(request.image).domain, {})
            waiting.pop(key, None)
            if outcome.cause not in STAYING:
                waiting[key] = None
        if not self._afters:
            return
        left = self._backoff.left(key, nanoseconds(now)) / 1e9
        error = PullError(outcome.message, outcome.cause, pod.trouble.failures, left)
        pull = self._queue.view(request)
        for name, after in self._afters:
            given = after(error, pull, now)
            if given is None:
                continue
            at = later(given, now)
            if at is None:
                raise InputError(
                    f"the pull policy {name} returned {shown(given)} after a failure at {now:g} s: a time that is "
                    "later, in seconds, or None is right"
                )
            self._backoff.end_at(key, nanoseconds(at))
            return

    def succeeded(self, request: PullRequest) -> None:
        """End the back-offs of the other images of the registry that has just answered a pull.

        Each ends after a delay of its own, at most ``jitter`` seconds, and where registryPullQPS is set no two within
        the time in which a token comes: so these retries alone are never refused.
        """
        if self._jitter is None:
            return
        keys = self._failed.pop(parse(request.image).domain, None)
        if not keys:
            return
        now, context = self._env.now, self._context
        waiting = [key for key in keys if self._backoff.active(key, nanoseconds(now)) and not key[0].has_ended()]
        if not waiting:
            return
        stream = context.streams.get("recovery", context.node)
        delays = sorted((self._jitter * stream.uniform(), place) for place, _ in enumerate(waiting))
        qps = context.config.registry_pull_qps
        apart = 1 / qps if qps else 0.0
        at = now - apart
        for delay, place in delays:
            at = max(now + delay, at + apart)
            key = waiting[place]
            self._backoff.forget(key)
            self._backoff.end_at(key, nanoseconds(at))
            alarm = self._alarms.get(key[0])
            if alarm is not None:
                self._ring(alarm[0], alarm[1].requeued(at))

    def due(self, pod: PodStatus) -> float | None:
        """Return when a pod is due after a sync with an error, if policies have set the ends of all its back-offs."""
        now, earliest = nanoseconds(self._env.now), None
        for want in pod.pod.spec.wants:
            if want.key not in pod.trouble.failing:
                continue
            key = (pod, want.image)
            left = self._backoff.left(key, now)
            if not left or not self._backoff.set_by_policy(key):
                return None
            earliest = left if earliest is None else min(earliest, left)
        return None if earliest is None else (now + earliest) / 1e9

    def alarm(self, pod: PodStatus, wake: float, cadence: Cadence) -> Event:
        """Return an event that happens at the time ``wake``, or earlier if a back-off of the pod is ended."""
        event = Event(self._env)
        self._alarms[pod] = event, cadence
        self._ring(event, wake)
        return event

    def _ring(self, event: Event, at: float) -> None:
        """Let an event happen at this time, unless it has happened by then."""

        def ring(_: Any) -> None:
            if not event.triggered:
                event.happen()

        Call(self._env, ring, max(at - self._env.now, 0.0))


class RetryCadence:
    """A `Cadence` of one pod that keeps to what pull policies say about its failed pulls."""

    __slots__ = ("_cadence", "_pod", "_retries")

    def __init__(self, cadence: Cadence, retries: Retries, pod: PodStatus) -> None:
        """``cadence`` is the kubelet's own."""
        self._cadence = cadence
        self._retries = retries
        self._pod = pod

    def changed(self, at: float) -> None:
        """See `Cadence.changed`."""
        self._cadence.changed(at)

    def next_sync(self, now: float, *, ok: bool, due: float | None = None) -> float:
        """See `Cadence.next_sync`."""
        if not ok and due is None:
            due = self._retries.due(self._pod)
        return self._cadence.next_sync(now, ok=ok, due=due)

    def requeued(self, due: float) -> float:
        """See `Cadence.requeued`."""
        return self._cadence.requeued(due)

    def alarm(self, env: Environment, wake: float) -> Event:  # noqa: ARG002 - the protocol has it
        """See `Cadence.alarm`."""
        return self._retries.alarm(self._pod, wake, self._cadence)
