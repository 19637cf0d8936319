"""The setting that meets a goal in half, and in nine of ten, of the clusters that seeds draw."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pullsim.results.statistics import percentile
from pullsim.study.cluster_draws import draw_clusters, varied
from pullsim.study.clusters import HALF, MOST
from pullsim.study.intervals import Interval
from pullsim.study.kept_runs import RememberedRuns
from pullsim.study.search import Search, setting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pullsim.scenario import Scenario
    from pullsim.study.clusters import Clusters
    from pullsim.study.estimates import Run
    from pullsim.study.executors import Executor
    from pullsim.study.goal import Goal
    from pullsim.study.ranges import Range
    from pullsim.study.search import Point


class SolvedClusters(NamedTuple):
    """What settings came to in drawn clusters."""

    points: tuple[Point, ...]  # that were tried, in order
    clusters: Clusters  # the runs of each of them
    half: Point | None  # what meets the goal in half of the clusters; None: nothing does
    most: Point | None  # and in nine of ten

    def met(self, point: Point, goal: Goal) -> int | None:
        """Return in how many clusters a setting meets the limit; None: there is no limit."""
        runs = self.clusters.runs[self.points.index(point)].drawn.values()
        return None if goal.limit is None else sum(goal.limit.holds(run.value(goal.metric)) for run in runs)


def solve_in_clusters(
    scenario: Scenario,
    knobs: Sequence[tuple[str, Range]],
    goal: Goal,
    draws: int,
    executor: Executor,
    known: Point | None,
    progress: Callable[[int], None],
    *,
    force: bool,
) -> SolvedClusters:
    """Search for the settings, with the draws in place of seeds; ``known``: another setting that is run too.

    In so many clusters as wanted a setting meets a limit if the value that so many do not exceed meets it; without a
    limit that value is the objective. Raises InputError and KeyboardInterrupt.
    """
    keys, ranges = zip(*knobs, strict=True)
    runs = RememberedRuns(executor)
    tried: set[Point] = set() if known is None else {known}
    found: list[Point | None] = []
    made = 0
    for level in (HALF, MOST):

        def judged(runs: Sequence[Run], metric: str, level: int = level) -> Interval:
            return _in_clusters(runs, metric, level, downward=goal.maximize)

        def tell(done: int, made: int = made) -> None:
            progress(made + done)

        search = Search(
            scenario,
            tuple(knobs),
            goal,
            draws,
            runs,
            tell,
            force=force,
            prepared=lambda variant: varied(scenario, variant),
            judged=judged,
        )
        answer, _ = search.find(ranges)
        found.append(None if answer is None else answer.point)
        made += len(search.tried) * draws
        tried |= search.tried.keys()
    points = tuple(sorted(tried))
    clusters = draw_clusters(
        scenario,
        [setting(keys, ranges, point) for point in points],
        draws,
        executor=runs,
        metrics=[goal.metric],
        progress=lambda done, _: progress(made + done),
        force=force,
    )
    return SolvedClusters(points, clusters, *found)


def _in_clusters(runs: Sequence[Run], metric: str, level: int, *, downward: bool) -> Interval:
    """Return the value that so many thousandths of the clusters do not exceed, or where more is better have at least.

    A cluster without a value is worse than all others.
    """
    sign = -1.0 if downward else 1.0
    values = [run.value(metric) for run in runs]
    if all(value is None for value in values):
        return Interval(None, None, None, 0)
    ordered = np.sort([math.inf if value is None else sign * value for value in values])
    return Interval(sign * percentile(ordered, level), None, None, len(ordered))
