"""``pullsim validate``: check a scenario, and show its nodes, pods, images and registries and the cost of a run."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  # Typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from pullsim.cli import terminal
from pullsim.cli.exit_codes import exit_codes
from pullsim.cli.options import (  # Typer reads the annotations
    OUTPUT,
    ForceOption,
    NodesOption,
    PresetOption,
    SetOption,
    VerboseOption,
)
from pullsim.cli.scenario_argument import load_scenario
from pullsim.errors import InputError, InputErrors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.scenario import Scenario


def validate(
    scenarios: Annotated[
        list[Path],
        typer.Argument(
            metavar="SCENARIO…",
            help="Scenario files (YAML), or manifests with --nodes; - is standard input.",
            show_default=False,
        ),
    ],
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
    """Check scenarios without running them, and print the nodes, pods, images and registries, and what a run takes.

    Of long lists it prints what they come to; --verbose prints all. Of several files all mistakes are told.
    """
    with exit_codes(debug=verbose):
        errors: list[InputError] = []
        for path in scenarios:
            if len(scenarios) > 1 and not missing:
                terminal.line(f"{path.as_posix()}:")
            try:
                loaded = _checked(path, set_ or (), nodes, preset)
                if missing:
                    _print_missing(loaded)
                else:
                    _show(loaded, force=force, verbose=verbose)
            except InputError as error:
                errors += error.errors if isinstance(error, InputErrors) else [error]
        if errors:
            raise InputErrors(errors)


def _checked(path: Path, overrides: Sequence[str], nodes: int | None, preset: str | None) -> Scenario:
    """Return a scenario whose assertions are right as well. Raises InputError."""
    loaded = load_scenario(path, overrides, nodes, preset)
    if loaded.assertions:
        from pullsim.results.assertions import scenario_assertions  # noqa: PLC0415

        scenario_assertions(loaded)
    return loaded


def _show(scenario: Scenario, *, force: bool, verbose: bool) -> None:
    """Build a scenario and print what it comes to. Raises InputErrors."""
    from pullsim.cli.understood import understood  # noqa: PLC0415

    terminal.show(understood(scenario.assemble(force=force), verbose=verbose))


def _print_missing(scenario: Scenario) -> None:
    """Print the command that fetches what is missing. Raises InputErrors if the scenario has other errors only."""
    from pullsim.scenario.builder.missing_images import ImagesMissing  # noqa: PLC0415

    try:
        scenario.assemble(force=True)
    except InputErrors as errors:
        commands = [error.missing.command() for error in errors.errors if isinstance(error, ImagesMissing)]
        if not commands:
            raise
        with terminal.standard_output() as stdout:
            stdout.write("".join(f"{command}\n" for command in commands))
