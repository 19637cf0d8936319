"""Events that SimPy accepts as its own, and that take less memory and time than those of SimPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import simpy
from simpy.events import EventPriority

from pullsim.compiled import mypyc_attr
from pullsim.kernel.agenda import Entry

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.kernel.agenda import Agenda

    Callback = Callable[[Any], None]

# Compiled code reads a name that is Final without looking it up in the dictionary of the module.
URGENT: Final = EventPriority(0)  # SimPy's priorities within an instant
NORMAL: Final = EventPriority(1)
LAST: Final = EventPriority(2)  # after every ordinary event of an instant: the network settles then
PENDING: Final[Any] = simpy.events.PENDING  # the value of an event that has not been triggered


def _over(_: Any) -> None:
    """Stand in the place of the first callback of an event whose callbacks have been called; nothing calls this."""


OVER: Final[Any] = _over


def nothing(_: Any) -> None:
    """Do nothing: the callback of an event that only advances the clock."""


class Event(Entry):
    """An event that SimPy's environment, processes and conditions accept as one of theirs.

    Nearly all events have exactly one callback. It is kept in a slot of its own, where SimPy makes a list. If it is a
    process of this package that waits, the slot has the process itself, whose method compiled code calls directly. The
    class has no dictionary, and it is no subclass of SimPy's event, so that it can be compiled.
    """

    # Side by side, as compiled they take a byte each.
    _defused: bool  # set only when somebody handles the failure: SimPy tests whether the attribute exists
    _ok: bool  # set with the value

    __slots__ = ("_callback", "_defused", "_more", "_ok", "_value", "env")

    def __init__(self, env: Agenda) -> None:
        self.env = env
        self._callback: Any = None  # the first callback, or a process; OVER: all callbacks have been called
        self._more: list[Callback] | None = None  # the further callbacks
        self._value: Any = PENDING

    @property
    def triggered(self) -> bool:
        """Whether the event has its value: it has happened, or is scheduled to happen."""
        return self._value is not PENDING

    @property
    def processed(self) -> bool:
        """Whether the event has happened: its callbacks have been called."""
        return self._callback is OVER

    @property
    def ok(self) -> bool:
        """Whether the event is a success and no failure. Raises AttributeError if it is not triggered."""
        return self._ok

    @property
    def value(self) -> Any:
        """The value or the exception that the event was triggered with; PENDING before."""
        return self._value

    @property
    def callbacks(self) -> list[Callback] | None:
        """All callbacks as a list, to which SimPy adds and from which it removes; None once they have been called."""
        first = self._callback
        if first is OVER:
            return None
        more = self._more
        if more is None:
            more = self._more = []
        if first is not None:
            self._callback = None
            process = isinstance(first, Event)
            more.insert(0, first._resume if process else first)
        return more

    @callbacks.setter
    def callbacks(self, callbacks: list[Callback] | None) -> None:
        self._callback = OVER if callbacks is None else None
        self._more = callbacks

    def call(self, callback: Callback) -> None:
        """Have ``callback`` called with this event when it happens. The event must not have happened yet."""
        if self._more is not None:
            self._more.append(callback)
        elif self._callback is None:
            self._callback = callback
        else:
            self._more = [callback]

    def process(self) -> None:
        """Let the event happen: call its callbacks, in the order in which they were added."""
        callback, more = self._callback, self._more
        self._callback = OVER
        if callback is not None:
            if isinstance(callback, Event):
                callback.go_on(self)
            else:
                callback(self)
        if more is not None:
            self._more = None
            for callback in more:
                callback(self)

    def go_on(self, event: Event) -> None:
        """Go on with an event that was waited for, as a process does."""
        raise NotImplementedError

    def succeed(self, value: Any = None) -> None:
        """Schedule the event to happen in this instant, as a success with ``value``."""
        assert self._value is PENDING
        self._ok = True
        self._value = value
        self.env.add(self, 0.0, NORMAL)

    def happen(self) -> None:
        """Let the event succeed and call its callbacks at once, before the process that is running continues."""
        self._ok = True
        self._value = None
        running = self.env._active_proc
        self.process()
        self.env._active_proc = running

    def raise_unhandled(self) -> None:
        """Raise what the event failed with, if it did and nobody has handled that."""
        if not self._ok and not hasattr(self, "_defused"):
            raise self._value

    def fail(self, error: BaseException) -> None:
        """Schedule the event to fail in this instant: ``error`` is raised in those who wait, else it ends the run."""
        self._ok = False
        self._value = error
        self.env.add(self, 0.0, NORMAL)

    def __or__(self, other: Any) -> simpy.events.Condition:
        return simpy.AnyOf(cast("simpy.Environment", self.env), cast("list[simpy.Event]", [self, other]))


@mypyc_attr(free_list_len=1)  # the memory of the last one that was freed is kept for the next one
class Timeout(Event):
    """An event that happens ``delay`` >= 0 seconds from now, with ``value``."""

    __slots__ = ()

    def __init__(self, env: Agenda, delay: float, value: Any = None) -> None:
        self.env = env
        self._callback = None
        self._more = None
        self._ok = True
        self._value = value
        env.add(self, delay, NORMAL)


class Call(Event):
    """An event that calls ``callback(event)`` ``delay`` >= 0 seconds from now; ``event.value`` is ``value``."""

    __slots__ = ()

    def __init__(
        self,
        env: Agenda,
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
        env.add(self, delay, priority)


Happening = TypeVar("Happening", bound=Event)


def happen(events: list[Happening]) -> None:
    """Let all events succeed and call their callbacks at once, before anything else of this instant.

    Must not be called from within a process. `Event.succeed` would cost a push to and a pop from the queue of all
    events, and one turn of the loop, for each event.
    """
    for event in events:  # every event is triggered before the first callback is called
        event._ok = True
        event._value = None
    for event in events:
        event.process()
