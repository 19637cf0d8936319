"""The chart of where the time went: the mean seconds of a pod by stage, of all pods, the slowest, and each workload."""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from pullsim.printable import shortened
from pullsim.results.axis_units import time_unit
from pullsim.results.page.page import Chart, Rows
from pullsim.results.page.parts import field, tooltip
from pullsim.results.stages import total, totals
from pullsim.results.summary.groups import workload_name
from pullsim.results.summary.start_time import slowest_pods
from pullsim.results.wording import counted, duration, percentage
from pullsim.rows import values
from pullsim.stages import LABELS, STAGES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pullsim.run import Result

_WORKLOADS: Final = 12
_SMALL: Final = 0.001  # of the longest bar: a shorter part could not be seen
STEP: Final = 30  # height of a bar


def stage_time(result: Result) -> Chart | None:
    """Return the chart; None if no pod waited."""
    pods: Counter[str] = Counter()
    never: Counter[str] = Counter()  # those that were never ready, though somebody waits for them
    for namespace, workload, ready, withdrawn in values(result.pods, "namespace", "workload", "ready", "withdrawn"):
        name = workload_name(namespace, workload)
        pods[name] += 1
        never[name] += ready is None and not withdrawn
    bars: dict[str, Mapping[str, float]] = {}
    remarks: dict[str, int] = {}
    if result.pods:
        label = f"all pods ({len(result.pods):,})"
        bars[label] = _mean(total(values(result.pods, "stages")), len(result.pods))
        remarks[label] = never.total()
    if len(result.pods) > 1:
        slowest = slowest_pods(result.pods)
        label = "slowest pod" if len(slowest) == 1 else f"slowest {len(slowest):,}"
        bars[label] = _mean(total(pod.stages for pod in slowest), len(slowest))
        remarks[label] = sum(pod.ready is None and not pod.withdrawn for pod in slowest)
    left_out = 0
    if len(pods) > 1:
        named = values(result.pods, "namespace", "workload", "stages")
        stages = totals((workload_name(namespace, workload), parts) for namespace, workload, parts in named)
        means = {name: _mean(stages[name], count) for name, count in pods.items()}
        ranked = sorted(means, key=lambda name: (-sum(means[name].values()), name))
        left_out = max(len(ranked) - _WORKLOADS, 0)
        for name in ranked[:_WORKLOADS]:
            label = f"{shortened(name, 40)} ({pods[name]:,})"
            bars[label], remarks[label] = means[name], never[name]
    if not any(map(sum, (bar.values() for bar in bars.values()))):
        return None
    note = "Mean of a pod, until it was ready. Stages stand in the order in which a pod meets them."
    if never.total():
        note += " Pods that were never ready count until the end of the run."
    if left_out:
        note += f" The {_WORKLOADS} slowest workloads; {counted(left_out, 'more workload')} left out."
    told = {label: f"{count:,} never" for label, count in remarks.items() if count}
    return stage_bars("stages", "Where the time went", bars, "pod", note, told)


def stage_bars(
    name: str,
    title: str,
    bars: Mapping[str, Mapping[str, float]],
    what: str,
    note: str,
    remarks: Mapping[str, str] = MappingProxyType({}),
) -> Chart:
    """Return a chart of stacked bars of seconds by stage; ``bars`` are the mean seconds of a ``what`` by its label.

    ``remarks`` stand behind bars, by the same labels.
    """
    longest = max(map(sum, (bar.values() for bar in bars.values())), default=0.0)
    unit = time_unit(longest)
    rows, told = [], []
    for label, stages in bars.items():
        whole = sum(stages.values())
        for order, stage in enumerate(STAGES):
            took = stages.get(stage, 0.0)
            if took > _SMALL * longest:
                share = percentage(took / whole)
                said = f"{label}: {LABELS[stage]} {duration(took)}, {share} of {duration(whole)}"
                rows.append((label, LABELS[stage], order, round(took / unit.size, 4), duration(took), share, said))
        largest = max(stages, key=stages.__getitem__, default=None)
        if largest is not None and whole:
            most = percentage(stages[largest] / whole)
            told.append(f"{label}: {duration(whole)}, most of it {LABELS[largest]} ({most})")
    scale = {"domain": [0, longest / unit.size or 1], "nice": False}
    x = field("took", "quantitative", f"mean of a {what} ({unit.name})", scale=scale)
    y = field("bar", "nominal", sort=None, axis={"labelLimit": "names"})
    bar = {
        "data": {"name": "bars"},
        "mark": {"type": "bar", "style": "stage"},
        "encoding": {
            "y": y,
            "x": x | {"stack": "zero"},
            "color": stage_colours({row[1] for row in rows}),
            "order": field("order", "quantitative"),
            "tooltip": tooltip(bar="of", stage="stage", text="time", share="share"),
            "description": field("said", "nominal"),
        },
    }
    wholes = [
        (
            label,
            round(sum(bar.values()) / unit.size, 4),
            ", ".join([duration(sum(bar.values())), *([remarks[label]] if label in remarks else [])]),
        )
        for label, bar in bars.items()
    ]
    sums = {
        "data": {"name": "wholes"},
        "mark": {"type": "text", "style": "value", "align": "left", "dx": 5, "aria": False},
        "encoding": {"y": y, "x": x, "text": field("text", "nominal")},
    }
    data = {
        "bars": Rows(("bar", "stage", "order", "took", "text", "share", "said"), rows),
        "wholes": Rows(("bar", "took", "text"), wholes),
    }
    spec = {"height": {"step": STEP}, "layer": [bar, sums]}
    return Chart(name, title, f"Stacked bars. {'. '.join(told[:6])}.", spec, data, note)


def stage_colours(labels: Collection[str]) -> dict[str, Any]:
    """Return the channel of the stages' colours, which are the theme's, with a legend of those that are there."""
    shown = [LABELS[stage] for stage in STAGES if LABELS[stage] in labels]
    return field("stage", "nominal", scale={"domain": shown, "range": "stages"})


def _mean(stages: Mapping[str, float], count: int) -> dict[str, float]:
    return {stage: seconds / count for stage, seconds in stages.items()}
