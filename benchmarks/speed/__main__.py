"""CPU time and memory of the full model beside the ruler's: `python -m benchmarks.speed W100 W1000 J10000 …`.

`--program streamed W50000 --rounds 1` is a million pods, whose rows go to the disk.

Each run has a process of its own, the programs take turns, the least CPU time of several counts: so a busy machine
disturbs little. Exits with 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
from typing import NamedTuple

from benchmarks.speed.measure import PROGRAMS, Measured
from pullsim.compiled import compiled

DEFAULT = ("W100", "W1000", "J10000")


class Target(NamedTuple):
    """What a workload may cost, at most."""

    ratio: float  # CPU to the ruler's
    cpu: float  # seconds
    rss: float  # MB


TARGETS = {
    "W100": Target(1.5, 1.0, 120),
    "W1000": Target(1.8, 12.0, 300),
    "W5000": Target(1.8, 70.0, 600),
    "J10000": Target(2.0, 12.0, 500),
}
#: A million pods with `--program streamed`, which is not in the ordinary run: it takes minutes.
STREAMED = {"W50000": Target(math.inf, 360.0, 6144)}
GROWTH = 1.15  # W(1000) / W(100), at most so many times the ruler's


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("workloads", nargs="*", default=DEFAULT, help="such as W100, W100,20,5, F1000 or J10000")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each, of which the best counts")
    parser.add_argument("--program", action="append", choices=PROGRAMS, help="full and baseline unless given")
    arguments = parser.parse_args()
    programs = arguments.program or ["baseline", "full"]
    table: dict[str, dict[str, Measured]] = {}
    missed = []
    print(f"pullsim is {'compiled' if compiled() else 'interpreted: the targets are for `make compiled`'}\n")
    print("| workload | program | CPU s | ratio | at most | CPU at most | peak MB | at most | |")
    print("|---|---|---|---|---|---|---|---|---|")
    for workload in arguments.workloads:
        runs: dict[str, list[Measured]] = {program: [] for program in programs}
        for _ in range(arguments.rounds):
            for program in programs:
                runs[program].append(run(program, workload))
        best = table[workload] = {
            program: Measured(min(run.cpu for run in each), min(run.rss for run in each), *each[0][2:])
            for program, each in runs.items()
        }
        missed += [workload for program in programs if not report(workload, program, best)]
    if {"W100", "W1000"} <= table.keys() and {"full", "baseline"} <= set(programs):
        full, ruler = (table["W1000"][name].cpu / table["W100"][name].cpu for name in ("full", "baseline"))
        held = full <= GROWTH * ruler
        print(f"\ngrowth W1000/W100: full {full:.1f}, baseline {ruler:.1f}, quotient {full / ruler:.2f}", end=" ")
        print(f"(at most {GROWTH}): {'pass' if held else 'MISSED'}")
        missed += [] if held else ["growth"]
    return 1 if missed else 0


def report(workload: str, program: str, best: dict[str, Measured]) -> bool:
    """Print a line; tell whether the targets hold."""
    cpu, rss = best[program][:2]
    ratio = cpu / best["baseline"].cpu if "baseline" in best else None
    shown = "" if ratio is None else f"{ratio:.2f}"
    target = {"full": TARGETS, "streamed": STREAMED}.get(program, {}).get(workload)
    if target is None:
        print(f"| {workload} | {program} | {cpu:.3f} | {shown} | | | {rss:.0f} | | |", flush=True)
        return True
    held = (ratio is None or ratio <= target.ratio) and cpu <= target.cpu and rss <= target.rss
    print(
        f"| {workload} | {program} | {cpu:.3f} | {shown} | {target.ratio:g} | {target.cpu:g} | {rss:.0f} "
        f"| {target.rss:g} | {'pass' if held else 'MISSED'} |",
        flush=True,
    )
    return held


def run(program: str, workload: str) -> Measured:
    command = [sys.executable, "-m", "benchmarks.speed.measure", program, workload]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  # it is this program
    return Measured(**json.loads(done.stdout))


if __name__ == "__main__":
    sys.exit(main())
