"""``pullsim solve --against``: the values of a knob at which a scenario gains by what it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from pullsim.cli import terminal
from pullsim.cli.exit_codes import ASSERTION_FAILED
from pullsim.printable import json_text, printable

if TYPE_CHECKING:
    from rich.console import Group, RenderableType

    from pullsim.study.break_even import BreakEven


def show_break_even(found: BreakEven, output: str) -> None:
    """Print the answer as a table, a sentence or JSON. Raises typer.Exit with code 1 if it gains nowhere."""
    from pullsim.study.break_even import document, in_clusters, sentence  # noqa: PLC0415

    if output == "table":
        terminal.show(_table(found))
    else:
        with terminal.standard_output() as stdout:
            if output == "sentence":
                stdout.write(printable(sentence(found) + in_clusters(found)) + "\n")
            else:
                stdout.write(json_text(document(found), indent=2) + "\n")
    if not found.spans:
        raise typer.Exit(ASSERTION_FAILED)


def _table(found: BreakEven) -> Group:
    from rich.console import Group  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from pullsim.results.fitted_table import FittedTable  # noqa: PLC0415
    from pullsim.results.prose import Prose  # noqa: PLC0415
    from pullsim.study.break_even import cluster_rows, in_clusters, rows, sentence  # noqa: PLC0415
    from pullsim.study.cluster_tables import HEADING  # noqa: PLC0415

    table = FittedTable()
    table.figures(found.keys[0].rpartition(".")[2])
    table.figures(found.objective)
    table.figures("against")
    table.figures("better by")
    for value, own, other, part, gains in rows(found):
        table.add_row(value, own, other, part, style="bold" if gains else "")
    drawn = FittedTable()
    drawn.figures(HEADING)
    drawn.figures("better in")
    drawn.names("", rank=1, whole=True)
    for row in cluster_rows(found):
        drawn.add_row(*row)
    below: list[RenderableType] = [] if found.clusters is None else [Text(), drawn]
    return Group(table, *below, Text(), Prose(sentence(found) + in_clusters(found), "bold"))
