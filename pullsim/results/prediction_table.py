"""The table of a run's key figures in other clusters, and what is said with it, for terminal and page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from rich.text import Text as Line

from pullsim.results.fitted_table import FittedTable
from pullsim.results.page.page import Cell, Column, Section, Table, Text
from pullsim.results.start_table import brief
from pullsim.results.wording import counted, percentage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import RenderableType

    from pullsim.results.summary.prediction import PredictedFigure, Prediction

JUDGED: Final = "pods.start.p99"  # of this metric it is told what the variance consists of, where it is among them
_NAMES: Final = {
    "pods.start.p50": "pod start, p50",
    "pods.start.p99": "pod start, p99",
    "pods.start.max": "pod start, max",
    "pulls.pull.p50": "pull, p50",
    "pulls.pull.p99": "pull, p99",
}
#: Of a figure in other clusters: its median, and the intervals with so many of them.
HEADINGS: Final = ("median", "half of them", "nine in ten")


def prediction_parts(prediction: Prediction | None) -> list[RenderableType]:
    """Return what a terminal shows: the table and its notes; nothing without a prediction."""
    if prediction is None:
        return []
    table = FittedTable()
    table.names("in other clusters")
    for rank, heading in enumerate(HEADINGS):
        table.figures(heading, rank=(1, 2, 0)[rank])
    for name, figure in prediction.figures.items():
        table.add_row(_NAMES[name], *_cells(figure))
    return [Line(), table, *(Line(note, style="dim") for note in prediction_notes(prediction))]


def prediction_section(prediction: Prediction | None) -> Section:
    """Return the section of the page; without a prediction it has no parts."""
    if prediction is None:
        return Section("In other clusters", [])
    columns = [Column("figure"), *(Column(heading, number=True) for heading in HEADINGS)]
    rows = [
        [Cell(_NAMES[name]), *(Cell(text, figure.median) for text in _cells(figure))]
        for name, figure in prediction.figures.items()
    ]
    words = [*prediction_notes(prediction)]
    return Section("In other clusters", [Table("Medians and intervals over the draws", columns, rows), Text(words)])


def prediction_notes(prediction: Prediction) -> Iterator[str]:
    """Say what the intervals are of: how many draws, what part of them is what, and what is behind them."""
    judged = sorted(prediction.figures.items(), key=lambda item: item[0] != JUDGED)
    known = ((name, parts) for name, figure in judged if (parts := parts_of(figure)) is not None)
    text = f"{counted(prediction.draws, 'draw')}, each another cluster."
    if (first := next(known, None)) is not None:
        name, parts = first
        text += f" Of the variance of {'the p99' if name == JUDGED else _NAMES.get(name)} {parts_text(parts)}."
    yield text
    yield from behind_notes(prediction.clusters)


def parts_of(figure: PredictedFigure) -> tuple[float, float, float] | None:
    """Return which shares of a figure's variance are reality's, the model's and sampling's.

    None: it has none, or pods never come to it.
    """
    if figure.sampling is None or figure.model is None:
        return None
    return max(0.0, 1.0 - figure.sampling - figure.model), figure.model, figure.sampling


def parts_text(parts: tuple[float, float, float]) -> str:
    """Say what a variance consists of; see `parts_of`."""
    reality, model, sampling = map(percentage, parts)
    return (
        f"{reality} is how clusters, nodes and pulls vary, {model} what the model is off by, "
        f"{sampling} sampling (other seeds without variation)"
    )


def behind_notes(clusters: Mapping[str, int | None]) -> Iterator[str]:
    """Say of which pools the figures have one cluster behind them, or none."""
    few = [pool for pool, number in clusters.items() if number == 1]
    none = [pool for pool, number in clusters.items() if number == 0]
    if few:
        yield f"The figures of {', '.join(few)} have one cluster behind them, so that intervals are wider."
    if none:
        yield (
            f"The figures of {', '.join(none)} have no cluster behind them, so that intervals are much wider: "
            "`pullsim fit` makes figures of pulls of one's own."
        )


def _cells(figure: PredictedFigure) -> tuple[str, str, str]:
    return brief(figure.median), _ends(figure.low50, figure.high50), _ends(figure.low90, figure.high90)


def _ends(low: float, high: float) -> str:
    ends = dict.fromkeys("never" if math.isinf(each) else brief(each) for each in (low, high))
    return " to ".join(ends)
