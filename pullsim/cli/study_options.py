"""The options that all commands with many runs have, and the display of their progress."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from pullsim.cli import completers, signals, terminal
from pullsim.cli.options import OUTPUT
from pullsim.errors import InputError, Location
from pullsim.results.wording import counted, duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pullsim.study.dask_cluster import TlsFiles

_LONG: Final = 10.0  # seconds from which on a study without a progress bar prints a line about its duration
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
        help="Run on a Dask cluster: tcp://HOST:PORT, tls://HOST:PORT, or local:N for N workers here.",
        rich_help_panel=RUNS,
        show_default=False,
    ),
]
DaskCaOption = Annotated[
    Path | None,
    typer.Option(
        "--dask-tls-ca-file",
        metavar="PEM",
        help="Whom to trust with tls://; by default what Dask's configuration says.",
        rich_help_panel=RUNS,
        show_default=False,
    ),
]
DaskCertOption = Annotated[
    Path | None,
    typer.Option(
        "--dask-tls-cert", metavar="PEM", help="The certificate to show.", rich_help_panel=RUNS, show_default=False
    ),
]
DaskKeyOption = Annotated[
    Path | None,
    typer.Option("--dask-tls-key", metavar="PEM", help="Its private key.", rich_help_panel=RUNS, show_default=False),
]
ForceOption = Annotated[
    bool,
    typer.Option("--force", help="Also more runs, or larger ones, than are good for memory.", rich_help_panel=RUNS),
]
MetricOption = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        "-m",
        metavar="METRIC",
        autocompletion=completers.metrics,
        help="A number of summary.json by its path: pods.start.p99. Repeatable.",
        rich_help_panel=OUTPUT,
        show_default=False,
    ),
]
DrawsOption = Annotated[
    int | None,
    typer.Option(
        "--interval",
        metavar="DRAWS",
        min=10,
        help="Also run each variant in so many drawn clusters, 40 for instance, the same for all, and give what they "
        "come to in one cluster with intervals of 50 and 90 %.",
        rich_help_panel=RUNS,
        show_default=False,
    ),
]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Go on with the runs that are in --out.", rich_help_panel=OUTPUT)
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No notes or progress.", rich_help_panel=OUTPUT)]


def checked_metrics(metrics: list[str] | None, default: tuple[str, ...]) -> tuple[str, ...]:
    """Return the metrics that were asked for. Raises InputError for a name that is no metric."""
    from pullsim.results.metrics import check  # noqa: PLC0415

    return tuple(check(name, Location("--metric")) for name in metrics) if metrics else default


def dask_tls(ca_file: Path | None, cert: Path | None, key: Path | None) -> TlsFiles | None:
    """Return the certificates that were given, if any."""
    if ca_file is None and cert is None and key is None:
        return None
    from pullsim.study.dask_cluster import TlsFiles  # noqa: PLC0415

    return TlsFiles(ca_file, cert, key)


def kept_runs(out: Path | None, *, resume: bool) -> str:
    """Return what is left of the runs of a study that is ended. Raises InputError for --resume without --out."""
    if out is not None:
        return f"and are in {out}: --resume goes on with them"
    if resume:
        raise InputError("there is nothing to go on with: give --out DIR too", Location("--resume"))
    return "and are not kept: --out DIR would"


def warn_of_kept(out: Path | None, *, resume: bool, quiet: bool) -> None:
    """Say that a study without --resume replaces what another one has kept, while it still does not."""
    from pullsim.study.kept_runs import DIRECTORY, scenarios_in  # noqa: PLC0415

    if out is None or resume or quiet or not (scenarios := scenarios_in(out)):
        return
    whose = counted(scenarios, "scenario")
    terminal.note(
        f"{out / DIRECTORY} has runs of {whose}: new ones replace those of the same, --resume would keep them"
    )


@contextmanager
def study_progress(*, quiet: bool, kept: str = "and are not kept") -> Iterator[Callable[[int, int], None]]:
    """Show how many runs are done, and the time left: a bar on a terminal, elsewhere a line where it takes long.

    ``kept`` says after "runs are done" what a signal that ends the command leaves of them.
    """
    with _shown(quiet=quiet) as show:

        def progress(done: int, total: int) -> None:
            if done:
                signals.keep(f"{done:,} of {total:,} runs are done {kept}")
            if show is not None:
                show(done, total)

        yield progress


@contextmanager
def _shown(*, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    if quiet or sys.stderr is None:
        yield None
        return
    if not sys.stderr.isatty():
        yield _once()
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("runs"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("runs", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _once(clock: Callable[[], float] = time.monotonic) -> Callable[[int, int], None]:
    """Return a callback that writes one line about how long the study will take, if that is long."""
    begun, kept, said = clock(), -1, False

    def tell(done: int, total: int) -> None:
        nonlocal kept, said
        kept = done if kept < 0 else kept  # runs that an earlier study has made
        gone = clock() - begun
        if not said and gone > _LONG and done > kept:
            said = True
            left = gone * (total - done) / (done - kept)
            terminal.note(f"{done:,} of {total:,} runs are done, the rest takes about {duration(left)}")

    return tell
