"""The order of things within an instant, whole nanoseconds, and how far to run."""

from __future__ import annotations

import math
import sys
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

import simpy
from simpy.events import NORMAL, EventPriority, Timeout

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LAST = EventPriority(NORMAL + 1)  # after every ordinary event of an instant: settles
_STOP = EventPriority(LAST + 1)  # after the settles too


class Environment(simpy.Environment):
    """SimPy's environment, whose clock is read and whose timers are started without a Python call each.

    A run reads the clock twice an event: ``now`` as a slot and not as a property, and timeouts made in one step, are
    8 % of the CPU time of W(300).
    """

    __slots__ = ("_now",)

    def timeout(self, delay: float = 0.0, value: Any = None) -> Timeout:
        """Return an event for ``delay`` >= 0 seconds from now."""
        if delay < 0.0:
            raise ValueError(f"a delay is >= 0 s, not {delay}")
        timeout = _new(_Timer)
        timeout.env = self
        timeout.callbacks = []
        if value is not None:
            timeout._value = value
        heappush(self._queue, (self._now + delay, NORMAL, next(self._eid), timeout))
        return timeout


class _Timer(Timeout):
    """A timeout as most are: what they have in common is not written into each."""

    _ok = True
    _value = None

    def _desc(self) -> str:
        return "Timeout"


_new = _Timer.__new__
setattr(Environment, "now", Environment.__dict__["_now"])  # noqa: B010  # mypy holds on to SimPy's property


class Call(simpy.Event):
    """An event that calls ``callback`` with itself, ``delay`` seconds from now; ``value`` rides along."""

    _ok = True
    _value = None

    def __init__(
        self,
        env: simpy.Environment,
        callback: Callable[[simpy.Event], None],
        delay: float = 0.0,
        priority: EventPriority = NORMAL,
        value: Any = None,
    ) -> None:
        self.env = env
        self.callbacks = [callback]
        if value is not None:
            self._value = value
        heappush(env._queue, (env._now + delay, priority, next(env._eid), self))


class Recurrent(simpy.Event):
    """An event that calls ``callback``, again after each time it has happened: no object is made each time."""

    def __init__(self, env: simpy.Environment, callback: Callable[[simpy.Event], None]) -> None:
        self.env = env
        self.callbacks = []
        self._once = [callback]
        self._ok = True
        self._value = None

    def schedule(self, priority: EventPriority) -> None:
        """Happen in this instant; not while it is still to happen."""
        env = self.env
        self.callbacks = self._once
        heappush(env._queue, (env._now, priority, next(env._eid), self))


def happen(events: Sequence[simpy.Event]) -> None:
    """Let events succeed and run their callbacks now, before anything else of this instant; not within a process.

    An event that is scheduled to happen at once costs a push and a pop of the queue of all events, and a step.
    """
    for event in events:  # all of them have happened before the first one has consequences
        event._ok = True
        event._value = None
    for event in events:
        callbacks = event.callbacks
        event.callbacks = None  # type: ignore[assignment]  # as SimPy marks what is processed
        for callback in callbacks:
            callback(event)


def nanoseconds(seconds: float) -> int:
    """Whole nanoseconds, the unit of Go's clock: deadlines and windows of the kubelet are compared in them."""
    return round(seconds * 1e9)


def run_until(env: simpy.Environment, horizon: float | None, stop: simpy.Event) -> float:
    """Run until ``stop`` has happened, or through the instant ``horizon``, or until nothing is left to happen.

    The last instant is always run to its end, settles included. Returns the simulated time reached in seconds: of the
    stop, the horizon if something was still to come after it, else of the last event. Timers that nobody waits for any
    more do not count once ``stop`` has happened. Raises ValueError for a horizon in the past.
    """
    if horizon is not None and horizon < env.now:
        raise ValueError(f"the horizon {horizon} s is before the present {env.now} s")
    if stop.processed:
        return env.now
    end = sys.float_info.max if horizon is None else horizon  # less than inf

    def finish_instant(_: simpy.Event) -> None:
        nonlocal end
        end = env.now

    stop.callbacks.append(finish_instant)
    queue = env._queue
    # SimPy's peek and step in one loop, without a call of each an event: 6 % of the CPU time of W(300).
    while queue:
        entry = heappop(queue)
        if entry[0] > end:
            heappush(queue, entry)
            break
        env._now = entry[0]
        event = entry[3]
        callbacks = event.callbacks
        event.callbacks = None  # type: ignore[assignment]  # as SimPy marks what is processed
        for callback in callbacks:
            callback(event)
        if not event._ok and not hasattr(event, "_defused"):
            raise event._value
    if not stop.processed and env.now < end < env.peek() < math.inf:
        delay = end - env.now
        if env.now + delay > end:  # by the last bit, where the next event may be
            delay = math.nextafter(delay, 0.0)
        Call(env, _nothing, delay, _STOP)
        env.step()
    return env.now


def _nothing(_: simpy.Event) -> None:
    """Happen."""
