"""Charts of where the time went: stacked bars of stages by pool and by image."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim.results.charts import style
from pullsim.results.stages import total, totals
from pullsim.results.summary.start_time import slowest_pods
from pullsim.rows import values
from pullsim.stages import COLOURS, STAGES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from pullsim.run import Result

_POOLS: Final = 12
_IMAGES: Final = 12
_INVISIBLE: Final = 0.002  # share of the longest bar; shorter parts could not be seen


class _Bar(NamedTuple):
    label: str
    rows: int
    stages: dict[str, float]  # seconds over all rows


def plot_time_by_pool(result: Result, ax: Axes | None = None) -> Axes:
    """Plot the mean time of a pod by stage: all pods, the slowest 1 %, and each pool where there are several."""
    pools: Counter[str] = Counter()
    seconds: defaultdict[str, float] = defaultdict(float)
    for node, took in values(result.pods, "node", "ready_seconds"):
        pool = _pool(result, node)
        pools[pool] += 1
        seconds[pool] += took
    bars = [_Bar("all pods", len(result.pods), total(values(result.pods, "stages")))] if result.pods else []
    if len(result.pods) > 1:
        slowest = slowest_pods(result.pods)
        bars.append(_Bar("slowest 1 %", len(slowest), total(pod.stages for pod in slowest)))
    if len(pools) > 1:
        stages = totals((_pool(result, node), parts) for node, parts in values(result.pods, "node", "stages"))
        ranked = sorted(pools, key=lambda pool: (-seconds[pool] / pools[pool], pool))[:_POOLS]
        bars += [_Bar(pool, pools[pool], stages[pool]) for pool in ranked]
    more = f" (slowest {_POOLS} of {len(pools)} pools)" if len(pools) > _POOLS else ""
    return _bars(ax, bars, f"Where the time went until pods were ready{more}", "pod", result.name)


def _pool(result: Result, node: str | None) -> str:
    return result.pools.get(node or "", "no node")


def plot_time_by_image(result: Result, ax: Axes | None = None) -> Axes:
    """Plot the mean time of a pull by stage with the kubelet's queue before it, for the images that took the most."""
    pulls: Counter[str] = Counter()
    queued: defaultdict[str, float] = defaultdict(float)
    for image, requested, started in values(result.pulls, "image", "requested", "started"):
        pulls[image] += 1
        queued[image] += started - requested
    queues = ((image, {"queue": seconds}) for image, seconds in queued.items())
    stages = totals(chain(queues, values(result.pulls, "image", "stages")))
    bars = [_Bar(image, count, stages[image]) for image, count in pulls.items()]
    bars.sort(key=lambda bar: (-sum(bar.stages.values()), bar.label))
    more = f" ({_IMAGES} of {len(bars)} images: most time in all)" if len(bars) > _IMAGES else ""
    return _bars(ax, bars[:_IMAGES], f"Where the time of pulls went, by image{more}", "pull", result.name)


def _bars(ax: Axes | None, bars: Sequence[_Bar], text: str, what: str, name: str) -> Axes:
    ax = style.new_axes(ax, width=9.0, height=max(1.3 + 0.42 * len(bars), 3.2))
    style.title(ax, text, name)
    longest = max((sum(bar.stages.values()) / bar.rows for bar in bars), default=0.0)
    unit = style.time_axis(ax, 1.12 * longest, f"mean per {what}")
    if not longest:
        style.nothing(ax, f"no {what} waited" if bars else f"no {what}s")
        return ax
    used: set[str] = set()
    for y, bar in enumerate(bars):
        mean = {stage: seconds / bar.rows for stage, seconds in bar.stages.items()}
        used |= _stack(ax, y, mean, longest, unit)
        whole = sum(mean.values())
        end = (whole / unit.size, y)
        ax.annotate(style.seconds_text(whole), end, (4, 0), textcoords="offset points", va="center", fontsize=8.5)
    ax.set_yticks(range(len(bars)), [f"{style.shortened(bar.label, 38)}  ({bar.rows:,})" for bar in bars], fontsize=8.5)
    ax.set_ylim(max(len(bars), 3) - 0.45, -0.55)
    ax.grid(visible=False, axis="y")
    style.stage_legend(ax, used)
    return ax


def _stack(ax: Axes, y: float, stages: Mapping[str, float], longest: float, unit: style.Unit) -> set[str]:
    """Draw one bar and return the stages that can be seen in it."""
    left, seen = 0.0, set()
    for stage in STAGES:
        seconds = stages.get(stage, 0.0)
        if seconds > 0:
            colour = COLOURS[stage]
            ax.barh(y, seconds / unit.size, left=left / unit.size, height=0.7, color=colour, ec=style.FAINT, lw=0.3)
            left += seconds
        if seconds > _INVISIBLE * longest:
            seen.add(stage)
    return seen
