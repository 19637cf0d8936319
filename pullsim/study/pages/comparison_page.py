"""The page of a comparison: what changed in the inputs, what that did, and where the time moved."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from pullsim.printable import shortened
from pullsim.results import metrics as metric_names
from pullsim.results.page.metric_words import begin, in_words, the
from pullsim.results.page.page import Cell, Column, Figure, Page, Section, Table, points_of
from pullsim.results.page.stage_time import stage_bars
from pullsim.study import compare_text
from pullsim.study.cluster_tables import clusters_of_comparison
from pullsim.study.compare import stage_seconds
from pullsim.study.pages.cluster_section import cluster_section
from pullsim.study.pages.parts import certainty, closing, interval_cell, relative
from pullsim.study.pages.trade_off import trade_off_chart
from pullsim.study.trade_off import COST, latency_of, of_comparison

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.study.compare import Comparison, Difference
    from pullsim.study.pages.parts import Source

_CHANGES: Final = 100  # of the inputs that are listed
_PLAIN: Final = {
    "same": "no difference",
    "lower": "lower",
    "higher": "higher",
    "unclear": "may be chance",
    "within model error": "smaller than the model's own error",
    "no value": "no value",
}


def comparison_page(comparison: Comparison, metrics: Sequence[str], source: Source) -> Page:
    """Return the page; ``metrics`` are those that are compared."""
    if len(comparison.a.runs) == 1:  # of more runs only the percentiles that were asked for are known
        metrics = [*metrics, *compare_text.of_those_that_did(comparison, metrics)]
    rows = comparison.differences(metrics)
    error = source.error or comparison.a.error or comparison.b.error
    a, b = (shortened(side.name, 80) or name for side, name in ((comparison.a, "A"), (comparison.b, "B")))
    bars = {f"A: {a}": stage_seconds(comparison.a), f"B: {b}": stage_seconds(comparison.b)}
    bars = {label: {stage: s for stage, s in stages.items() if s > 0} for label, stages in bars.items()}
    charts = []
    if any(bars.values()):
        note = "Mean of a pod, until it was ready, over all runs."
        charts.append(stage_bars("stages", "Where the time of a pod goes", bars, "pod", note))
    latency = latency_of(metrics)
    paid = trade_off_chart(of_comparison(comparison, latency), COST, latency)
    changes = compare_text.changes(comparison)
    left = [f"and {len(changes) - _CHANGES:,} more"] if len(changes) > _CHANGES else []
    lists = {
        "Changed in the inputs:": [*changes[:_CHANGES], *left] or ["nothing"],
        "Moved:": compare_text.moved(comparison),
        "Bytes that hosts served:": compare_text.sources(comparison),
        "Beware:": compare_text.notes(comparison, metrics),
        "What A waits for:": [comparison.a.verdict] if comparison.a.verdict else [],
        "What B waits for:": [comparison.b.verdict] if comparison.b.verdict else [],
    }
    return Page(
        title=f"{a} → {b}",
        question=f"What does it change to go from {a} (A) to {b} (B)?",
        answer=_answer(rows),
        certainty=certainty(len(comparison.a.runs), error, source.guesses),
        figures=[_figure(row) for row in rows if not _never(row)][:6],
        sections=[
            Section("What it did", [_table(rows), *([] if paid is None else [paid])]),
            *cluster_section(clusters_of_comparison(comparison, metrics)),
            Section("Where the time moved", [*charts, *points_of(lists)]),
            *closing(source._replace(error=error)),
        ],
        context=source.description,
        made_by="pullsim compare",
    )


def _answer(rows: Sequence[Difference]) -> list[str]:
    """Return a sentence about each of the first figures that differ, or one that says that none does."""
    told = [_sentence(row) for row in rows if row.verdict not in ("same", "no value")]
    same = [the(row.metric) for row in rows if row.verdict == "same" and not _never(row)]
    never = [the(row.metric) for row in rows if _never(row)]
    if not told:
        return ["It changes none of the figures that were compared."]
    lists = {"The same in both": same, "Never in both, as some pods never did": never}
    return [*told[:3], *(f"{words}: {', '.join(names)}." for words, names in lists.items() if names)]


def _never(row: Difference) -> bool:
    """Whether a time is never on both sides."""
    return row.a.mean == row.b.mean == math.inf


def _sentence(row: Difference) -> str:
    before, after = metric_names.text(row.metric, row.a.mean), metric_names.text(row.metric, row.b.mean)
    text = f"{begin(row.metric)} goes from {before} to {after}"
    if row.relative is not None:
        text += f" ({relative(row.relative)})"
    doubt = {"unclear": ", which may be chance", "within model error": ", which is less than the model's own error"}
    return f"{text}{doubt.get(row.verdict, '')}."


def _figure(row: Difference) -> Figure:
    before, after = metric_names.text(row.metric, row.a.mean), metric_names.text(row.metric, row.b.mean)
    remark = relative(row.relative) if row.verdict != "same" else "in both"
    remark = remark or _PLAIN.get(row.verdict, row.verdict)
    return Figure(in_words(row.metric), before if before == after else f"{before} → {after}", remark)


def _table(rows: Sequence[Difference]) -> Table:
    columns = (
        Column("figure"),
        Column("A", number=True),
        Column("B", number=True),
        Column("B - A", number=True),
        Column("change", number=True),
        Column("verdict"),
    )
    cells = [
        (
            Cell(in_words(row.metric)),
            interval_cell(row.metric, row.a),
            interval_cell(row.metric, row.b),
            Cell("-") if _never(row) else interval_cell(row.metric, row.difference),
            Cell("-" if row.relative is None else f"{row.relative:+.1%}".replace("%", " %"), row.relative),
            Cell(_PLAIN.get(row.verdict, row.verdict)),
        )
        for row in rows
    ]
    never = any(end is not None and math.isinf(end) for row in rows for end in (row.a.mean, row.b.mean))
    return Table("The figures of both sides", columns, cells, "never: some pods never did." if never else "")
