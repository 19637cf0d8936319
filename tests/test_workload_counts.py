"""The reference workloads do exactly the work that they did: simulated events, settles and records, and their outcome.

Update a number only together with the change of the model that moved it, and say why in the commit.
"""

from __future__ import annotations

import pytest

from benchmarks.workloads.full_model import cluster
from benchmarks.workloads.workload import Workload, make_f, make_j, make_w
from pullsim.cluster.cluster import Cluster
from pullsim.results.invariants import check
from pullsim.run import Result, ResultRecorder


@pytest.mark.parametrize(
    ("workload", "events", "settles", "pulls", "layers", "kubelet_events", "end"),
    [
        (make_w(10), 10_376, 2020, 175, 702, 775, 17.459359112510118),
        (make_w(100), 92_093, 19_798, 1985, 6879, 7985, 53.601744613214734),
        (make_f(100), 7034, 24, 100, 1000, 400, 41.049936232),
        (make_j(100), 10_191, 2400, 100, 1000, 400, 42.42934077216894),
    ],
    ids=lambda value: value.name if isinstance(value, Workload) else None,
)
def test_counts(
    workload: Workload, events: int, settles: int, pulls: int, layers: int, kubelet_events: int, end: float
) -> None:
    spec = cluster(workload)
    pools = {node.name: node.spec.pool for node in spec.nodes}
    result = Result(workload.name, spec.seed, "", 0.0, "", tuple(pools), pools, "layers")
    world = Cluster(spec, ResultRecorder(result))
    result.end, result.ended = world.run()
    assert check(result) == []
    counted = (world.env.scheduled, world.network.settles, len(result.pulls), len(result.layers), len(result.events))
    assert counted == (events, settles, pulls, layers, kubelet_events)
    assert result.end == pytest.approx(end, rel=1e-9)
    assert len(result.pods) == sum(map(len, workload.pods))
    assert all(pod.started is not None for pod in result.pods)
    assert sum(layer.source != "local" for layer in result.layers) == workload.flows()
