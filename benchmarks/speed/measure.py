"""One measurement, in a process of its own: `python -m benchmarks.speed.measure PROGRAM WORKLOAD` prints JSON."""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.speed import baseline
from benchmarks.workloads.full_model import cluster
from benchmarks.workloads.node_model import over
from benchmarks.workloads.node_model import simulate as simulate_nodes
from benchmarks.workloads.workload import Workload, make_w, parse
from pullsim.engine.sharing import Network
from pullsim.results.summary import summarize
from pullsim.run import simulate

if TYPE_CHECKING:
    from collections.abc import Callable


class Measured(NamedTuple):
    """What one run cost, and when its last pod was ready."""

    cpu: float  # seconds
    rss: float  # peak of the process, MB
    end: float  # simulated seconds


def full(workload: Workload) -> float:
    """The whole model, all records kept, and its summary."""
    result = simulate(cluster(workload))
    summarize(result)
    return max(pod.started or 0.0 for pod in result.pods)


def network(workload: Workload) -> float:
    """The model's network and disks under the bare node."""
    return max(map(max, simulate_nodes(workload, over(Network, workload)).ready))


def ruler(workload: Workload) -> float:
    """The ruler."""
    return max(map(max, baseline.simulate(workload)))


PROGRAMS: dict[str, Callable[[Workload], float]] = {"full": full, "network": network, "baseline": ruler}


def measure(program: Callable[[Workload], float], workload: Workload) -> Measured:
    """Run once, after a small run that fills the caches of the interpreter."""
    program(make_w(10))
    before = time.process_time()
    end = program(workload)
    cpu = time.process_time() - before
    return Measured(cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, end)


if __name__ == "__main__":
    name, text = sys.argv[1:]
    print(json.dumps(measure(PROGRAMS[name], parse(text))._asdict()))
