"""What the cluster itself did during a run: rolling updates, prepull jobs, and nodes that left."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from pullsim.frozen import dataclass
from pullsim.kubelet.pod_status import DELETED
from pullsim.results.statistics import Waits, waits
from pullsim.results.summary.byte_costs import of_bytes
from pullsim.results.wording import qualified
from pullsim.rows import values

if TYPE_CHECKING:
    from pullsim.records import PodRecord, Rollout
    from pullsim.run import Result

DAY: Final = 86_400.0  # seconds


@dataclass(frozen=True, slots=True)
class RolloutFigures:
    """One rolling update."""

    kind: str
    began_at: float
    completed_at: float | None  # all pods are new and available; None: not by the end of the run
    seconds: float | None  # from the begin to the completion
    replicas: int  # pods that there should be at the end of the run
    updated: int  # pods from the new template that are available at the end of the run
    created: int  # pods made from the new template
    peak: int  # most pods at a time
    lowest: int  # fewest pods available at a time


@dataclass(frozen=True, slots=True)
class PerDay:
    """Figures of the run, for a day."""

    departures: float
    pods: float
    downloaded_bytes: float
    cost: float | None  # price of all bytes: by class of link, and what registries ask; None: nothing has a price


@dataclass(frozen=True, slots=True)
class Churn:
    """Nodes that left, what went with them, and what their successors fetched."""

    departures: int
    pods: int  # pods that were on these nodes
    cut_pulls: int  # pulls that were under way or queued when their node left
    cut_bytes: int  # bytes that these pulls had downloaded
    successors_bytes: int  # downloaded by nodes that joined in place of others
    per_day: PerDay  # the bytes are all that the run downloaded


@dataclass(frozen=True, slots=True)
class PrepullFigures:
    """One prepull job: nodes, and what it downloaded."""

    done: int  # nodes that got all images
    given_up: int  # nodes that did not have all images when the job's time was up, or when they left
    under_way: int  # nodes that were still pulling at the end of the run
    last_at: float | None  # when the last of the done nodes got its last image
    seconds: Waits  # from the creation of a node's pod until all images were there; nodes that left meanwhile not
    downloaded_bytes: int


def prepulls(result: Result) -> dict[str, PrepullFigures]:
    """Return the prepull jobs by name, with their namespace where that is not default."""
    jobs: dict[str, list[PodRecord]] = {}
    for row in result.prepulls:
        jobs.setdefault(qualified(row.namespace, row.workload), []).append(row)
    downloaded: Counter[tuple[str, str]] = Counter()
    for namespace, pod, size in values(result.pulls, "namespace", "pod", "downloaded") if jobs else ():
        downloaded[namespace, pod] += size
    return {
        name: PrepullFigures(
            done=sum(row.started is not None for row in rows),
            given_up=sum(row.reason == DELETED for row in rows),
            under_way=sum(row.started is None and row.reason != DELETED for row in rows),
            last_at=max((row.started for row in rows if row.started is not None), default=None),
            seconds=waits(
                [row.start_seconds for row in rows if row.started is not None],
                sum(row.started is None and not row.withdrawn for row in rows),
            ),
            downloaded_bytes=sum(downloaded[key] for key in {(row.namespace, row.pod) for row in rows}),
        )
        for name, rows in sorted(jobs.items())
    }


def named_rollouts(result: Result) -> dict[str, Rollout]:
    """Return the rolling updates by workload: its name, with its namespace where that is not default."""
    names = [qualified(row.namespace, row.workload) for row in result.rollouts]
    twice = {name for name, count in Counter(names).items() if count > 1}
    return {
        f"{row.kind}/{name}" if name in twice else name: row for name, row in zip(names, result.rollouts, strict=True)
    }


def rollouts(result: Result) -> dict[str, RolloutFigures]:
    """Return the figures of the rolling updates by the names that `named_rollouts` has for them."""
    return {
        name: RolloutFigures(
            row.kind,
            row.began,
            row.completed,
            None if row.completed is None else row.completed - row.began,
            row.replicas,
            row.updated,
            row.created,
            row.peak,
            row.lowest,
        )
        for name, row in named_rollouts(result).items()
    }


def churn(result: Result) -> Churn | None:
    """Return what churn did; None where no node left for another."""
    left = [row for row in result.departures if row.replaced_by]
    if not left:
        return None
    gone, later = {row.node for row in left}, {row.replaced_by for row in left}
    cut = successors = downloaded = 0
    for node, cause, size in values(result.pulls, "node", "cause", "downloaded"):
        downloaded += size
        cut += size if cause == "nodeLeft" and node in gone else 0
        successors += size if node in later else 0
    pods, departures = sum(row.pods for row in left), len(left)
    days = result.end / DAY
    cost = of_bytes(result)
    return Churn(
        departures=departures,
        pods=pods,
        cut_pulls=sum(row.pulls for row in left),
        cut_bytes=cut,
        successors_bytes=successors,
        per_day=PerDay(
            departures / days,
            pods / days,
            downloaded / days,
            None if cost is None else float(cost) / days,
        ),
    )
