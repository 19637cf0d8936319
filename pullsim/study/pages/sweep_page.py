"""The page of a sweep: what each setting came to, and which was the best."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from pullsim.printable import shortened
from pullsim.results import direction
from pullsim.results import metrics as metric_names
from pullsim.results.page.metric_words import begin, headline, in_words, the
from pullsim.results.page.page import Cell, Chart, Column, Figure, Page, Rows, Section, Table, Text, points_of
from pullsim.results.page.parts import field, tooltip
from pullsim.results.wording import counted
from pullsim.study.cluster_tables import clusters_of_sweep
from pullsim.study.design import Variant
from pullsim.study.ending import notes, unmoved
from pullsim.study.pages.cluster_section import cluster_section
from pullsim.study.pages.parts import (
    SERIES,
    Point,
    certainty,
    closing,
    curve,
    interval_cell,
    interval_text,
    metric_unit,
)
from pullsim.study.pages.trade_off import trade_off_chart
from pullsim.study.trade_off import of_sweep

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pullsim.study.intervals import Interval
    from pullsim.study.pages.parts import Source
    from pullsim.study.variant_runs import Sweep

_ROWS: Final = 200  # variants that the table has
_POINTS: Final = 400  # of a chart
_CELLS: Final = 900  # of a heat map
_METRICS: Final = 7


def sweep_page(sweep: Sweep, metrics: Sequence[str], source: Source, against: tuple[str, str] | None = None) -> Page:
    """Return the page; ``metrics`` are told of each setting, and the first one judges.

    ``against``: two metrics of which all settings are drawn, the one over the other, such as cost and p99.
    """
    shown = [*dict.fromkeys(metrics)][:_METRICS]
    first = shown[0]
    judged = {position: sweep.interval(position, first) for position in range(len(sweep.variants))}
    ranked = _ranked(first, judged)
    knobs = " and ".join(f"{knob.key} ({shortened(', '.join(knob.values), 120)})" for knob in sweep.axes)
    question = f"What does it change to set {knobs}?" if knobs else "What does the scenario come to?"
    lines = notes(sweep, shown)
    return Page(
        title=sweep.name or "pullsim sweep",
        question=question,
        answer=[*_answer(sweep, first, ranked, judged), *lines[:3]],
        certainty=certainty(len(sweep.seeds), source.error, source.guesses),
        figures=_figures(sweep, first, ranked, judged),
        sections=[
            Section(
                "What each setting came to",
                [*_trade_off(sweep, against), *_charts(sweep, shown, first, judged), _table(sweep, shown, ranked)],
            ),
            *cluster_section(clusters_of_sweep(sweep, shown)),
            *_failures(sweep, lines[3:]),
            *closing(source),
        ],
        context=source.description,
        made_by=f"pullsim sweep, {_seeds(sweep.seeds)}",
    )


def _ranked(metric: str, intervals: Mapping[int, Interval]) -> list[int]:
    """Return the variants, the best first: by the way the metric gets worse, or from the lowest value on."""
    way = direction.direction(metric) or direction.UP
    last = math.inf

    def key(position: int) -> tuple[bool, float, int]:
        mean = intervals[position].mean
        return mean is None, last if mean is None else way * mean, position

    return sorted(intervals, key=key)


def _answer(sweep: Sweep, metric: str, ranked: Sequence[int], judged: Mapping[int, Interval]) -> list[str]:
    best, worst = ranked[0], next((each for each in reversed(ranked) if judged[each].mean is not None), ranked[0])
    what = the(metric)
    value = interval_text(metric, judged[best])
    if len(ranked) == 1:
        return [f"{begin(metric)} is {value}."]
    if judged[best].mean == judged[worst].mean:
        return [f"It makes no difference: {what} is {value} with each of the {len(ranked):,} settings."]
    setting = Variant(sweep.settings(best))
    least = interval_text(metric, judged[worst])
    text = f"Best is {setting}: {what} is {value}; with {Variant(sweep.settings(worst))} it is {least}."
    if _overlap(judged[best], judged[ranked[1]]):
        also = Variant(sweep.settings(ranked[1]))
        return [text, f"{also} is as good within what chance makes of it ({interval_text(metric, judged[ranked[1]])})."]
    return [text]


def _overlap(a: Interval, b: Interval) -> bool:
    """Whether two means cannot be told apart by their intervals; means without intervals only if they are the same."""
    ends = (a.low, a.high, b.low, b.high)
    if any(end is None for end in ends):
        return a.mean == b.mean
    return bool(a.low <= b.high and b.low <= a.high)  # type: ignore[operator]  # none of them is None


def _figures(sweep: Sweep, metric: str, ranked: Sequence[int], judged: Mapping[int, Interval]) -> list[Figure]:
    failed = len(sweep.failures)
    found = [
        Figure("best", metric_names.text(metric, judged[ranked[0]].mean), str(Variant(sweep.settings(ranked[0])))),
        Figure("settings tried", f"{len(sweep.variants):,}", f"each with {counted(len(sweep.seeds), 'seed')}"),
    ]
    if failed:
        found.append(Figure("runs that failed", f"{failed:,}", bad=True))
    return found


def _charts(sweep: Sweep, metrics: Sequence[str], first: str, judged: Mapping[int, Interval]) -> list[Chart | Text]:
    if not sweep.axes or len(sweep.variants) > _POINTS:
        return []
    charts: list[Chart] = []
    flat = [metric for metric in metrics if metric != first and _flat(sweep, metric)]
    metrics = [metric for metric in metrics if metric not in flat]
    for number, metric in enumerate(metrics, 1):
        title = headline(metric)
        points = _points(sweep, metric, judged if metric == first else {})
        charts.append(curve(f"curve-{number}", title, metric, points, sweep.axes[0].key))
    heat = _heat(sweep, first, judged)
    same = [Text([f"The same with every setting: {', '.join(map(the, flat))}."])] if flat else []
    return [*([heat] if heat is not None else []), *charts, *same]


def _trade_off(sweep: Sweep, against: tuple[str, str] | None) -> list[Chart]:
    if against is None:
        return []
    names = {position: str(Variant(sweep.settings(position))) for position in range(len(sweep.variants))}
    chart = trade_off_chart(of_sweep(sweep, *against, names), *against)
    return [] if chart is None else [chart]


def _flat(sweep: Sweep, metric: str) -> bool:
    """Whether no setting moves the metric."""
    return unmoved([sweep.interval(position, metric).mean for position in range(len(sweep.variants))])


def _points(sweep: Sweep, metric: str, known: Mapping[int, Interval]) -> list[Point]:
    lines: dict[str, list[Point]] = {}
    for position in range(len(sweep.variants)):
        (_, value), *others = sweep.settings(position)
        line = ", ".join(f"{key.rpartition('.')[2]}={other}" for key, other in others)
        interval = known.get(position) or sweep.interval(position, metric)
        lines.setdefault(shortened(line, 60), []).append(Point(shortened(line, 60), shortened(value, 40), interval))
    return [point for points in [*lines.values()][:SERIES] for point in points]


def _heat(sweep: Sweep, metric: str, judged: Mapping[int, Interval]) -> Chart | None:
    """Return a map of two knobs, where all pairs of their values were tried; darker is more."""
    if len(sweep.axes) != 2 or len(sweep.variants) > _CELLS:
        return None
    first, second = sweep.axes
    if len(sweep.variants) != len(first.values) * len(second.values):
        return None
    highest = max((i.mean for i in judged.values() if i.mean is not None and math.isfinite(i.mean)), default=0.0)
    unit = metric_unit(metric, highest)
    rows = []
    for position, interval in judged.items():
        (_, down), (_, across) = sweep.settings(position)
        mean = interval.mean
        text = interval_text(metric, interval)
        said = f"{first.key}={down}, {second.key}={across}: {text}"
        drawn = mean / unit.size if mean is not None and math.isfinite(mean) else None
        rows.append((down, across, drawn, text, metric_names.text(metric, mean), said))
    x = field("across", "ordinal", second.key, sort=None, axis={"labelAngle": 0, "labelLimit": 120})
    y = field("down", "ordinal", first.key, sort=None, axis={"labelLimit": "names"})
    better = {direction.UP: "lighter is better", direction.DOWN: "darker is better"}.get(
        direction.direction(metric), ""
    )
    ink = {"condition": {"test": f"datum.mean > {highest / unit.size / 2}", "value": "#ffffff"}, "value": "#000000"}
    tile = {
        "mark": {"type": "rect"},
        "encoding": {
            "x": x,
            "y": y,
            "color": field("mean", "quantitative", unit.name, scale={"scheme": "viridis", "reverse": True}),
            "tooltip": tooltip(down=first.key, across=second.key, text="result"),
            "description": field("said", "nominal"),
        },
    }
    label = {
        "mark": {"type": "text", "aria": False},
        "encoding": {"x": x, "y": y, "text": field("short", "nominal"), "color": ink},
    }
    for layer in (tile, label):
        layer["data"] = {"name": "cells"}
    data = {"cells": Rows(("down", "across", "mean", "text", "short", "said"), rows)}
    title = f"{headline(metric)}, by both knobs"
    told = f"A map of {counted(len(rows), 'setting')}. {better}".strip()
    return Chart("heat", title, told, {"height": {"step": 34}, "layer": [tile, label]}, data, better.capitalize())


def _table(sweep: Sweep, metrics: Sequence[str], ranked: Sequence[int]) -> Table:
    rows = [
        (
            Cell(str(Variant(sweep.settings(position)))),
            *(interval_cell(metric, sweep.interval(position, metric)) for metric in metrics),
        )
        for position in ranked[:_ROWS]
    ]
    left = len(ranked) - len(rows)
    columns = [Column(in_words(metric), number=True, help=metric) for metric in metrics]
    note = f"The {_ROWS} best of {len(ranked):,} settings; table.csv has all." if left else ""
    return Table("All settings, the best first", (Column("setting"), *columns), rows, note, filtered=len(rows) > 12)


def _failures(sweep: Sweep, more: Sequence[str]) -> list[Section]:
    first: dict[str, str] = {}
    for failure in sweep.failures:
        first.setdefault(str(failure.variant), failure.error)
    failed = [f"{variant}: {error}" for variant, error in [*first.items()][:20]]
    parts: list[Text] = points_of({"Beware:": more[:20], "These settings could not be run:": failed})
    return [Section("What went wrong", parts)] if parts else []


def _seeds(seeds: tuple[int, ...]) -> str:
    return f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]} to {seeds[-1]}"
