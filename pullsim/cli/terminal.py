"""Writing to standard output and standard error: closed pipes, limited encodings, and colour only on terminals.

Texts for people go through `show`, `line` and `note`, which escape control characters. So no name or text of an input
can move the cursor, set the terminal's title or look like other output.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import InputError, Location
from pullsim.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

PLAIN_WIDTH: Final = 80
_MAX_WIDTH: Final = 100  # of texts
_MIN_WIDTH: Final = 40  # a narrower terminal wraps the lines itself
_HEIGHT: Final = 25  # it is not used, but Rich asks the terminal for both if one is not given


def tolerate_encoding() -> None:
    """Replace characters that an encoding such as ASCII does not have, instead of failing."""
    if sys.stdout is None:  # it was closed before the start, so nothing can be written
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # for the rest of the process
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


@contextmanager
def standard_output() -> Iterator[TextIO]:
    """Yield standard output. A closed pipe (``| head``) is ignored. Raises InputError for a full disk."""
    try:
        yield sys.stdout
        sys.stdout.flush()
    except BrokenPipeError:
        _discard(sys.stdout)
    except OSError as error:
        _discard(sys.stdout)
        raise InputError(f"cannot be written: {error.strerror}", Location("standard output")) from error


def flush() -> None:
    """Flush standard output, so that Python does not report an error of it at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        _discard(sys.stdout)


def show(renderable: RenderableType) -> None:
    """Print a renderable: with colour on a terminal, otherwise as plain text, of 80 columns or as many as COLUMNS says.

    Tables may use the whole width of the terminal, texts only what is pleasant to read.
    """
    from rich.console import Console  # noqa: PLC0415  not for --version

    text = io.StringIO()  # the text is written in one call, so that errors of standard output are handled in one place
    plain: dict[str, Any] = {"force_terminal": True} if sys.stdout.isatty() else {"color_system": None}
    columns = max(width() or PLAIN_WIDTH, _MIN_WIDTH)
    console = Console(file=text, width=columns, height=_HEIGHT, markup=False, emoji=False, **plain)
    console.print(_Printable(renderable), width=min(columns, _MAX_WIDTH), crop=False)
    with standard_output() as out:
        out.writelines(f"{line.rstrip()}\n" for line in text.getvalue().split("\n")[:-1])


def width() -> int | None:
    """Return the columns of the terminal, or what COLUMNS says; None: standard output is a file or a pipe."""
    return shutil.get_terminal_size((0, 0)).columns or None


def line(text: str) -> None:
    """Write a line to standard output at once."""
    with standard_output() as out:
        out.write(f"{printable(text)}\n")


def note(text: str) -> None:
    """Write a line to standard error."""
    with suppress(OSError, AttributeError):  # standard error is a broken pipe, or was closed before the start
        sys.stderr.write(f"pullsim: {printable(text)}\n")


class _Printable:
    """Renders another renderable with control characters escaped; only lines that have any become longer."""

    def __init__(self, renderable: RenderableType) -> None:
        self._renderable = renderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.segment import Segment  # noqa: PLC0415

        for text, style, _ in console.render(self._renderable, options):
            yield Segment(printable(text, "\n"), style)


def silence() -> None:
    """Send all later writes to standard error to the null device."""
    with suppress(OSError, AttributeError, ValueError):  # it was closed before the start, or is no file
        _discard(sys.stderr)


def _discard(stream: TextIO) -> None:
    """Send all later writes to a stream to the null device."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
