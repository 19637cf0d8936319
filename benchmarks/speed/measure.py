"""One measurement, in a process of its own: `python -m benchmarks.speed.measure PROGRAM WORKLOAD` prints JSON."""

from __future__ import annotations

import json
import math
import resource
import sys
import tempfile
import time
from array import array
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.peers import naive
from benchmarks.speed import baseline
from benchmarks.workloads.full_model import cluster
from benchmarks.workloads.node_model import over
from benchmarks.workloads.node_model import simulate as simulate_nodes
from benchmarks.workloads.workload import Workload, make_w, parse
from pullsim.network.network import Network
from pullsim.results.summary.summary import summarize
from pullsim.rows import values
from pullsim.run import simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Measured(NamedTuple):
    """What one run cost, and when its last pod was ready."""

    cpu: float  # seconds
    rss: float  # peak of the process, MB
    end: float  # simulated seconds
    sum: float  # of the times at which pods were ready


def full(workload: Workload) -> Iterable[float]:
    """The whole model, all records kept, and its summary; return when the pods were ready, as the others do."""
    spec = cluster(workload)
    del workload  # a tuple for each pod, which is the benchmark's and not the model's
    result = simulate(spec)
    summarize(result)
    return [started or 0.0 for started in values(result.pods, "started")]


def streamed(workload: Workload) -> Iterable[float]:
    """The whole model; the rows of pods go to the disk, and from there into the summary and a Parquet file."""
    from pullsim.results.parquet import write_parquet  # noqa: PLC0415  pyarrow, which the others do without
    from pullsim.results.tables import POD_TABLE  # noqa: PLC0415

    with tempfile.TemporaryDirectory(dir=Path.cwd()) as directory:
        result = simulate(cluster(workload), detail="pods", scratch=Path(directory))
        summarize(result)
        with Path(directory, "pods.parquet").open("wb") as file:
            write_parquet(POD_TABLE, result, file)
        return array("d", (started or 0.0 for started in values(result.pods, "started")))


def network(workload: Workload) -> Iterable[float]:
    """The model's network and servers under the bare node."""
    return chain(*simulate_nodes(workload, over(Network, workload)).ready)


def ruler(workload: Workload) -> Iterable[float]:
    """The ruler."""
    return chain(*baseline.simulate(workload))


def plain(workload: Workload) -> Iterable[float]:
    """The ruler's pulls over the naive network."""
    return chain(*baseline.simulate(workload, naive.Network, naive.Disk))


PROGRAMS: dict[str, Callable[[Workload], Iterable[float]]] = {
    "full": full,
    "streamed": streamed,
    "network": network,
    "baseline": ruler,
    "naive": plain,
}


def measure(program: Callable[[Workload], Iterable[float]], workloads: list[Workload]) -> Measured:
    """Run the last workload, which is taken off the list, after a small run that fills the interpreter's caches."""
    program(make_w(3))
    before = time.process_time()
    ready = program(workloads.pop())
    cpu = time.process_time() - before
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    times = list(ready)
    return Measured(cpu, memory, max(times), math.fsum(times))


if __name__ == "__main__":
    name, text = sys.argv[1:]
    print(json.dumps(measure(PROGRAMS[name], [parse(text)])._asdict()))
