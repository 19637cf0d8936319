"""SimPy's environment with an agenda of this package in it: faster, and compiled with all that asks for the time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import simpy
from simpy.core import EmptySchedule

from pullsim.kernel.agenda import Agenda, Entry
from pullsim.kernel.event import NORMAL, URGENT, Call, Event, Timeout, nothing

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable


class _Foreign(Entry):
    """An event of one of SimPy's own classes, in the agenda."""

    __slots__ = ("_event",)

    def __init__(self, event: Any) -> None:
        self._event = event

    def process(self) -> None:
        """Call the event's callbacks. Raises what it failed with if nobody handles that."""
        event = self._event
        callbacks = event.callbacks
        event.callbacks = None
        for callback in callbacks:
            callback(event)
        if not event._ok and not hasattr(event, "_defused"):
            raise event._value


class Environment(Agenda):
    """What SimPy's events, processes, conditions and resources take for an environment of SimPy.

    It is no subclass of SimPy's, so that it can be compiled.
    """

    @property
    def active_process(self) -> Any:
        """The process that is running; None between two events."""
        return self._active_proc

    def process(self, generator: Generator[Any, Any, Any]) -> simpy.Process:
        """Start a process of SimPy's own class, whose end is an event; see `pullsim.kernel.process.Process`."""
        return simpy.Process(cast("simpy.Environment", self), generator)

    def timeout(self, delay: float = 0.0, value: Any = None) -> Timeout:
        """Return an event that happens ``delay`` >= 0 seconds from now, with ``value``.

        Raises ValueError if it is below 0.
        """
        if delay < 0.0:
            raise ValueError(f"a delay is >= 0 s, not {delay}")
        return Timeout(self, delay, value)

    def event(self) -> Event:
        """Return an event that happens when somebody calls its `succeed` or `fail`."""
        return Event(self)

    def all_of(self, events: Iterable[Any]) -> simpy.AllOf:
        """Return SimPy's condition that all ``events`` have happened."""
        return simpy.AllOf(cast("simpy.Environment", self), events)

    def any_of(self, events: Iterable[Any]) -> simpy.AnyOf:
        """Return SimPy's condition that one of ``events`` has happened."""
        return simpy.AnyOf(cast("simpy.Environment", self), events)

    def schedule(self, event: Any, priority: int = NORMAL, delay: float = 0.0) -> None:
        """Schedule an event of this package or of SimPy's, ``delay`` >= 0 seconds from now."""
        self.add(event if isinstance(event, Entry) else _Foreign(event), delay, priority)

    def step(self) -> None:
        """Let the next event happen.

        Raises SimPy's EmptySchedule if there is none, and what an event failed with if nobody handles that.
        """
        entry = self.take(math.inf)
        if entry is None:
            raise EmptySchedule
        entry.process()
        if isinstance(entry, Event):
            entry.raise_unhandled()

    def run(self, until: Any = None) -> Any:
        """Run until nothing is left to happen, or before the instant ``until`` in seconds, or through an event.

        Returns the event's value. Raises what it failed with, ValueError for a time that is not after the present,
        and RuntimeError if nothing is left and the event has not happened.
        """
        if until is None:
            while len(self):
                self.step()
            return None
        stop: Any = until
        if not hasattr(until, "callbacks"):
            if until <= self.now:
                raise ValueError(f"until, {until} s, must be after the present, {self.now} s")
            stop = Call(self, nothing, until - self.now, URGENT)
        while not stop.processed:
            if not len(self):
                raise RuntimeError(f"nothing is left to happen, and {until} has not")
            self.step()
        if not stop.ok:
            raise stop.value
        return stop.value
