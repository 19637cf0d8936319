"""Mutated inputs through every door of the command line: `python -m tests.fuzz --n 20000 --seed 1`.

Reports tracebacks, hangs, peaks of memory, exit codes that are not promised, messages that are too long or would act on
a terminal, and files that are lost or left. The same seed makes the same inputs; those that fail are kept in ``--keep``
with their commands, and ``--only N`` runs one again.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import sys
import time
from collections import Counter
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.case import make
from tests.fuzz.doors import doors
from tests.fuzz.trial import ASLEEP, SECONDS, confine, trial

_MERCY = 10.0  # seconds after which a worker is ended that does not come to itself


class Worker(NamedTuple):
    """A process that runs inputs, and the pipe to it."""

    process: multiprocessing.process.BaseProcess
    pipe: Connection


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--n", type=int, default=500, help="inputs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=int, default=0, help="number of the first input")
    parser.add_argument("--only", type=int, help="this input alone, in this process")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"), help="directory for inputs that fail")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    doors()  # made once, before the workers are forked
    if arguments.only is not None:
        found = trial(make(arguments.seed, arguments.only), seconds=3600)
        print("\n".join(found) or "all is well")
        return bool(found)
    begun, kinds = time.monotonic(), Counter[str]()
    for number, found in run(arguments.seed, arguments.start, arguments.n, arguments.processes):
        for text in found:
            kinds[_kind(text)] += 1
            if kinds[_kind(text)] <= 3:
                make(arguments.seed, number).save(arguments.keep / f"{arguments.seed}-{number}", text)
                print(f"{number}: {text[-1500:]}\n", flush=True)
    took = time.monotonic() - begun
    print(f"{arguments.n:,} inputs in {took:,.0f} s: {sum(kinds.values())} findings of {len(kinds)} kinds")
    for kind, count in kinds.most_common():
        print(f"{count:>6} {kind}")
    return bool(kinds)


def run(seed: int, start: int, count: int, processes: int):
    """Yield the number of each input that fails, and what is wrong with it."""
    context = multiprocessing.get_context("fork")
    left = iter(range(start, start + count))
    busy: dict[Connection, tuple[Worker, int, float]] = {}
    idle: list[Worker] = []

    def give(worker: Worker) -> None:
        number = next(left, None)
        worker.pipe.send(number)
        if number is None:
            idle.append(worker)
        else:
            busy[worker.pipe] = worker, number, time.monotonic()

    def hire() -> Worker:
        here, there = context.Pipe()
        process = context.Process(target=_work, args=(there, seed))  # no daemon, which could have no children
        process.start()
        there.close()
        return Worker(process, here)

    try:
        for _ in range(processes):
            give(hire())
        while busy:
            for pipe in wait(list(busy), timeout=1.0):
                worker, number, _ = busy.pop(pipe)
                try:
                    found = pipe.recv()
                except EOFError:
                    worker.process.join()
                    found, worker = [f"the process ended with {worker.process.exitcode}"], hire()
                if found:
                    yield number, found
                give(worker)
            for pipe, (worker, number, since) in list(busy.items()):
                if time.monotonic() - since > ASLEEP * SECONDS + _MERCY:
                    worker.process.kill()
                    del busy[pipe]
                    yield number, ["hang: nothing ends it"]
                    give(hire())
        for worker in idle:
            worker.process.join()
    finally:
        for worker in (*idle, *(each for each, _, _ in busy.values())):
            worker.process.kill()


def _work(pipe: Connection, seed: int) -> None:
    confine()
    parent = os.getppid()
    while os.getppid() == parent:  # a parent that is killed says nothing
        if pipe.poll(1.0):
            number = pipe.recv()
            if number is None:
                return
            pipe.send(trial(make(seed, number)))


def _kind(text: str) -> str:
    """Tell findings apart by their last line, numbers and names left out, and the line of code of a traceback."""
    place = re.findall(r'File "[^"]*/(pullsim/[^"]+)", line (\d+)', text)
    last = next((line for line in reversed(text.splitlines()) if "report it" not in line), "")
    where = f"{place[-1][0]}:{place[-1][1]} " if place else ""
    return where + re.sub(r"\d+|'[^']*'|\"[^\"]*\"", "…", last)[:100]


if __name__ == "__main__":
    sys.exit(main())
