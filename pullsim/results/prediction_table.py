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
    from collections.abc import Iterator

    from rich.console import RenderableType

    from pullsim.results.summary.prediction import PredictedFigure, Prediction

_NAMES: Final = {
    "pods.start.p50": "pod start, p50",
    "pods.start.p99": "pod start, p99",
    "pods.start.max": "pod start, max",
    "pulls.pull.p50": "pull, p50",
    "pulls.pull.p99": "pull, p99",
}
_HEADINGS: Final = ("median", "half of them", "nine in ten")


def prediction_parts(prediction: Prediction | None) -> list[RenderableType]:
    """Return what a terminal shows: the table and its notes; nothing without a prediction."""
    if prediction is None:
        return []
    table = FittedTable()
    table.names("in other clusters")
    for rank, heading in enumerate(_HEADINGS):
        table.figures(heading, rank=(1, 2, 0)[rank])
    for name, figure in prediction.figures.items():
        table.add_row(_NAMES[name], *_cells(figure))
    return [Line(), table, *(Line(note, style="dim") for note in prediction_notes(prediction))]


def prediction_section(prediction: Prediction | None) -> Section:
    """Return the section of the page; without a prediction it has no parts."""
    if prediction is None:
        return Section("In other clusters", [])
    columns = [Column("figure"), *(Column(heading, number=True) for heading in _HEADINGS)]
    rows = [
        [Cell(_NAMES[name]), *(Cell(text, figure.median) for text in _cells(figure))]
        for name, figure in prediction.figures.items()
    ]
    words = [*prediction_notes(prediction)]
    return Section("In other clusters", [Table("Medians and intervals over the draws", columns, rows), Text(words)])


def prediction_notes(prediction: Prediction) -> Iterator[str]:
    """Say what the intervals are of: how many draws, what part of them is what, and what is behind them."""
    figure = prediction.figures.get("pods.start.p99") or next(iter(prediction.figures.values()), None)
    draws = counted(prediction.draws, "draw")
    if figure is not None and figure.sampling is not None and figure.model is not None:
        reality = max(0.0, 1.0 - figure.sampling - figure.model)
        yield (
            f"{draws}, each another cluster. Of the variance of the p99 {percentage(reality)} is how clusters, nodes "
            f"and pulls vary, {percentage(figure.model)} what the model is off by, {percentage(figure.sampling)} "
            "sampling (other seeds without variation)."
        )
    else:
        yield f"{draws}, each another cluster."
    few = [pool for pool, clusters in prediction.clusters.items() if clusters == 1]
    none = [pool for pool, clusters in prediction.clusters.items() if clusters == 0]
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
