"""pullsim beside others on the same workloads: `python -m benchmarks.peers W10 W30 … [--out DIR]`.

naive SimPy, SimGrid (C++, Debian's libsimgrid-dev and g++), the ruler, pullsim's network under the bare node, and the
full model, in turns, each run in a process of its own, the least CPU time of several. A program that needed more CPU
time than the limit is not asked for more of that family. Where the models are equal (all but the full one) the
finishing times have to agree within 1e-6. Writes peers.json and peers.svg, and prints the table of the README.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from benchmarks.peers.chart import draw
from benchmarks.peers.workload_file import text
from benchmarks.workloads.workload import parse

HERE = Path(__file__).parent
WORKLOADS = ("W10", "W30", "W100", "W300", "W1000", "J10", "J30", "J100", "J1000", "J10000", "F10", "F100", "F1000")
PROGRAMS = ("naive", "simgrid", "baseline", "network", "full")
EQUAL = ("naive", "simgrid", "baseline", "network")
AGREE = 1e-6  # relative
TICK = 0.01  # seconds of CPU time; the clock of some machines ticks in thousandths, and less is noise
# Max-min sharing without TCP's overheads, small stacks for its actors.
SIMGRID = (
    "--cfg=network/model:CM02",
    "--cfg=network/TCP-gamma:0",
    "--cfg=network/crosstraffic:no",
    "--cfg=contexts/stack-size:32",
    "--cfg=contexts/guard-size:0",
    "--log=root.threshold:error",
)


class Run(NamedTuple):
    """CPU seconds, MB, when the last pod was ready, and the sum of all ready times (simulated seconds)."""

    cpu: float
    rss: float
    end: float
    sum: float


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("workloads", nargs="*", default=WORKLOADS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=60.0, help="CPU seconds after which a program is left out")
    parser.add_argument("--out", type=Path, default=HERE)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        simgrid = Path(directory) / "simgrid"
        compile_ = ["g++", "-O2", "-std=c++17", str(HERE / "simgrid.cpp"), "-lsimgrid", "-o", str(simgrid)]
        subprocess.run(compile_, check=True)  # noqa: S603  # our own program
        table = measure(arguments.workloads, arguments.rounds, arguments.limit, simgrid)
    (arguments.out / "peers.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    draw(table, arguments.out / "peers.svg")
    print(markdown(table))
    return 1 if disagree(table) else 0


def measure(workloads: list[str], rounds: int, limit: float, simgrid: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Return the best run of each program by workload."""
    table: dict[str, dict[str, dict[str, float]]] = {}
    slow: set[tuple[str, str]] = set()  # (family, program) past the limit
    for name in workloads:
        file = simgrid.with_name(f"{name}.txt")
        file.write_text(text(parse(name)), encoding="ascii")
        best: dict[str, Run] = {}
        for _ in range(rounds):
            for program in PROGRAMS:
                if (name[0], program) in slow:
                    continue
                run = once(program, name, simgrid, file, limit)
                if run is None:
                    slow.add((name[0], program))
                elif program not in best or run.cpu < best[program].cpu:
                    best[program] = run
        table[name] = {program: run._asdict() for program, run in best.items()}
        print(name, {program: round(run.cpu, 3) for program, run in best.items()}, file=sys.stderr, flush=True)
    return table


def once(program: str, workload: str, simgrid: Path, file: Path, limit: float) -> Run | None:
    """Run once; None: it took more CPU time than the limit."""
    command = [sys.executable, "-m", "benchmarks.speed.measure", program, workload]
    if program == "simgrid":
        command = [str(simgrid), str(file), *SIMGRID]
    limited = ["bash", "-c", f'ulimit -t {int(limit)}; exec "$@"', "bash", *command]
    done = subprocess.run(limited, check=False, capture_output=True, text=True)  # noqa: S603  # our own programs
    return Run(**json.loads(done.stdout)) if done.returncode == 0 else None


def disagree(table: dict[str, dict[str, dict[str, float]]]) -> list[str]:
    """Return the workloads whose finishing times differ between programs of one model."""
    wrong = []
    for name, runs in table.items():
        for key in ("end", "sum"):
            values = [runs[program][key] for program in EQUAL if program in runs]
            if max(values) - min(values) > AGREE * max(values):
                wrong.append(name)
    return wrong


def markdown(table: dict[str, dict[str, dict[str, float]]]) -> str:
    """Return the table of the README: CPU seconds and peak MB."""
    lines = ["| workload | " + " | ".join(PROGRAMS) + " | ends agree |", "|---" * (len(PROGRAMS) + 2) + "|"]
    wrong = disagree(table)
    for name, runs in table.items():
        cells = [_cell(runs[p]) if p in runs else "-" for p in PROGRAMS]
        lines.append(f"| {name} | {' | '.join(cells)} | {'no' if name in wrong else 'yes'} |")
    return "\n".join(lines)


def _cell(run: dict[str, float]) -> str:
    seconds = f"{run['cpu']:.3g} s" if run["cpu"] >= TICK else f"< {TICK:g} s"
    return f"{seconds}, {run['rss']:.0f} MB"


if __name__ == "__main__":
    sys.exit(main())
