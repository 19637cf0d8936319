"""What a page is made of: an answer to a question, and under it sections of figures, tables and charts.

Texts are plain: the templates and `pullsim.results.page.writing` make them safe for where they are shown.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any, NamedTuple

from pullsim.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Figure(NamedTuple):
    """A key figure: what it is in plain words, its value, and a remark below it."""

    label: str
    value: str
    remark: str = ""
    bad: bool = False


class Column(NamedTuple):
    """A column of a table; numbers are aligned to the right and sorted by size."""

    heading: str
    number: bool = False
    help: str = ""  # what the heading means


class Cell(NamedTuple):
    """A cell: its text, and the number that it is sorted by; None: it is sorted by its text, and without one last."""

    text: str
    number: float | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption. Each row has a cell for each column; the first is the row's heading."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    filtered: bool = False  # whether there is a field to filter it by a text
    shown: int = 15  # rows that are shown until a reader asks for all; print has no more


class Rows(NamedTuple):
    """Data of a chart: rows of values under the names of their columns."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: a Vega-Lite specification whose data are named, and the data by these names.

    ``description`` says in words what is seen, for those who do not see it and where scripts do not run.
    """

    name: str  # of letters and hyphens
    title: str
    description: str
    spec: Mapping[str, Any]
    data: Mapping[str, Rows]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A chart of which there are several, one of which is shown: they share all but the data."""

    label: str  # of the field by which one is chosen
    chart: Chart  # without data
    options: Mapping[str, Mapping[str, Rows]]  # the data by the name that is chosen; the first is shown at first
    notes: Mapping[str, str] = field(default_factory=dict)  # what is said only of some that are chosen, by their names


@dataclass(frozen=True, slots=True)
class Text:
    """Paragraphs, a list of points below them, and below that what is shown as it is, behind a button if it is long."""

    paragraphs: Sequence[str] = ()
    points: Sequence[str] = ()
    code: str = ""
    code_title: str = ""  # of the button behind which the code is; "" shows it


Part = Table | Chart | Choice | Text


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it."""

    title: str
    parts: Sequence[Part]


class Check(NamedTuple):
    """A condition that was set beforehand, and whether it holds."""

    text: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Page:
    """A page. ``question`` and ``answer`` are what a reader with one minute reads."""

    title: str
    question: str
    answer: Sequence[str]  # sentences, the first is the answer
    certainty: str
    figures: Sequence[Figure]
    sections: Sequence[Section]
    context: str = ""  # the whole description
    checks: Sequence[Check] = field(default=())
    made_by: str = ""  # version and seed


def points_of(texts: Mapping[str, Sequence[str]]) -> list[Text]:
    """Return a list of points under each heading that has any."""
    return [Text([heading], points) for heading, points in texts.items() if points]
