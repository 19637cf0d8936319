"""The chart of what one pays for what: a point for each option, and a line through those that no other one beats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.printable import shortened
from pullsim.results import metrics as metric_names
from pullsim.results.page.metric_words import headline, in_words
from pullsim.results.page.page import Chart, Rows
from pullsim.results.page.parts import HEIGHT, field, from_zero, tooltip
from pullsim.study.pages.parts import metric_unit
from pullsim.study.trade_off import BEATEN, FRONT, front, merged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.study.trade_off import Option

_NAMED: Final = 16  # options up to which each has its name beside its point
_POINTS: Final = 400


def trade_off_chart(options: Sequence[Option], cost: str, latency: str) -> Chart | None:
    """Return the chart; None where there are not two options, or more than can be drawn."""
    options = merged(options)
    if not 1 < len(options) <= _POINTS:
        return None
    across = metric_unit(cost, max(option.cost for option in options))
    up = metric_unit(latency, max(option.latency for option in options))
    best = front(options)
    kept = set(best)
    rows = [_row(option, option in kept, cost, latency, (across.size, up.size)) for option in options]
    x = field("cost", "quantitative", _axis(cost, across.name), scale=from_zero(1.12 * max(row[1] for row in rows)))
    y = field("latency", "quantitative", _axis(latency, up.name), scale=from_zero(max(row[2] for row in rows)))
    kinds = field("kind", "nominal", scale={"domain": [FRONT, BEATEN]}, legend={})
    tips = tooltip(name="what", money="cost", time=in_words(latency))
    line = {
        "data": {"name": "front"},
        "mark": {"type": "line", "strokeWidth": 2, "style": "faint", "aria": False},
        "encoding": {"x": x, "y": y, "order": field("place", "quantitative")},
    }
    points = {
        "data": {"name": "options"},
        "mark": {"type": "point", "filled": True, "size": 90},
        "encoding": {
            "x": x,
            "y": y,
            "color": kinds,
            "shape": kinds,
            "tooltip": tips,
            "description": field("said", "nominal"),
        },
    }
    middle = max(row[1] for row in rows) / 2  # names stand on the side on which there is room
    names = [
        {
            "data": {"name": "options"},
            "transform": [{"filter": f"datum.cost {side} {middle}"}],
            "mark": {"type": "text", "align": align, "dx": dx, "limit": 200, "aria": False, "style": "value"},
            "encoding": {"x": x, "y": y, "text": field("name", "nominal")},
        }
        for side, align, dx in (("<=", "left", 9), (">", "right", -9))
    ]
    columns = ("name", "cost", "latency", "kind", "money", "time", "said")
    along = [(place, *_place(option, across.size, up.size)) for place, option in enumerate(best)]
    told = "; ".join(row[-1] for row in rows[:_NAMED])
    return Chart(
        "trade-off",
        f"{headline(cost)} against {in_words(latency)}",
        f"A point for each of {len(rows)}. {told}.",
        {"height": HEIGHT + 60, "layer": [line, points, *(names if len(rows) <= _NAMED else [])]},
        {"options": Rows(columns, rows), "front": Rows(("place", "cost", "latency"), along)},
        f"The line joins those of which it holds that {FRONT}: cheaper is to the left, faster is below.",
    )


def _axis(metric: str, unit: str) -> str:
    return f"{in_words(metric)} ({unit})" if unit else in_words(metric)


def _place(option: Option, across: float, up: float) -> tuple[float, float]:
    return float(f"{option.cost / across:.6g}"), float(f"{option.latency / up:.6g}")


def _row(
    option: Option, best: bool, cost: str, latency: str, sizes: tuple[float, float]
) -> tuple[str, float, float, str, str, str, str]:
    money, time = metric_names.text(cost, option.cost), metric_names.text(latency, option.latency)
    kind = FRONT if best else BEATEN
    said = f"{option.name}: {money}, {time}" + ("" if best else f", {BEATEN}")
    return shortened(option.name, 60), *_place(option, *sizes), kind, money, time, said
