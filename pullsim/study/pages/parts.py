"""What the pages of studies have in common."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pullsim.results import metrics as metric_names
from pullsim.results.axis_units import Unit, rate_unit, time_unit
from pullsim.results.guesses import guessed_figures
from pullsim.results.page.page import Cell, Chart, Rows, Section, Text
from pullsim.results.page.parts import HEIGHT, field, from_zero, tooltip
from pullsim.results.page.trust import trust
from pullsim.results.wording import percentage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.records import Guess
    from pullsim.results.model_error import ModelError
    from pullsim.study.intervals import Interval

SERIES: Final = 8  # lines of a chart; the table has more


class Source(NamedTuple):
    """Where a study comes from, for its page."""

    command: str = ""  # that makes it again
    description: str = ""  # of the scenario
    error: ModelError | None = None  # of the runtimes that were simulated
    guesses: tuple[Guess, ...] = ()  # of the scenario


def closing(source: Source) -> list[Section]:
    """Return the sections at the end of the page of every study."""
    sections = [trust(source.error, source.guesses)]
    if source.command:
        sections.append(Section("Make it again", [Text(["This makes it again:"], code=source.command)]))
    return sections


def certainty(seeds: int, error: ModelError | None, guesses: Sequence[Guess] = ()) -> str:
    """Say how far the answer of a study is to be trusted."""
    told = f" {guessed_figures(guesses)}" if guesses else ""
    if seeds > 1:
        chance = (
            f"Percentiles are those of the pods of {seeds} runs with different chances together, other figures means "
            "over the runs; intervals hold with 95 % confidence."
        )
    else:
        chance = "Each setting was run once: what chance does to the figures is not known (`--seeds 5` says it)."
    if error is None:
        return f"{chance} How far off the times are was not measured for this runtime.{told}"
    if not error.p90:
        return f"{chance} Durations of pulls were given, not predicted.{told}"
    return (
        f"{chance} Of the model itself half of the predicted pull times are within {percentage(error.median)} of "
        f"measured ones, nine in ten within {percentage(error.p90)} ({error.kind}).{told}"
    )


def interval_text(metric: str, interval: Interval) -> str:
    """Write a figure with its interval: ``12.3 s (11.9 s to 12.8 s)``."""
    mean, low, high, _ = interval
    if low is None or high is None or low == high:
        return metric_names.text(metric, mean)
    return f"{metric_names.text(metric, mean)} ({metric_names.text(metric, low)} to {metric_names.text(metric, high)})"


def interval_cell(metric: str, interval: Interval) -> Cell:
    """Return a cell with a figure and its interval."""
    return Cell(interval_text(metric, interval), interval.mean)


def metric_unit(metric: str, highest: float) -> Unit:
    """Return the unit in which values of a metric up to ``highest`` are readable."""
    kind = metric_names.dimension(metric)
    if kind == metric_names.SECONDS:
        return time_unit(highest)
    if kind in (metric_names.BYTES, metric_names.RATE):
        unit = rate_unit(highest)
        return unit if kind == metric_names.RATE else Unit(unit.size, unit.name.removesuffix("/s"))
    return Unit(0.01, "%") if kind == metric_names.SHARE else Unit(1, "")


class Point(NamedTuple):
    """A value of a knob on a line of a chart, with what was found."""

    series: str
    value: str  # of the knob
    interval: Interval


def curve(name: str, title: str, metric: str, points: Sequence[Point], knob: str, limit: float | None = None) -> Chart:
    """Return a chart of a metric over the values of a knob, with intervals, and with a limit if there is one."""
    ends = [end for point in points for end in (*point.interval[:3], limit)]
    finite = [end for end in ends if end is not None and math.isfinite(end)]
    highest = max(finite, default=0.0)
    lowest = min(finite, default=0.0)
    unit = metric_unit(metric, max(highest, -lowest))
    rows = [_point_row(metric, point, unit) for point in points]
    series = list(dict.fromkeys(point.series for point in points))
    line = field("series", "nominal", scale={"domain": series}, legend={} if len(series) > 1 else None)
    x = field(
        "value",
        "ordinal",
        knob,
        sort=None,
        axis={"labelAngle": -30 if len({point.value for point in points}) > 8 else 0, "labelLimit": 120},
    )
    y = field("mean", "quantitative", unit.name or "count", scale=from_zero(highest / unit.size, lowest / unit.size))
    marks: dict[str, Any] = {"x": x, "color": line}
    spread = {"y": y | {"field": "low"}, "y2": {"field": "high"}}
    layers: list[dict[str, Any]] = [
        {"mark": {"type": "rule", "strokeWidth": 3, "opacity": 0.45, "aria": False}, "encoding": marks | spread},
        {"mark": {"type": "line", "strokeWidth": 2, "aria": False}, "encoding": marks | {"y": y}},
        {
            "mark": {"type": "point", "filled": True, "size": 80},
            "encoding": marks
            | {
                "y": y,
                "shape": line,
                "tooltip": tooltip(series="line", value="value", text="result"),
                "description": field("said", "nominal"),
            },
        },
    ]
    data = {"points": Rows(("series", "value", "mean", "low", "high", "text", "said"), rows)}
    for layer in layers:
        layer["data"] = {"name": "points"}
    if limit is not None and math.isfinite(limit):
        data["limit"] = Rows(("limit", "text"), [(limit / unit.size, f"limit: {metric_names.text(metric, limit)}")])
        rule = {"type": "rule", "strokeDash": [6, 4], "strokeWidth": 2, "style": "faint"}
        shown = {"y": y | {"field": "limit"}, "tooltip": tooltip(text="limit"), "description": field("text", "nominal")}
        layers.append({"data": {"name": "limit"}, "mark": rule, "encoding": shown})
    told = "; ".join(f"{row[1]}: {row[5]}" for row in rows[:12])
    words = f"Points for each value, with their intervals as bars. {told}."
    return Chart(name, title, words, {"height": HEIGHT, "layer": layers}, data, _note(points, limit))


def _note(points: Sequence[Point], limit: float | None) -> str:
    notes = []
    if limit is not None:
        notes.append("Dashed: the limit.")
    if any(point.interval.low != point.interval.high for point in points):
        notes.append("Bars: the 95 % interval.")
    if any(point.interval.mean is not None and math.isinf(point.interval.mean) for point in points):
        notes.append("Where a value has no point, pods never came to that.")
    return " ".join(notes)


def _point_row(
    metric: str, point: Point, unit: Unit
) -> tuple[str, str, float | None, float | None, float | None, str, str]:
    mean, low, high = (
        None if end is None or not math.isfinite(end) else float(f"{end / unit.size:.6g}") for end in point.interval[:3]
    )
    text = interval_text(metric, point.interval)
    said = f"{point.value}: {text}" + (f", {point.series}" if point.series else "")
    return point.series, point.value, mean, mean if low is None else low, mean if high is None else high, text, said


def relative(part: float | None) -> str:
    """Write a change in words: ``28 % less``, ``as much``."""
    if part is None:
        return ""
    if abs(part) < 0.0005:
        return "as much"
    return f"{abs(part):.{0 if abs(part) >= 0.0995 else 1}%} {'less' if part < 0 else 'more'}".replace("%", " %")
