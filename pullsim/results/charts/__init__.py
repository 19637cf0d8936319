"""The charts of a run. Each ``plot_*(result, ax=None)`` draws into axes of its own or into yours, and returns them.

matplotlib's object interface only: no pyplot, no display, no state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, cast

from matplotlib.figure import Figure

from pullsim.results.charts import style
from pullsim.results.charts.pulls import plot_gantt, plot_links, plot_pulls
from pullsim.results.charts.stages import plot_time_by_image, plot_time_by_pool
from pullsim.results.charts.starts import plot_pods_ready, plot_start_cdf, plot_start_rate
from pullsim.results.charts.workloads import plot_start_cdf_by_workload, several_workloads
from pullsim.results.exports.chart_files import DEFAULT_FORMATS, FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from matplotlib.axes import Axes

    from pullsim.run import Result

__all__ = [
    "CHARTS",
    "FORMATS",
    "Chart",
    "plot_gantt",
    "plot_links",
    "plot_pods_ready",
    "plot_pulls",
    "plot_start_cdf",
    "plot_start_cdf_by_workload",
    "plot_start_rate",
    "plot_time_by_image",
    "plot_time_by_pool",
    "throughput",
    "write_charts",
]


def throughput(result: Result) -> Figure:
    """Draw pods ready, pods per interval and the registries' links above each other, on one axis of time."""
    panels = [plot_pods_ready, plot_start_rate, *([plot_links] if result.links else [])]
    figure = Figure(figsize=(9.0, 2.7 * len(panels)), layout="constrained")
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for plot, ax in zip(panels, axes, strict=True):
        plot(result, ax)
    for ax in axes[:-1]:
        ax.set_xlabel("")
    for ax in axes[1:]:  # the first one names the scenario
        style.title(ax, ax.get_title(loc="left").removeprefix(f"{style.shortened(result.name, style.TICK)}: "))
    return figure


def _own_figure(plot: Callable[[Result], Axes]) -> Callable[[Result], Figure]:
    return lambda result: cast("Figure", plot(result).figure)


class Chart(NamedTuple):
    """A figure and the records that it needs."""

    draw: Callable[[Result], Figure]
    needs: str  # pods | pulls: least value of --detail with which it is drawn
    written: Callable[[Result], bool] = lambda _: True  # whether a run has anything for it


#: The charts by the name of their file.
CHARTS: Final = {
    "start-cdf": Chart(_own_figure(plot_start_cdf), "pods"),
    "start-cdf-by-workload": Chart(_own_figure(plot_start_cdf_by_workload), "pods", several_workloads),
    "throughput": Chart(throughput, "pods"),
    "time-by-pool": Chart(_own_figure(plot_time_by_pool), "pods"),
    "time-by-image": Chart(_own_figure(plot_time_by_image), "pulls"),
    "pulls": Chart(_own_figure(plot_pulls), "pulls"),
    "slowest-pulls": Chart(_own_figure(plot_gantt), "pulls"),
}


def write_charts(result: Result, directory: Path, formats: Collection[str] = DEFAULT_FORMATS) -> None:
    """Write each chart that the run's detail allows, in some of `FORMATS`; the same run gives the same SVG and PDF."""
    for name, chart in CHARTS.items():
        if result.keeps(chart.needs) and chart.written(result):
            style.save(chart.draw(result), directory, name, formats)
