"""What the compiler learns from: the reference workloads, and what they do not have.

`hatch_build.py` runs it with modules that count which ways through the code are taken.
"""

from __future__ import annotations

from benchmarks.workloads.full_model import cluster
from benchmarks.workloads.workload import parse
from pullsim.compiled import compiled
from pullsim.run import simulate

WORKLOADS = ("W20", "J100", "F20", "U20")


def main() -> None:
    """Run them. Raises RuntimeError if it would count nothing."""
    if not compiled():
        raise RuntimeError("the modules that should count are not compiled")
    for text in WORKLOADS:
        simulate(cluster(parse(text)))


if __name__ == "__main__":
    main()
