"""``pullsim explain-credentials``: which credentials a kubelet tries for an image, in what order, why not others."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  Typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pullsim.cli import terminal
from pullsim.cli.catalogs import ListFormat
from pullsim.cli.exit_codes import exit_codes
from pullsim.cli.options import INPUT, OUTPUT
from pullsim.errors import shown
from pullsim.printable import json_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Group

    from pullsim.scenario.file.credential_files import Entry


def explain_credentials(
    image: Annotated[str, typer.Argument(help="Image, as in a pod.", show_default=False)],
    config: Annotated[
        list[Path] | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="The node's docker config.json, or a .dockercfg.",
            rich_help_panel=INPUT,
            show_default=False,
        ),
    ] = None,
    secret: Annotated[
        list[Path] | None,
        typer.Option(
            "--secret",
            metavar="FILE",
            help="Secrets of the pod, as Kubernetes objects or docker config files, in their order. Repeatable.",
            rich_help_panel=INPUT,
            show_default=False,
        ),
    ] = None,
    providers: Annotated[
        list[Path] | None,
        typer.Option(
            "--providers",
            metavar="FILE",
            help="CredentialProviderConfig, or a directory of them. Repeatable.",
            rich_help_panel=INPUT,
            show_default=False,
        ),
    ] = None,
    output: Annotated[ListFormat, typer.Option("--output", "-o", help="How to print.", rich_help_panel=OUTPUT)] = (
        ListFormat.table
    ),
) -> None:
    """Say which credentials a kubelet tries for an image, in which order, and why it does not try the others."""
    with exit_codes():
        from pullsim.errors import InputError  # noqa: PLC0415  not for --help
        from pullsim.oci.reference import InvalidReference, parse  # noqa: PLC0415
        from pullsim.scenario.file.credential_files import explain, read_entries  # noqa: PLC0415

        if not (config or secret or providers):
            raise InputError("nothing to look in: give --config, --secret or --providers")
        try:
            repository = parse(image).repository
        except InvalidReference as error:
            raise InputError(f"image {shown(image)}: {error}") from None
        entries = explain(read_entries(config or (), secret or (), providers or ()), repository)
        rows = list(_rows(entries))
        if output is ListFormat.json:
            with terminal.standard_output() as stdout:
                document = {"image": image, "repository": repository, "entries": rows}
                stdout.write(json_text(document, indent=2) + "\n")
        else:
            terminal.show(_table(repository, rows))


def _rows(entries: Iterable[Entry]) -> Iterator[dict[str, Any]]:
    for entry in entries:
        yield {
            "attempt": entry.attempt,
            "source": entry.source,
            "registry": entry.registry,
            "key": entry.key,
            "username": entry.username,
            "why": entry.why,
        }


def _table(repository: str, rows: list[dict[str, Any]]) -> Group:
    from rich.console import Group  # noqa: PLC0415

    from pullsim.results.fitted_table import FittedTable  # noqa: PLC0415
    from pullsim.results.prose import Prose  # noqa: PLC0415

    tried = sum(row["attempt"] is not None for row in rows)
    plugins = sum(row["key"] is None and row["attempt"] is not None for row in rows)
    title = f"{repository}: {_summary(tried - plugins, plugins)}"
    table = FittedTable()
    table.figures("")
    table.names("registry", rank=0)
    table.names("user", rank=1)
    table.names("from", rank=2)
    table.words("why", rank=0)
    for row in rows:
        cells = (row["registry"], row["username"] or "", row["source"], row["why"])
        table.add_row("-" if row["attempt"] is None else str(row["attempt"]), *cells)
    return Group(Prose(title), table)


def _summary(credentials: int, plugins: int) -> str:
    asked = f", and what {plugins} plugins answer" if plugins > 1 else ", and what a plugin answers" if plugins else ""
    if not credentials:
        return "one anonymous pull" if not plugins else "anonymous, unless a plugin answers with credentials"
    tries = "1 credential is tried" if credentials == 1 else f"{credentials} credentials are tried in turn"
    return f"{tries}{asked}; no anonymous pull after them"
