"""Charts of pods becoming ready: how long it took, and when it happened."""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.ticker import FuncFormatter

from pullsim.results.charts import style
from pullsim.results.charts.faults import shade_outages
from pullsim.results.statistics import percentile
from pullsim.results.wording import counted
from pullsim.rows import values

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pullsim.run import Result

_INTERVALS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)  # seconds
_MAX_BARS: Final = 60
_ARRIVALS: Final = ("started", "ready")
_LONG_TAIL: Final = 50  # times the median: beyond, a linear axis shows nothing of most pods


def plot_start_cdf(result: Result, ax: Axes | None = None) -> Axes:
    """Plot the share of pods that had started after a time; it ends below 100 % when some never did.

    Pods that were withdrawn before they started do not count.
    """
    ax = style.new_axes(ax)
    seconds = sorted(took for at, took in values(result.pods, "started", "start_seconds") if at is not None)
    pods = len(result.pods) - sum(values(result.pods, "withdrawn"))
    never = pods - len(seconds)
    ax.set_ylabel("pods started (% of all pods)")
    if not seconds:
        style.time_axis(ax, result.end, "time from creation to start")
        style.title(ax, "Time until pods started", result.name)
        style.nothing(ax, f"none of {pods:,} pods started" if pods else "no pods")
        return ax
    right = 1.25 * seconds[-1]
    long_tail = seconds[0] > 0 and seconds[-1] > _LONG_TAIL * percentile(seconds, 500)
    unit = style.time_axis(ax, seconds[0] if long_tail else right, "time from creation to start")
    ranks = np.unique(np.linspace(0, len(seconds) - 1, style.MAX_POINTS).round().astype(int))
    x = np.array([0.0, *(seconds[rank] for rank in ranks), right]) / unit.size
    y = np.array([0, *(ranks + 1), len(seconds)]) * 100 / pods
    ax.step(x, y, where="post", color=style.SERIES[0], linewidth=1.8)
    if long_tail:
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.set_xlim(0.8 * seconds[0] / unit.size, 2 * seconds[-1] / unit.size)
    ax.set_ylim(0, 104)
    ax.set_yticks(range(0, 101, 20))
    if never:
        ax.axhspan(100 * len(seconds) / pods, 100, color=style.NEVER, linewidth=0)
        style.title(
            ax, f"Time until pods started: {len(seconds):,} of {pods:,}; {never:,} never started (shaded)", result.name
        )
    else:
        style.title(
            ax, f"Time until pods started: all {pods:,}" if pods > 1 else "Time until the pod started", result.name
        )
    for share in (50, 99):
        value = percentile(seconds, 10 * share, never)
        if math.isfinite(value):
            point = (value / unit.size, share)
            ax.plot(*point, "o", color=style.SERIES[1], markersize=5)
            text = f"p{share} {style.seconds_text(value)}"
            ax.annotate(text, point, (7, -3), textcoords="offset points", va="top", color=style.INK, fontsize=9)
    return ax


def plot_pods_ready(result: Result, ax: Axes | None = None) -> Axes:
    """Plot pods created and pods ready, cumulative, over the run."""
    ax = style.new_axes(ax)
    unit = style.time_axis(ax, result.end)
    if not result.pods:
        style.title(ax, "Pods ready", result.name)
        style.nothing(ax, "no pods")
        return ax
    created = array("d", values(result.pods, "created"))
    started, ready = (array("d", (at for at in values(result.pods, each) if at is not None)) for each in _ARRIVALS)
    lines = [(created, "created", style.FAINT, "--"), (ready, "ready", style.SERIES[0], "-")]
    if started != ready:
        lines.insert(1, (started, "started", style.SERIES[5], "-."))
    for rises, label, colour, dashes in lines:
        times, count = style.level(rises, (), result.end)
        ax.step(times / unit.size, count, dashes, where="post", color=colour, linewidth=1.8, label=label)
    shade_outages(ax, result, unit)
    style.count_axis(ax, "pods (cumulative)")
    style.title(ax, f"{len(ready):,} of {counted(len(created), 'pod')} ready", result.name)
    style.legend_outside(ax)
    return ax


def plot_start_rate(result: Result, ax: Axes | None = None) -> Axes:
    """Plot the pods that became ready in each interval of the run."""
    ax = style.new_axes(ax)
    unit = style.time_axis(ax, result.end)
    interval = next((i for i in _INTERVALS if result.end / i <= _MAX_BARS), _INTERVALS[-1])
    ready = [at for at in values(result.pods, "ready") if at is not None]
    text = _interval_text(interval)
    style.title(ax, f"Pods becoming ready per {text}", result.name)
    if not ready:
        style.nothing(ax, "no pod became ready")
        return ax
    counts = np.bincount((np.asarray(ready) // interval).astype(int))
    edges = np.arange(len(counts)) * interval / unit.size
    ax.bar(edges, counts, width=0.92 * interval / unit.size, align="edge", color=style.SERIES[0])
    shade_outages(ax, result, unit)
    style.count_axis(ax, f"pods per {text}")
    ax.set_xlim(right=max(result.end, len(counts) * interval) / unit.size)  # the last interval may end after the run
    return ax


def _interval_text(interval: int) -> str:
    if interval < 60:
        return "second" if interval == 1 else f"{interval} s"
    return "minute" if interval == 60 else f"{interval // 60} min"
