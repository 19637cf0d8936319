"""The clock of a run: whole nanoseconds as Go counts them, and the loop that runs events up to a stop or a horizon."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any, Final

from simpy.events import EventPriority

from pullsim.held_signals import signals_held
from pullsim.kernel.event import LAST, Call, Event, nothing

if TYPE_CHECKING:
    import simpy

    from pullsim.kernel.environment import Environment

# The priority of the event at the horizon: it comes after all others of its instant, the network's settles included.
_STOP = EventPriority(LAST + 1)
_HALTED = -math.inf  # before every event
_WHOLE: Final = 2.0**52  # from here on every double is a whole number
_HALF: Final = 0.5


def nanoseconds(seconds: float) -> int:
    """Round seconds to whole nanoseconds, the unit of Go's clock, in which the kubelet compares times.

    It is what `round` gives, which compiled code would have to call: half a nanosecond goes to the even number.
    """
    exact = seconds * 1e9
    if not 0.0 <= exact < _WHOLE:
        return round(exact)
    below = int(exact)
    rest = exact - below
    return below + 1 if rest > _HALF or (rest == _HALF and below % 2) else below


def run_until(env: Environment, horizon: float | None, stop: Event | simpy.Event) -> float:
    """Run until ``stop`` has happened, or through the instant ``horizon``, or until nothing is left to happen.

    All events of the last instant are run, the network's settles included. ``horizon`` is in simulated seconds; None
    means that there is none. Returns the simulated time reached, in seconds: the time of ``stop`` if it has happened,
    the horizon if events are left after it, and otherwise the time of the last event. Once ``stop`` has happened, the
    timers that are still scheduled are not run. A signal such as Ctrl-C is handled between two events: an exception
    that it raised inside a process would be passed on to those that wait for it. Raises ValueError for a horizon in the
    past, whatever a process raised that nobody waits for, and what a signal raises.
    """
    if horizon is not None and horizon < env.now:
        raise ValueError(f"the horizon {horizon} s is before the present {env.now} s")
    if stop.processed:
        return env.now
    # Less than inf, so that an event at time inf never happens.
    last = end = sys.float_info.max if horizon is None else horizon

    def finish_instant(_: Any) -> None:
        nonlocal end
        end = env.now

    def halt() -> None:
        nonlocal end
        end = _HALTED

    stop.callbacks.append(finish_instant)  # type: ignore[union-attr]  # it is not processed, so this is a list
    while True:
        with signals_held(halt, fatal=False):
            # This is `Environment.step` without its calls, as it runs for each event.
            while (entry := env.take(end)) is not None:
                entry.process()
                if isinstance(entry, Event) and not entry._ok:
                    entry.raise_unhandled()
        if end != _HALTED:
            break
        end = env.now if stop.processed else last  # the signal's handler lets the run go on
    if not stop.processed and env.now < end < env.peek() < math.inf:
        delay = end - env.now
        if env.now + delay > end:  # rounding may exceed the horizon by one bit, and the next event may be due there
            delay = math.nextafter(delay, 0.0)
        Call(env, nothing, delay, _STOP)
        env.step()
    return env.now
