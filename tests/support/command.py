"""Runs the command line as its users do: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {
    **{key: value for key, value in os.environ.items() if key not in ("FORCE_COLOR", "COLUMNS", "PULLSIM_DEBUG")},
    "PYTHONPATH": str(ROOT),
    "PYTHONWARNINGS": "error",
    "PYTHONIOENCODING": "utf-8",
    "TERMINAL_WIDTH": "100",
}


def pullsim(*arguments, cwd=None, env=None, **options):
    """Run ``python -m pullsim`` and return the completed process with its texts."""
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "pullsim", *map(str, arguments)],
        cwd=cwd,
        env={**ENVIRONMENT, **(env or {})},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        **options,
    )


def python(code, *, env=None):
    """Run a snippet in an interpreter of its own."""
    return subprocess.run(  # noqa: S603
        [sys.executable, "-c", code],
        env={**ENVIRONMENT, **(env or {})},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
