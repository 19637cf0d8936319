"""``pullsim presets``: the instance types whose figures come with the package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pullsim.cli import terminal
from pullsim.cli.catalogs import ListFormat
from pullsim.cli.exit_codes import exit_codes
from pullsim.cli.options import OUTPUT
from pullsim.printable import json_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from pullsim.scenario.presets.nodes import Preset


def presets(
    name: Annotated[
        str | None,
        typer.Argument(help="Print the figures of this preset and their sources.", show_default=False),
    ] = None,
    output: Annotated[ListFormat, typer.Option("--output", "-o", help="How to print.", rich_help_panel=OUTPUT)] = (
        ListFormat.table
    ),
) -> None:
    """List what `nodes[].preset` may name, or one preset's figures: `pullsim presets aws/m6i.large-gp3`."""
    with exit_codes():
        from pathlib import Path  # noqa: PLC0415  not for --help

        from pullsim.errors import Location  # noqa: PLC0415
        from pullsim.scenario.presets.nodes import builtin, find  # noqa: PLC0415

        if name is None:
            rows = [_summary(preset) for preset in builtin().values()]
        else:
            rows = list(_figures(find(name, Path(), Location("NAME"))))
        if output is ListFormat.json:
            with terminal.standard_output() as stdout:
                stdout.write(json_text(rows, indent=2) + "\n")
        else:
            terminal.show(_table(rows))


def _summary(preset: Preset) -> dict[str, Any]:
    figures = {key: value for key, value, _ in preset.figures()}
    return {
        "preset": preset.name,
        "nic": figures.get("nic.rate"),
        "burst": figures.get("nic.burst.rate"),
        "disk": figures.get("disk.write"),
        "cores": figures.get("cores.count"),
        "unpack": figures.get("unpack.gzip"),
        "pods": figures.get("maxPods"),
    }


def _figures(preset: Preset) -> Iterator[dict[str, Any]]:
    for key, value, source in preset.figures():
        yield {"key": key, "value": value, "source": source}


def _table(rows: list[dict[str, Any]]) -> Table:
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", pad_edge=False)
    for number, key in enumerate(rows[0]):
        table.add_column(key, overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*("-" if value is None else str(value) for value in row.values()))
    return table
