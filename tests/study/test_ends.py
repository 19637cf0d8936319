"""A sweep that is killed takes its processes with it, and keeps its runs."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from tests.support.command import start, wait_for

KNOB = "kubelet.maxParallelImagePulls=1,2,3,4"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")


def relatives(pid):
    """Every process of the session that a process leads, other than itself."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != pid:
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it ended meanwhile
                continue
            if int(fields[3]) == pid and fields[0] != "Z":
                found.add(int(entry.name))
    return found


@pytest.mark.parametrize(
    ("number", "how"), [(signal.SIGKILL, "-j"), (signal.SIGTERM, "-j"), (signal.SIGKILL, "--dask")]
)
def test_no_process_stays(small_file, tmp_path, number, how):
    if how == "--dask":
        pytest.importorskip("distributed", reason="the extra dask is not installed")
    out = tmp_path / "out"
    workers = ["-j", "2"] if how == "-j" else ["--dask", "local:2"]
    arguments = ["sweep", small_file, "--set", KNOB, "--seeds", "5000", *workers, "--out", out]
    with start(*arguments, start_new_session=True) as sweep:
        wait_for(lambda: (out / "runs.jsonl").exists() or sweep.poll() is not None)
        children = relatives(sweep.pid)
        assert len(children) >= 2, sweep.stderr.read() if sweep.poll() is not None else "it runs without workers"
        sweep.send_signal(number)
        sweep.wait(timeout=60)
        wait_for(lambda: not relatives(sweep.pid))
        stderr = sweep.stderr.read()
    if number == signal.SIGTERM:
        assert sweep.returncode == 143
        assert stderr.splitlines()[-1].startswith("pullsim: ended by SIGTERM: ")
        assert [file.name for file in out.iterdir()] == ["runs.jsonl"]
    assert len((out / "runs.jsonl").read_bytes().split(b"\n")) > 2
