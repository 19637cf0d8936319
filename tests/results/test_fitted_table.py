"""Tables for the terminal: whatever its width, figures stand whole, or the column is named below."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console, Group
from rich.text import Text

from pullsim.results.fitted_table import FittedTable, Label, middle
from pullsim.results.notes import Notes
from pullsim.results.prose import Prose

NAMES = st.one_of(
    st.text(min_size=1, max_size=70),
    st.sampled_from(["a" * 60, "sha256:" + "0f" * 32, "日本語ではない" * 9, "👩‍👩‍👧🚀" * 12, "שלום עולם" * 7, "web"]),
)
FIGURES = st.sampled_from(["0.42s", "never", "1,234,567.8 s", "22.3 s ±0.2 s", "never [13.7 s, never]", "12.3 GB", "-"])
WIDTHS = st.integers(40, 130)


def rendered(renderable, width):
    out = io.StringIO()
    console = Console(file=out, width=width, height=25, color_system=None, markup=False, emoji=False)
    console.print(Group(renderable), crop=False)
    return out.getvalue()


@given(st.lists(st.tuples(NAMES, st.lists(FIGURES, min_size=6, max_size=6)), min_size=1, max_size=4), WIDTHS)
def test_every_figure_stands_whole_or_its_column_is_named(rows, width):
    table = FittedTable()
    table.names("workload")
    headings = ["p50", "p90", "p95", "p99.9", "max", "bytes.downloaded"]
    for heading in headings:
        table.figures(heading)
    for name, figures in rows:
        table.add_row(name, *figures)
    text = rendered(table, width)
    body, _, note = text.partition("wider terminal shows")
    assert all(cell_len(line) <= width for line in text.splitlines())
    left = {heading for heading in headings if heading in re.sub(r"\s+", " ", note)}
    shown = [heading for heading in headings if heading not in left]
    assert "p50" in shown
    expected = [[figure for heading, figure in zip(headings, row, strict=True) if heading in shown] for _, row in rows]
    lines = [line for line in body.splitlines() if line.strip()][-len(rows) :]
    for figures, line in zip(expected, lines, strict=True):
        at = 0
        for figure in figures:
            at = line.index(figure, at) + len(figure)


@given(NAMES, st.integers(0, 10**9), WIDTHS)
def test_what_stands_behind_a_name_and_figures_among_names_stay_whole(name, count, width):
    table = FittedTable()
    table.names("")
    table.names("nic")
    table.figures("p99")
    table.add_row(Label(name, f" ({count:,})"), "100.25Gbit/s", "never")
    text = rendered(table, width)
    assert f"({count:,})" in text
    assert "never" in text
    assert "100.25Gbit/s" in text or "nic" in text.partition("wider terminal shows")[2]


@given(NAMES, st.integers(0, 90))
def test_a_name_is_shortened_in_the_middle_to_the_width(name, width):
    short = middle(name, width)
    assert cell_len(short) <= width
    assert short == name or "…" in short or not width
    if "…" in short and "…" not in name:
        head, _, tail = short.partition("…")
        assert name.startswith(head)
        assert name.endswith(tail)


def test_words_are_wrapped_and_a_table_says_from_which_width_on_it_is_whole():
    def table():
        made = FittedTable()
        made.figures("took")
        made.words("what", rank=0)
        made.names("node", whole=True)
        made.add_row("1.2 s", "one two three four five six seven", "n" * 20)
        return made

    narrow = " ".join(rendered(table(), 40).split())
    needed = int(re.search(r"from (\d+) columns\): node", narrow)[1])
    assert "n" * 20 not in narrow
    assert "n" * 20 in rendered(table(), needed)
    assert "wider" in rendered(table(), needed - 1)


def test_a_text_that_begins_with_an_escape_moves_no_cursor():
    table = FittedTable()
    table.names("")
    table.figures("p50")
    table.add_row("\x1b[2J", "1 s")
    assert "\x1b" not in rendered(table, 40)


@pytest.mark.parametrize(
    "figure", ["13.7 s", "2 min 45 s", "1 h 03 min", "126 MB/s", "95 %", "13.7 s ±0.2 s", "[1.2 s, 13 min 2 s]"]
)
def test_prose_breaks_no_figure(figure):
    for width in range(len(figure) + 3, 60):
        text = rendered(Prose(f"the last one came up {figure} after its end, and then no more"), width)
        assert figure in text
        notes = Notes()
        notes.add("Outage", f"the last one came up {figure} after its end")
        assert figure in rendered(notes, width + 12)


def test_prose_keeps_its_styles():
    text = Prose("all 3 s of it")
    text.stylize("bold", 4, 7)
    lines = text.wrap(Console(width=8), 8)
    assert [line.plain for line in lines] == ["all 3 s ", "of it"]
    assert [span.style for span in lines[0].spans] == ["bold"]
    assert isinstance(text, Text)
