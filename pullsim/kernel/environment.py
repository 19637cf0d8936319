"""SimPy's environment with a cheaper clock, and with events of this package."""

from __future__ import annotations

from typing import Any

import simpy

from pullsim.kernel.event import Event, Timeout


class Environment(simpy.Environment):
    """SimPy's environment, which makes events of this package's classes and keeps its attributes in slots.

    A run reads the clock about twice for each event, so ``now`` is a slot and not a property as in SimPy.
    """

    __slots__ = ("_active_proc", "_eid", "_now", "_queue")

    def __init__(self, initial_time: float = 0.0) -> None:
        """``initial_time`` is in seconds. SimPy's own is an int, and so would be what begins with the run."""
        super().__init__(initial_time)

    def timeout(self, delay: float = 0.0, value: Any = None) -> Timeout:  # type: ignore[override]
        """Return an event that happens ``delay`` >= 0 seconds from now, with ``value``.

        Raises ValueError if it is below 0.
        """
        if delay < 0.0:
            raise ValueError(f"a delay is >= 0 s, not {delay}")
        return Timeout(self, delay, value)

    def event(self) -> Event:  # type: ignore[override]
        """Return an event that happens when somebody calls its `succeed` or `fail`."""
        return Event(self)


setattr(Environment, "now", Environment.__dict__["_now"])  # noqa: B010  # mypy would still see SimPy's property
