"""The times at which a pod worker syncs its pod again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pullsim.kernel.clock import nanoseconds
from pullsim.kernel.event import Event, Timeout

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pullsim.kernel.environment import Environment
    from pullsim.kubelet.pod_status import PodStatus
    from pullsim.spec.cadence import Interval
    from pullsim.streams import Streams

SECOND = 1_000_000_000  # nanoseconds: the period of the work queue's tick and of the PLEG's relist


class Cadence(Protocol):
    """Decides the time of a pod's next sync. Times are seconds."""

    def changed(self, at: float) -> None:
        """Note a change of the pod in the runtime at ``at``: sandbox created, container started or exited.

        Calls come in the order of their times.
        """

    def next_sync(self, now: float, *, ok: bool, due: float | None = None) -> float:
        """Return the time of the next sync, after a sync that ended at ``now``; ``ok``: that sync had no error.

        ``due``: when the pod is due in the work queue, where a pull policy says so; None: after the kubelet's delay.
        """

    def requeued(self, due: float) -> float:
        """Return the time of the sync of a waiting pod that a pull policy puts into the work queue, to be due then."""

    def alarm(self, env: Environment, wake: float) -> Event:
        """Return the event of a time that `next_sync` gave and that is to come; a pull policy may let it come early."""


class Requeue:
    """The delays from a sync until a pod of a node is due in the work queue: first the given ones, then random ones."""

    __slots__ = ("_given", "_left", "_resync", "_retry", "_streams")

    def __init__(
        self, retry: Interval, resync: Interval, given: Mapping[str, Sequence[float]], streams: Streams
    ) -> None:
        """``given`` are seconds by the pod's name. Random delays use a stream of the pod: most pods need none."""
        self._retry = retry
        self._resync = resync
        self._given = given
        self._left: dict[PodStatus, Iterator[float]] = {}  # the given ones that are to come
        self._streams = streams

    def delay(self, pod: PodStatus, *, ok: bool) -> float:
        """Return seconds until the pod is due (pkg/kubelet/pod_workers.go completeWork)."""
        if pod.name in self._given:
            given = next(self._left.setdefault(pod, iter(self._given[pod.name])), None)
            if given is not None:
                return given
        interval = self._resync if ok else self._retry
        if not interval.jitter:
            return interval.base
        stream = self._streams.get("requeue", pod.namespace, pod.name)
        return interval.base * (1 + interval.jitter * stream.uniform())


class MinimalCadence:
    """A cadence without ticks and relists: it syncs a requeue delay after an error, or when an init container exits."""

    __slots__ = ("_changed", "_pod", "_requeue")

    def __init__(self, requeue: Requeue, pod: PodStatus) -> None:
        self._requeue = requeue
        self._pod = pod
        self._changed = 0.0  # time of the last change, which may be an exit that is still to come

    def changed(self, at: float) -> None:
        """See `Cadence.changed`."""
        self._changed = at

    def next_sync(self, now: float, *, ok: bool, due: float | None = None) -> float:
        """See `Cadence.next_sync`."""
        if due is not None:
            return due
        if not ok:
            return now + self._requeue.delay(self._pod, ok=False)
        return max(now, self._changed)

    def requeued(self, due: float) -> float:
        """See `Cadence.requeued`."""
        return due

    def alarm(self, env: Environment, wake: float) -> Event:
        """See `Cadence.alarm`."""
        return Timeout(env, wake - env.now)


class Phases:
    """The moments within each second at which a node's kubelet ticks and relists: it may have started at any moment.

    A phase that is not given is drawn when it is first needed: by the first pod that needs a second sync.
    """

    __slots__ = ("_drawn", "_node", "_relist", "_streams", "_tick")

    def __init__(self, tick: float | None, relist: float | None, streams: Streams, node: str) -> None:
        """Take the phases in seconds; one that is None is drawn."""
        self._tick = tick
        self._relist = relist
        self._streams = streams
        self._node = node
        self._drawn: tuple[int, int] | None = None

    def read(self) -> tuple[int, int]:
        """Return the phase of the tick and that of the relist, in nanoseconds."""
        if self._drawn is None:
            tick, relist = self._tick, self._relist
            if tick is None or relist is None:
                stream = self._streams.get("phases", self._node)
                drawn = stream.uniform(), stream.uniform()
                tick = drawn[0] if tick is None else tick
                relist = drawn[1] if relist is None else relist
            self._drawn = nanoseconds(tick), nanoseconds(relist)
        return self._drawn


class KubeletCadence:
    """The kubelet's own cadence. Ticks and relists are computed, not simulated: a pod that just waits has no events.

    Three things wake a worker: the work queue, from which a tick takes each second what was due strictly before; a
    relist (PLEG, each second) that saw a change of the pod in the runtime; and an update that came during the sync.
    Every sync after the first waits for a cache entry newer than the end of the last one, that is for the next relist.
    From 1.36 the end of a successful sync relists the pod at once, which serves a worker that already waits for the
    cache.

    Models pkg/kubelet/pod_workers.go podWorkerLoop, pkg/kubelet/kubelet.go syncLoopIteration,
    pkg/kubelet/pleg/generic.go Relist and pkg/kubelet/container/cache.go GetNewerThan; checked by the traces
    kubelet_*.
    """

    __slots__ = ("_on_demand", "_pending", "_phases", "_pod", "_requeue", "_unseen")

    def __init__(self, requeue: Requeue, pod: PodStatus, phases: Phases, *, relist_on_demand: bool) -> None:
        self._requeue = requeue
        self._pod = pod
        self._phases = phases
        self._on_demand = relist_on_demand
        self._unseen: tuple[int, ...] = ()  # times of changes that no relist has seen, in nanoseconds, ascending
        self._pending = False  # whether an update waits in the worker's channel

    def changed(self, at: float) -> None:
        """See `Cadence.changed`."""
        self._unseen += (nanoseconds(at),)

    def next_sync(self, now: float, *, ok: bool, due: float | None = None) -> float:
        """See `Cadence.next_sync`."""
        end = nanoseconds(now)
        tick, relist = self._phases.read()
        queued = end + nanoseconds(self._requeue.delay(self._pod, ok=ok)) if due is None else nanoseconds(due)
        pending = self._see(end) or self._pending
        if pending and ok and self._on_demand and self._unseen and self._unseen[0] <= end:
            # The relist on demand sends the next update and serves the worker, which waits for the cache already.
            self._unseen = tuple([t for t in self._unseen if t > end])
            self._pending = True
            return now
        # The worker takes the pod at `taken`: at once for an update, else with a tick. It syncs at `wake`, when the
        # cache has an entry newer than the last sync too.
        fresh = _next(relist, end)
        if pending:
            taken, wake = end, fresh
        else:
            taken = _next(tick, queued)
            wake = max(taken, fresh)
            if self._unseen:
                wake = min(wake, _next(relist, self._unseen[0]))
        # A change that the relist at the moment of waking sees is the update that wakes the worker. If an earlier
        # update woke it, the change waits in the channel as the next one.
        self._pending = self._see(wake) and taken < wake
        return wake / 1e9

    def requeued(self, due: float) -> float:
        """See `Cadence.requeued`."""
        return _next(self._phases.read()[0], nanoseconds(due)) / 1e9

    def alarm(self, env: Environment, wake: float) -> Event:
        """See `Cadence.alarm`."""
        return Timeout(env, wake - env.now)

    def _see(self, limit: int) -> bool:
        """Let the relists up to ``limit`` see the changes before them; tell whether there were any changes."""
        before = len(self._unseen)
        if before:
            _, relist = self._phases.read()
            self._unseen = tuple([t for t in self._unseen if _next(relist, t) > limit])
        return len(self._unseen) < before


def _next(phase: int, t: int) -> int:
    """Return the first of phase, phase + 1 s, … that is later than ``t``."""
    return phase + max(0, (t - phase) // SECOND + 1) * SECOND
