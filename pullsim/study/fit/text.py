"""A fit for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from pullsim.results.fitted_table import FittedTable
from pullsim.results.prose import Prose
from pullsim.study.fit.wording import error_text, held_text, interval_text, spread_text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pullsim.study.fit.fitted import Fit


def render(fit: Fit) -> RenderableType:
    """Show the figures, those that the data do not tell and why, the errors, and what was left out."""
    parts: list[RenderableType] = [_fitted(fit) if fit.fitted else Text("These pulls tell no figure.")]
    if fit.held:
        parts += [Text(), Text("Not told by these pulls", style="bold")]
        parts += [Prose(f"  {each.parameter.name} ({held_text(each)}): {each.why}") for each in fit.held]
    parts += [Text(), Prose(f"Error: {error_text(fit.errors)}")]
    if fit.held_out_errors.rows:
        parts.append(Prose(f"Held out: {error_text(fit.held_out_errors)}; {fit.held_out}"))
    if told := spread_text(fit):
        parts.append(Prose(f"Spread: {told}"))
    parts += [Prose(f"Left out: {count:,} {why}") for why, count in fit.left_out.items()]
    parts += [Prose(f"Note: {note}") for note in fit.notes]
    return Group(*parts)


def _fitted(fit: Fit) -> FittedTable:
    table = FittedTable()
    table.names("figure", whole=True)
    table.figures("value")
    table.names("90 % interval", rank=2, whole=True)
    table.words("meaning", rank=3)
    for each in fit.fitted:
        parameter = each.parameter
        table.add_row(parameter.name, parameter.text(each.value), interval_text(each), parameter.meaning)
    return table
