"""``pullsim solve``: the value of a knob that meets an SLO."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path  # noqa: TC003  Typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from pullsim.cli import completers, signals
from pullsim.cli.exit_codes import ASSERTION_FAILED, exit_codes
from pullsim.cli.options import INPUT, OUTPUT, NodesOption, PresetOption, ScenarioArgument, SetOption, VerboseOption
from pullsim.cli.scenario_argument import load_scenario
from pullsim.cli.study_options import (
    DaskCaOption,
    DaskCertOption,
    DaskKeyOption,
    DaskOption,
    DrawsOption,
    ForceOption,
    ProcessesOption,
    QuietOption,
    ResumeOption,
    dask_tls,
    kept_runs,
    study_progress,
    warn_of_kept,
)
from pullsim.cli.study_source import study_source
from pullsim.errors import InputError, Location
from pullsim.results.wording import counted
from pullsim.staging import staged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

GOAL = "Goal"


class Want(StrEnum):
    """Which of the values that meet the SLO."""

    smallest = "smallest"
    largest = "largest"
    best = "best"


class SolutionFormat(StrEnum):
    """What standard output gets."""

    table = "table"
    sentence = "sentence"
    json = "json"


def solve(
    scenario: ScenarioArgument,
    knob: Annotated[
        list[str] | None,
        typer.Option(
            "--knob",
            metavar="KEY",
            autocompletion=completers.keys,
            help="What to turn. Repeatable.",
            rich_help_panel=GOAL,
            show_default=False,
        ),
    ] = None,
    range_: Annotated[
        list[str] | None,
        typer.Option(
            "--range",
            metavar="LOW..HIGH",
            help="Its range, one a knob: 1..32, 100MiB/s..1GB/s.",
            rich_help_panel=GOAL,
            show_default=False,
        ),
    ] = None,
    coverage: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE",
            help="No knob: the smallest deadline that so many pods meet (99.9%); the objective is pods.start, or "
            "workloads.NAME.ready.",
            rich_help_panel=GOAL,
            show_default=False,
        ),
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            "--against",
            metavar="KEY=VALUE",
            autocompletion=completers.keys,
            help="What is set on the other side: at which values of the knobs, all alike, does the scenario gain "
            "against it? Repeatable.",
            rich_help_panel=GOAL,
            show_default=False,
        ),
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(
            metavar="METRIC",
            autocompletion=completers.metrics,
            help="What to judge by; by default what the SLO names, or pods.start.p99.",
            rich_help_panel=GOAL,
            show_default=False,
        ),
    ] = None,
    slo: Annotated[
        str | None,
        typer.Option(
            metavar="'< VALUE'",
            help="Limit that must be met: '< 90s', 'pulls.failed == 0'.",
            rich_help_panel=GOAL,
            show_default=False,
        ),
    ] = None,
    want: Annotated[
        Want | None,
        typer.Option(
            help="Of the values that meet the SLO; by default the smallest, without an SLO the best.",
            rich_help_panel=GOAL,
            show_default=False,
        ),
    ] = None,
    maximize: Annotated[
        bool, typer.Option("--maximize", help="More of the objective is better.", rich_help_panel=GOAL)
    ] = False,
    trials: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Let Optuna choose so many settings, for several knobs.",
            rich_help_panel=GOAL,
            show_default=False,
        ),
    ] = None,
    nodes: NodesOption = None,
    preset: PresetOption = None,
    set_: SetOption = None,
    seeds: Annotated[int, typer.Option(min=1, help="Runs a value.", rich_help_panel=INPUT)] = 5,
    processes: ProcessesOption = None,
    dask: DaskOption = None,
    dask_ca: DaskCaOption = None,
    dask_cert: DaskCertOption = None,
    dask_key: DaskKeyOption = None,
    interval: DrawsOption = None,
    force: ForceOption = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Keep the runs there as they end, and write the curve and report.html; with --coverage deadline.csv "
            "in place of the curve, with --against the runs alone.",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None,
    resume: ResumeOption = False,
    output: Annotated[
        SolutionFormat, typer.Option("--output", "-o", help="Print it so.", rich_help_panel=OUTPUT)
    ] = SolutionFormat.table,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Find the value of a knob that meets an SLO, or a deadline that pods meet. Exit code 1: there is none."""
    with exit_codes(debug=verbose):
        from pullsim.cli.solution import show_solution, write_solution  # noqa: PLC0415
        from pullsim.study import solve_text  # noqa: PLC0415
        from pullsim.study.solve import solve as find  # noqa: PLC0415

        searched = {"--slo": slo, "--want": want, "--trials": trials, "--maximize": maximize}
        if coverage is not None:
            _alone(
                {"--knob": knob, "--range": range_, "--against": against, **searched}, "--coverage, which has no knob"
            )
        elif not knob or not range_:
            raise InputError(
                "give --knob KEY and --range LOW..HIGH, or --coverage 99.9% for a deadline that so many pods meet",
                Location("--range" if knob else "--knob"),
            )
        elif against:
            _alone(searched, "--against, where better than the other side is the goal")
            if len(range_) > 1:
                raise InputError("one range is for all knobs, with --against", Location("--range"))
        kept = kept_runs(out, resume=resume)
        warn_of_kept(out, resume=resume, quiet=quiet)
        loaded = load_scenario(scenario, set_ or (), nodes, preset, quiet=quiet)
        source = study_source(loaded, force=force)
        if coverage is not None:
            from pullsim.cli.deadline import show_deadline  # noqa: PLC0415
            from pullsim.study.deadline import OBJECTIVE, deadline  # noqa: PLC0415

            with study_progress(quiet=quiet, kept=kept) as bar:
                answer = deadline(
                    loaded,
                    coverage,
                    objective=objective or OBJECTIVE,
                    seeds=seeds,
                    processes=processes,
                    dask=dask,
                    dask_tls=dask_tls(dask_ca, dask_cert, dask_key),
                    force=force,
                    progress=bar,
                    out=out,
                    resume=resume,
                    interval=interval,
                )
            if out is not None:
                from pullsim.study.pages.deadline_page import write_deadline  # noqa: PLC0415

                with staged(out) as files:
                    write_deadline(answer, files, source)
            show_deadline(answer, source.error, output.value)
            return
        if against:
            from pullsim.cli.break_even import show_break_even  # noqa: PLC0415
            from pullsim.study.break_even import break_even  # noqa: PLC0415
            from pullsim.study.goal import METRIC  # noqa: PLC0415

            with _progress(quiet=quiet, kept=kept) as progress:
                even = break_even(
                    loaded,
                    knob or [],
                    (range_ or [""])[0],
                    against,
                    objective=objective or METRIC,
                    seeds=seeds,
                    processes=processes,
                    dask=dask,
                    dask_tls=dask_tls(dask_ca, dask_cert, dask_key),
                    force=force,
                    progress=progress,
                    out=out,
                    resume=resume,
                    interval=interval,
                )
            show_break_even(even, output.value)
            return
        with _progress(quiet=quiet, kept=kept) as progress:
            solution = find(
                loaded,
                knob or [],
                range_ or [],
                objective=objective,
                slo=slo,
                want=want.value if want else None,
                maximize=maximize,
                trials=trials,
                seeds=seeds,
                processes=processes,
                dask=dask,
                dask_tls=dask_tls(dask_ca, dask_cert, dask_key),
                force=force,
                progress=progress,
                out=out,
                resume=resume,
                interval=interval,
            )
        warnings = solve_text.warnings(solution, source.error)
        if out is not None:
            write_solution(solution, out, source)
        show_solution(solution, warnings, output.value)
        if solution.answer is None:
            raise typer.Exit(ASSERTION_FAILED)


def _alone(given: Mapping[str, object], what: str) -> None:
    """Raise InputError for the first option that is given although it does not go with another one."""
    if wrong := [name for name, value in given.items() if value]:
        raise InputError(f"does not go with {what}", Location(wrong[0]))


@contextmanager
def _progress(*, quiet: bool, kept: str) -> Iterator[Callable[[int], None]]:
    """Show the number of runs made when standard error is a terminal: how many it takes is not known."""

    def made(runs: int) -> None:
        if runs:
            signals.keep(f"{counted(runs, 'run')} {'is' if runs == 1 else 'are'} done {kept}")

    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield made
        return
    from rich.console import Console  # noqa: PLC0415

    with Console(stderr=True).status("searching") as status:

        def show(runs: int) -> None:
            made(runs)
            status.update(f"searching: {runs:,} runs so far")

        yield show
