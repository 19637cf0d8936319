"""Serial or parallel pulls, how many at a time, and which QPS: the answers are those of the tables of plain runs."""

from __future__ import annotations

import json
import re

import pytest

from pullsim.results.wording import duration
from tests.support.planner import DATA, SCENARIOS, ask, p99, tables

FARM = DATA / "ci.yaml"
#: Sixteen images come to one node within two seconds.
BURST = SCENARIOS / "serial-vs-parallel.yaml"
LIMIT = "kubelet.maxParallelImagePulls"
ONCE = ("--seeds", 1, "-j", 1, "-q")


def failed(scenario, *overrides):
    return int((~tables(scenario, *overrides).pulls["ok"]).sum())


def test_serial_or_parallel():
    knob = "kubelet.serializeImagePulls"
    done = ask("compare", FARM, "--set", f"{knob}=true,false", "-m", "pods.start.p99", "-o", "json", *ONCE)
    (row,) = json.loads(done.text)
    serial, parallel = p99(FARM, f"{knob}=true"), p99(FARM, f"{knob}=false")
    assert (row["a"], row["b"], row["difference"]) == pytest.approx((serial, parallel, parallel - serial))
    assert row["verdict"] == "lower"


def test_what_binds_with_parallel_pulls_is_the_kubelets_own_rate_and_not_the_queue():
    pods = tables(FARM, "kubelet.serializeImagePulls=false").pods
    assert pods["queue_s"].sum() == 0
    assert pods["qps_s"].sum() > pods["until_ready_s"].sum() / 2
    done = ask("compare", FARM, "--set", "kubelet.serializeImagePulls=true,false", *ONCE)
    assert "Moved pull queue: -" in done.text
    share = round(100 * pods["qps_s"].sum() / pods["until_ready_s"].sum())
    assert f"Verdict b {share} % of the waiting was pulls that the kubelet refused (registryPullQPS)" in done.text


def test_the_best_limit_and_from_which_on_more_gain_hardly_anything():
    done = ask("solve", BURST, "--knob", LIMIT, "--range", "1..8", "-o", "json", *ONCE)
    found = json.loads(done.text)
    curve = {limit: p99(BURST, f"{LIMIT}={limit}") for limit in range(1, 9)}
    for tried in found["tried"]:
        assert tried["mean"] == pytest.approx(curve[int(tried["set"][0].partition("=")[2])])
    best = min(curve, key=curve.__getitem__)
    assert found["answer"] == [f"{LIMIT}={best}"]
    knee, figure = re.search(r"With (\d+) it is (\S+ s) already, within 5% of that", found["sentence"]).groups()
    assert figure == duration(curve[int(knee)])
    assert all(curve[limit] <= 1.05 * curve[best] for limit in range(int(knee), best))
    assert curve[int(knee) - 2] > 1.05 * curve[best]  # the search did not try the value between


def test_a_limit_of_the_kubelet_is_no_help_where_the_runtime_has_three_slots_a_node():
    """From containerd 2.1 on the node has three download slots; with slow connections nothing else binds."""
    slow = (
        "assert=[]",
        "registries[docker.io].perConnection=5MB/s",
        "nodes[node].disk.write=unlimited",
        "nodes[node].cores=64",
    )
    options = [word for text in slow for word in ("--set", text)]
    done = ask("solve", BURST, "--knob", LIMIT, "--range", "3..16", "-o", "sentence", *options, *ONCE)
    pulls = tables(BURST, f"{LIMIT}=5", *slow).pulls
    connection, slots = (
        pulls[stage].sum() / pulls["duration_s"].sum() for stage in ("download_connection_s", "slot_s")
    )
    assert f"{LIMIT}=5 is the best" in done.text
    cap = f"the rate cap of a single registry connection ({connection:.0%})"
    assert f"Within the pulls it is {cap} and the runtime's layer download slots ({slots:.0%})." in done.text
    few, many = (p99(BURST, f"{LIMIT}={limit}", *slow) for limit in (5, 16))
    assert many >= few


def test_the_burst_without_failures_that_the_kubelet_makes_by_itself():
    knob = "kubelet.registryBurst"
    done = ask("solve", FARM, "--knob", knob, "--range", "1..40", "--slo", "pulls.failed == 0", "-o", "sentence", *ONCE)
    burst, below, missed = map(
        int, re.search(rf"{knob}=(\d+) is the smallest .* With (\d+) it is (\d+)\.", done.text).groups()
    )
    assert failed(FARM, f"{knob}={burst}") == 0
    assert below == burst - 1
    assert missed == failed(FARM, f"{knob}={below}") > 0
    assert burst == max(tables(FARM).pods.groupby("node").size())  # all pods of a node ask at once


def test_no_qps_alone_is_enough_for_a_burst():
    """The default burst of 10 stays: thirty pods of a node come at one instant."""
    knob = "kubelet.registryPullQPS"
    done = ask("solve", FARM, "--knob", knob, "--range", "1..40", "--slo", "pulls.failed == 0", "-o", "sentence", *ONCE)
    assert done.exit_code == 1
    assert "meets pulls.failed == 0" in done.text
    assert done.text.startswith("No")
    assert failed(FARM, f"{knob}=40") > 0
