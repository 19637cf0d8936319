"""Charts of pulls: how many at a time, what they took from the registries' links, and the slowest of them in detail."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final

import numpy as np

from pullsim.results.charts import style
from pullsim.results.charts.faults import shade_outages
from pullsim.results.wording import counted
from pullsim.rows import values
from pullsim.stages import COLOURS, STAGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from pullsim.records import LinkSample, PullRecord
    from pullsim.run import Result

_LINKS: Final = len(style.SERIES)
_INVISIBLE: Final = 0.02  # share of the duration of the slowest pull; shorter bars could not be seen
_SHORT: Final = 0.1  # share of the time from the first to the last of the pulls that are drawn
_VISIBLE: Final = 3.0  # a capacity is drawn up to this multiple of the highest use


def plot_pulls(result: Result, ax: Axes | None = None) -> Axes:
    """Plot the pulls in flight and those waiting in kubelets' queues, over all nodes."""
    ax = style.new_axes(ax)
    unit = style.time_axis(ax, result.end)
    requested, started, ended = (array("d", values(result.pulls, each)) for each in ("requested", "started", "ended"))
    nodes = len({*values(result.pulls, "node")})
    style.title(ax, f"{counted(len(result.pulls), 'pull')} on {counted(nodes, 'node')}", result.name)
    if not result.pulls:
        style.nothing(ax, "no pulls")
        return ax
    for begins, ends, label, colour in (
        (requested, started, "queued", COLOURS["queue"]),
        (started, ended, "in flight", style.SERIES[0]),
    ):
        times, count = style.level(begins, ends, result.end)
        ax.step(times / unit.size, count, where="post", color=colour, linewidth=1.5, label=label)
    shade_outages(ax, result, unit)
    style.count_axis(ax, "pulls")
    style.legend_outside(ax)
    return ax


def plot_links(result: Result, ax: Axes | None = None) -> Axes:
    """Plot the mean use of each registry link against its capacity; the busiest links where there are many."""
    ax = style.new_axes(ax)
    time = style.time_axis(ax, result.end)
    by_link: dict[str, list[LinkSample]] = {}
    for sample in result.links:
        by_link.setdefault(sample.link, []).append(sample)
    if not by_link:
        style.title(ax, "Registry links", result.name)
        style.nothing(ax, "no shared registry link")
        return ax
    busiest = sorted(by_link, key=lambda link: (-_carried(by_link[link]), link))[:_LINKS]
    shown = f" (busiest {len(busiest)} of {len(by_link)})" if len(busiest) < len(by_link) else ""
    style.title(ax, f"Use of registry links{shown}", result.name)
    highest = max(sample.bytes_per_second for link in busiest for sample in by_link[link])
    lowest = min(sample.capacity for link in busiest for sample in by_link[link])
    rate = style.rate_unit(highest or lowest)
    top = highest
    for link, colour in zip(busiest, style.SERIES, strict=False):
        samples = sorted(by_link[link], key=lambda sample: sample.t0)
        times = np.array([*(sample.t0 for sample in samples), samples[-1].t1]) / time.size
        use = np.array([sample.bytes_per_second for sample in samples]) / rate.size
        capacity = samples[-1].capacity
        label = f"{style.shortened(link, 60)}\n(capacity: {style.rate_text(capacity)})"
        ax.step(times, np.append(use, use[-1]), where="post", color=colour, linewidth=1.5, label=label)
        if capacity <= _VISIBLE * highest:
            top = max(top, capacity)
            ax.axhline(capacity / rate.size, color=colour, linewidth=1.0, linestyle="--")
    shade_outages(ax, result, time)
    ax.set_ylabel(f"on the wire ({rate.name})")
    ax.set_ylim(0, 1.08 * top / rate.size if top > 0 else 1)
    style.legend_outside(ax)
    return ax


def plot_gantt(result: Result, ax: Axes | None = None, *, nodes: int = 5, pulls: int = 40) -> Axes:
    """Plot the slowest pulls, up to `pulls` of up to `nodes` nodes: one bar from the kubelet's request to the end.

    If pulls are too short to be seen on the simulated time axis, all bars begin at 0 instead. The stages of a pull
    overlap in reality; the bar shows their parts of the pull's critical path, in the usual order. A failed pull has its
    cause beside its name, and the next attempt begins with the back-off since, as a thin bar.
    """
    rows = _slowest(result.pulls, nodes, pulls)
    shown = [pull for row in rows for pull in row]
    ax = style.new_axes(ax, width=10.0, height=1.5 + 0.24 * max(len(shown) + len(rows), 6))
    if not rows:
        style.time_axis(ax, result.end)
        style.title(ax, "Slowest pulls", result.name)
        style.nothing(ax, "no pulls")
        return ax
    first, last = min(pull.requested for pull in shown), max(pull.ended for pull in shown)
    longest = max(pull.ended - pull.requested for pull in shown)
    aligned = longest < _SHORT * (last - first)
    if aligned:
        unit = style.time_axis(ax, 1.02 * longest, "time since requested")
    else:
        unit = style.time_axis(ax, last)
        room = 0.02 * (last - first)
        ax.set_xlim(max(first - room, 0) / unit.size, (last + room or 1) / unit.size)
    if len(shown) == len(result.pulls):
        style.title(ax, "Pulls by stage", result.name)
    else:
        every = counted(len({*values(result.pulls, "node")}), "node")
        part = f"{len(shown):,} of {counted(len(result.pulls), 'pull')}, on {len(rows)} of {every}"
        style.title(ax, f"Slowest pulls by stage: {part}", result.name)
    labels: dict[float, str] = {}
    used: set[str] = set()
    failures = {} if aligned else _failures(result)
    y = 0.0
    for row in rows:
        inside = ax.get_yaxis_transform()  # x of the axes, y of the data
        ax.text(
            0.005,
            y,
            style.safe(row[0].node),
            transform=inside,
            va="center",
            fontsize=9,
            fontweight="bold",
            color=style.INK,
        )
        for pull in row:
            y += 1
            used |= _draw(ax, pull, y, 0.0 if aligned else pull.requested, unit)
            before = failures.get((pull.namespace, pull.pod, pull.container, pull.attempt - 1), ())
            ended = max((each for each in before if each <= pull.requested), default=None)
            if ended is not None:
                used.add("backoff")
                back_off = (pull.requested - ended) / unit.size
                ax.barh(y, back_off, left=ended / unit.size, height=0.3, color=COLOURS["backoff"])
            labels[y] = _label(pull, aligned=aligned)
        y += 1.2
    ax.set_yticks(list(labels), list(labels.values()), fontsize=8)
    ax.set_ylim(y - 0.4, -0.8)
    ax.grid(visible=False, axis="y")
    style.stage_legend(ax, used)
    return ax


def _failures(result: Result) -> dict[tuple[str, str, str, int], list[float]]:
    """Return when pulls failed, by namespace, pod, container and attempt: several times if a pod's name came again."""
    found: dict[tuple[str, str, str, int], list[float]] = {}
    columns = values(result.pulls, "namespace", "pod", "container", "attempt", "ok", "ended")
    for *name, attempt, ok, ended in columns:
        if not ok:
            found.setdefault((*name, attempt), []).append(ended)
    return found


def _slowest(pulls: Sequence[PullRecord], nodes: int, most: int) -> list[list[PullRecord]]:
    """Return slow pulls by node, those of a node in order of time; none that would be invisible beside the slowest."""
    places = [*values(pulls, "node")]
    took = array("d", (ended - requested for requested, ended in values(pulls, "requested", "ended")))
    shortest = _INVISIBLE * max(took, default=0.0)
    by_node: dict[str, list[int]] = {}
    for number in sorted(range(len(took)), key=lambda number: -took[number]):
        node = places[number]
        if took[number] >= shortest and (node in by_node or len(by_node) < nodes):
            by_node.setdefault(node, []).append(number)
    each = most // max(len(by_node), 1)
    slow = ([pulls[number] for number in mine[:each]] for mine in by_node.values())
    return [sorted(mine, key=lambda pull: (pull.requested, pull.ended)) for mine in slow]


def _draw(ax: Axes, pull: PullRecord, y: float, left: float, unit: style.Unit) -> set[str]:
    """Draw one pull from `left` on and return the stages that it shows."""
    parts = [("queue", pull.started - pull.requested), *((stage, pull.stages.get(stage, 0.0)) for stage in STAGES)]
    for stage, seconds in parts:
        if seconds > 0:
            ax.barh(y, seconds / unit.size, left=left / unit.size, height=0.72, color=COLOURS[stage])
            left += seconds
    return {stage for stage, seconds in parts if seconds > 0}


def _label(pull: PullRecord, *, aligned: bool) -> str:
    failed = "" if pull.ok else f" ✗ {pull.cause}"
    at = f"  at {style.seconds_text(pull.requested)}" if aligned else ""
    return f"{style.shortened(pull.pod, 22)}  {style.shortened(pull.image, 30)}{failed}{at}"


def _carried(samples: Sequence[LinkSample]) -> float:
    return sum(sample.bytes_per_second * (sample.t1 - sample.t0) for sample in samples)
