"""``pullsim validate``: check a scenario, and show its nodes, pods, images and registries and the cost of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pullsim.cli import terminal
from pullsim.cli.exit_codes import exit_codes
from pullsim.cli.options import (  # Typer reads the annotations
    OUTPUT,
    ForceOption,
    NodesOption,
    PresetOption,
    ScenarioArgument,
    SetOption,
    VerboseOption,
)
from pullsim.cli.scenario_argument import load_scenario

if TYPE_CHECKING:
    from pullsim.scenario import Scenario


def validate(
    scenario: ScenarioArgument,
    nodes: NodesOption = None,
    preset: PresetOption = None,
    set_: SetOption = None,
    missing: Annotated[
        bool,
        typer.Option(
            "--missing",
            help="Print the shell command that fetches the manifests of all images in no catalogue, if there are any.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    force: ForceOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Check a scenario without running it, and print the nodes, pods, images and registries, and what a run takes.

    Of long lists it prints what they come to; --verbose prints all.
    """
    with exit_codes(debug=verbose):
        loaded = load_scenario(scenario, set_ or (), nodes, preset)
        if loaded.assertions:
            from pullsim.results.assertions import scenario_assertions  # noqa: PLC0415

            scenario_assertions(loaded)
        if missing:
            _print_missing(loaded)
            return
        from pullsim.cli.understood import understood  # noqa: PLC0415

        terminal.show(understood(loaded.assemble(force=force), verbose=verbose))


def _print_missing(scenario: Scenario) -> None:
    """Print the command that fetches what is missing. Raises InputErrors if the scenario has other errors only."""
    from pullsim.errors import InputErrors  # noqa: PLC0415
    from pullsim.scenario.builder.missing_images import ImagesMissing  # noqa: PLC0415

    try:
        scenario.assemble(force=True)
    except InputErrors as errors:
        commands = [error.missing.command() for error in errors.errors if isinstance(error, ImagesMissing)]
        if not commands:
            raise
        with terminal.standard_output() as stdout:
            stdout.write("".join(f"{command}\n" for command in commands))
