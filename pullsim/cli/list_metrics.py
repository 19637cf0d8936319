"""``pullsim metrics``: list what can be asked of a run."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path  # noqa: TC003  Typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from pullsim.cli import terminal
from pullsim.cli.exit_codes import exit_codes
from pullsim.cli.options import OUTPUT, NodesOption, PresetOption, SetOption, VerboseOption
from pullsim.cli.scenario_argument import load_scenario
from pullsim.errors import InputError, Location
from pullsim.printable import json_text

if TYPE_CHECKING:
    from pullsim.results.fitted_table import FittedTable
    from pullsim.results.metric_list import Metric


class ListFormat(StrEnum):
    """What standard output gets."""

    table = "table"
    paths = "paths"
    json = "json"


def metrics(
    scenario: Annotated[
        Path | None,
        typer.Argument(
            metavar="[SCENARIO]",
            help="Scenario file (YAML): fill in the names of its workloads, pools, images, hosts.",
            show_default=False,
        ),
    ] = None,
    nodes: NodesOption = None,
    preset: PresetOption = None,
    set_: SetOption = None,
    output: Annotated[
        ListFormat,
        typer.Option("--output", "-o", help="Print a table, the paths alone, or JSON.", rich_help_panel=OUTPUT),
    ] = ListFormat.table,
    verbose: VerboseOption = False,
) -> None:
    """List the metrics that assertions, sweeps, comparisons, searches and gates know, with units and meanings."""
    with exit_codes(debug=verbose):
        if set_ and scenario is None:
            raise InputError("there is no scenario to change: give one", Location("--set"))
        if scenario is None and (nodes is not None or preset is not None):
            raise InputError(
                "there is no manifest to run on nodes: give one", Location("--nodes" if preset is None else "--preset")
            )
        from pullsim.results.metric_list import listed  # noqa: PLC0415

        found = list(listed(None if scenario is None else load_scenario(scenario, set_ or (), nodes, preset)))
        if output is ListFormat.table:
            terminal.show(_table(found))
            return
        if output is ListFormat.paths:
            for each in found:
                terminal.line(each.path)
            return
        with terminal.standard_output() as stdout:
            stdout.write(json_text([each._asdict() for each in found], indent=2) + "\n")


def _table(found: list[Metric]) -> FittedTable:
    from pullsim.results.fitted_table import FittedTable  # noqa: PLC0415

    table = FittedTable()
    table.words("metric")
    table.names("unit", whole=True, rank=1)
    table.words("meaning", rank=0)
    for each in found:
        table.add_row(each.path, each.unit, each.meaning)
    return table
