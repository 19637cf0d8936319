"""Charts of where the time went: stacked bars of stages by pool and by image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim.records import STAGES
from pullsim.results import chart_style as style
from pullsim.results.stages import total
from pullsim.results.summary import slowest_pods

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from pullsim.records import PodRecord, PullRecord
    from pullsim.run import Result

_POOLS: Final = 12
_IMAGES: Final = 12
_INVISIBLE: Final = 0.002  # of the longest bar


class _Bar(NamedTuple):
    label: str
    rows: int
    stages: dict[str, float]  # seconds over all rows


def plot_time_by_pool(result: Result, ax: Axes | None = None) -> Axes:
    """Plot the mean time of a pod by stage: all pods, the slowest 1 %, and each pool where there are several."""
    by_pool: dict[str, list[PodRecord]] = {}
    for pod in result.pods:
        by_pool.setdefault(result.pools.get(pod.node or "", "no node"), []).append(pod)
    groups: dict[str, Sequence[PodRecord]] = {"all pods": result.pods}
    if len(result.pods) > 1:
        groups["slowest 1 %"] = slowest_pods(result.pods)
    if len(by_pool) > 1:
        groups |= dict(sorted(by_pool.items(), key=lambda item: (-_mean(item[1]), item[0]))[:_POOLS])
    bars = [_Bar(name, len(pods), total(pod.stages for pod in pods)) for name, pods in groups.items() if pods]
    more = f" (slowest {_POOLS} of {len(by_pool)} pools)" if len(by_pool) > _POOLS else ""
    return _bars(ax, bars, f"Where the time went until pods started{more}", "pod")


def plot_time_by_image(result: Result, ax: Axes | None = None) -> Axes:
    """Plot the mean time of a pull by stage with the kubelet's queue before it, for the images that took the most."""
    by_image: dict[str, list[PullRecord]] = {}
    for pull in result.pulls:
        by_image.setdefault(pull.image, []).append(pull)
    bars = [_Bar(image, len(pulls), _with_queue(pulls)) for image, pulls in by_image.items()]
    bars.sort(key=lambda bar: (-sum(bar.stages.values()), bar.label))
    more = f" ({_IMAGES} of {len(bars)} images: most time in all)" if len(bars) > _IMAGES else ""
    return _bars(ax, bars[:_IMAGES], f"Where the time of pulls went, by image{more}", "pull")


def _mean(pods: Sequence[PodRecord]) -> float:
    return sum(pod.start_seconds for pod in pods) / len(pods)


def _with_queue(pulls: Sequence[PullRecord]) -> dict[str, float]:
    return total([{"queue": sum(pull.started - pull.requested for pull in pulls)}, *(pull.stages for pull in pulls)])


def _bars(ax: Axes | None, bars: Sequence[_Bar], text: str, what: str) -> Axes:
    ax = style.new_axes(ax, width=9.0, height=max(1.3 + 0.42 * len(bars), 3.2))
    style.title(ax, text)
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
            colour = style.STAGE_COLOURS[stage]
            ax.barh(y, seconds / unit.size, left=left / unit.size, height=0.7, color=colour, ec=style.FAINT, lw=0.3)
            left += seconds
        if seconds > _INVISIBLE * longest:
            seen.add(stage)
    return seen
