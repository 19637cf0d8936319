"""Bursts on real nodes, replayed with the fixed runtime: who waits for a slot, and how long.

The logs stay outside of the repository; requests are known to 0.1 s, durations to 1 ms.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pullsim import from_mapping, run

CASES = Path(__file__).parents[3] / "shared" / "data" / "events" / "queue_cases.jsonl"


def cases(cloud, keep):
    if not CASES.is_file():
        return []
    read = [json.loads(line) for line in CASES.read_text().splitlines()]
    return [case for case in read if case["cloud"] == cloud and keep(case)]


def replay(case, kubelet):
    """Run a burst; returns (waited in the log, waited here) of every pull, in the order of the log."""
    first = min(pull["requested_t"] for pull in case["pulls"])
    images, workloads = {}, []
    for index, pull in enumerate(case["pulls"]):
        # Pulls of one image each hold a slot, as the kubelet merges none: here they are images of their own.
        images[f"image-{index}:1"] = {"pull": f"{pull['pull_s']}s"}
        pods = {"image": f"image-{index}:1", "count": 1}
        at = f"{pull.get('exact', pull['requested_t']) - first + 1:.6f}s"
        workloads.append({"name": f"pod-{index}", "pods": pods, "at": at})
    node = {"runtime": {"fixed": {"images": images}}, "kubelet": {"registryPullQPS": 0, **kubelet}}
    result = run(from_mapping({"nodes": [node], "workloads": workloads}))
    waited = {pull.pod: pull.started - pull.requested for pull in result.pulls}
    return [(pull["wait_s"], waited[f"pod-{index}"]) for index, pull in enumerate(case["pulls"])]


@pytest.mark.skipif(not CASES.is_file(), reason="../shared/data with the event logs is not there")
def test_of_a_burst_on_a_gke_node_exactly_three_do_not_wait():
    bursts = cases("gcp-gke", lambda case: case["slots_observed"] == 3 and len(case["pulls"]) <= 7)
    assert len(bursts) == 41
    for case in bursts:
        # A wait is only in the log: the order of requests within its resolution is that of who waited.
        case["pulls"].sort(key=lambda pull: pull["wait_s"])
        for index, pull in enumerate(case["pulls"]):
            pull["exact"] = case["pulls"][0]["requested_t"] + index * 1e-3
        outcome = replay(case, {"serializeImagePulls": False, "maxParallelImagePulls": 3})
        assert sum(here < 1e-3 for _, here in outcome) == 3
        assert sum(real < 1e-2 for real, _ in outcome) == 3


@pytest.mark.skipif(not CASES.is_file(), reason="../shared/data with the event logs is not there")
def test_aks_nodes_pull_one_by_one_to_the_millisecond():
    bursts = cases("azure-aks", lambda case: case["slots_observed"] == 1)
    assert len(bursts) == 2
    for case in bursts:
        pulls = case["pulls"]
        pulls.sort(key=lambda pull: (pull["wait_s"] > 0, pull["requested_t"]))
        # The log tells a request to a second only. One by one, it came its wait before its predecessor's end.
        begin = end = min(pull["requested_t"] for pull in pulls)
        for pull in pulls:
            pull["exact"] = end - pull["wait_s"]
            assert pull["exact"] == pytest.approx(pull["requested_t"], abs=1.0)
            end += pull["pull_s"]
        for real, here in replay(case, {"serializeImagePulls": True}):
            assert here == pytest.approx(real, abs=1e-3)
        assert begin == pulls[0]["exact"]
    first, second = bursts[0]["pulls"][:2]  # asked for at once: one waits for all of the other
    assert second["wait_s"] == first["pull_s"] == 6.232
