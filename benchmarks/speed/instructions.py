"""Instructions and cache misses of the full model, which unlike seconds are about the same on every machine.

`python -m benchmarks.speed.instructions` counts them with valgrind's cachegrind, which simulates the caches of one
processor, and exits with 1 if a workload takes more than it did (`instructions.json`) by `TOLERANCE`; --update writes
what it takes now. The counts are those of one run: a process that makes two, less one that makes one. They are those of
a version of Python, compiled or not; for others nothing is known, and nothing fails.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.workloads.full_model import cluster
from benchmarks.workloads.workload import make_w, parse
from pullsim.compiled import compiled
from pullsim.run import simulate

DEFAULT: Final = ("W20", "J100")
DETAIL: Final = "layers"
TOLERANCE: Final = 0.03
_KNOWN: Final = Path(__file__).with_suffix(".json")
#: The caches that are simulated: bytes, ways, bytes a line. The last one is a core's share of a server's.
_CACHES: Final = ("--D1=32768,8,64", "--I1=32768,8,64", "--LL=4194304,16,64")
_COUNT: Final = re.compile(r"(I\s+refs|D1\s+misses|LLd?\s+misses):\s+([\d,]+)")


class Counted(NamedTuple):
    """What one run takes, in millions."""

    instructions: float
    d1_misses: float  # of data, in the first cache
    ll_misses: float  # in the last cache: what memory is asked for


def count(workload: str) -> Counted:
    """Count what one run takes. Raises CalledProcessError if valgrind or the run fails."""
    once, twice = (_valgrind(workload, runs) for runs in (1, 2))
    return Counted(*(round((more - less) / 1e6, 2) for more, less in zip(twice, once, strict=True)))


def _valgrind(workload: str, runs: int) -> tuple[int, int, int]:
    with tempfile.TemporaryDirectory() as directory:
        command = [
            *("valgrind", "--tool=cachegrind", "--cache-sim=yes", f"--cachegrind-out-file={directory}/out", *_CACHES),
            *(sys.executable, "-m", "benchmarks.speed.instructions", "--run", str(runs), workload),
        ]
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)  # noqa: S603
    found = {name.split()[0]: int(number.replace(",", "")) for name, number in _COUNT.findall(done.stderr)}
    return found["I"], found["D1"], found["LL"]


def _run(workload: str, runs: int) -> None:
    """Run it so many times, after a small run that fills the caches of the interpreter."""
    for text in (None, *[workload] * runs):
        simulate(cluster(make_w(3) if text is None else parse(text)), detail=DETAIL)


def _version() -> str:
    return f"CPython {platform.python_version()}, {'compiled' if compiled() else 'interpreted'}"


def main() -> int:
    """Count, print a table, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.instructions", description=__doc__)
    parser.add_argument("workloads", nargs="*", default=DEFAULT, help="such as W20 or J100")
    parser.add_argument("--update", action="store_true", help="write what they take now")
    parser.add_argument("--run", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run is not None:
        _run(arguments.workloads[0], arguments.run)
        return 0
    if shutil.which("valgrind") is None:
        print("valgrind is not installed: nothing is counted")
        return 0
    known = json.loads(_KNOWN.read_text(encoding="utf-8"))
    of_version = known.setdefault(_version(), {})
    more = []
    print(f"{_version()}; millions, and what was before\n\n| workload | instructions | D1 misses | LL misses | |")
    print("|---|---|---|---|---|")
    for workload in arguments.workloads:
        now, before = count(workload), of_version.get(workload)
        held = before is None or now.instructions <= before["instructions"] * (1 + TOLERANCE)
        if not held:
            more.append(workload)
        cells = [
            f"{value:,.2f} ({'-' if before is None else format(before[name], ',.2f')})"
            for name, value in now._asdict().items()
        ]
        print(
            f"| {workload} | {' | '.join(cells)} | {'unknown' if before is None else 'pass' if held else 'MORE'} |",
            flush=True,
        )
        of_version[workload] = now._asdict()
    if arguments.update:
        _KNOWN.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        return 0
    return 1 if more else 0


if __name__ == "__main__":
    sys.exit(main())
