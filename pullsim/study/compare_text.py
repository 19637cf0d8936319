"""A comparison for the terminal, as Markdown and as a chart."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

from pullsim import printable
from pullsim.results import metrics as metric_names
from pullsim.results.wording import duration, size
from pullsim.stages import COLOURS, LABELS
from pullsim.study.cluster_tables import clusters_of_comparison, markdown_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from pullsim.study.compare import Comparison, Difference


_DID: Final = {"start": "startOfStarted", "ready": "readyOfReady"}


def rows(comparison: Comparison, metrics: Sequence[str]) -> list[tuple[str, str, str, str, str]]:
    """Return (metric, a, b, difference with its interval, verdict) as texts."""
    return [(d.metric, *_figures(d), d.verdict) for d in comparison.differences(metrics)]


def changes(comparison: Comparison) -> list[str]:
    """Return a line for each input that changed: ``nodes[w].cores: 4 → 8``."""
    return [f"{path}: {_shown(a)} → {_shown(b)}" for path, a, b in comparison.changes()]


def moved(comparison: Comparison, most: int = 5) -> list[str]:
    """Return a line for each stage that took more or less of a pod's time, the largest change first."""
    lines = []
    for row in comparison.moved()[:most]:
        sign = "+" if row.b > row.a else "-"
        lines.append(f"{LABELS[row.stage]}: {sign}{duration(abs(row.b - row.a))} a pod ({row.a:.2f} s → {row.b:.2f} s)")
    return lines


def sources(comparison: Comparison) -> list[str]:
    """Return a line for each host that served more or fewer bytes: ``docker.io: -29 GB (29 GB → 0 B)``."""
    return [
        f"{host}: {'+' if b > a else '-'}{size(abs(b - a))} ({size(a)} → {size(b)})"
        for host, a, b in comparison.sources()
    ]


def notes(comparison: Comparison, metrics: Sequence[str]) -> list[str]:
    """Return what a reader must know before relying on the figures."""
    found = []
    if others := of_those_that_did(comparison, metrics):
        options = " ".join(f"-m {name}" for name in others)
        found.append(f"where a time is never, some pods never did; those that did are compared by {options}.")
    small = [d.metric for d in comparison.differences(metrics) if d.verdict == "within model error"]
    error = comparison.a.error or comparison.b.error
    if small and error is not None:
        measured = f"measured at {error.median:.0%} (median; 90 %: {error.p90:.0%}) for {error.kind}"
        found.append(f"{', '.join(small)}: the difference is smaller than the model's own error, {measured}.")
    return found


def of_those_that_did(comparison: Comparison, metrics: Sequence[str]) -> list[str]:
    """Return, for metrics of all pods that are never, those of the pods that started or were ready."""
    never = [d.metric for d in comparison.differences(metrics) if math.inf in (d.a.mean, d.b.mean)]
    names = (re.sub(r"^pods\.(start|ready)\.", lambda of: f"pods.{_DID[of[1]]}.", name) for name in never)
    return [name for name in names if name not in (*never, *metrics)]


def markdown(comparison: Comparison, metrics: Sequence[str]) -> str:
    """Return the comparison for a pull request or a ticket."""
    seeds = len(comparison.a.runs)
    safe = printable.markdown
    lines = [f"### {safe(comparison.a.name)} → {safe(comparison.b.name)}", ""]
    lines += [f"- {safe(line)}" for line in changes(comparison)] or ["- no difference in the inputs"]
    lines += ["", "| metric | a | b | b - a | |", "| --- | ---: | ---: | ---: | --- |"]
    lines += [
        f"| `{safe(name)}` | {a} | {b} | {difference} | {v} |"
        for name, a, b, difference, v in rows(comparison, metrics)
    ]
    lines += ["", f"{seeds} run{'s' if seeds > 1 else ''} each, paired by seed; intervals are 95 %."]
    lines += markdown_lines(clusters_of_comparison(comparison, metrics))
    if stages := moved(comparison):
        lines += ["", "Where the time of a pod moved:", "", *(f"- {line}" for line in stages)]
    if hosts := sources(comparison):
        lines += ["", "Bytes that hosts served:", "", *(f"- {safe(line)}" for line in hosts)]
    for side in (comparison.a, comparison.b):
        if side.verdict:
            lines += ["", f"**{safe(side.name)}**: {safe(side.verdict)}"]
    lines += [f"\n> {note}" for note in notes(comparison, metrics)]
    return "\n".join(lines) + "\n"


def plot_moved(comparison: Comparison, ax: Axes | None = None) -> Axes:
    """Draw the mean seconds of a pod by stage, one bar for each side."""
    from matplotlib.patches import Patch  # noqa: PLC0415

    from pullsim.results.charts.style import legend_outside, new_axes, safe, title  # noqa: PLC0415
    from pullsim.study.compare import stage_seconds  # noqa: PLC0415

    ax = new_axes(ax, 8.0, 2.8)
    used = []
    for place, side in enumerate((comparison.b, comparison.a)):
        left = 0.0
        for stage, seconds in stage_seconds(side).items():
            if seconds > 0:
                ax.barh(place, seconds, left=left, color=COLOURS[stage], edgecolor="white", linewidth=0.5)
                left += seconds
                used.append(stage)
    ax.set_yticks([0, 1], [safe(_wrapped(side.name)) for side in (comparison.b, comparison.a)])
    ax.set_xlabel("mean time of a pod (s)")
    title(ax, "Where the time of a pod goes")
    legend_outside(ax, [Patch(color=COLOURS[s], label=LABELS[s]) for s in COLOURS if s in used])
    return ax


def _figures(d: Difference) -> tuple[str, str, str]:
    name, (mean, low, high, _) = d.metric, d.difference
    if mean is None or math.inf in (d.a.mean, d.b.mean):
        return metric_names.text(name, d.a.mean), metric_names.text(name, d.b.mean), "-"
    difference = _signed(name, mean)
    if d.relative is not None:
        difference += f" ({d.relative:+.1%})"
    if low is not None and high is not None and low != high:
        difference += f" [{_signed(name, low)}, {_signed(name, high)}]"
    return metric_names.text(name, d.a.mean), metric_names.text(name, d.b.mean), difference


def _signed(name: str, number: float) -> str:
    shown = "∞" if math.isinf(number) else metric_names.text(name, abs(number))
    return f"{'-' if number < 0 else '+'}{shown}"


def _shown(value: Any) -> str:
    if value is None:
        return "not set"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _wrapped(name: str, width: int = 22) -> str:
    parts = [name[start : start + width] for start in range(0, len(name), width)]
    return "\n".join(parts[:3])
