"""The progress bar of a long run."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from pullsim.run import Progress

_LONG: Final = 1.0  # seconds that a run must have lasted before there is a bar


class ProgressBar:
    """A bar with the time left on `console`, once the run has lasted a second; to be used in a ``with``."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._begun = clock()
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        """Start the time after which the bar is shown."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, progress: Progress) -> None:
        """Show how far the run is: in time when it has a horizon, else in pods started."""
        if self._bar is None:
            if self._clock() - self._begun < _LONG:
                return
            self._bar = self._start()
        text = f"t = {progress.t:,.0f} s, {progress.pods_started:,} of {progress.pods_total:,} pods"
        done, total = (
            (progress.t, progress.horizon)
            if progress.horizon
            else (progress.pods_started, max(progress.pods_started, progress.pods_total))
        )
        assert self._task is not None
        self._bar.update(self._task, completed=done, total=total, description=text)

    def _start(self) -> Bar:
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
        from rich.progress import Progress as Bar  # noqa: PLC0415

        columns = (BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
        bar = Bar(*columns, console=self._console, transient=True)
        self._task = bar.add_task("", total=None)
        bar.start()
        return bar


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show on a terminal that something goes on of which nobody knows how long it takes, and for how long it has."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        bar.add_task(what, total=None)
        yield


def progress_bar(*, quiet: bool) -> ProgressBar | None:
    """Return a bar on standard error when that is a terminal."""
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        return None
    from rich.console import Console  # noqa: PLC0415

    return ProgressBar(Console(stderr=True))
