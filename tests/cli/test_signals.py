"""A command that is told to end, as its users tell it."""

from __future__ import annotations

import os
import re
import signal

import pytest

from tests.support.command import python, start, wait_for

#: Long enough to be found running, on any machine.
LONG = """
images: {define: [{image: a.test/app:v1, layers: [{size: 1MB}]}]}
nodes: [{name: n, count: 20, nic: 10Gbit/s}]
workloads: [{name: w, pods: {image: a.test/app:v1, count: 1000000}, arrivals: {poisson: 100/s}}]
"""


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
    assert stderr == f"pullsim: {word}: nothing is kept\n"
    assert not (tmp_path / "out").exists()


def test_ctrl_c_of_a_terminal_ends_all_processes_of_a_sweep_and_keeps_its_runs(tmp_path):
    """A terminal sends it to the whole group of processes, also to those that are just starting."""
    (tmp_path / "long.yaml").write_text(LONG)
    knob = "workloads[w].pods.count=1,50000"
    options = ["--set", knob, "--seeds", "2", "-j", "2", "--force", "--out", tmp_path / "out"]
    with start("sweep", tmp_path / "long.yaml", *options, start_new_session=True) as running:
        wait_for(lambda: (tmp_path / "out/runs.jsonl").exists() or running.poll() is not None)
        os.killpg(running.pid, signal.SIGINT)
        stdout, stderr = running.communicate()  # it ends when no process has these pipes any more
    assert running.returncode == 130
    last = stderr.splitlines()[-1]
    assert re.fullmatch(
        r"pullsim: interrupted: [12] of 4 runs are done and are in .*: --resume goes on with them", last
    )
    assert "Traceback" not in stderr
    assert len((tmp_path / "out/runs.jsonl").read_text().splitlines()) == 1 + int(last.split()[2])
    assert not [*tmp_path.glob("out/.pullsim-*")]
    assert "50000" in stdout


def test_a_second_ctrl_c_ends_a_command_at_once():
    code = """
import signal
from pullsim.cli import signals
with signals.handled():
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        print("first", flush=True)
        signal.raise_signal(signal.SIGINT)
        print("second")
"""
    done = python(code)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "first\n", "")


def test_what_takes_too_long_after_a_signal_is_given_up():
    code = """
import signal, sys
from pullsim.cli import signals
def busy():
    while True:
        pass
with signals.handled():
    try:
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            signals.keep("this")
            busy()
    except signals.OutOfTime:
        print("late", flush=True)
        busy()
"""
    done = python(code)
    assert (done.returncode, done.stdout) == (143, "late\n")
    assert done.stderr == "pullsim: ended by SIGTERM, and stopped before it had cleaned up: this\n"


def test_what_ran_in_this_process_leaves_its_handlers(inside):
    before = signal.getsignal(signal.SIGINT)
    assert inside("--version").returncode == 0
    assert signal.getsignal(signal.SIGINT) is before
