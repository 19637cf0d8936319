"""What one pays for what: options by two metrics, such as cost and p99, and those that none other beats in both."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim.results import metrics as metric_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from pullsim.study.advice.advice import Advice
    from pullsim.study.compare import Comparison
    from pullsim.study.variant_runs import Sweep

#: The metrics of money that studies show beside others where runs have them.
MONEY: Final = ("cost", "idleAcceleratorMinutes")
COST: Final = MONEY[0]
LATENCY: Final = "pods.start.p99"
FRONT: Final = "no other is better in both"
BEATEN: Final = "another is better in both"
_UNITS: Final = {
    metric_names.SECONDS: (1.0, "s"),
    metric_names.BYTES: (1e9, "GB"),
    metric_names.RATE: (1e6, "MB/s"),
    metric_names.SHARE: (0.01, "%"),
    metric_names.COUNT: (1.0, ""),
    metric_names.MONEY: (1.0, ""),
}


class Option(NamedTuple):
    """Something that can be done, with what it costs and what it brings; less of both is better."""

    name: str
    cost: float
    latency: float


def unit_of(metric: str) -> tuple[float, str]:
    """Return the size and the name of the unit in which charts draw a metric."""
    return _UNITS[metric_names.dimension(metric)]


def money_of(runs: Iterable[Mapping[str, float | None] | None]) -> tuple[str, ...]:
    """Return which of the metrics of MONEY any of the runs has; none where nothing has a price."""
    kept = [run for run in runs if run is not None]
    if all(run.get(COST) is None for run in kept):
        return ()
    return tuple(name for name in MONEY if any(run.get(name) is not None for run in kept))


def latency_of(metrics: Sequence[str]) -> str:
    """Return the metric that cost is drawn against: the first 99th percentile of a time, else the first metric."""
    times = (name for name in metrics if metric_names.dimension(name) == metric_names.SECONDS)
    return next((name for name in times if name.endswith(".p99")), metrics[0])


def front(options: Iterable[Option]) -> list[Option]:
    """Return the options that no other one beats, by ascending cost; of equal ones all.

    One option beats another if it is no worse in cost and latency, and better in one of them.
    """
    found: list[Option] = []
    for option in sorted(options, key=lambda each: (each.cost, each.latency)):
        if not found or option.latency < found[-1].latency or option[1:] == found[-1][1:]:
            found.append(option)
    return found


def merged(options: Iterable[Option]) -> list[Option]:
    """Return the options with those at one place as one of all their names, by ascending cost."""
    names: dict[tuple[float, float], list[str]] = {}
    for name, cost, latency in options:
        names.setdefault((cost, latency), []).append(name)
    return [Option("; ".join(dict.fromkeys(found)), *place) for place, found in sorted(names.items())]


def of_sweep(sweep: Sweep, cost: str, latency: str, label: Mapping[int, str]) -> list[Option]:
    """Return the variants of a sweep that have both metrics; ``label`` names them by their position."""
    found = (
        (name, sweep.interval(position, cost).mean, sweep.interval(position, latency).mean)
        for position, name in label.items()
    )
    return _finite(found)


def of_comparison(comparison: Comparison, latency: str) -> list[Option]:
    """Return the sides of a comparison, if both have a cost."""
    cost, time = comparison.differences([COST, latency])
    sides = ((comparison.a.name, cost.a.mean, time.a.mean), (comparison.b.name, cost.b.mean, time.b.mean))
    found = _finite(sides)
    return found if len(found) == len(sides) else []


def of_advice(advice: Advice) -> list[Option]:
    """Return the scenario as it is, the best setting of each lever, and pairs that help more, where there is a cost."""
    if COST not in advice.metrics or not advice.rows:
        return []
    first, judged = advice.rows[0], advice.judged
    pairs = (row for row in advice.gains if len(row.levers) > 1)
    found = [("as it is", first.difference(COST).a.mean, first.difference(judged).a.mean)]
    found += [
        (" + ".join(row.levers), row.difference(COST).b.mean, row.difference(judged).b.mean)
        for row in (*advice.singles, *pairs)
    ]
    return _finite(found)


def plot_options(options: Sequence[Option], cost: str, latency: str, ax: Axes) -> Axes:
    """Draw every option by two metrics, and join those that no other option beats in both."""
    from pullsim.results.charts.style import FAINT, SERIES, safe, shortened  # noqa: PLC0415  matplotlib

    (cost_scale, cost_unit), (scale, unit) = unit_of(cost), unit_of(latency)
    options = merged(options)
    best = [(option.cost / cost_scale, option.latency / scale) for option in front(options)]
    (ring,) = ax.plot([p[0] for p in best], [p[1] for p in best], color=FAINT, zorder=1, label=FRONT, marker="o")
    ring.set(markersize=12, markerfacecolor="none")
    for index, (name, paid, time) in enumerate(options):
        marker = "osD^v"[index // len(SERIES) % 5]
        label = shortened(name, 60)
        ax.scatter(
            paid / cost_scale, time / scale, color=SERIES[index % len(SERIES)], marker=marker, zorder=3, label=label
        )
    ax.set_xlabel(safe(f"{cost} ({cost_unit})" if cost_unit else cost))
    ax.set_ylabel(safe(f"{latency} ({unit})" if unit else latency))
    ax.margins(x=0.15, y=0.1)
    ax.set_xlim(left=0)
    ax.set_ylim(bottom=0)
    return ax


def draw_options(options: Sequence[Option], latency: str, name: str) -> Figure | SubFigure | None:
    """Draw options by their cost and another metric in a figure of their own."""
    from pullsim.results.charts.style import legend_outside, new_axes, title  # noqa: PLC0415  matplotlib

    ax = plot_options(options, COST, latency, new_axes(None))
    title(ax, "cost against time", name)
    legend_outside(ax)
    return ax.figure


def _finite(rows: Iterable[tuple[str, float | None, float | None]]) -> list[Option]:
    return [
        Option(name, cost, latency)
        for name, cost, latency in rows
        if cost is not None and latency is not None and math.isfinite(cost) and math.isfinite(latency)
    ]
