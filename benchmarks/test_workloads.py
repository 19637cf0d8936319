"""Time of the reference workloads: `make bench`. Their counts are asserted by the ordinary tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.workloads.full_model import cluster
from benchmarks.workloads.workload import make_j, make_w
from pullsim.results.summary import summarize
from pullsim.run import Result, simulate

if TYPE_CHECKING:
    from benchmarks.workloads.workload import Workload


def run(workload: Workload) -> Result:
    result = simulate(cluster(workload))
    summarize(result)
    return result


@pytest.mark.parametrize("workload", [make_w(100), make_j(1000)], ids=lambda workload: workload.name)
def test_full_model(benchmark: Any, workload: Workload) -> None:
    benchmark.group = "scenario"
    result = benchmark.pedantic(run, (workload,), rounds=3, warmup_rounds=1)
    seconds = benchmark.stats.stats.min
    print(
        f"\n{workload.name}: {len(result.pulls) / seconds:,.0f} pulls/s, {len(result.layers) / seconds:,.0f} layers/s"
    )
