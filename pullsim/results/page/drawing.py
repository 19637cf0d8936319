"""Charts of a page as pictures without scripts, for notebooks: stacked bars, steps and points as SVG.

The pictures have the same data as the charts; which of the kinds a chart is says the name of its data. Texts have the
colour of the text around, so that they are readable on light and dark ground.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pullsim.printable import shortened
from pullsim.results.page.writing import fragment
from pullsim.results.palette import LIGHT
from pullsim.stages import COLOURS, LABELS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pullsim.results.page.page import Chart, Rows

_WIDTH: Final = 720
_LEFT: Final = 190  # room for the names of bars
_MARGIN: Final = 46  # left and below of lines
_HEIGHT: Final = 200
_TICKS: Final = 5
_BY_LABEL: Final = {LABELS[stage]: colour for stage, colour in COLOURS.items()}
_STEPS: Final = {"waits": ("t", "share"), "counts": ("t", "pods")}  # data of steps, and their columns


class Part(NamedTuple):
    """A part of a bar."""

    x: float
    y: float
    width: float
    colour: str
    said: str


class Line(NamedTuple):
    """A line with its points."""

    label: str
    colour: str
    path: str


def drawing(chart: Chart) -> str:
    """Return the SVG of a chart; "" for a kind that has no picture."""
    if "bars" in chart.data:
        return _bars(chart)
    name = next((name for name in (*_STEPS, "points") if name in chart.data), None)
    return "" if name is None else _lines(chart, name)


def _bars(chart: Chart) -> str:
    rows = [*_records(chart.data["bars"])]
    names = [*dict.fromkeys(row["bar"] for row in rows)]
    wholes = {row["bar"]: row for row in _records(chart.data["wholes"])}
    longest = max((row["took"] for row in wholes.values()), default=0.0) or 1.0
    scale = (_WIDTH - _LEFT - 80) / longest
    ends = dict.fromkeys(names, float(_LEFT))
    parts = []
    for row in rows:
        width = row["took"] * scale
        y = names.index(row["bar"]) * 26 + 4
        parts.append(Part(round(ends[row["bar"]], 1), y, round(width, 1), _BY_LABEL[row["stage"]], row["said"]))
        ends[row["bar"]] += width
    return fragment(
        "bars.svg.j2",
        title=chart.title,
        width=_WIDTH,
        height=len(names) * 26 + 8,
        left=_LEFT,
        labels=[(shortened(name, 28), place * 26 + 20) for place, name in enumerate(names)],
        parts=parts,
        sums=[(wholes[name]["text"], round(ends[name] + 6, 1), place * 26 + 20) for place, name in enumerate(names)],
        legend=[(label, colour) for label, colour in _BY_LABEL.items() if label in {row["stage"] for row in rows}],
    )


def _lines(chart: Chart, name: str) -> str:
    rows = [*_records(chart.data[name])]
    if name == "points":
        values = [*dict.fromkeys(row["value"] for row in rows)]
        points = [(row["series"], float(values.index(row["value"])), row["mean"]) for row in rows]
        ticks = [(float(place), shortened(value, 12)) for place, value in enumerate(values)][:: -(-len(values) // 12)]
    else:
        x, y = _STEPS[name]
        points = [(row["series"], row[x], row[y]) for row in rows]
        ticks = []
    there = [(series, x, y) for series, x, y in points if y is not None]
    right = max((x for _, x, _ in there), default=0.0) or 1.0
    bottom = min((0.0, *(y for _, _, y in there)))
    top = max((0.0, *(y for _, _, y in there))) or (0.0 if bottom else 1.0)
    across, up = (_WIDTH - _MARGIN - 20) / right, (_HEIGHT - _MARGIN) / (top - bottom)
    lines = []
    for place, series in enumerate(dict.fromkeys(series for series, _, _ in there)):
        own = [(_MARGIN + x * across, 10 + (top - y) * up) for each, x, y in there if each == series]
        path = _path(own, steps=name != "points")
        lines.append(Line(series, LIGHT.series[place % len(LIGHT.series)], path))
    return fragment(
        "lines.svg.j2",
        title=chart.title,
        width=_WIDTH,
        height=_HEIGHT,
        margin=_MARGIN,
        lines=lines,
        across=[(round(_MARGIN + x * across, 1), text) for x, text in ticks or _numbers(0.0, right)],
        up=[(round(10 + (top - y) * up, 1), text) for y, text in _numbers(bottom, top)],
        x_title=_axis(chart, "x"),
        y_title=_axis(chart, "y"),
    )


def _records(rows: Rows) -> Iterator[dict[str, Any]]:
    for row in rows.rows:
        yield dict(zip(rows.columns, row, strict=True))


def _path(points: Sequence[tuple[float, float]], *, steps: bool) -> str:
    (x, y), *others = points
    parts = [f"M{x:.1f} {y:.1f}"]
    for at, height in others:
        parts.append(f"H{at:.1f}V{height:.1f}" if steps else f"L{at:.1f} {height:.1f}")
    return "".join(parts)


def _numbers(lowest: float, highest: float) -> list[tuple[float, str]]:
    """Return 0 and some round numbers on both its sides, from the lowest to the highest value, with their texts."""
    rough = (highest - lowest) / _TICKS
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * each for each in (1, 2, 5, 10) if size * each >= rough)
    return [
        (number * step, f"{number * step:,.10g}")
        for number in range(-int(-lowest / step + 1e-9), int(highest / step + 1e-9) + 1)
    ]


def _axis(chart: Chart, channel: str) -> str:
    """Return the title of an axis."""
    layers: Sequence[Mapping[str, Any]] = chart.spec.get("layer", [chart.spec])
    titles = (layer["encoding"].get(channel, {}).get("title") for layer in reversed(layers) if "encoding" in layer)
    return next((str(title) for title in titles if title), "")
