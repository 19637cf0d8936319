"""What it takes until something can begin, in a fresh interpreter. The modules that it loads are asserted by tests."""

from __future__ import annotations

import resource
import subprocess
import sys
from typing import Any

import pytest


@pytest.mark.parametrize(
    "arguments",
    [
        ["-c", "pass"],
        ["-c", "import pullsim"],
        ["-m", "pullsim", "--help"],
        ["-m", "pullsim", "--version"],
        ["-m", "pullsim", "validate", "scenarios/quickstart.yaml"],
        ["-m", "pullsim", "run", "scenarios/quickstart.yaml", "--quiet"],
    ],
    ids=["python", "import", "help", "version", "validate", "run"],
)
def test_start_up(benchmark: Any, arguments: list[str]) -> None:
    benchmark.group = "start-up"
    cpu: list[float] = []

    def run() -> None:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)  # noqa: S603  # this program
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

    benchmark.pedantic(run, rounds=5, warmup_rounds=1)
    print(f"\nstart-up: {min(cpu):.3f} CPU s for {' '.join(arguments)}")
