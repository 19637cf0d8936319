"""``pullsim fit``: estimate figures from measured pulls."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path  # noqa: TC003  Typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from pullsim.cli import terminal
from pullsim.cli.exit_codes import exit_codes
from pullsim.cli.options import INPUT, OUTPUT, VerboseOption
from pullsim.cli.progress import working
from pullsim.errors import InputError, Location, shown
from pullsim.printable import json_text
from pullsim.releases.release import parse

if TYPE_CHECKING:
    from pullsim.releases.release import Written


class FitFormat(StrEnum):
    """What standard output gets."""

    table = "table"
    json = "json"
    preset = "preset"


def fit(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT...",
            help="Kubelet events (kubectl get events -A -o json), a kubelet's metrics, a table of pulls, or "
            "measurements of benchmarks/lab.",
            show_default=False,
        ),
    ],
    catalog: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|FILE", help="Catalogue with the layers of the images. Repeatable.", rich_help_panel=INPUT
        ),
    ] = None,
    manifests: Annotated[
        list[str] | None,
        typer.Option(
            metavar="IMAGE=FILE", help="Manifest of an image, as crane prints it. Repeatable.", rich_help_panel=INPUT
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=VALUE", help="Only these rows of tables. Repeatable.", rich_help_panel=INPUT),
    ] = None,
    containerd: Annotated[
        str | None,
        typer.Option(
            metavar="RELEASE", help="The nodes' containerd: 2.1, 2.3.4; by default 2.1.", rich_help_panel=INPUT
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the intervals.", rich_help_panel=INPUT)] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write preset.yaml, fit.json, pulls.csv and the chart there; other files in it are kept.",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        FitFormat,
        typer.Option("--output", "-o", help="Print figures as text or JSON, or the preset.", rich_help_panel=OUTPUT),
    ] = FitFormat.table,
    verbose: VerboseOption = False,
) -> None:
    """Estimate a node's and its registry's figures from measured pulls, as a preset for nodes[].preset."""
    with exit_codes(debug=verbose):
        from pullsim.study.fit import fit as fit_pulls  # noqa: PLC0415  scipy and numpy, not for --help

        with working("fitting"):
            found = fit_pulls(
                inputs,
                catalogs=catalog or (),
                manifests=_pairs(manifests, "--manifests", "IMAGE=FILE"),
                where=_pairs(where, "--where", "COLUMN=VALUE"),
                **({} if containerd is None else {"containerd": _release(containerd)}),
                seed=seed,
            )
        if out is not None:
            terminal.note(f"files are in {found.write(out)}")
        if output is FitFormat.table:
            from pullsim.study.fit.text import render  # noqa: PLC0415

            terminal.show(render(found))
            return
        text = found.preset() if output is FitFormat.preset else json_text(found.mapping(), indent=2) + "\n"
        with terminal.standard_output() as stdout:
            stdout.write(text)


def _release(text: str) -> Written:
    """Read the release of the nodes' containerd, and print a note if it is newer than the known ones."""
    from pullsim.releases.containerd import CONTAINERD  # noqa: PLC0415  not for --help

    try:
        written = parse(text)
        if newer := CONTAINERD.newer(written):
            terminal.note(newer)
    except ValueError as error:
        raise InputError(str(error), Location("--containerd")) from None
    return written


def _pairs(given: list[str] | None, option: str, form: str) -> dict[str, str]:
    pairs = {}
    for text in given or ():
        key, equals, value = text.partition("=")
        if not (key and equals and value):
            raise InputError(f"{shown(text)} is not {form}", Location(option))
        pairs[key] = value
    return pairs
