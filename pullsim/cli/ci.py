"""``pullsim ci``: run scenarios, compare them with a baseline and check their assertions."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pullsim.cli import terminal
from pullsim.cli.exit_codes import ASSERTION_FAILED, exit_codes
from pullsim.cli.options import INPUT, OUTPUT, ForceOption, SetOption, VerboseOption
from pullsim.cli.scenario_argument import load_scenario
from pullsim.cli.study_options import ResumeOption, kept_runs, study_progress, warn_of_kept
from pullsim.errors import InputError, InputErrors, Location
from pullsim.inputs import exists
from pullsim.outputs import write_text, written
from pullsim.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.results.assertions import Assertion
    from pullsim.scenario import Scenario
    from pullsim.study.baseline import Verdict


def ci(
    scenarios: Annotated[
        list[Path], typer.Argument(metavar="SCENARIOS…", help="Scenario files (YAML).", show_default=False)
    ],
    baseline: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What the scenarios came to before; without it only assertions are held.",
            rich_help_panel=INPUT,
            show_default=False,
        ),
    ] = None,
    update: Annotated[
        bool, typer.Option("--update-baseline", help="Write what they come to now.", rich_help_panel=INPUT)
    ] = False,
    tolerance: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC=AMOUNT",
            help="How much worse figures may get, by default 1%: pods.start.*=2%, pods.lastReadyAt=0.5s. Repeatable.",
            rich_help_panel=INPUT,
            show_default=False,
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Any difference fails that no --tolerance lets pass, for the better too.",
            rich_help_panel=INPUT,
        ),
    ] = False,
    assert_: Annotated[
        list[str] | None,
        typer.Option(
            "--assert",
            metavar="CONDITION",
            help="'pods.start.p99 < 90s', for all scenarios. Repeatable.",
            rich_help_panel=INPUT,
            show_default=False,
        ),
    ] = None,
    set_: SetOption = None,
    force: ForceOption = False,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write JUnit XML.", rich_help_panel=OUTPUT, show_default=False)
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write Markdown.", rich_help_panel=OUTPUT, show_default=False)
    ] = None,
    github: Annotated[
        bool | None,
        typer.Option(
            help="Print annotations and write the step summary; by default where GITHUB_ACTIONS is set.",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Keep what each scenario comes to there, as it ends.",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None,
    resume: ResumeOption = False,
    verbose: VerboseOption = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Only what does not pass.", rich_help_panel=OUTPUT)
    ] = False,
) -> None:
    """Run scenarios and fail when a figure is worse than it was, or an assertion does not hold.

    Exit codes: 0 all pass, 1 one does not, 2 wrong input.
    """
    with exit_codes(debug=verbose):
        from pullsim.study import baseline as baselines  # noqa: PLC0415

        if update and baseline is None:
            raise InputError("give --baseline FILE to say where", Location("--update-baseline"))
        tolerances = [baselines.parse_tolerance(text) for text in tolerance or ()]
        there = baseline is not None and (not update or exists(baseline))
        before = baselines.read(baseline) if baseline is not None and there else {}
        kept = kept_runs(out, resume=resume)
        warn_of_kept(out, resume=resume, quiet=quiet)
        loaded = _load(scenarios, set_ or [], assert_ or [])
        verdicts: list[Verdict] = []
        with study_progress(quiet=quiet, kept=kept) as progress:
            for name, (scenario, wanted) in loaded.items():
                progress(len(verdicts), len(loaded))
                announce = None if quiet else terminal.note
                verdicts.append(
                    baselines.measure(scenario, name, wanted, force=force, announce=announce, out=out, resume=resume)
                )
        if update and baseline is not None:
            baselines.write(baseline, verdicts, before)
            before |= {verdict.name: verdict.metrics for verdict in verdicts}
        for verdict in verdicts:
            if baseline is not None:
                baselines.hold(verdict, before.get(verdict.name), tolerances, strict=strict)
        _report(verdicts, junit, markdown, github=github, quiet=quiet)
        if not all(verdict.ok for verdict in verdicts):
            raise typer.Exit(ASSERTION_FAILED)


def _load(
    paths: Sequence[Path], overrides: Sequence[str], conditions: Sequence[str]
) -> dict[str, tuple[Scenario, list[Assertion]]]:
    """Load all scenarios, by name, so that wrong input is reported before anything runs."""
    from pullsim.results.assertions import scenario_assertions  # noqa: PLC0415

    names = [path.as_posix() for path in paths]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"{twice[0]} is given twice")
    loaded = []
    errors: list[InputError] = []
    for path in paths:
        try:
            scenario = load_scenario(path, overrides)
            loaded.append((scenario, scenario_assertions(scenario, conditions)))
        except InputError as error:
            errors += error.errors if isinstance(error, InputErrors) else [error]
    if errors:
        raise InputErrors(errors)
    return dict(zip(names, loaded, strict=True))


def _report(
    verdicts: Sequence[Verdict], junit: Path | None, markdown: Path | None, *, github: bool | None, quiet: bool
) -> None:
    from pullsim.study import ci_reports  # noqa: PLC0415

    for path, content in ((junit, ci_reports.junit), (markdown, ci_reports.markdown)):
        if path is not None:
            write_text(path, content(verdicts))
    lines = ci_reports.text(verdicts, quiet=quiet, width=terminal.width())
    if github if github is not None else os.environ.get("GITHUB_ACTIONS") == "true":
        lines += ci_reports.github_annotations(verdicts)
        if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
            with written(summary), Path(summary).open("a", encoding="utf-8") as file:
                file.write(ci_reports.markdown(verdicts))
    with terminal.standard_output() as stdout:
        stdout.writelines(f"{printable(line)}\n" for line in lines)
