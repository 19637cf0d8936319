"""What swarms cost: `python -m benchmarks.speed.swarms [HOSTS ...]`; CPU time of a swarm by itself.

So many hosts fetch 3 GB in two layers from warm origins, by Kraken with 300 MB/s each way.
"""

from __future__ import annotations

import sys

from benchmarks.fidelity.levers.kraken import BLOBS, SIZE, SPEC
from benchmarks.workloads.swarm import kraken


def main(sizes: list[int]) -> None:
    """Measure, and print it as Markdown."""
    print("| hosts | CPU s | steps | median | last |\n|---|---|---|---|---|")
    for hosts in sizes:
        found = kraken(hosts, SPEC, SIZE, BLOBS)
        seconds = found.seconds
        print(
            f"| {hosts} | {found.cpu:.1f} | {found.steps} | {seconds[len(seconds) // 2]:.1f} s | {seconds[-1]:.1f} s |",
            flush=True,
        )


if __name__ == "__main__":
    main([int(text) for text in sys.argv[1:]] or [30, 300, 1000, 2600])
