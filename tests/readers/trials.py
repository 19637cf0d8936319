"""Runs a reader on many files that hypothesis changes."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.readers.reader import Reader

SECONDS = 10.0  # of CPU time for one set of files


def check(reader: Reader, examples: int, *, limit: bool = False) -> None:
    """Raise whatever a reader raises that is no error of ours, with the files; ``limit`` also bounds its time."""

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(random=st.randoms(use_true_random=False), raw=st.none() | st.binary(max_size=200), whole=st.integers(0, 19))
    def reads_or_refuses(random, raw, whole):
        files = reader.raw(raw) if raw is not None and whole == 0 else reader.drawn(random)
        try:
            with _limited(limit):
                wrong = reader.wrong(files)
        except BaseException as error:
            error.add_note(f"{reader.name}: {_told(reader, files)}")
            raise
        assert wrong is None, f"{reader.name}: {wrong}\n{_told(reader, files)}"

    reads_or_refuses()


class Hang(BaseException):
    """The time is over; no handler of errors may take it for one."""


@contextmanager
def _limited(limit: bool) -> Iterator[None]:
    if not limit:
        yield
        return

    def over(_number, _frame):
        raise Hang

    before = signal.signal(signal.SIGPROF, over)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _told(reader: Reader, files: dict[str, bytes]) -> str:
    """Show the files that are as in no form of the reader."""
    known = [form.get(name) for name in files for form in reader.forms]
    return "\n".join(f"{name}: {content[:3000]!r}" for name, content in files.items() if content not in known)
