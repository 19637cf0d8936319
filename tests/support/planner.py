"""A planner at the command line: asks one command, and counts in tables of plain runs whether its answer is true."""

from __future__ import annotations

import io
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
import pandas as pd

from pullsim.cli import main

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data" / "questions"
SCENARIOS = ROOT / "scenarios"


class Answer(NamedTuple):
    """What a command printed, white space and line breaks as single spaces, and its exit code."""

    text: str
    exit_code: int
    lines: tuple[str, ...]


@cache
def ask(*arguments: object) -> Answer:
    """Run ``pullsim`` with these arguments, in this process: the real command line without the start of Python."""
    out, err = io.StringIO(), io.StringIO()
    code: int | str | None = 0
    with patch.object(sys, "argv", ["pullsim", *map(str, arguments)]), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as exited:
            code = exited.code
    text = out.getvalue() + err.getvalue()
    return Answer(" ".join(text.split()), int(code or 0), tuple(text.splitlines()))


class Tables(NamedTuple):
    """The tables of one plain run."""

    pods: pd.DataFrame
    pulls: pd.DataFrame
    layers: pd.DataFrame


@cache
def tables(scenario: Path, *overrides: str) -> Tables:
    """Run a scenario with ``--out`` and read its CSV files with pandas."""
    with tempfile.TemporaryDirectory() as directory:
        options = [word for text in overrides for word in ("--set", text)]
        done = ask("run", scenario, *options, "--out", directory, "--no-charts", "--quiet")
        assert done.exit_code == 0, done.text
        return Tables(*(pd.read_csv(Path(directory, f"{name}.csv"), low_memory=False) for name in Tables._fields))


def starts(pods: pd.DataFrame) -> pd.Series:
    """Return the seconds until the start of the pods that somebody waits for, infinite for those that never started."""
    waited = pods[~pods["withdrawn"]]
    return waited["until_start_s"].where(waited["started"], np.inf)


def percentile(seconds: pd.Series, share: float) -> float:
    """Return the smallest of the values that so large a share of them is not above."""
    ordered = np.sort(seconds.to_numpy())
    return float(ordered[int(np.ceil(round(share * len(ordered), 9))) - 1])


def p99(scenario: Path, *overrides: str) -> float:
    """Return the 99th percentile of the starts in a plain run."""
    return percentile(starts(tables(scenario, *overrides).pods), 0.99)
