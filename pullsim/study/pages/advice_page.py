"""The page of advice: what was tried, and what gains most."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pullsim.printable import shortened
from pullsim.results import metrics as metric_names
from pullsim.results.page.metric_words import in_words, the
from pullsim.results.page.page import Cell, Chart, Column, Figure, Page, Rows, Section, Table, Text
from pullsim.results.page.parts import field, tooltip
from pullsim.results.wording import counted
from pullsim.study.advice import text
from pullsim.study.advice.advice import in_percent, percent
from pullsim.study.cluster_tables import clusters_of_advice
from pullsim.study.pages.cluster_section import cluster_section
from pullsim.study.pages.parts import certainty, closing, relative
from pullsim.study.pages.trade_off import trade_off_chart
from pullsim.study.trade_off import COST, of_advice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.study.advice.advice import Advice, Tried
    from pullsim.study.pages.parts import Source


def advice_page(advice: Advice, file: str, overrides: Sequence[str], source: Source) -> Page:
    """Return the page; ``file`` and ``overrides`` are those of the scenario, for the commands that repeat a change."""
    what = the(advice.judged)
    notes = text.notes(advice)
    return Page(
        title=advice.name or "pullsim advise",
        question=f"What would shorten {what}?" if what.startswith("the time") else f"What would improve {what}?",
        answer=[_answer(advice), text.heading(advice)],
        certainty=certainty(len(advice.seeds), advice.error, source.guesses),
        figures=_figures(advice),
        sections=[
            Section("What helps", [*_chart(advice), *_tables(advice), *_paid(advice)]),
            *cluster_section(clusters_of_advice(advice)),
            *_commands(advice, file, overrides),
            Section("What was tried beside", [Text((), [f"{label}: {note}" for label, note in notes.items()])]),
            *closing(source._replace(error=advice.error)),
        ],
        context=source.description,
        made_by=f"pullsim advise, {counted(len(advice.seeds), 'seed')}",
    )


def _answer(advice: Advice) -> str:
    if not advice.gains:
        return f"Nothing of the {len(advice.rows):,} changes that were tried helps."
    best = advice.gains[0]
    told = advice.told(best)
    before, after = metric_names.text(told.metric, told.a.mean), metric_names.text(told.metric, told.b.mean)
    part = relative(told.relative)
    change = f"{the(told.metric)} goes from {before} to {after}{f' ({part})' if part else ''}"
    return f"Most helps: {best.setting.sentence}; {change}."


def _figures(advice: Advice) -> list[Figure]:
    found = [
        Figure("changes tried", f"{len(advice.rows):,}"),
        Figure("changes that help", f"{len(advice.gains):,}"),
    ]
    if advice.gains and math.isfinite(advice.gains[0].gain):
        best = advice.gains[0]
        found.append(Figure("gains most", percent(-best.gain), best.setting.sentence))
    return found


def _chart(advice: Advice) -> list[Chart]:
    rows = [_bar(advice, row) for row in advice.gains if math.isfinite(row.gain)]
    if not rows:
        return []
    y = field("change", "nominal", sort=None, axis={"labelLimit": "names"})
    x = field("gain", "quantitative", f"gain of {the(advice.judged)} (%)")
    encoding = {"y": y, "x": x, "tooltip": tooltip(change="change", text="gain")}
    bar = {"mark": {"type": "bar"}, "encoding": encoding | {"description": field("said", "nominal")}}
    rule = {
        "mark": {"type": "rule", "strokeWidth": 2, "style": "value", "aria": False},
        "encoding": {"y": y, "x": x | {"field": "low"}, "x2": {"field": "high"}},
    }
    for layer in (bar, rule):
        layer["data"] = {"name": "gains"}
    told = "; ".join(str(row[-1]) for row in rows[:8])
    data = {"gains": Rows(("change", "gain", "low", "high", "text", "said"), rows)}
    spec = {"height": {"step": 32}, "layer": [bar, rule]}
    note = "Lines: the 95 % interval over the seeds." if len(advice.seeds) > 1 else ""
    return [Chart("gains", "What each change gains", f"Bars, the longest first. {told}.", spec, data, note)]


def _paid(advice: Advice) -> list[Chart]:
    chart = trade_off_chart(of_advice(advice), COST, advice.judged)
    return [] if chart is None else [chart]


def _bar(advice: Advice, row: Tried) -> tuple[str, float, float, float, str, str]:
    mean, low, high = in_percent(row.difference(advice.judged))
    shown = percent(-row.gain)
    return shortened(row.setting.sentence, 80), mean, low, high, shown, f"{row.setting.sentence}: {shown}"


def _tables(advice: Advice) -> list[Table]:
    rows = [
        (Cell(name), *(Cell(str(figure)) for figure in figures), Cell(verdict))
        for name, figures, verdict in text.rows(advice)
    ]
    if not rows:
        return []
    columns = (
        Column("change"),
        *(Column(in_words(name), help=name) for name in text.shown_metrics(advice)),
        Column("doubt"),
    )
    return [Table("The changes that help, the best first", columns, rows)]


def _commands(advice: Advice, file: str, overrides: Sequence[str]) -> list[Section]:
    told = zip(text.sentences(advice), text.commands(advice, file, overrides), strict=True)
    parts = [Text([f"{number}. {sentence}"], code=command) for number, (sentence, command) in enumerate(told, 1)]
    return [Section("How to try them", parts)] if parts else []
