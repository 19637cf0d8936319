"""What the cluster itself did during a run: rolling updates, and nodes that left."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pullsim.run import Result

DAY: Final = 86_400.0  # seconds


@dataclass(frozen=True, slots=True)
class RolloutFigures:
    """One rolling update."""

    kind: str
    began_at: float
    completed_at: float | None  # all pods are new and available; None: not by the end of the run
    seconds: float | None  # from one to the other
    replicas: int  # that there should be at the end of the run
    updated: int  # of them new and available
    created: int  # pods that it made
    peak: int  # most pods at a time
    lowest: int  # fewest available at a time


@dataclass(frozen=True, slots=True)
class PerDay:
    """Figures of the run, for a day."""

    departures: float
    pods: float
    downloaded_bytes: float
    cost: float | None  # of what registries sent, in the money of their prices; None: none has one


@dataclass(frozen=True, slots=True)
class Churn:
    """Nodes that left, what went with them, and what their successors fetched."""

    departures: int
    pods: int  # that were on them
    cut_pulls: int  # under way or queued
    cut_bytes: int  # that pulls which were cut had downloaded
    successors_bytes: int  # downloaded by nodes that joined in place of others
    per_day: PerDay  # the bytes are all that the run downloaded


def rollouts(result: Result) -> dict[str, RolloutFigures]:
    """Return the rolling updates by workload: its name, with its namespace where that is not default."""
    names = [
        row.workload if row.namespace == "default" else f"{row.namespace}/{row.workload}" for row in result.rollouts
    ]
    twice = {name for name, count in Counter(names).items() if count > 1}
    return {
        f"{row.kind}/{name}" if name in twice else name: RolloutFigures(
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
        for name, row in zip(names, result.rollouts, strict=True)
    }


def churn(result: Result) -> Churn | None:
    """Return what churn did; None where no node left."""
    if not result.departures:
        return None
    first = set(result.nodes)
    cut = [pull for pull in result.pulls if pull.cause == "nodeLeft"]
    pods, departures = sum(row.pods for row in result.departures), len(result.departures)
    days = result.end / DAY
    priced = [each for each in result.registries if each.price]
    return Churn(
        departures=departures,
        pods=pods,
        cut_pulls=sum(row.pulls for row in result.departures),
        cut_bytes=sum(pull.downloaded for pull in cut),
        successors_bytes=sum(pull.downloaded for pull in result.pulls if pull.node not in first),
        per_day=PerDay(
            departures / days,
            pods / days,
            sum(pull.downloaded for pull in result.pulls) / days,
            sum(each.sent * each.price for each in priced) / days if priced else None,
        ),
    )
