"""``pullsim presets``: the instance types whose figures come with the package."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from pullsim.cli import completers, terminal
from pullsim.cli.catalogs import ListFormat
from pullsim.cli.exit_codes import exit_codes
from pullsim.cli.options import OUTPUT
from pullsim.printable import json_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullsim.results.fitted_table import FittedTable
    from pullsim.scenario.presets.nodes import Preset


def presets(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME|PART]",
            help="Print the figures of this preset and their sources, or list those with this part in their names.",
            show_default=False,
            autocompletion=completers.presets,
        ),
    ] = None,
    disks: Annotated[
        bool, typer.Option("--disks", help="List the disks that `nodes\\[].disk` may name.", rich_help_panel=OUTPUT)
    ] = False,
    output: Annotated[ListFormat, typer.Option("--output", "-o", help="How to print.", rich_help_panel=OUTPUT)] = (
        ListFormat.table
    ),
) -> None:
    """List what `nodes[].preset` may name, or one preset's figures: `pullsim presets aws/m6i.large-gp3`."""
    with exit_codes():
        from pathlib import Path  # noqa: PLC0415  not for --help

        from pullsim.errors import Location  # noqa: PLC0415
        from pullsim.inputs import is_file  # noqa: PLC0415
        from pullsim.scenario.presets.nodes import find, names  # noqa: PLC0415

        place = Location("NAME")
        is_part = name is None or ("/" not in name[:-1] and not is_file(Path(name)))
        listed = [each for each in names() if name is None or name in each] if is_part and not disks else []
        if disks:
            rows = list(_disks(name or ""))
        elif listed:
            rows = [_summary(find(each, Path(), place)) for each in listed]
        else:
            rows = list(_figures(find(name or "", Path(), place)))
        if output is ListFormat.json:
            with terminal.standard_output() as stdout:
                stdout.write(json_text(rows, indent=2) + "\n")
        else:
            terminal.show(_table(rows))


def _disks(part: str) -> Iterator[dict[str, Any]]:
    from pullsim.errors import InputError, Location, shown  # noqa: PLC0415
    from pullsim.inputs.suggestion import did_you_mean  # noqa: PLC0415
    from pullsim.scenario.presets.volumes import disk_rate, volume_types  # noqa: PLC0415

    types = volume_types()
    listed = [each for each in types.values() if part in each.name]
    if not listed:
        raise InputError(f"no disk has {shown(part)} in its name" + did_you_mean(part, types, 3), Location("NAME"))
    for each in listed:
        yield {
            "disk": each.name,
            "of": each.provider or None,
            "write": each.written,
            "most": None if each.most is None else disk_rate(each.most),
            "source": each.source,
        }


def _summary(preset: Preset) -> dict[str, Any]:
    figures = {key: value for key, value, _ in preset.figures()}
    accelerators = (f"{value} {key.partition('/')[2]}" for key, value in figures.items() if "/" in key and value)
    return {
        "preset": preset.name,
        "nic": figures.get("nic.rate"),
        "burst": figures.get("nic.burst.rate"),
        "disk": figures.get("disk.write"),
        "cores": figures.get("cores.count"),
        "unpack": figures.get("unpack.gzip"),
        "pods": figures.get("maxPods"),
        "accelerators": next((text for text in accelerators if "instance-type" not in text), None),
    }


def _figures(preset: Preset) -> Iterator[dict[str, Any]]:
    for key, value, source in preset.figures():
        yield {"key": key, "value": value, "source": source}
    from pullsim.scenario.presets.variations import figures  # noqa: PLC0415

    for key, spread, source in figures(preset.name, preset.tree.get("variation")):
        yield {"key": key, "value": spread, "source": source}


def _table(rows: list[dict[str, Any]]) -> FittedTable:
    from pullsim.results.fitted_table import FittedTable  # noqa: PLC0415

    table = FittedTable(gap=1)
    for number, key in enumerate(rows[0]):
        rank = _RANKS.get(key, 1) if number else 0
        if key in ("source", "write", "value"):
            table.words(key, rank)
        else:
            table.names(key, rank, whole=True)
    family = None
    for row in rows:
        if "preset" in row and family not in (None, _family(row["preset"])):
            table.add_row()  # between families, as aws/m7i and aws/g6e
        family = _family(row.get("preset", ""))
        table.add_row(*("-" if value is None else str(value) for value in row.values()))
    return table


#: Columns that go first where the terminal is narrow.
_RANKS: Final = {"source": 4, "accelerators": 3, "unpack": 3, "burst": 2, "of": 2}


def _family(name: str) -> str:
    """Return what the presets of one provider and kind of machine have in common: that with which their names begin."""
    return re.split(r"[.\d-]", name, maxsplit=1)[0]
