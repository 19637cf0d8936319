"""The order of things within an instant, whole nanoseconds, and how far to run."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

import simpy
from simpy.events import NORMAL, EventPriority

if TYPE_CHECKING:
    from collections.abc import Callable

LAST = EventPriority(NORMAL + 1)  # after every ordinary event of an instant: settles
_STOP = EventPriority(LAST + 1)  # after the settles too


class Call(simpy.Event):
    """An event that calls ``callback`` with itself, ``delay`` seconds from now; ``value`` rides along."""

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
        self._ok = True
        self._value = value
        env.schedule(self, priority, delay)


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
    end = sys.float_info.max if horizon is None else horizon  # less than the inf that peek() gives for an empty queue

    def finish_instant(_: simpy.Event) -> None:
        nonlocal end
        end = env.now

    stop.callbacks.append(finish_instant)
    step, peek = env.step, env.peek
    while peek() <= end:
        step()
    if not stop.processed and env.now < end < peek() < math.inf:
        delay = end - env.now
        if env.now + delay > end:  # by the last bit, where the next event may be
            delay = math.nextafter(delay, 0.0)
        Call(env, _nothing, delay, _STOP)
        step()
    return env.now


def _nothing(_: simpy.Event) -> None:
    """Happen."""
