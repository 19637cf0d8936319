"""The full model keeps its distance from the ruler, a bare simulation of the same workload in the same process.

Both take turns and the least CPU time counts, so a busy machine hardly matters; the limit is twice what was measured.
`python -m benchmarks.speed` measures properly.
"""

from __future__ import annotations

import time

import pytest

from benchmarks.speed import baseline
from benchmarks.workloads.full_model import cluster
from benchmarks.workloads.workload import make_w
from pullsim.results.summary.summary import summarize
from pullsim.run import simulate

LIMIT = 10.4  # 5.2 measured at W(20)


def cpu(work):
    before = time.process_time()
    work()
    return time.process_time() - before


def test_cpu_time_of_the_full_model_to_that_of_the_ruler():
    workload = make_w(20)
    full, ruler = [], []
    for _ in range(4):  # the first of each fills the interpreter's caches
        ruler.append(cpu(lambda: baseline.simulate(workload)))
        full.append(cpu(lambda: summarize(simulate(cluster(workload)))))
    assert min(full) < LIMIT * min(ruler)


def test_the_ruler_is_exact():
    """A ruler that does less than it should measures nothing: its times are those of independent solvers."""
    ready = baseline.simulate(make_w(10))
    assert max(map(max, ready)) == pytest.approx(17.537539039310, rel=1e-9)
    assert sum(map(sum, ready)) == pytest.approx(1710.779267158051, rel=1e-9)
