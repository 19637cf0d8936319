"""Charts of a sweep: metrics over the values of one knob, a heat map over two knobs, cost against latency.

Each ``plot_*`` draws into axes of its own or into yours, and returns them; see `pullsim.results.charts`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from pullsim.results import direction
from pullsim.results import metrics as metric_names
from pullsim.results.charts.style import (
    INK,
    SERIES,
    TICK,
    legend_outside,
    new_axes,
    safe,
    save,
    shortened,
    title,
)
from pullsim.study.trade_off import of_sweep, plot_options, unit_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

    from pullsim.study.variant_runs import Sweep


def plot_knee(sweep: Sweep, metrics: Sequence[str], ax: Axes | None = None) -> Axes:
    """Draw metrics over the values of the first knob that has several, with 95 % bands over the seeds.

    With one knob there is a line a metric, with several a line of the first metric for each setting of the others.
    """
    ax = new_axes(ax)
    scale, unit = unit_of(metrics[0])
    lines: dict[str, list[tuple[str, int]]] = {}  # (value, variant) of each line, by the settings of the other knobs
    for position in range(len(sweep.variants)):
        first, *others = sweep.settings(position) or (("", "as it is"),)
        lines.setdefault(", ".join(f"{_short(key)}={value}" for key, value in others), []).append((first[1], position))
    values = list(dict.fromkeys(value for line in lines.values() for value, _ in line))
    drawn = [(metrics[0], label, line) for label, line in lines.items()]
    if len(lines) == 1:
        drawn = [(name, name, line) for name in metrics for line in lines.values()]
    for index, (name, label, line) in enumerate(drawn):
        intervals = [sweep.interval(position, name) for _, position in line]
        places = [values.index(value) for value, _ in line]
        colour = SERIES[index % len(SERIES)]
        mean, low, high = (
            np.array([np.nan if end is None or np.isinf(end) else end / scale for end in ends])
            for ends in ([i.mean for i in intervals], [i.low for i in intervals], [i.high for i in intervals])
        )
        again = index // len(SERIES)  # as often as all colours have been used before
        marker, dashes = "osD^v"[again % 5], ("-", "--", "-.", ":")[again % 4]
        ax.plot(places, mean, color=colour, label=shortened(label, 60), marker=marker, linestyle=dashes)
        ax.fill_between(places, low, high, color=colour, alpha=0.2, linewidth=0)
    ax.set_xticks(range(len(values)), [shortened(value, TICK) for value in values])
    axes = sweep.axes
    ax.set_xlabel(safe(axes[0].key) if axes else "")
    of = metrics[0] if len(lines) > 1 else ""
    ax.set_ylabel(safe(f"{of} ({unit})" if of and unit else of or unit or "count"))
    ax.set_ylim(bottom=0)
    title(ax, _over(sweep), sweep.name)
    legend_outside(ax)
    return ax


def draw_knees(sweep: Sweep, metrics: Sequence[str]) -> Figure:
    """Draw all metrics over the values of the first knob: those of one unit in one panel, see `plot_knee`."""
    panels = [[name] for name in metrics]
    if len(sweep.axes) <= 1:
        units = dict.fromkeys(map(metric_names.dimension, metrics))
        panels = [[name for name in metrics if metric_names.dimension(name) == unit] for unit in units]
    figure = Figure(figsize=(8.0, 4.2 if len(panels) == 1 else 3.2 * len(panels)), layout="constrained")
    for own, ax in zip(panels, figure.subplots(len(panels), 1, squeeze=False)[:, 0], strict=True):
        plot_knee(sweep, own, ax)
    return figure


def plot_heat(sweep: Sweep, metric: str, ax: Axes | None = None) -> Axes:
    """Draw a metric for every pair of values of the two knobs that have several."""
    first, second = sweep.axes
    ax = new_axes(ax, max(5.0, 2.4 + 1.1 * len(second.values)), 1.8 + 0.5 * len(first.values))
    scale, unit = unit_of(metric)
    grid = np.full((len(first.values), len(second.values)), np.nan)
    never = np.zeros(grid.shape, dtype=bool)
    for position in range(len(sweep.variants)):
        (_, row), (_, column) = sweep.settings(position)
        mean = sweep.interval(position, metric).mean
        if mean is not None:
            place = first.values.index(row), second.values.index(column)
            grid[place], never[place] = (np.nan, True) if np.isinf(mean) else (mean / scale, False)
    more_is_better = direction.direction(metric) == direction.DOWN  # what is better is light
    image = ax.imshow(grid, cmap="viridis" if more_is_better else "viridis_r", aspect="auto")
    middle = (np.nanmin(grid) + np.nanmax(grid)) / 2 if np.isfinite(grid).any() else 0.0
    for (row, column), number in np.ndenumerate(grid):
        missing = "never" if never[row, column] else "failed"
        text = missing if np.isnan(number) else f"{number:.3g}"
        ax.text(
            column,
            row,
            text,
            ha="center",
            va="center",
            color="white" if (number > middle) != more_is_better else INK,
            fontsize=9,
        )
    ax.set_xticks(range(len(second.values)), [shortened(value, TICK) for value in second.values])
    ax.set_yticks(range(len(first.values)), [shortened(value, TICK) for value in first.values])
    ax.set_xlabel(safe(second.key))
    ax.set_ylabel(safe(first.key))
    ax.grid(visible=False)
    assert ax.figure is not None
    better = {direction.UP: "less is better", direction.DOWN: "more is better"}.get(direction.direction(metric))
    ax.figure.colorbar(image, ax=ax, label=", ".join(filter(None, (unit or "count", better))))
    title(ax, f"{metric}, {_over(sweep).partition(',')[0]}", sweep.name)
    return ax


def plot_trade_off(sweep: Sweep, cost: str, latency: str, ax: Axes | None = None) -> Axes:
    """Draw every variant by two metrics, and join those that no other variant beats in both."""
    options = of_sweep(sweep, cost, latency, {n: _label(sweep, n) for n in range(len(sweep.variants))})
    ax = plot_options(options, cost, latency, new_axes(ax))
    title(ax, _over(sweep), sweep.name)
    legend_outside(ax)
    return ax


def write_charts(
    sweep: Sweep, metrics: Sequence[str], directory: Path, *, cost: str | None = None, latency: str | None = None
) -> list[str]:
    """Write the charts that the sweep has as PNG and SVG, and return their names.

    ``cost`` is drawn against ``latency``, by default the first metric.
    """
    made: dict[str, Figure | SubFigure | None] = {}
    made["knee"] = draw_knees(sweep, metrics)
    if len(sweep.axes) == 2 and len(sweep.variants) == len(sweep.axes[0].values) * len(sweep.axes[1].values):
        made["heat"] = plot_heat(sweep, metrics[0]).figure
    if cost is not None:
        made["trade-off"] = plot_trade_off(sweep, cost, latency or metrics[0]).figure
    for name, figure in made.items():
        save(figure, directory, name)
    return list(made)


def _short(key: str) -> str:
    return key.rpartition(".")[2]


def _label(sweep: Sweep, position: int) -> str:
    """Return the values of a variant without its knobs, which the axis names."""
    return ", ".join(value for _, value in sweep.settings(position)) or "as it is"


def _over(sweep: Sweep) -> str:
    return f"over {len(sweep.seeds)} seeds, 95 % band" if len(sweep.seeds) > 1 else f"seed {sweep.seeds[0]}"
