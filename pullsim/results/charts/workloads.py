"""A chart of how long the pods of each workload took to start."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from pullsim.results.charts import style
from pullsim.results.palette import LIGHT
from pullsim.results.statistics import percentile
from pullsim.results.waits import by_workload
from pullsim.rows import values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from pullsim.run import Result

_LINES: Final = 8  # workloads that have a line of their own; the others share one
_COLOURS: Final = LIGHT.series


def plot_start_cdf_by_workload(result: Result, ax: Axes | None = None) -> Axes:
    """Plot for each workload the share of its pods that had started after a time, the latest workloads first.

    A line that ends below 100 % is that of a workload of which pods never started; withdrawn pods do not count.
    """
    ax = style.new_axes(ax)
    ax.set_ylabel("pods started (% of the workload's)")
    style.title(ax, "Time until pods started, by workload", result.name)
    waits = by_workload(result)
    longest = max((each for seconds in waits.values() for each in seconds if math.isfinite(each)), default=0.0)
    unit = style.time_axis(ax, 1.05 * longest, "time from creation to start")
    if not longest:
        style.nothing(ax, "no pod took any time to start" if waits else "no pods")
        return ax
    ranked = sorted(waits, key=lambda name: (-percentile(waits[name], 990), -waits[name][-1], name))
    alone = ranked if len(ranked) <= _LINES else ranked[: _LINES - 1]
    drawn = [(f"{style.shortened(name, 40)}  ({len(waits[name]):,})", waits[name]) for name in alone]
    if others := ranked[len(alone) :]:
        together = sorted(each for name in others for each in waits[name])
        drawn.append((f"{len(others):,} others  ({len(together):,})", together))
    for (label, seconds), colour in zip(drawn, _COLOURS, strict=False):
        x, y = _steps(seconds, 1.05 * longest)
        ax.step(x / unit.size, y, where="post", color=colour, linewidth=1.6, label=label)
    ax.set_ylim(0, 104)
    ax.set_yticks(range(0, 101, 20))
    style.legend_outside(ax)
    return ax


def several_workloads(result: Result) -> bool:
    """Whether the pods of the run belong to more than one workload."""
    return len({*values(result.pods, "namespace", "workload")}) > 1


def _steps(seconds: Sequence[float], end: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return times and percentages of a line that begins at 0, with few enough points, up to ``end``."""
    there = [each for each in seconds if math.isfinite(each)]
    ranks = np.unique(np.linspace(0, max(len(there) - 1, 0), style.MAX_POINTS).round().astype(int))[: len(there)]
    x = np.array([0.0, *(there[rank] for rank in ranks), end])
    y = np.array([0, *(rank + 1 for rank in ranks), len(there)]) * 100 / len(seconds)
    return x, y
