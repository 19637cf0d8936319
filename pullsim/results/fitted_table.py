"""Tables for the terminal in which no figure is ever shortened or wrapped, however narrow it is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from rich.cells import cell_len, chop_cells
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from pullsim.printable import printable
from pullsim.results.prose import Prose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

_NAME: Final = 8  # what a name is shortened to at least, before a column is left out
_HEADING: Final = 12  # what the heading of names is folded to at least
_WORDS: Final = 16  # what words are wrapped to at least
_FIGURE: Final = re.compile(r"[-+±]?[\d,.]+ ?[A-Za-z%/]{0,7}")  # a name that is one, as 25Gbit/s of a knob
_FOLDS: Final = re.compile(r"(?<=\.)(?=\D)|(?<=[a-z])(?=[A-Z])| ")  # where headings may be folded


class Label(NamedTuple):
    """A name with what stands behind it in any case: a count."""

    name: str
    after: str


@dataclass(slots=True)
class _Column:
    heading: str
    least: int  # the width below which it is left out; 0: it is never narrower than its widest cell
    rank: int  # those with the highest are left out first; 0: never
    right: bool
    shortened: bool = False
    cells: list[RenderableType | Label] = field(default_factory=list)


class FittedTable:
    """A table that is fitted into the width of the terminal: names are shortened in the middle, words are wrapped.

    Where that is not enough, columns are left out, and a line below names them. Figures stand whole in any case.
    """

    def __init__(self, gap: int = 2) -> None:
        """``gap``: columns of the terminal between two of the table."""
        self._gap = gap
        self._columns: list[_Column] = []
        self._styles: list[str] = []

    def names(self, heading: str, rank: int | None = None, *, whole: bool = False) -> None:
        """Add a column of names, which are shortened in the middle unless they are to stay ``whole``."""
        self._add(_Column(heading, 0 if whole else _NAME, self._rank(rank, 1), right=False, shortened=not whole))

    def words(self, heading: str, rank: int | None = None, least: int = _WORDS) -> None:
        """Add a column of words, which are wrapped, to ``least`` columns of the terminal if there is no more room."""
        self._add(_Column(heading, least, self._rank(rank, 1), right=False))

    def figures(self, heading: str, rank: int | None = None) -> None:
        """Add a column of figures. The first one is never left out."""
        first = not any(column.right for column in self._columns)
        self._add(_Column(heading, 0, (0 if first else 2) if rank is None else rank, right=True))

    def add_row(self, *cells: RenderableType | Label, style: str = "") -> None:
        """Add a row; the cells of names and figures are texts, and those that are missing are empty."""
        for column, cell in zip(self._columns, (*cells, *[""] * (len(self._columns) - len(cells))), strict=True):
            if isinstance(cell, Label):
                column.cells.append(Label(*map(printable, cell)))
            else:
                column.cells.append(Prose(printable(cell, "\n")) if isinstance(cell, str) else cell)
        self._styles.append(style)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render it in the width of the whole terminal, also where texts are kept narrower."""
        width = options.size.width
        widths = [self._width(column, console, options) for column in self._columns]
        for folded in (False, True):
            headings = [
                _folded(each.heading, max(w, _HEADING * each.shortened)) if folded else each.heading
                for each, w in zip(self._columns, widths, strict=True)
            ]
            natural = [max(w, *map(cell_len, h.split("\n"))) for w, h in zip(widths, headings, strict=True)]
            shown = self._shown(natural, width)
            left = [each for index, each in enumerate(self._columns) if index not in shown and each.heading]
            if not left:
                break
        final = self._fitted(shown, natural, width)
        table = Table(box=None, padding=(0, self._gap, 0, 0), header_style="dim", pad_edge=False)
        for index, size in zip(shown, final, strict=True):
            column = self._columns[index]
            justify = "right" if column.right else "left"
            wraps = column.least > 0 and not column.shortened
            table.add_column(Text(headings[index]), justify=justify, width=size, no_wrap=not wraps, overflow="fold")  # type: ignore[arg-type]
        for row, style in enumerate(self._styles):
            table.add_row(*self._row(row, shown, final), style=style)
        total = sum(final) + self._gap * (len(final) - 1)
        yield from console.render(table, options.update(width=max(total, 1)))
        if left:
            named = ", ".join(each.heading for each in left)
            needed = sum(map(self._least, self._columns, natural)) + self._gap * (len(natural) - 1)
            yield Text(f"wider terminal shows (from {needed:,} columns): {named}", "dim")

    def _add(self, column: _Column) -> None:
        self._columns.append(column)

    def _rank(self, rank: int | None, usual: int) -> int:
        return (usual if self._columns else 0) if rank is None else rank

    def _width(self, column: _Column, console: Console, options: ConsoleOptions) -> int:
        wide = options.update(width=10_000)
        cells = ("".join(cell) if isinstance(cell, Label) else cell for cell in column.cells)
        return max((Measurement.get(console, wide, cell).maximum for cell in cells), default=0)

    def _least(self, column: _Column, natural: int) -> int:
        """Return the width that a column needs: what is a figure among names stays whole too."""
        if not column.least:
            return natural
        figures = [cell_len(text) for text in map(str, column.cells) if column.shortened and _FIGURE.fullmatch(text)]
        labels = [cell_len(cell.after) + _NAME for cell in column.cells if isinstance(cell, Label)]
        return min(natural, max([column.least, *figures, *labels]))

    def _shown(self, natural: Sequence[int], width: int) -> list[int]:
        """Return which columns are shown."""
        shown = [*range(len(self._columns))]
        while sum(self._least(self._columns[i], natural[i]) + self._gap for i in shown) - self._gap > width:
            able = [i for i in shown if self._columns[i].rank]
            if not able:
                break
            shown.remove(max(able, key=lambda i: (self._columns[i].rank, i)))
        return shown

    def _fitted(self, shown: Sequence[int], natural: Sequence[int], width: int) -> list[int]:
        """Return the widths of the shown columns: what is left goes to names first, then to words by equal parts."""
        final = [self._least(self._columns[i], natural[i]) for i in shown]
        left = width - sum(final) - self._gap * (len(shown) - 1)
        for shortened in (True, False):
            able = [each for each, i in enumerate(shown) if self._columns[i].shortened is shortened]
            able.sort(key=lambda each: natural[shown[each]] - final[each])
            for done, each in enumerate(able):
                more = max(min(left // (len(able) - done), natural[shown[each]] - final[each]), 0)
                final[each] += more
                left -= more
        return final

    def _row(self, row: int, shown: Sequence[int], final: Sequence[int]) -> list[RenderableType]:
        cells: list[RenderableType] = []
        for index, size in zip(shown, final, strict=True):
            cell = self._columns[index].cells[row]
            if isinstance(cell, Label):
                cell = Text(middle(cell.name, size - cell_len(cell.after)) + cell.after)
            elif self._columns[index].shortened and isinstance(cell, Text):
                cell = Text(middle(cell.plain, size), cell.style)
            cells.append(cell)
        return cells


def middle(text: str, width: int) -> str:
    """Shorten a text in the middle to at most ``width`` cells of the terminal: names differ at both ends."""
    if cell_len(text) <= width:
        return text
    room = max(width - 1, 0)
    back = room // 2
    head = chop_cells(text, room - back)[0] if room - back else ""
    tail = chop_cells(text[::-1], back)[0][::-1] if back else ""
    return f"{head}…{tail}" if width else ""


def _folded(heading: str, width: int) -> str:
    """Write a heading on lines that are no wider than its column, if it can be: ``start.`` and ``p50``."""
    lines = [""]
    for part in _FOLDS.sub(lambda found: f"{found[0]}\n", heading).split("\n"):
        if cell_len(lines[-1] + part.rstrip()) <= width:
            lines[-1] += part
        else:
            lines.append(part)
    return "\n".join(line.rstrip() for line in lines if line)
