"""What would have started a pod earlier, for the terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.text import Text

from pullsim.results.fitted_table import FittedTable
from pullsim.results.notes import Notes
from pullsim.results.prose import Prose
from pullsim.results.wording import counted, duration
from pullsim.study.advice.advice import GAIN, percent
from pullsim.study.advice.remedies import best

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pullsim.study.advice.remedies import Remedies, Remedy

_ROWS: Final = 6  # the most changes that are shown, those that gain most
_LONG: Final = 140  # letters of options that are not shown: `-o json` has them


def told_remedies(tried: Remedies, pod: tuple[str, str]) -> Group:
    """Return what was tried for a pod: what gained most with the options that repeat it, and what gained nothing."""
    rows = best(tried.pods[pod])
    helping = [row for row in rows if row.helps]
    parts: list[RenderableType] = [Text()]
    if helping:
        parts.append(_table(helping[:_ROWS]))
    notes = Notes(labels=0)
    more = len(helping) - _ROWS
    if more > 0:
        notes.add("Less gain", ", ".join(row.lever for row in helping[_ROWS:]))
    nothing = [row.lever for row in rows if not row.helps]
    if nothing:
        notes.add("No gain", f"(under {GAIN * 100:g} %, tried) {', '.join(nothing)}")
    if tried.untried:
        notes.add("Not tried", f"{counted(len(tried.untried), 'change')}: more than --max-runs")
    for text in tried.failed:
        notes.add("Failed", text)
    if not rows and not tried.failed:
        notes.add("Tried", "nothing: no change that is known could have helped what it waited for")
    return Group(*parts, notes)


def _table(rows: list[Remedy]) -> FittedTable:
    table = FittedTable()
    table.figures("start")
    table.figures("gained", rank=2)
    table.words("tried, with the same seed", rank=0, least=26)
    for row in rows:
        table.add_row(duration(row.seconds), _gained(row), Group(Prose(row.setting.sentence), *_options(row)))
    return table


def _gained(row: Remedy) -> str:
    if math.isinf(row.gained):
        return "it starts"
    return f"{duration(row.gained)} ({percent(-row.gained / row.before)})"


def _options(row: Remedy) -> list[Text]:
    options = row.setting.options
    return [Text(options, "dim")] if len(options) <= _LONG else []
