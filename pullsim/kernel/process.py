"""Processes that cost fewer events than those of SimPy, and that SimPy accepts as its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import simpy
from simpy.events import Interruption

from pullsim.compiled import compiled
from pullsim.kernel.agenda import Agenda
from pullsim.kernel.event import NORMAL, OVER, PENDING, URGENT, Call, Event

if TYPE_CHECKING:
    from collections.abc import Generator


_COMPILED: Final = compiled()


class Process(Event):
    """A process whose end is not scheduled as an event: whoever waits for it continues at once.

    It begins as a process of SimPy does, before anything else that is still to happen in this instant.
    """

    __slots__ = ("_generator", "_target")

    def __init__(self, env: Agenda, generator: Generator[Any, Any, Any] | None = None) -> None:
        """Schedule the process to begin; without a generator, it begins when `start` is called with one."""
        self.env = env
        self._callback = self._more = None
        self._value = PENDING
        self._generator: Any = None
        self._target: Any = None  # the event that it waits for; SimPy reads it to interrupt the process
        if generator is not None:
            self._generator = _driven(generator)
            self._target = Call(env, self._resume, 0.0, URGENT)

    @property
    def is_alive(self) -> bool:
        """Whether the process has not ended."""
        return self._value is PENDING

    def interrupt(self, cause: Any = None) -> None:
        """Raise `simpy.Interrupt` in the process, before anything else that is still to happen in this instant."""
        Interruption(cast("simpy.Process", self), cause)

    def start(self, generator: Generator[Any, Any, Any]) -> None:
        """Begin at once, before the process that is running continues."""
        self._generator = _driven(generator)
        running = self.env._active_proc
        self.go_on(_BEGIN)
        self.env._active_proc = running

    def go_on(self, event: Event) -> None:
        """Send the event's value into the generator, or raise its error there, until the process waits for an event."""
        env, generator = self.env, self._generator
        env._active_proc = self
        try:
            while True:
                if event._ok:
                    value = event._value
                    if _COMPILED and value is None:  # compiled, a loop takes a value at half the cost of a method
                        for found in generator:  # noqa: B007
                            break
                    else:
                        found = generator.send(value)
                else:
                    event._defused = True
                    found = generator.throw(event._value)
                if isinstance(found, Event):
                    event = found
                    if event._callback is None and event._more is None:
                        event._callback = self
                    elif event._callback is OVER:
                        continue
                    else:
                        event.call(self._resume)
                elif isinstance(found, _Ended):
                    self._ok = True
                    self._value = found.value
                    break
                else:
                    callbacks = found.callbacks
                    if callbacks is None:
                        event = _happened(found)
                        continue
                    callbacks.append(self._resume)
                self._target = found
                break
        except StopIteration as end:
            self._ok = True
            self._value = end.value
        except BaseException as error:  # noqa: BLE001  # it is raised in whoever waits for the process
            self._ok = False
            self._value = error
        if self._value is not PENDING:
            self._end()
        env._active_proc = None

    def _resume(self, event: Any) -> None:
        """Go on with any event: the callback by which SimPy, too, knows who waits for an event."""
        self.go_on(event if isinstance(event, Event) else _happened(event))

    def _end(self) -> None:
        """Continue those who wait for the process.

        The generator is dropped, as the process itself may be kept for its value. An error that nobody waits for is
        scheduled as a failed event, which ends the run.
        """
        self._generator = self._target = None
        if self._ok or self._callback is not None or self._more:
            self.process()
        else:
            self.env.add(self, 0.0, NORMAL)


class Part(Process):
    """A generator that a process runs and waits for: ``yield Part(…)`` does what ``yield from`` does, at lower cost.

    With ``yield from``, each event passes through all generators above the one that waits. An event of a part resumes
    the part alone: for a pull, the generators of its pod's worker are left out.
    """

    __slots__ = ()

    def __init__(self, env: Agenda, generator: Generator[Any, Any, Any]) -> None:
        self.env = env
        self._callback = self._more = None
        self._value = PENDING
        self.start(generator)


def part(env: Agenda, generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Run a generator as a `Part`, pass interrupts of the process on to it, and return its value."""
    inner = Part(env, generator)
    while True:
        try:
            return (yield inner)
        except simpy.Interrupt as interrupt:
            if not inner.is_alive:  # the interrupt came out of the part, which has ended with it
                raise
            inner.interrupt(interrupt.cause)


class _Ended:
    """What a generator returned."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def _driven(generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Return the generator that a process sends values into.

    Compiled, a generator that returns costs ten times as much as one that yields: an exception, and a line of its
    traceback. One around it takes what it returns without either.
    """
    return _to_the_end(generator) if _COMPILED else generator


def _to_the_end(generator: Generator[Any, Any, Any]) -> Generator[Any, Any, None]:
    """Yield what a generator does, and then what it returned."""
    yield _Ended((yield from generator))


def _happened(event: Any) -> Event:
    """Return an event of this package in place of one of SimPy's that has happened, whose failure is handled."""
    if not event._ok:
        event._defused = True
    ours = Event(event.env)
    ours._ok, ours._value = event._ok, event._value
    return ours


#: The event that `Process.start` resumes a new generator with: a generator begins when it is sent None.
_BEGIN = Event(Agenda())
_BEGIN._ok, _BEGIN._value = True, None
