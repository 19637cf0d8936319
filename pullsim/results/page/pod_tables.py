"""Tables of pods: those of each workload together, and the slowest one by one."""

from __future__ import annotations

import math
from dataclasses import replace
from heapq import nsmallest
from typing import TYPE_CHECKING, Final

from pullsim.results.page.page import Cell, Column, Table
from pullsim.results.summary.groups import slowest, workload_name
from pullsim.results.wording import counted, duration, percentage, qualified
from pullsim.rows import values
from pullsim.stages import LABELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pullsim.records import PodRecord
    from pullsim.results.summary.groups import GroupFigures
    from pullsim.results.summary.summary import Summary
    from pullsim.run import Result

_PODS: Final = 100  # of the slowest
_GROUPS: Final = 200  # workloads or images

_WAITS: Final = (
    Column("pods", number=True),
    Column("started", number=True),
    Column("half within", number=True, help="the time within which half of the pods started (p50)"),
    Column("9 of 10 within", number=True, help="the time within which nine in ten pods started (p90)"),
    Column("99 of 100 within", number=True, help="the time within which 99 in 100 pods started (p99)"),
    Column("last", number=True, help="the time that the last of the pods took to start"),
)


def by_workload(summary: Summary) -> Table | None:
    """Return the table of workloads, the latest first; None without pods."""
    return _groups("Pods by workload, from creation to start", "workload", summary.workloads)


def by_image(summary: Summary) -> Table | None:
    """Return the table of the pods that use an image, the latest first; None without pods."""
    return _groups("Pods by the images they use, from creation to start", "image", summary.images)


def by_pool(summary: Summary) -> Table | None:
    """Return the table of node pools, the latest first; None where there are not several."""
    pools = summary.pods_by_pool
    table = _groups("Pods by node pool, from creation to start", "pool", pools) if len(pools) > 1 else None
    unbound = sum(group.pods for group in summary.never_started if group.message is not None)
    if table is None or not unbound:
        return table
    return replace(table, note=" ".join([table.note, f"{counted(unbound, 'pod')} got no node."]).strip())


def slowest_pods(result: Result) -> Table | None:
    """Return the table of the pods that took longest to be ready; None without pods."""
    if not result.pods:
        return None
    columns = values(result.pods, "ready", "ready_seconds", "withdrawn")
    ranks = [
        (withdrawn and ready is None, ready is not None, -seconds, place)
        for place, (ready, seconds, withdrawn) in enumerate(columns)
    ]
    places = [rank[-1] for rank in nsmallest(_PODS, ranks)]
    left = len(result.pods) - len(places)
    return Table(
        "From creation until they were ready" if left else "All pods, from creation until they were ready",
        (
            Column("pod"),
            Column("workload"),
            Column("node"),
            Column("created at", number=True),
            Column("ready after", number=True),
            Column("mostly waited for"),
            Column("pulls", number=True),
            Column("failed pulls", number=True),
            Column("outcome"),
        ),
        [_pod(result.pods[place]) for place in places],
        (f"{counted(left, 'more pod')} in pods.csv. " if left else "")
        + "`pullsim explain` tells the story of one pod.",
        filtered=True,
    )


def _groups(caption: str, what: str, groups: Mapping[str, GroupFigures]) -> Table | None:
    if not groups:
        return None
    ranked = slowest(dict(groups))
    rows = [(Cell(name), *_figures(groups[name])) for name in ranked[:_GROUPS]]
    note = f"The {_GROUPS} latest of {len(ranked):,}." if len(ranked) > _GROUPS else ""
    return Table(caption, (Column(what), *_WAITS), rows, note, filtered=len(rows) > 12)


def _figures(group: GroupFigures) -> list[Cell]:
    waits = (group.start.p50, group.start.p90, group.start.p99, group.start.max)
    return [
        Cell(f"{group.total:,}", group.total),
        Cell(f"{group.started:,}", group.started),
        *(Cell(duration(each), each) for each in waits),
    ]


def _pod(pod: PodRecord) -> tuple[Cell, ...]:
    stages = pod.stages
    most = max(stages, key=stages.__getitem__, default=None)
    share = stages[most] / pod.ready_seconds if most is not None and pod.ready_seconds else 0.0
    waited = f"{LABELS[most]} ({percentage(share)})" if most is not None and share else "nothing"
    if pod.ready is not None:
        outcome = "ready"
    elif pod.withdrawn:
        outcome = "withdrawn"
    else:
        outcome = "got no node" if pod.node is None else pod.reason or pod.cause or "not ready"
    took = pod.ready_seconds if pod.ready is not None else math.inf
    return (
        Cell(qualified(pod.namespace, pod.pod)),
        Cell(workload_name(pod.namespace, pod.workload)),
        Cell(pod.node or "none"),
        Cell(duration(pod.created), pod.created),
        Cell(duration(took), took),
        Cell(waited),
        Cell(f"{pod.pulls:,}", pod.pulls),
        Cell(f"{pod.failures:,}", pod.failures),
        Cell(outcome),
    )
