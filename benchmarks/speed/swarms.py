"""What swarms cost: `python -m benchmarks.speed.swarms [--exact] [HOSTS ...]`; CPU time of a swarm by itself.

So many hosts fetch 3 GB in two layers from warm origins, by Kraken with 300 MB/s each way. With `--exact` they fetch
500 MB in five layers, by steps and with each piece an event, which says what an error the steps make.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from typing import Final

from benchmarks.fidelity.levers.kraken import BLOBS, SIZE, SPEC
from benchmarks.workloads.swarm import Swarmed, kraken

SMALL_SIZE, SMALL_BLOBS = 500_000_000, 5
_SHARES: Final = (0.5, 0.99, 1.0)  # of the hosts


def ends(found: Swarmed) -> list[float]:
    """Return the seconds after which half of the hosts, 99 % of them, and all have the image."""
    return [found.seconds[math.ceil(share * len(found.seconds)) - 1] for share in _SHARES]


def costs(sizes: list[int]) -> None:
    """Measure what steps cost, and print it as Markdown."""
    print("| hosts | CPU s | steps | median | last |\n|---|---|---|---|---|")
    for hosts in sizes:
        found = kraken(hosts, SPEC, SIZE, BLOBS)
        half, _, last = ends(found)
        print(f"| {hosts} | {found.cpu:.1f} | {found.steps} | {half:.1f} s | {last:.1f} s |", flush=True)


def errors(sizes: list[int]) -> None:
    """Compare steps with what is exact, and print it as Markdown."""
    print("| hosts | CPU s, exact | by steps | p50, exact | by steps | p99 | by steps | last | by steps |")
    print("|---|---|---|---|---|---|---|---|---|")
    for hosts in sizes:
        exact, steps = (kraken(hosts, replace(SPEC, tick=tick), SMALL_SIZE, SMALL_BLOBS) for tick in (0.0, SPEC.tick))
        cells = [
            f"{true:.2f} s | {found / true - 1:+.1%}" for true, found in zip(ends(exact), ends(steps), strict=True)
        ]
        print(f"| {hosts} | {exact.cpu:.1f} | {steps.cpu:.1f} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Read the command line, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("hosts", nargs="*", type=int)
    parser.add_argument("--exact", action="store_true")
    given = parser.parse_args()
    if given.exact:
        errors(given.hosts or [20, 50, 100, 200])
    else:
        costs(given.hosts or [30, 300, 1000, 2600])


if __name__ == "__main__":
    main()
