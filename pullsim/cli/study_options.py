"""Options that the commands of many runs share, and how they show progress."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from pullsim.cli.options import OUTPUT
from pullsim.errors import Location

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RUNS = "Runs"

SeedsOption = Annotated[
    int | None,
    typer.Option("--seeds", min=1, help="Runs a variant, each with another seed.", rich_help_panel=RUNS),
]
ProcessesOption = Annotated[
    int | None,
    typer.Option(
        "--processes", "-j", min=1, help="Processes; by default one a core.", rich_help_panel=RUNS, show_default=False
    ),
]
DaskOption = Annotated[
    str | None,
    typer.Option(
        "--dask",
        metavar="ADDRESS",
        help="Run on a Dask cluster: tcp://HOST:PORT, or local:N for N workers here.",
        rich_help_panel=RUNS,
        show_default=False,
    ),
]
MetricOption = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        "-m",
        metavar="METRIC",
        help="A number of summary.json by its path: pods.start.p99. Repeatable.",
        rich_help_panel=OUTPUT,
        show_default=False,
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No notes or progress.", rich_help_panel=OUTPUT)]


def checked_metrics(metrics: list[str] | None, default: tuple[str, ...]) -> tuple[str, ...]:
    """Return the metrics asked for. Raises InputError for one that is none."""
    from pullsim.results.metrics import check  # noqa: PLC0415

    return tuple(check(name, Location("--metric")) for name in metrics) if metrics else default


@contextmanager
def study_progress(*, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Show how many runs are done, and the time left, when standard error is a terminal."""
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("runs"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("runs", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
