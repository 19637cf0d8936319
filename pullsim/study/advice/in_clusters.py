"""How sure the ranking of advice is: what the changes that help come to in the clusters that seeds draw."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pullsim.study.cluster_draws import draw_clusters
from pullsim.study.dask_cluster import WorkersLost
from pullsim.study.design import Variant, variant

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.scenario import Scenario
    from pullsim.study.advice.advice import Advice
    from pullsim.study.executors import Executor


def with_clusters(
    advice: Advice,
    scenario: Scenario,
    draws: int,
    executor: Executor,
    progress: Callable[[int, int], None],
    *,
    force: bool,
) -> Advice:
    """Return advice with its scenario as it is and its gains run in so many clusters, in the same order.

    After Ctrl-C it has none and is interrupted, where a Dask cluster lost its workers it has none and was stopped.
    Raises InputError if a draw cannot be run.
    """
    if advice.interrupted or advice.stopped is not None:
        return advice
    changes = [Variant(()), *(variant(row.setting.overrides) for row in advice.gains)]
    try:
        clusters = draw_clusters(
            scenario, changes, draws, executor=executor, metrics=advice.metrics, progress=progress, force=force
        )
    except KeyboardInterrupt:
        return replace(advice, interrupted=True)
    except WorkersLost as error:
        return replace(advice, stopped=str(error))
    return replace(advice, clusters=clusters)
