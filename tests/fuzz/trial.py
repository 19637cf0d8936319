"""Runs an input in this process and says what is wrong with how it went."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import tempfile
from contextlib import chdir, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pullsim.printable import MOST_LETTERS, MOST_LINES, printable
from tests.fuzz.doors import call

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from tests.fuzz.case import Case

SECONDS = 10.0  # of CPU time
ASLEEP = 6  # times as long, by the clock: whoever sleeps so long does not wait for a busy machine
MEMORY = 2_000_000_000  # bytes of addresses
PEAK = 1_000_000_000
CODES = (0, 1, 2)
#: A run that has been announced may take its time and its memory.
ANNOUNCED = "this takes about"


class Hang(BaseException):
    """The time is over; no handler of errors may take it for one."""


def confine() -> None:
    """Give this process little memory, and nothing to read."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


def trial(case: Case, *, seconds: float = SECONDS, memory: bool = True) -> list[str]:
    """Run a case and return what is wrong: nothing, if all is well."""
    directory = Path(tempfile.mkdtemp(prefix="fuzz-"))
    os.environ["PULLSIM_DEBUG"] = "1"
    try:
        case.write(directory)
        if memory:
            _forget_peak()
        with chdir(directory):
            code, out, err = _call(case, seconds)
        peak = _peak() if memory else 0
        found = list(_wrong(code, out, err))
        if peak > PEAK and ANNOUNCED not in err:
            found.append(f"peak of {peak / 1e6:,.0f} MB")
        found += (f"{path.name} is left" for path in directory.rglob(".pullsim-*"))
        if code == 2 and _changed(case, directory):
            found.append(f"exit code 2, but changed: {_changed(case, directory)}")
        return found
    finally:
        os.environ.pop("PULLSIM_DEBUG", None)
        shutil.rmtree(directory, ignore_errors=True)


def _call(case: Case, seconds: float) -> tuple[int | str, str, str]:
    def over(_number: int, _frame: FrameType | None) -> None:
        raise Hang

    timers = {signal.ITIMER_PROF: signal.SIGPROF, signal.ITIMER_REAL: signal.SIGALRM}
    before = {number: signal.signal(number, over) for number in timers.values()}
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, ASLEEP * seconds)
    try:
        return call(list(case.arguments))
    finally:
        for timer, number in timers.items():
            signal.setitimer(timer, 0)
            signal.signal(number, before[number])


def _wrong(code: int | str, out: str, err: str) -> Iterator[str]:
    if isinstance(code, str):
        if "tests.fuzz.trial.Hang" not in code:
            yield code
        elif ANNOUNCED not in err:
            yield "hang: " + "\n".join(code.splitlines()[-12:])
    elif code not in CODES:
        yield f"exit code {code}\n{err[-4000:]}"
        return
    elif code == 2 and not err and not out:
        yield "exit code 2 without a word"
    if len(err) > MOST_LETTERS:
        yield f"{len(err):,} letters: {err[:300]!r}"
    if len(err.splitlines()) > MOST_LINES + 4 * err.startswith("Usage"):
        yield f"{len(err.splitlines())} lines: {err[:300]!r}"
    for name, text in (("standard output", out), ("standard error", err)):
        if printable(text, "\n") != text:
            yield f"raw characters on {name}: {_first_raw(text)!r}"


def _first_raw(text: str) -> str:
    place = next(place for place, letter in enumerate(text) if printable(letter, "\n") != letter)
    return text[max(place - 40, 0) : place + 40]


def _changed(case: Case, directory: Path) -> list[str]:
    """Name files of the input that are not what they were; a sweep appends to its runs."""
    return [
        name
        for name, content in case.files.items()
        if isinstance(content, bytes) and not (directory / name).read_bytes().startswith(content.rstrip(b"\n"))
    ]


def _forget_peak() -> None:
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak() -> int:
    with suppress(OSError, AttributeError):
        status = Path("/proc/self/status").read_text(encoding="ascii")
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) * 1024 if found else 0
    return 0
