"""Processes that cost less than SimPy's where nobody needs what SimPy's do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import simpy
from simpy.events import Interruption

from pullsim.kernel.event import OVER, PENDING, URGENT, Call, Event

if TYPE_CHECKING:
    from collections.abc import Generator


class Process(Event):
    """A process whose end is no event: who waits for it goes on at once.

    It begins as SimPy's does, before anything else that is still to happen in this instant.
    """

    __slots__ = ("_generator", "_target", "_wake")

    def __init__(self, env: simpy.Environment, generator: Generator[Any, Any, Any] | None = None) -> None:
        """Without a generator, it begins when it is given one to `start`."""
        self.env = env
        self._callback = self._more = None
        self._value = PENDING
        self._generator: Any = generator
        self._wake: Any = None  # its `_resume`, made once
        self._target: Any = None
        if generator is not None:
            self._wake = self._resume
            self._target = Call(env, self._wake, 0.0, URGENT)

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._value is PENDING

    def interrupt(self, cause: Any = None) -> None:
        """Raise `simpy.Interrupt` in it, before anything else that is still to happen in this instant."""
        Interruption(cast("simpy.Process", self), cause)

    def start(self, generator: Generator[Any, Any, Any]) -> None:
        """Begin now, before the process that runs goes on."""
        self._generator = generator
        self._wake = self._resume
        running = self.env._active_proc
        self._resume(_BEGIN)
        self.env._active_proc = running

    def _resume(self, event: Any) -> None:
        env, generator = self.env, self._generator
        env._active_proc = self
        try:
            while True:
                if event._ok:
                    event = generator.send(event._value)
                else:
                    event._defused = True
                    event = generator.throw(event._value)
                if isinstance(event, Event):
                    if event._callback is None and event._more is None:
                        event._callback = self._wake
                    elif event._callback is OVER:
                        continue
                    else:
                        event.call(self._wake)
                else:
                    callbacks = event.callbacks
                    if callbacks is None:
                        continue
                    callbacks.append(self._wake)
                self._target = event
                break
        except StopIteration as end:
            self._ok = True
            self._value = end.value
            self._end()
        except BaseException as error:  # noqa: BLE001  # whoever waits for the process gets it
            self._ok = False
            self._value = error
            self._end()
        env._active_proc = None

    def _end(self) -> None:
        """Let go of what an ended process needs no more, as it can be kept for its value; go on with who waits for it.

        An error that nobody waits for becomes an event, which ends the run.
        """
        self._generator = self._target = self._wake = None
        if self._ok or self._callback is not None or self._more:
            self.process()
        else:
            self.env.schedule(self)


class Part(Process):
    """A part of a process that waits for it at once: `yield Part(…)` does what ``yield from`` does.

    Each event resumes only the part, not the generators above it: those of the pod's worker, for a pull.
    """

    __slots__ = ()

    def __init__(self, env: simpy.Environment, generator: Generator[Any, Any, Any]) -> None:
        self.env = env
        self._callback = self._more = None
        self._value = PENDING
        self.start(generator)


def part(env: simpy.Environment, generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Run a generator as a `Part`, which gets the interrupts of the process."""
    inner = Part(env, generator)
    while True:
        try:
            return (yield inner)
        except simpy.Interrupt as interrupt:
            if not inner.is_alive:  # it is its own
                raise
            inner.interrupt(interrupt.cause)


_BEGIN = Event(simpy.Environment())
_BEGIN._ok, _BEGIN._value = True, None
