"""What happens, in SimPy's terms, in less memory and time."""

from __future__ import annotations

from heapq import heappush
from typing import TYPE_CHECKING, Any, cast

import simpy
from simpy.events import NORMAL, PENDING, EventPriority

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Event:
    """An event that SimPy's environment, processes and conditions take for one of theirs.

    It has slots instead of a dictionary, and as it is no subclass, it can be compiled.
    """

    __slots__ = ("_defused", "_ok", "_value", "callbacks", "env")

    def __init__(self, env: simpy.Environment) -> None:
        self.env: Any = env
        self.callbacks: list[Callable[[Any], None]] | None = []
        self._value: Any = PENDING

    @property
    def triggered(self) -> bool:
        """Whether it has happened or is about to."""
        return self._value is not PENDING

    @property
    def processed(self) -> bool:
        """Whether its callbacks have been called."""
        return self.callbacks is None

    @property
    def ok(self) -> bool:
        """Whether it is no failure, once it is triggered."""
        return self._ok

    @property
    def value(self) -> Any:
        """What it came with, once it is triggered."""
        return self._value

    def call(self, callback: Callable[[Any], None]) -> None:
        """Let ``callback`` be called with it when it happens; it has not yet."""
        assert self.callbacks is not None
        self.callbacks.append(callback)

    def succeed(self, value: Any = None) -> None:
        """Let it happen in this instant."""
        assert self._value is PENDING
        self._ok = True
        self._value = value
        env = self.env
        heappush(env._queue, (env._now, NORMAL, next(env._eid), self))

    def fail(self, error: BaseException) -> None:
        """Let it happen in this instant, as an error for whoever waits for it, else one of the run."""
        self._ok = False
        self._value = error
        self.env.schedule(self)

    def __or__(self, other: Any) -> simpy.events.Condition:
        return simpy.AnyOf(self.env, cast("list[simpy.Event]", [self, other]))


class Timeout(Event):
    """An event ``delay`` >= 0 seconds from now."""

    __slots__ = ()

    def __init__(self, env: simpy.Environment, delay: float, value: Any = None) -> None:
        self.env = env
        self.callbacks = []
        self._ok = True
        self._value = value
        heappush(env._queue, (cast("Any", env)._now + delay, NORMAL, next(env._eid), cast("Any", self)))


class Call(Event):
    """An event that calls ``callback`` with itself, ``delay`` seconds from now; ``value`` rides along."""

    __slots__ = ()

    def __init__(
        self,
        env: simpy.Environment,
        callback: Callable[[Any], None],
        delay: float = 0.0,
        priority: EventPriority = NORMAL,
        value: Any = None,
    ) -> None:
        self.env = env
        self.callbacks = [callback]
        self._ok = True
        self._value = value
        heappush(env._queue, (cast("Any", env)._now + delay, priority, next(env._eid), cast("Any", self)))


class Recurrent(Event):
    """An event that calls ``callback``, again after each time it has happened: no object is made each time."""

    __slots__ = ("_once",)

    def __init__(self, env: simpy.Environment, callback: Callable[[Any], None]) -> None:
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


def happen(events: Sequence[Event]) -> None:
    """Let events succeed and run their callbacks now, before anything else of this instant; not within a process.

    An event that is scheduled to happen at once costs a push and a pop of the queue of all events, and a step.
    """
    for event in events:  # all of them have happened before the first one has consequences
        event._ok = True
        event._value = None
    for event in events:
        callbacks = event.callbacks
        assert callbacks is not None
        event.callbacks = None
        for callback in callbacks:
            callback(event)
