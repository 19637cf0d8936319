"""The signals that end a command: it stops at once, keeps what can be kept within a second, and says what that is."""

from __future__ import annotations

import atexit
import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NoReturn

from pullsim.cli import terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_ENDING: Final = ("SIGINT", "SIGTERM", "SIGHUP")
_KEEPING: Final = 0.6  # seconds after the signal in which a command may write what it has
_ENDING_TAKES: Final = 0.3  # seconds after that in which it may clean up
_FIRST_EXIT_CODE: Final = 128  # of those by which shells report signals


class OutOfTime(BaseException):
    """A command that was told to end took too long to write what it had."""


class _Received:
    """The signal that ends this process, and whether its time to keep something is over."""

    number: int | None = None
    late = False
    kept = "nothing is kept"
    said = False


@contextmanager
def handled() -> Iterator[None]:
    """Raise KeyboardInterrupt in the main thread where a signal would end the process; a second one does end it.

    Ignored signals (nohup) stay ignored. After the first one the command has `_KEEPING` seconds; then OutOfTime is
    raised, and at last the process ends however far it is.
    """
    numbers = [getattr(signal, name) for name in _ENDING if hasattr(signal, name)]  # Windows has no SIGHUP
    before = {number: signal.getsignal(number) for number in numbers}
    taken = [n for n, handler in before.items() if handler in (signal.SIG_DFL, signal.default_int_handler)]
    for number in taken:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, before[number])


def exit_code() -> int:
    """Return the exit code by which shells report the signal that came."""
    return _FIRST_EXIT_CODE + (_Received.number or signal.SIGINT)


def came() -> bool:
    """Tell whether a signal is ending this process, also where a part of a command has caught KeyboardInterrupt."""
    return _Received.number is not None


def keep(what: str) -> None:
    """Take note of what is kept when a signal comes from now on."""
    _Received.kept = what


def say(problem: str = "") -> None:
    """Write the line that says which signal ended the command, and what was kept, unless that was said."""
    if _Received.said:
        return
    _Received.said = True
    number = _Received.number or signal.SIGINT
    cause = "interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}"
    terminal.note(f"{cause}{problem}: {_Received.kept}")


def leave(code: int) -> NoReturn:
    """End an interrupted process at once: to free millions of objects one by one would take seconds."""
    say()  # a signal that came while Typer read the command line has no line yet
    terminal.silence()  # what is ended in the middle of its work has more to say than the line above
    atexit._run_exitfuncs()  # noqa: SLF001  # processes and temporary files of others
    _exit(code)


def _end(number: int, _: FrameType | None) -> NoReturn:
    for name in _ENDING:
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) == _end:
            signal.signal(getattr(signal, name), signal.SIG_DFL)  # a second one ends the process at once
    _Received.number = number
    if hasattr(signal, "setitimer"):  # not on Windows
        signal.signal(signal.SIGALRM, _give_up)
        signal.setitimer(signal.ITIMER_REAL, _KEEPING, _ENDING_TAKES)
    raise KeyboardInterrupt


def _give_up(_: int, __: FrameType | None) -> NoReturn:
    if not _Received.late:
        _Received.late = True
        raise OutOfTime
    say(", and stopped before it had cleaned up")
    _exit(exit_code())


def _exit(code: int) -> NoReturn:
    terminal.flush()
    os._exit(code)
