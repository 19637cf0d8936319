"""The deadlines that shares of the pods meet in each of the clusters that seeds draw."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pullsim.results.statistics import percentile
from pullsim.study.cluster_draws import draw_clusters
from pullsim.study.clusters import ClusterRuns, Clusters
from pullsim.study.design import Variant
from pullsim.study.estimates import Run
from pullsim.study.quantiles import Quantiles

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from fractions import Fraction

    from pullsim.results.summary.prediction import PredictedFigure
    from pullsim.results.waits import Objective
    from pullsim.scenario import Scenario
    from pullsim.study.executors import Executor


class DeadlineClusters(NamedTuple):
    """The smallest deadlines that shares of the pods of a cluster meet, cluster by cluster.

    A cluster's deadline is that of its own pods: in another cluster the slowest pods are others too.
    """

    drawn: Clusters  # of one variant, whose metrics are the deadlines in seconds, named as `name_of` names shares

    @property
    def draws(self) -> int:
        """The number of clusters."""
        return self.drawn.draws

    def figure(self, share: Fraction) -> PredictedFigure:
        """Return the deadline of one cluster, with its intervals."""
        found = self.drawn.runs[0].figure(name_of(share))
        assert found is not None  # every cluster has pods
        return found

    def enough(self, share: Fraction, level: int) -> float:
        """Return the deadline that is enough in so many thousandths of the clusters; infinite: there is none."""
        values = self.drawn.runs[0].values(name_of(share))
        assert values is not None
        return percentile(np.sort(values), level)


def draw_deadlines(
    scenario: Scenario,
    objective: Objective,
    shares: Collection[Fraction],
    draws: int,
    *,
    executor: Executor,
    progress: Callable[[int, int], None] | None = None,
    force: bool = False,
) -> DeadlineClusters:
    """Run a scenario in so many clusters. Raises InputError if a draw cannot be run, WorkersLost, KeyboardInterrupt."""
    found = draw_clusters(
        scenario,
        [Variant(())],
        draws,
        executor=executor,
        metrics=(),
        waits={objective},
        progress=progress,
        force=force,
    )
    (runs,) = found.runs
    sides = (_deadlines(side, objective, shares) for side in (runs.drawn, runs.still))
    return DeadlineClusters(replace(found, runs=(ClusterRuns(*sides),)))


def name_of(share: Fraction) -> str:
    """Return the name of a share's deadline among the metrics of a run."""
    return f"deadline {share}"


def _deadlines(runs: Mapping[int, Run], objective: Objective, shares: Collection[Fraction]) -> dict[int, Run]:
    """Return runs whose metrics are the deadlines of their own pods."""
    made = {}
    for seed, run in runs.items():
        quantiles = Quantiles([(run.waits or {})[objective]])
        made[seed] = Run({name_of(share): quantiles.value(share) for share in shares})
    return made
