"""``pullsim diagnostics``: what the codes of messages mean."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from pullsim.cli import terminal
from pullsim.cli.diagnostics import Diagnostic, find, table
from pullsim.cli.exit_codes import exit_codes
from pullsim.errors import InputError, shown

if TYPE_CHECKING:
    from pullsim.results.fitted_table import FittedTable


def diagnostics(
    what: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CODE or MESSAGE]", help="A code, PS012, or a message itself.", show_default=False),
    ] = None,
) -> None:
    """Say what the code of an error or warning means and what to do; without any, list all codes."""
    with exit_codes():
        if not what:
            terminal.show(_table())
            return
        text = " ".join(what)
        named = find(text)
        if named is None:
            raise InputError(f"{shown(text)} is no code, nor a message that has one; `pullsim diagnostics` lists all")
        for line in _paragraph(named):
            terminal.line(line)


def _table() -> FittedTable:
    from pullsim.results.fitted_table import FittedTable  # noqa: PLC0415

    listed = FittedTable()
    listed.names("code", whole=True, rank=1)
    listed.names("level", whole=True, rank=1)
    listed.words("what", rank=0)
    for each in table():
        listed.add_row(each.code, each.level, each.title)
    return listed


def _paragraph(named: Diagnostic) -> list[str]:
    example = textwrap.wrap(f"Example: {named.example}", terminal.PLAIN_WIDTH, break_on_hyphens=False)
    body = textwrap.wrap(named.help, terminal.PLAIN_WIDTH, break_on_hyphens=False)
    return [f"{named.code}  {named.level}: {named.title}", "", *body, "", *example]
