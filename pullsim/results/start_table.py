"""The table of a run's percentiles: how long pods took to start, and what pulls took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.results.fitted_table import FittedTable, Label
from pullsim.results.statistics import THOUSANDTHS
from pullsim.results.summary.groups import slowest
from pullsim.results.summary.summary import Summary, camel
from pullsim.results.wording import duration

if TYPE_CHECKING:
    from pullsim.results.statistics import Distribution
    from pullsim.results.summary.groups import GroupFigures

ROWS: Final = 12  # the most rows for workloads


def start_table(summary: Summary) -> FittedTable:
    """Return the table, with a line for each distribution; ``never`` is what falls to pods that never started."""
    table = FittedTable()
    table.names("")
    for heading in THOUSANDTHS:
        table.figures(camel(heading), rank=0 if heading == "p99" else 2)
    if summary.pods:
        _row(table, "pod start", summary.pods.start, "bold")
        if summary.pods.start.never and summary.pods.started:
            _row(table, Label("those that started", f", {summary.pods.started:,}"), summary.pods.start_of_started)
        _workloads(table, summary.workloads, "start")
        if summary.pods.ready != summary.pods.start:  # something takes time from the start to the pod's being ready
            _row(table, "pod ready", summary.pods.ready, "bold")
            _workloads(table, summary.workloads, "ready")
    if summary.pulls:
        _row(table, "queue before a pull", summary.pulls.queue)
        _row(table, "pull", summary.pulls.pull)
    return table


def brief(seconds: float | None) -> str:
    """Write a duration as Go does, in at most six letters: ``0.42s``, ``12.3s``, ``4m05s``, ``2h03m``."""
    return duration(seconds).replace("min", "m").replace(" ", "")


def _workloads(table: FittedTable, workloads: dict[str, GroupFigures], what: str) -> None:
    """Add a row for each workload if there are several, the latest first, and one about those that have no room."""
    if len(workloads) < 2:
        return
    shown = slowest(workloads, what)
    most = ROWS if len(shown) <= ROWS else ROWS - 1
    for name in shown[:most]:
        _row(table, Label(f"  {name}", f" ({workloads[name].total:,})"), getattr(workloads[name], what))
    if len(shown) > most:
        table.add_row(Label("", f"  {len(shown) - most:,} more workloads"))


def _row(table: FittedTable, name: str | Label, figures: Distribution, style: str = "") -> None:
    cells = (brief(getattr(figures, each)) for each in THOUSANDTHS)
    table.add_row(name, *cells, style=style)
