"""The full model on the reference workloads, records and summary included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.workloads.full_model import cluster
from benchmarks.workloads.workload import Workload, make_f, make_j, make_w
from pullsim.cluster.cluster import Cluster
from pullsim.results.summary.summary import summarize
from pullsim.run import Result, ResultRecorder, simulate

if TYPE_CHECKING:
    from collections.abc import Callable


def events(workload: Workload) -> int:
    """Count the events of a run: they are the same each time."""
    spec = cluster(workload)
    pools = {node.name: node.spec.pool for node in spec.nodes}
    world = Cluster(spec, ResultRecorder(Result(workload.name, spec.seed, "", 0.0, "", tuple(pools), pools, "none")))
    world.run()
    return world.env.scheduled


@pytest.mark.parametrize("workload", [make_w(100), make_j(1000), make_f(1000)], ids=lambda workload: workload.name)
def test_full_model(timed: Callable[..., None], workload: Workload) -> None:
    count = events(workload)

    def run() -> dict[str, int]:
        result = simulate(cluster(workload))
        summarize(result)
        return {"events": count, "pulls": len(result.pulls), "layers": len(result.layers)}

    timed("model", run)
