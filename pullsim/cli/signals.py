"""Handling of the signals that end a command: as with Ctrl-C, the command cleans up and leaves nothing half-written."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import FrameType

_ENDING: Final = ("SIGTERM", "SIGHUP")


class Terminated(BaseException):
    """The process was told to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.name = signal.Signals(number).name
        self.exit_code = 128 + number  # the exit code by which shells report a signal


def unwind() -> None:
    """Raise Terminated in the main thread where a signal would end the process; ignored ones (nohup) stay ignored."""
    for name in _ENDING:
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _raise)


def _raise(number: int, _: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)  # a second one ends the process at once
    raise Terminated(number)
