"""What notebooks show of a run: its answer, key figures, and pictures of where the time went, without scripts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pullsim.results.page.answer import answer, key_figures
from pullsim.results.page.drawing import drawing
from pullsim.results.page.page import Chart, Table
from pullsim.results.page.pod_tables import by_workload
from pullsim.results.page.stage_time import stage_bars, stage_time
from pullsim.results.page.start_times import start_times
from pullsim.results.page.writing import fragment
from pullsim.results.summary.summary import summarize
from pullsim.results.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pullsim.results.page.page import Figure, Page, Part
    from pullsim.results.summary.summary import Summary
    from pullsim.run import Result

_ROWS: Final = 12  # of a table


def result_html(result: Result) -> str:
    """Return a run as HTML for a notebook."""
    summary = summarize(result)
    charts = (stage_time(result), start_times(result))
    return shown(result.name, answer(summary), key_figures(summary), [*charts, by_workload(summary)])


def summary_html(summary: Summary) -> str:
    """Return a summary as HTML for a notebook."""
    charts = []
    if summary.time is not None and summary.time.seconds and summary.pods is not None:
        pods = summary.pods.total
        mean = {stage: row.seconds / pods for stage, row in summary.time.stages.items()}
        charts.append(stage_bars("stages", "Where the time went", {f"all pods ({pods:,})": mean}, "pod", ""))
    return shown(summary.name, answer(summary), key_figures(summary), [*charts, by_workload(summary)])


def page_html(page: Page) -> str:
    """Return a page as HTML for a notebook: its answer, figures, the charts that have pictures, and tables."""
    return shown(
        page.question, page.answer, page.figures, [part for section in page.sections for part in section.parts]
    )


def shown(title: str, sentences: Sequence[str], figures: Sequence[Figure], parts: Iterable[Part | None]) -> str:
    """Return HTML without scripts, and without styles that a notebook would keep for itself."""
    known = [*parts]
    drawings = [(part.title, picture) for part in known if isinstance(part, Chart) and (picture := drawing(part))]
    tables = [
        replace(part, rows=part.rows[:_ROWS], filtered=False, note=_left_out(part))
        for part in known
        if isinstance(part, Table)
    ]
    return fragment(
        "notebook.html.j2", title=title, sentences=sentences, figures=figures, drawings=drawings, tables=tables
    )


def _left_out(table: Table) -> str:
    left = len(table.rows) - _ROWS
    return counted(left, "more row") if left > 0 else table.note
