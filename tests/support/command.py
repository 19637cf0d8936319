"""Runs the command line as its users do: in a process of its own, or, a second faster, in this one."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from pullsim.cli import main

ROOT = Path(__file__).resolve().parents[2]
_UNSET = ("FORCE_COLOR", "COLUMNS", "PULLSIM_DEBUG")
ENVIRONMENT = {
    **{key: value for key, value in os.environ.items() if key not in _UNSET},
    "PYTHONPATH": str(ROOT),
    "PYTHONWARNINGS": "error",
    "PYTHONIOENCODING": "utf-8",
    "TERMINAL_WIDTH": "100",
}


def pullsim(*arguments, cwd=None, env=None):
    """Run the command line in this process, and return what it prints and its exit code."""
    words = ["pullsim", *map(str, arguments)]
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patched, redirect_stdout(out), redirect_stderr(err):
        if cwd is not None:
            patched.chdir(cwd)
        for name in _UNSET:
            patched.delenv(name, raising=False)
        for name, value in (env or {}).items():
            patched.setenv(name, value)
        patched.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as exited:
            main()
    return subprocess.CompletedProcess(words, exited.value.code or 0, out.getvalue(), err.getvalue())


def process(*arguments, cwd=None, env=None, **options):
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


@contextmanager
def start(*arguments, **options):
    """Run ``python -m pullsim`` beside this process, which ends it where the test fails."""
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "pullsim", *map(str, arguments)],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        **options,
    ) as process:
        try:
            yield process
        except BaseException:  # it would be waited for
            process.kill()
            raise


def wait_for(condition, seconds=60.0):
    """Wait for something that another process does; no test depends on how long it takes."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)
