"""``pullsim catalogs``: the images that come with the package."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pullsim.cli import terminal
from pullsim.cli.exit_codes import exit_codes
from pullsim.cli.options import OUTPUT
from pullsim.errors import shown
from pullsim.printable import json_text
from pullsim.results.wording import size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullsim.oci.manifest import Image, Manifest
    from pullsim.results.fitted_table import FittedTable


class ListFormat(StrEnum):
    """How a list is printed."""

    table = "table"
    json = "json"


def catalogs(
    pattern: Annotated[
        str | None,
        typer.Argument(help="List the images whose names contain this; without it the catalogues.", show_default=False),
    ] = None,
    output: Annotated[ListFormat, typer.Option("--output", "-o", help="How to print.", rich_help_panel=OUTPUT)] = (
        ListFormat.table
    ),
) -> None:
    """List the built-in image catalogues, or images in them: `pullsim catalogs nginx`."""
    with exit_codes():
        rows = list(_catalogs() if pattern is None else _images(pattern))
        if output is ListFormat.json:
            with terminal.standard_output() as stdout:
                stdout.write(json_text(rows, indent=2) + "\n")
        elif rows:
            terminal.show(_table(rows))
        else:
            terminal.note(f"no built-in image has {shown(pattern)} in its name")


def _catalogs() -> Iterator[dict[str, Any]]:
    from pullsim.oci.catalog import Catalog, builtin_names  # noqa: PLC0415  not for --help

    for name in builtin_names():
        names = Catalog.builtin(name).names()
        yield {"catalog": name, "images": len(names), "first": names[0] if names else None}


def _images(pattern: str) -> Iterator[dict[str, Any]]:
    from pullsim.oci.catalog import Catalog, builtin_names  # noqa: PLC0415  not for --help
    from pullsim.oci.reference import parse  # noqa: PLC0415

    for catalog_name in builtin_names():
        catalog = Catalog.builtin(catalog_name)
        for name in catalog.names():
            image = catalog.lookup(parse(name), 0.0) if pattern in name else None
            for platform, manifest in _platforms(image) if image else ():
                yield {
                    "image": name,
                    "platform": platform,
                    "layers": len(manifest.layers),
                    "bytes": sum(layer.size for layer in manifest.layers),
                    "catalog": catalog_name,
                }


def _platforms(image: Image) -> Iterator[tuple[str | None, Manifest]]:
    from pullsim.oci.manifest import Manifest  # noqa: PLC0415

    if isinstance(image, Manifest):
        yield None, image
    else:
        yield from ((str(platform), manifest) for platform, manifest in image.manifests)


def _table(rows: list[dict[str, Any]]) -> FittedTable:
    from pullsim.results.fitted_table import FittedTable  # noqa: PLC0415

    table = FittedTable()
    for key, value in rows[0].items():
        if isinstance(value, int):
            table.figures(key)
        else:
            table.names(key)
    for row in rows:
        cells = {
            key: "-" if value is None else f"{value:,}" if isinstance(value, int) else value
            for key, value in row.items()
        }
        if "bytes" in row:
            cells["bytes"] = size(row["bytes"])
        table.add_row(*cells.values())
    return table
