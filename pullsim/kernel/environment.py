"""SimPy's environment, with what a run asks it for most made cheap."""

from __future__ import annotations

from typing import Any

import simpy

from pullsim.kernel.event import Event, Timeout


class Environment(simpy.Environment):
    """SimPy's environment, whose events are those of this package, and which keeps in slots what a run asks it for.

    A run reads the clock twice an event: it is one of the slots too, and no property.
    """

    __slots__ = ("_active_proc", "_eid", "_now", "_queue")

    def timeout(self, delay: float = 0.0, value: Any = None) -> Timeout:  # type: ignore[override]
        """Return an event for ``delay`` >= 0 seconds from now."""
        if delay < 0.0:
            raise ValueError(f"a delay is >= 0 s, not {delay}")
        return Timeout(self, delay, value)

    def event(self) -> Event:  # type: ignore[override]
        """Return an event that somebody will let happen."""
        return Event(self)


setattr(Environment, "now", Environment.__dict__["_now"])  # noqa: B010  # mypy holds on to SimPy's property
