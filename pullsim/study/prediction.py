"""The key figures of a run in the clusters that seeds draw; see `pullsim.study.clusters`."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pullsim.results.summary.prediction import Prediction
from pullsim.study.cluster_draws import draw_clusters, runs_of
from pullsim.study.design import Variant
from pullsim.study.executors import choose

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.results.summary.summary import Summary
    from pullsim.scenario import Scenario

FIGURES: Final = ("pods.start.p50", "pods.start.p99", "pods.start.max", "pulls.pull.p50", "pulls.pull.p99")


def with_prediction(
    scenario: Scenario,
    summary: Summary,
    draws: int,
    *,
    processes: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    force: bool = False,
) -> Summary:
    """Return the summary of a run with the intervals of its key figures over so many draws.

    A scenario without variation has that of its presets. Raises InputError if a draw cannot be run.
    After Ctrl-C it is the same summary.
    """
    with closing(choose(processes, None, runs_of(draws))) as executor:
        try:
            clusters = draw_clusters(
                scenario, [Variant(())], draws, executor=executor, metrics=FIGURES, progress=progress, force=force
            )
        except KeyboardInterrupt:
            return summary
    found = {name: clusters.runs[0].figure(name) for name in FIGURES}
    figures = {name: figure for name, figure in found.items() if figure is not None}
    return replace(summary, prediction=Prediction(draws, clusters.spreads, clusters.behind, figures))
