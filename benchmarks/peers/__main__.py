"""pullsim beside others on the same workloads: `python -m benchmarks.peers W10 … [--simgrid PREFIX] [--cimba PYTHON]`.

naive SimPy, SimGrid (C++), Cimba (compiled by Numba), the ruler, pullsim's network under the bare node, and the full
model, in turns, each run in a process of its own, the least CPU time of several. What is not installed is left out,
with a sentence that tells how it is had. A program that needed more CPU time than the limit is not asked for more of
that family. Where the models are equal (all but the full one) the finishing times have to agree within 1e-6. Writes
peers.json and peers.svg, and prints the table of the README.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from benchmarks.peers.chart import draw
from benchmarks.peers.programs import Program, find, reason
from benchmarks.peers.workload_file import text
from benchmarks.workloads.workload import parse

HERE = Path(__file__).parent
WORKLOADS = ("W10", "W30", "W100", "W300", "W1000", "J10", "J30", "J100", "J1000", "J10000", "F10", "F100", "F1000")
OTHER_MODEL = "full"
AGREE = 1e-6  # relative
TICK = 0.01  # seconds of CPU time; the clock of some machines ticks in thousandths, and less is noise
OVER_LIMIT = (-signal.SIGXCPU, -signal.SIGKILL)


class Run(NamedTuple):
    """CPU seconds, peak MB, when the last pod was ready and the sum of all ready times (simulated seconds)."""

    cpu: float
    rss: float
    end: float
    sum: float


class Table(NamedTuple):
    """The best run of each program by workload; the programs' versions; what failed, by program and workload."""

    versions: dict[str, str]
    workloads: dict[str, dict[str, dict[str, float]]]
    failed: dict[str, dict[str, str]]


class FailedError(Exception):
    """A program ended with an error, which the message tells."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("workloads", nargs="*", default=WORKLOADS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=60.0, help="CPU seconds after which a program is left out")
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument(
        "--simgrid", type=Path, action="append", help="where a SimGrid is installed, once for each (the compiler's)"
    )
    parser.add_argument("--cimba", default=sys.executable, help="the Python of an environment with cimba (this one)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        programs, absent = find(arguments.simgrid or [None], arguments.cimba, Path(directory))
        print(*absent, sep="\n", file=sys.stderr)
        table = measure(arguments.workloads, programs, arguments.rounds, arguments.limit)
    (arguments.out / "peers.json").write_text(json.dumps(table._asdict(), indent=1) + "\n", encoding="utf-8")
    draw(table.workloads, list(table.versions), arguments.out / "peers.svg")
    print(markdown(table))
    return 1 if disagree(table) else 0


def measure(workloads: list[str], programs: list[Program], rounds: int, limit: float) -> Table:
    """Run each program so many times on each workload, in turns."""
    table = Table({program.name: program.version for program in programs}, {}, {})
    slow: set[tuple[str, str]] = set()  # (family, program) past the limit
    for name in workloads:
        best: dict[str, Run] = {}
        for _ in range(rounds):
            for program in programs:
                if (name[0], program.name) in slow or name in table.failed.get(program.name, ()):
                    continue
                try:
                    run = once(program, name, limit)
                except FailedError as error:
                    table.failed.setdefault(program.name, {})[name] = str(error)
                    continue
                if run is None:
                    slow.add((name[0], program.name))
                elif program.name not in best or run.cpu < best[program.name].cpu:
                    best[program.name] = run
        table.workloads[name] = {program: run._asdict() for program, run in best.items()}
        print(name, {program: round(run.cpu, 3) for program, run in best.items()}, file=sys.stderr, flush=True)
    return table


def once(program: Program, workload: str, limit: float) -> Run | None:
    """Run once; None: it took more CPU time than the limit."""
    with tempfile.NamedTemporaryFile("w", encoding="ascii", suffix=".txt") as file:
        if program.reads_file:
            file.write(text(parse(workload)))
            file.flush()
        command = [*program.command, file.name if program.reads_file else workload]
        limited = ["bash", "-c", f'ulimit -t {int(limit)}; exec "$@"', "bash", *command]
        done = subprocess.run(limited, check=False, capture_output=True, text=True)  # noqa: S603  # our own programs
    if done.returncode in OVER_LIMIT:
        return None
    if done.returncode:
        raise FailedError(reason(done.stderr))
    return Run(**json.loads(done.stdout))


def disagree(table: Table) -> list[str]:
    """Return the workloads whose finishing times differ between programs of one model."""
    wrong = []
    for name, runs in table.workloads.items():
        for key in ("end", "sum"):
            values = [run[key] for program, run in runs.items() if program != OTHER_MODEL]
            if values and max(values) - min(values) > AGREE * max(values) and name not in wrong:
                wrong.append(name)
    return wrong


def markdown(table: Table) -> str:
    """Return the table of the README: CPU seconds and peak MB."""
    lines = ["| workload | " + " | ".join(table.versions) + " | ends agree |", "|---" * (len(table.versions) + 2) + "|"]
    wrong = disagree(table)
    for name, runs in table.workloads.items():
        cells = [
            _cell(runs[program]) if program in runs else "fails" if name in table.failed.get(program, ()) else "-"
            for program in table.versions
        ]
        lines.append(f"| {name} | {' | '.join(cells)} | {'no' if name in wrong else 'yes'} |")
    failed = [(program, name, why) for program, names in table.failed.items() for name, why in names.items()]
    lines += ["", *(f"{program} fails in {name}: {why}" for program, name, why in failed)]
    lines += [f"{program}: {version}" for program, version in table.versions.items() if version != program]
    return "\n".join(lines)


def _cell(run: dict[str, float]) -> str:
    seconds = f"{run['cpu']:.3g} s" if run["cpu"] >= TICK else f"< {TICK:g} s"
    return f"{seconds}, {run['rss']:.0f} MB"


if __name__ == "__main__":
    sys.exit(main())
