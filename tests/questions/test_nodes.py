"""Which disk, how many cores, do DaemonSets start in time: checked by the run at the answer, and one step below."""

from __future__ import annotations

import re

import pytest

from pullsim.results.wording import duration
from tests.support.planner import DATA, SCENARIOS, ask, p99, starts, tables

ONCE = ("--seeds", 1, "-j", 1, "-q", "-o", "sentence")
BURST, PARALLEL = SCENARIOS / "serial-vs-parallel.yaml", "kubelet.maxParallelImagePulls=8"
GPU = DATA / "gpu.yaml"


@pytest.mark.parametrize(
    "key, range_, limit", [("disk.write", "50MiB/s..500MiB/s", 45), ("cores", "1..16", 60)], ids=["disk", "cores"]
)
def test_the_least_that_meets_a_limit(key, range_, limit):
    knob = f"nodes[node].{key}"
    slo = ("--slo", f"pods.start.p99 < {limit}s")
    done = ask("solve", BURST, "--set", PARALLEL, "--knob", knob, "--range", range_, *slo, *ONCE)
    found = re.search(r"=(\S+) is the smallest .*: pods.start.p99 is (\S+ s)\. With (\S+) it is (\S+ s)\.", done.text)
    least, figure, below, missed = found.groups()
    met, not_met = (p99(BURST, PARALLEL, f"{knob}={value}") for value in (least, below))
    assert met < limit <= not_met
    assert (figure, missed) == (duration(met), duration(not_met))


def test_no_disk_and_no_cores_bring_the_gpu_nodes_to_five_minutes():
    slo = ("--slo", "pods.start.p99 < 5m")
    disk = ask("solve", GPU, "--knob", "nodes[gpu].disk.write", "--range", "200MiB/s..1GiB/s", *slo, *ONCE)
    cores = ask("solve", GPU, "--knob", "nodes[gpu].cores", "--range", "8..64", *slo, *ONCE)
    assert (disk.exit_code, cores.exit_code) == (1, 1)
    assert "meets pods.start.p99 < 5m" in disk.text
    assert "None of 8..64 moves pods.start.p99" in cores.text
    for override in ("nodes[gpu].disk.write=1GiB/s", "nodes[gpu].cores=64"):
        assert p99(GPU, override) > 300
    assert "unpacking layers on the CPU" in disk.text


def test_daemon_sets_that_start_in_time():
    """Serial pulls, and the image of the network comes first; the minute counts from the join of the node."""
    fresh = DATA / "fresh.yaml"
    done = ask("run", fresh, "--assert", "workloads.kube-system/aws-node.missedDeadlines == 0")
    cni = tables(fresh).pods.query("workload == 'aws-node'")
    assert len(cni) == 3
    assert (cni["until_start_s"] < 60).all()
    assert done.exit_code == 0
    assert "Deadlines 0 of 3 missed" in done.text
    assert f"kube-system/aws-node (3) {starts(cni).max():.2f}s" in done.text


def test_daemon_sets_that_do_not():
    """With a slower registry, or less time, those that are late are counted, also when others are not."""
    fresh = DATA / "fresh.yaml"
    late = ("workloads[cni].deadline=3s",)
    done = ask("run", fresh, "--set", late[0], "--assert", "workloads.kube-system/aws-node.missedDeadlines == 0")
    cni = tables(fresh, *late).pods.query("workload == 'aws-node'")
    missed = (starts(cni) > 3).sum()
    assert missed == cni["missed"].sum() == 3
    assert done.exit_code == 1
    assert "Deadlines 3 of 3 missed" in done.text
