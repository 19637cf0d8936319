"""A command that is told to end, as its users tell it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from tests.support.command import ENVIRONMENT

#: Long enough to be found running, on any machine.
LONG = """
images: {define: [{image: a.test/app:v1, layers: [{size: 1MB}]}]}
nodes: [{name: n, count: 20, nic: 10Gbit/s}]
workloads: [{name: w, pods: {image: a.test/app:v1, count: 1000000}, arrivals: {poisson: 100/s}}]
"""


def start(*arguments, **options):
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "pullsim", *map(str, arguments)],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        **options,
    )


def wait_for(condition, seconds=60.0):
    """Wait for something that another process does; no test depends on how long it takes."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGTERM, 143, "ended by SIGTERM"), (signal.SIGHUP, 129, "ended by SIGHUP")],
)
def test_a_run_that_is_ended_leaves_nothing_half_done(tmp_path, number, code, word):
    (tmp_path / "long.yaml").write_text(LONG)
    with start("run", tmp_path / "long.yaml", "--out", tmp_path / "out") as running:
        wait_for(lambda: [*tmp_path.glob("out/.pullsim-*")] or running.poll() is not None)
        running.send_signal(number)
        stderr = running.stderr.read()
    assert running.returncode == code
    assert stderr == f"pullsim: {word}\n"
    assert not (tmp_path / "out").exists()
