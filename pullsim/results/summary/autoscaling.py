"""What an autoscaler did during a run: nodes that it asked for and took away."""

from __future__ import annotations

from math import fsum
from typing import TYPE_CHECKING

from pullsim.frozen import dataclass
from pullsim.results.statistics import Distribution, distribution

if TYPE_CHECKING:
    from pullsim.run import Result


@dataclass(frozen=True, slots=True)
class AutoscalingFigures:
    """One autoscaled pool: its nodes over time."""

    asked: int  # nodes that were asked for
    joined: int  # of them, those that have joined
    removed: int  # nodes that were taken away: empty ones, or ones whose pods fitted on others
    moved_pods: int  # pods that were on these: those of DaemonSets, or those that had to begin anew elsewhere
    cut_pulls: int  # pulls on these that were under way or queued
    peak: int  # most nodes at a time
    at_end: int  # nodes at the end of the run
    node_seconds: float  # of all nodes that have joined, until they left or the run ended
    life: Distribution  # of the nodes that left, from when they joined


def autoscaling(result: Result) -> dict[str, AutoscalingFigures]:
    """Return the figures of the pools that an autoscaler has."""
    return {pool: _figures(result, pool) for pool in result.autoscaled}


def _figures(result: Result, pool: str) -> AutoscalingFigures:
    asked = [row for row in result.joins if row.pool == pool]
    removed = [row for row in result.departures if row.pool == pool]
    began = [0.0 for node in result.nodes if result.pools[node] == pool]
    began += (row.joined for row in asked if row.joined is not None)
    # At one instant a node leaves before another joins: so a peak is never one that no moment had.
    steps = sorted([*((at, 1) for at in began), *((row.t, -1) for row in removed)])
    count = peak = 0
    for _, step in steps:
        count += step
        peak = max(peak, count)
    lives = [row.t - row.joined for row in removed]
    return AutoscalingFigures(
        asked=len(asked),
        joined=sum(row.joined is not None for row in asked),
        removed=len(removed),
        moved_pods=sum(row.pods for row in removed),
        cut_pulls=sum(row.pulls for row in removed),
        peak=peak,
        at_end=count,
        node_seconds=fsum([*(result.end - at for at in began), *(row.t - result.end for row in removed)]),
        life=distribution(lives),
    )
