"""Where the time went for one pod: as its row in pods.csv, and the rows of its node in pulls.csv, have it."""

from __future__ import annotations

import json

import pytest

from tests.support.planner import DATA, ask, starts, tables

FOUR = ("nodes[ci].kubelet.serializeImagePulls=false", "nodes[ci].kubelet.maxParallelImagePulls=4")
FARM = DATA / "ci.yaml"


def explained(*arguments):
    done = ask("explain", *arguments, "-o", "json")
    assert done.exit_code == 0
    return json.loads("\n".join(done.lines))


def test_the_stages_of_a_pod_that_queued_and_whose_pulls_were_in_its_way():
    found = explained(FARM, "test-00039", *(word for text in FOUR for word in ("--set", text)))
    run = tables(FARM, *FOUR)
    pod = run.pods.set_index("pod").loc["test-00039"]
    assert found["seconds"] == pytest.approx(pod["until_start_s"])
    columns = run.pods.columns[run.pods.columns.get_loc("scheduling_s") :]
    stages = {name.removesuffix("_s"): pod[name] for name in columns if pod[name] > 0}
    assert found["stages"] == pytest.approx(stages)
    others = starts(run.pods[run.pods["pod"] != "test-00039"])
    assert (found["sooner"], found["others"]) == ((others < pod["until_start_s"]).sum(), len(others))

    (queue,) = [step for step in found["steps"] if step["what"] == "queue"]
    own = run.pulls.set_index("pod").loc["test-00039"]
    assert queue["seconds"] == pytest.approx(own["wait_s"])
    there = run.pulls[(run.pulls["node"] == pod["node"]) & (run.pulls["pod"] != "test-00039")].set_index("pod")
    ran = there["ended_at"].clip(upper=own["started_at"]) - there["started_at"].clip(lower=own["requested_at"])
    expected = ran[ran > 0].to_dict()
    assert {each["pod"]: each["seconds"] for each in queue["waitedFor"]} == pytest.approx(expected)
    assert sum(expected.values()) == pytest.approx(4 * queue["seconds"])  # four at a time, all the while


def test_the_pod_that_took_longest_is_explained_where_none_is_named():
    pods = tables(FARM).pods
    slowest = pods.loc[starts(pods).idxmax()]
    share = f"{slowest['qps_s'] / slowest['until_start_s']:.0%}".replace("%", " %")
    text = ask("explain", FARM).text
    assert text.startswith(f"{slowest['pod']} on {slowest['node']}, of workload {slowest['workload']}: ")
    assert f"{share} of the {slowest['until_start_s']:.1f} s was pulls that the kubelet refused" in text
