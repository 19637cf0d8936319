"""``pullsim explain``: where the time of one pod went."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from pullsim.cli import terminal
from pullsim.cli.exit_codes import exit_codes
from pullsim.cli.options import (  # Typer reads the annotations
    OUTPUT,
    ForceOption,
    ScenarioArgument,
    SeedOption,
    SetOption,
    VerboseOption,
)
from pullsim.cli.pod_argument import find_pod


class ExplanationFormat(StrEnum):
    """What standard output gets."""

    table = "table"
    json = "json"


def explain(
    scenario: ScenarioArgument,
    pod: Annotated[
        str | None,
        typer.Argument(
            metavar="[POD]",
            help="Pod, or namespace/pod, as pods.csv names it; by default the one that took longest to start.",
            show_default=False,
        ),
    ] = None,
    set_: SetOption = None,
    seed: SeedOption = None,
    output: Annotated[
        ExplanationFormat, typer.Option("--output", "-o", help="Print it so.", rich_help_panel=OUTPUT)
    ] = ExplanationFormat.table,
    force: ForceOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Say where the time of one pod went, step by step, and which pulls it waited for."""
    with exit_codes(debug=verbose):
        from pullsim.results.explanation.explanation import explain as explain_pod  # noqa: PLC0415
        from pullsim.results.explanation.explanation import slowest  # noqa: PLC0415
        from pullsim.run import run  # noqa: PLC0415
        from pullsim.scenario import load  # noqa: PLC0415  pydantic, only when a scenario is read

        overrides = [*(set_ or ()), *([] if seed is None else [f"seed={seed}"])]
        result = run(load(scenario, overrides), status=True, force=force, announce=terminal.note)
        explanation = explain_pod(result, slowest(result) if pod is None else find_pod(result, pod))
        if output is ExplanationFormat.json:
            with terminal.standard_output() as out:
                out.write(json.dumps(explanation.to_dict(), indent=2) + "\n")
        else:
            from pullsim.results.explanation.text import render  # noqa: PLC0415

            terminal.show(render(explanation))
        if result.ended == "interrupted":
            raise KeyboardInterrupt
