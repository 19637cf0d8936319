"""The order of things within an instant, whole nanoseconds, and how far to run."""

from __future__ import annotations

import math
import sys
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from simpy.events import EventPriority

from pullsim.kernel.event import LAST, Call, Event

if TYPE_CHECKING:
    import simpy

_STOP = EventPriority(LAST + 1)  # after the settles too


def nanoseconds(seconds: float) -> int:
    """Whole nanoseconds, the unit of Go's clock: deadlines and windows of the kubelet are compared in them."""
    return round(seconds * 1e9)


def run_until(env: simpy.Environment, horizon: float | None, stop: Event | simpy.Event) -> float:
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

    def finish_instant(_: Any) -> None:
        nonlocal end
        end = env.now

    stop.callbacks.append(finish_instant)  # type: ignore[union-attr]  # as it is not processed
    queue: list[Any] = env._queue
    # SimPy's peek and step in one loop, without a call of each an event: 6 % of the CPU time of W(300).
    while queue:
        entry = heappop(queue)
        time: float = entry[0]
        if time > end:
            heappush(queue, entry)
            break
        env._now = time
        event = entry[3]
        if isinstance(event, Event):
            event.process()
        else:  # one of SimPy's
            callbacks = event.callbacks
            event.callbacks = None
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


def _nothing(_: Any) -> None:
    """Happen."""
