"""The exit codes of commands, and the line that each exception prints."""

from __future__ import annotations

import os
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import typer

from pullsim.cli import signals
from pullsim.cli.diagnostics import coded
from pullsim.cli.terminal import note
from pullsim.errors import AssertionFailed, InputError
from pullsim.printable import message
from pullsim.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

ASSERTION_FAILED: Final = 1
WRONG_INPUT: Final = 2
BUG: Final = 70
INTERRUPTED: Final = 130  # by Ctrl-C; other signals have codes of their own, see `pullsim.cli.signals`


@contextmanager
def exit_codes(*, debug: bool = False) -> Iterator[None]:
    """Run a command's body. `debug`, or PULLSIM_DEBUG=1, shows the traceback of a bug."""
    try:
        yield
    except typer.Exit:
        raise
    except AssertionFailed as error:
        note(f"assertion failed: {message([_line(error)])[0]}")
        raise typer.Exit(ASSERTION_FAILED) from None
    except InputError as error:
        for line in error.lines():
            note(f"error: {coded(line)}")
        raise typer.Exit(WRONG_INPUT) from None
    except (KeyboardInterrupt, signals.OutOfTime):
        signals.say()
        raise typer.Exit(signals.exit_code()) from None
    except MemoryError:
        note("error: there is not enough memory for this: make it smaller, or have less kept of it (--detail pods)")
        raise typer.Exit(WRONG_INPUT) from None
    except Exception as error:  # noqa: BLE001  a bug of ours ends in one line and an exit code
        if debug or os.environ.get("PULLSIM_DEBUG") == "1":
            for line in traceback.format_exc().splitlines():
                note(line)
        note(f"internal error (version {__version__}): {type(error).__name__}: {message([_line(error)])[0]}")
        note("this is a bug of pullsim: please report it with the scenario; PULLSIM_DEBUG=1 shows the traceback")
        raise typer.Exit(BUG) from None


def _line(error: Exception) -> str:
    return " ".join(str(error).split("\n"))
