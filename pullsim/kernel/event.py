"""What happens, in SimPy's terms, in less memory and time."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any, Final, cast

import simpy
from simpy.events import EventPriority

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Callback = Callable[[Any], None]

# What is named Final here, compiled code reads without a look into a dictionary.
URGENT: Final = EventPriority(0)  # SimPy's priorities within an instant
NORMAL: Final = EventPriority(1)
LAST: Final = EventPriority(2)  # after every ordinary event of an instant: settles
PENDING: Final[Any] = simpy.events.PENDING  # the value of an event that has not been triggered
_push: Final[Any] = heapq.heappush


def _over(_: Any) -> None:
    """Stand for the callbacks of an event that have been called."""


OVER: Final[Any] = _over


class Event:
    """An event that SimPy's environment, processes and conditions take for one of theirs.

    Nearly all events have one callback, which has a slot of its own; SimPy makes a list for it. The class has no
    dictionary, and as it is no subclass, it can be compiled.
    """

    _defused: bool  # set where a failure is handled, and SimPy looks whether it is there

    __slots__ = ("_callback", "_defused", "_more", "_ok", "_value", "env")

    def __init__(self, env: simpy.Environment) -> None:
        self.env: Any = env
        self._callback: Callback | None = None  # the first; OVER: all have been called
        self._more: list[Callback] | None = None
        self._value: Any = PENDING

    @property
    def triggered(self) -> bool:
        """Whether it has happened or is about to."""
        return self._value is not PENDING

    @property
    def processed(self) -> bool:
        """Whether its callbacks have been called."""
        return self._callback is OVER

    @property
    def ok(self) -> bool:
        """Whether it is no failure, once it is triggered."""
        return self._ok

    @property
    def value(self) -> Any:
        """What it came with, once it is triggered."""
        return self._value

    @property
    def callbacks(self) -> list[Callback] | None:
        """The list that SimPy adds to and takes from; None: they have been called."""
        first = self._callback
        if first is OVER:
            return None
        more = self._more
        if more is None:
            more = self._more = []
        if first is not None:
            self._callback = None
            more.insert(0, first)
        return more

    @callbacks.setter
    def callbacks(self, callbacks: list[Callback] | None) -> None:
        self._callback = OVER if callbacks is None else None
        self._more = callbacks

    def call(self, callback: Callback) -> None:
        """Call ``callback`` with this event when it happens; it has not yet."""
        if self._more is not None:
            self._more.append(callback)
        elif self._callback is None:
            self._callback = callback
        else:
            self._more = [callback]

    def process(self) -> None:
        """Call the callbacks."""
        callback, more = self._callback, self._more
        self._callback = OVER
        if callback is not None:
            callback(self)
        if more is not None:
            self._more = None
            for callback in more:
                callback(self)

    def succeed(self, value: Any = None) -> None:
        """Let it happen in this instant."""
        assert self._value is PENDING
        self._ok = True
        self._value = value
        env = self.env
        _push(env._queue, (env._now, NORMAL, next(env._eid), self))

    def happen(self) -> None:
        """Let it happen now, before the process that runs goes on."""
        self._ok = True
        self._value = None
        running = self.env._active_proc
        self.process()
        self.env._active_proc = running

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
        self._callback = None
        self._more = None
        self._ok = True
        self._value = value
        _push(env._queue, (cast("Any", env)._now + delay, NORMAL, next(env._eid), cast("Any", self)))


class Call(Event):
    """An event that calls ``callback`` with itself, ``delay`` seconds from now; ``value`` rides along."""

    __slots__ = ()

    def __init__(
        self,
        env: simpy.Environment,
        callback: Callback,
        delay: float = 0.0,
        priority: EventPriority = NORMAL,
        value: Any = None,
    ) -> None:
        self.env = env
        self._callback = callback
        self._more = None
        self._ok = True
        self._value = value
        _push(env._queue, (cast("Any", env)._now + delay, priority, next(env._eid), cast("Any", self)))


class Recurrent(Event):
    """An event that calls ``callback``, again after each time it has happened: no object is made each time."""

    __slots__ = ("_again",)

    def __init__(self, env: simpy.Environment, callback: Callback) -> None:
        self.env = env
        self._callback = None
        self._more = None
        self._again = callback
        self._ok = True
        self._value = None

    def schedule(self, priority: EventPriority) -> None:
        """Happen in this instant; not while it is still to happen."""
        env = self.env
        self._callback = self._again
        _push(env._queue, (env._now, priority, next(env._eid), self))


def happen(events: Sequence[Event]) -> None:
    """Let events succeed and run their callbacks now, before anything else of this instant; not within a process.

    An event that is scheduled to happen at once costs a push and a pop of the queue of all events, and a step.
    """
    for event in events:  # all of them have happened before the first one has consequences
        event._ok = True
        event._value = None
    for event in events:
        event.process()
