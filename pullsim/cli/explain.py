"""``pullsim explain``: where the time of pods went, and what would have helped."""

from __future__ import annotations

import json
from contextlib import nullcontext
from enum import StrEnum
from math import isclose
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pullsim.cli import terminal
from pullsim.cli.exit_codes import exit_codes
from pullsim.cli.options import (  # Typer reads the annotations
    INPUT,
    OUTPUT,
    ForceOption,
    NodesOption,
    PresetOption,
    ScenarioArgument,
    SeedOption,
    SetOption,
    VerboseOption,
)
from pullsim.cli.pod_argument import find_pod
from pullsim.cli.progress import progress_bar
from pullsim.cli.scenario_argument import effective_scenario, load_scenario
from pullsim.cli.study_options import RUNS, study_progress
from pullsim.errors import InputError, Location
from pullsim.inputs import is_directory
from pullsim.results.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.results.explanation.explanation import Explanation
    from pullsim.run import Result
    from pullsim.scenario import Scenario
    from pullsim.study.advice.remedies import Remedies


class ExplanationFormat(StrEnum):
    """What standard output gets."""

    table = "table"
    json = "json"


def explain(
    scenario: ScenarioArgument,
    pods: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[POD]...",
            help="Pods, or namespace/pod, as pods.csv names them; by default the one that took longest to start.",
            show_default=False,
        ),
    ] = None,
    slowest: Annotated[
        int | None,
        typer.Option("--slowest", min=1, help="Explain so many of the slowest pods.", rich_help_panel=INPUT),
    ] = None,
    nodes: NodesOption = None,
    preset: PresetOption = None,
    set_: SetOption = None,
    seed: SeedOption = None,
    what_if: Annotated[
        bool | None,
        typer.Option(
            "--what-if/--no-what-if",
            help="Try what would have started them earlier; by default where it takes about a second.",
            rich_help_panel=RUNS,
            show_default=False,
        ),
    ] = None,
    max_runs: Annotated[
        int, typer.Option("--max-runs", min=1, help="Most changes that are tried.", rich_help_panel=RUNS)
    ] = 40,
    force: ForceOption = False,
    output: Annotated[
        ExplanationFormat, typer.Option("--output", "-o", help="Print it so.", rich_help_panel=OUTPUT)
    ] = ExplanationFormat.table,
    json_: Annotated[bool, typer.Option("--json", help="The same as -o json.", rich_help_panel=OUTPUT)] = False,
    verbose: VerboseOption = False,
) -> None:
    """Say where the time of pods went, step by step, which pulls they waited for, and what would have helped.

    SCENARIO may be a directory of `run --out` too: then its effective scenario is run again.
    """
    with exit_codes(debug=verbose):
        from pullsim.results.explanation.explanation import explain as explain_pod  # noqa: PLC0415
        from pullsim.results.explanation.explanation import slowest as slowest_pods  # noqa: PLC0415
        from pullsim.results.exports.registry import SUMMARY  # noqa: PLC0415
        from pullsim.results.summary.file import read_summary  # noqa: PLC0415
        from pullsim.run import run  # noqa: PLC0415

        if pods and slowest is not None:
            raise InputError("--slowest chooses the pods: give it or their names", Location("--slowest"))
        overrides = [*(set_ or ()), *([] if seed is None else [f"seed={seed}"])]
        saved = is_directory(scenario) and nodes is None and preset is None
        loaded = load_scenario(effective_scenario(scenario) if saved else scenario, overrides, nodes, preset)
        with progress_bar(quiet=False) or nullcontext() as progress:
            result = run(loaded, status=True, progress=progress, force=force, announce=terminal.note)
        result.check_complete()
        if saved and not overrides and not isclose(read_summary(scenario / SUMMARY)["end"], result.end):
            terminal.note(f"{scenario} has another run: files that its scenario reads, or pullsim, have changed since")
        named = [find_pod(result, pod) for pod in dict.fromkeys(pods or ())]
        explanations = [explain_pod(result, pod) for pod in named or slowest_pods(result, slowest or 1)]
        tried = None
        if what_if is not False:
            tried = _try(loaded, result, explanations, max_runs, always=bool(what_if))
        if json_ or output is ExplanationFormat.json:
            told = [_content(each, tried) for each in explanations]
            with terminal.standard_output() as out:
                out.write(json.dumps(told if slowest is not None or len(told) > 1 else told[0], indent=2) + "\n")
        else:
            from pullsim.results.explanation.text import render  # noqa: PLC0415
            from pullsim.study.advice.remedies_text import told_remedies  # noqa: PLC0415

            for index, each in enumerate(explanations):
                if index:
                    terminal.line("")
                terminal.show(render(each))
                if tried is not None:
                    terminal.show(told_remedies(tried, (each.namespace, each.pod)))
        if tried is not None and tried.interrupted:
            raise KeyboardInterrupt


def _content(explanation: Explanation, tried: Remedies | None) -> dict[str, Any]:
    rows = None if tried is None else tried.pods[explanation.namespace, explanation.pod]
    return {**explanation.to_dict(), "tried": None if rows is None else [row.to_dict() for row in rows]}


def _try(
    scenario: Scenario, result: Result, explanations: Sequence[Explanation], max_runs: int, *, always: bool
) -> Remedies | None:
    """Try what could have helped the pods; None, with a note, where that takes long and nobody asked for it."""
    from pullsim.scenario.builder.estimate import LONG, time_text  # noqa: PLC0415
    from pullsim.study.advice.remedies import quick, relevant, remedies  # noqa: PLC0415
    from pullsim.study.advice.situation import Situation  # noqa: PLC0415

    situation = Situation.of(scenario, force=True)
    wanted = relevant(situation, result, explanations)
    runs = min(len(wanted), max_runs)
    takes = f"about {time_text(runs * situation.estimate.seconds)} of CPU time"
    if not always and not quick(situation.estimate, runs):
        terminal.note(f"--what-if tries {counted(runs, 'change')} that could have helped, which takes {takes}")
        return None
    if runs * situation.estimate.seconds > LONG:
        terminal.note(f"this takes {takes}: {counted(runs, 'run')}")
    with study_progress(quiet=False) as progress:
        return remedies(situation, explanations, wanted, max_runs, progress)
