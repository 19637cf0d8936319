"""A fit for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from pullsim.study.fit.wording import error_text, held_text, interval_text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pullsim.study.fit.fitted import Fit


def render(fit: Fit) -> RenderableType:
    """Show the figures, those that the data do not tell and why, the errors, and what was left out."""
    parts: list[RenderableType] = [_fitted(fit) if fit.fitted else Text("These pulls tell no figure.")]
    if fit.held:
        parts += [Text(), Text("Not told by these pulls", style="bold")]
        parts += [Text(f"  {each.parameter.name} ({held_text(each)}): {each.why}") for each in fit.held]
    parts += [Text(), Text(f"Error: {error_text(fit.errors)}")]
    if fit.held_out_errors.rows:
        parts.append(Text(f"Held out: {error_text(fit.held_out_errors)}; {fit.held_out}"))
    parts += [Text(f"Left out: {count:,} {why}") for why, count in fit.left_out.items()]
    parts += [Text(f"Note: {note}") for note in fit.notes]
    return Group(*parts)


def _fitted(fit: Fit) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for heading, side in (("figure", "left"), ("value", "right"), ("90 % interval", "left"), ("", "left")):
        table.add_column(heading, justify=side)  # type: ignore[arg-type]  # one of rich's words
    for each in fit.fitted:
        parameter = each.parameter
        table.add_row(parameter.name, parameter.text(each.value), interval_text(each), parameter.meaning)
    return table
