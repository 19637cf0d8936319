"""What share of a run placing its pods takes: `python -m benchmarks.speed.share [WORKLOAD ...] [--detail DETAIL]`.

The workloads are those whose pods the scheduler places, such as U500. Placing is the choice of a node for each pod,
with the reservation of what the pod asks for, and keeping the images in the status of the nodes. It is measured in the
run itself, in CPU time, because it is there that its data has left the processor's cache. Exits with 1 if a workload
with a target misses it.
"""

from __future__ import annotations

import argparse
import sys
import time
from functools import wraps
from typing import TYPE_CHECKING, Any

from benchmarks.workloads.full_model import cluster
from benchmarks.workloads.workload import make_u, parse
from pullsim.cluster.scheduler.node_images import NodeImages
from pullsim.cluster.scheduler.placement import Placement
from pullsim.compiled import compiled
from pullsim.run import DETAILS, simulate

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT = ("U100", "U500")
MOST = {"U5000": 0.10}  # of the run
PARTS = (
    (Placement, ("choose", "waits_for_pods", "join", "ended", "leave")),
    (NodeImages, ("changed", "publish")),
)


class Stopwatch:
    """Sums the CPU seconds that functions take; one that another of them calls is part of that."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._runs = False

    def time(self, of: type, name: str) -> None:
        """Replace a method of a class by one that is timed."""
        method: Callable[..., Any] = getattr(of, name)

        @wraps(method)
        def timed(*args: Any, **named: Any) -> Any:
            if self._runs:
                return method(*args, **named)
            self._runs = True
            start = time.thread_time()
            try:
                return method(*args, **named)
            finally:
                self.seconds += time.thread_time() - start
                self._runs = False

        setattr(of, name, timed)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.share", description=__doc__)
    parser.add_argument("workloads", nargs="*", default=DEFAULT, help="such as U100, U500 or U5000")
    parser.add_argument("--detail", choices=DETAILS, default="pods", help="what the run keeps (default: pods)")
    arguments = parser.parse_args()
    stopwatch = Stopwatch()
    for of, names in PARTS:
        for name in names:
            stopwatch.time(of, name)
    simulate(cluster(make_u(3)))
    print(f"pullsim is {'compiled' if compiled() else 'interpreted'}\n")
    print("| workload | detail | pods | CPU s | placing | us a pod | share | at most | |")
    print("|---|---|---|---|---|---|---|---|---|")
    missed = 0
    for workload in arguments.workloads:
        spec = cluster(parse(workload))
        stopwatch.seconds = 0.0
        start = time.process_time()
        simulate(spec, detail=arguments.detail)
        cpu, placing, pods = time.process_time() - start, stopwatch.seconds, len(spec.pods)
        share, most = placing / cpu, MOST.get(workload)
        missed += most is not None and share > most
        judged = "| |" if most is None else f"{most:.0%} | {'pass' if share <= most else 'MISSED'} |"
        print(
            f"| {workload} | {arguments.detail} | {pods:,} | {cpu:.3g} | {placing:.3g} | {placing / pods * 1e6:.0f} "
            f"| {share:.1%} | {judged}",
            flush=True,
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
