"""Letting the signals that end a process wait until what they would leave half-done is done."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_ENDING: Final = ("SIGINT", "SIGTERM", "SIGHUP")
_ALARM: Final = "SIGALRM"  # by it the command line gives up what takes too long after the first of the others


@contextmanager
def signals_held(then: Callable[[], None] = lambda: None, *, fatal: bool = True) -> Iterator[None]:
    """Let signals wait until the body is done; ``then`` is called when the first one comes.

    A second one does at once what it would do, or ends the process where its handler is not Python's own. Only the main
    thread can hold signals; elsewhere nothing happens. With ``fatal=False`` those that end the process, as they have no
    handler, still do.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        if came:
            ends = before[number] is not signal.default_int_handler and signal.Signals(number).name in _ENDING
            signal.signal(number, signal.SIG_DFL if ends else before[number])
            signal.raise_signal(number)
        came.append(number)
        then()

    numbers = [getattr(signal, name) for name in (*_ENDING, _ALARM) if hasattr(signal, name)]
    before = {
        number: handler
        for number in numbers
        if callable(handler := signal.getsignal(number)) or (fatal and handler is signal.SIG_DFL)
    }
    for number in before:
        signal.signal(number, note)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in dict.fromkeys(came):
            signal.raise_signal(number)
