"""A study of a fleet on a Dask cluster of two machines: network namespaces with a link between them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack, contextmanager

import pytest
import yaml

from tests.support.command import ENVIRONMENT, pullsim, wait_for

pytest.importorskip("distributed", reason="the extra dask is not installed")
pytestmark = pytest.mark.long

FLEET = {
    "name": "fleet",
    "images": {"define": [{"image": "r.test/app:v1", "layers": [{"size": "300MB"}]}]},
    "registries": [{"host": "r.test", "egress": "100Gbit/s"}],
    "nodes": [{"name": "n", "count": 5000, "nic": "10Gbit/s"}],
    "workloads": [{"name": "app", "pods": {"image": "r.test/app:v1", "count": 5000}, "arrivals": {"poisson": "500/s"}}],
    "placement": "spread",
}
SWEEP = ("--set", "registries[r.test].egress=50Gbit/s,100Gbit/s", "--seeds", "2", "-q", "--out")


def ip(*words):
    return subprocess.run(["ip", *words], check=False, capture_output=True, text=True).returncode == 0  # noqa: S603, S607


@pytest.fixture
def machines():
    """The names of two machines with the addresses 10.213.0.1 and 10.213.0.2."""
    if shutil.which("ip") is None:
        pytest.skip("ip (iproute2) is not installed")
    names = [f"pullsim-{os.getpid()}-{number}" for number in (1, 2)]
    try:
        if not all(ip("netns", "add", name) for name in names):
            pytest.skip("network namespaces may not be made here")
        made = ip("link", "add", "eth0", "netns", names[0], "type", "veth", "peer", "name", "eth0", "netns", names[1])
        for number, name in enumerate(names, 1):
            made = made and ip("-n", name, "addr", "add", f"10.213.0.{number}/24", "dev", "eth0")
            made = made and all(ip("-n", name, "link", "set", device, "up") for device in ("eth0", "lo"))
        assert made
        yield names
    finally:
        for name in names:
            ip("netns", "del", name)


@contextmanager
def program(machine, *words):
    """A program of Dask on a machine, until the end of the body."""
    command = ["ip", "netns", "exec", machine, sys.executable, "-m", *words]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env={**ENVIRONMENT, "PYTHONWARNINGS": ""}, **quiet) as running:  # noqa: S603
        try:
            yield running
        finally:
            running.kill()


def test_a_fleet_of_5000_nodes_on_two_machines_gives_the_bytes_of_one(machines, tmp_path):
    file = tmp_path / "fleet.yaml"
    file.write_text(yaml.safe_dump(FLEET))
    first, second = machines
    scheduler = "tcp://10.213.0.1:8786"
    worker = ("distributed.cli.dask_worker", scheduler, "--nthreads", "1", "--no-dashboard", "--local-directory")
    with ExitStack() as stack:
        ready = tmp_path / "scheduler.json"
        words = ("--host", "10.213.0.1", "--port", "8786", "--no-dashboard", "--scheduler-file", str(ready))
        stack.enter_context(program(first, "distributed.cli.dask_scheduler", *words))
        wait_for(ready.exists)
        for machine in machines:
            stack.enter_context(program(machine, *worker, str(tmp_path / machine)))
        command = ["ip", "netns", "exec", second, sys.executable, "-m", "pullsim", "sweep", str(file), *SWEEP]
        done = subprocess.run(  # noqa: S603
            [*command, str(tmp_path / "two"), "--dask", scheduler],
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        assert (done.returncode, done.stderr) == (0, "")
    assert pullsim("sweep", file, *SWEEP, tmp_path / "one", "-j", "1").returncode == 0
    for name in ("runs.csv", "table.csv"):
        assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
