"""Processes that cost less than SimPy's where nobody needs what SimPy's do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import simpy
from simpy.events import PENDING, URGENT, Interruption

from pullsim.engine.event import OVER, Call, Event

if TYPE_CHECKING:
    from collections.abc import Generator


class Process(Event):
    """A process that makes an event of its end only if it is waited for.

    It begins as SimPy's does, before anything else that is still to happen in this instant.
    """

    __slots__ = ("_generator", "_target", "_wake")

    def __init__(self, env: simpy.Environment, generator: Generator[Any, Any, Any] | None = None) -> None:
        """Without a generator, it begins when it is given one to `start`."""
        self.env = env
        self._callback = self._more = None
        self._value = PENDING
        self._generator: Any = generator
        self._wake: Any = self._resume  # made once
        self._target: Any = None if generator is None else Call(env, self._wake, 0.0, URGENT)

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
        running = self.env._active_proc
        self._resume(_BEGIN)
        self.env._active_proc = running

    def _resume(self, event: Any) -> None:
        env = self.env
        env._active_proc = self
        try:
            while True:
                if event._ok:
                    event = self._generator.send(event._value)
                else:
                    event._defused = True
                    event = self._generator.throw(event._value)
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
        self._forget()
        if self._callback is not None or self._more or not self._ok:
            self.env.schedule(self)
        else:
            self._callback = OVER

    def _forget(self) -> None:
        """Let go of what an ended process needs no more: it can be kept for its value, or what else its class knows."""
        self._generator = self._target = self._wake = None


class Part(Process):
    """A part of a process that waits for it at once: `yield Part(…)` does what ``yield from`` does.

    Each event resumes only the part, not the generators above it: a pull has nine of those.
    """

    __slots__ = ()

    def __init__(self, env: simpy.Environment, generator: Generator[Any, Any, Any]) -> None:
        self.env = env
        self._callback = self._more = None
        self._value = PENDING
        self._wake = self._resume
        self.start(generator)

    def _end(self) -> None:
        self._forget()
        self.process()


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
