"""What merging equal pulls saves, and whether a change of who pulls next is worth it: counted in plain runs."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import pullsim
from pullsim.results import tables
from tests.support.planner import SCENARIOS, ask, percentile, starts

SAME = SCENARIOS / "same-image.yaml"
RUSH = SCENARIOS / "levers/pull-policies.yaml"


def plain(path, policies, seed=1):
    """A run of this seed; its tables are those that ``--out`` writes, without the files."""
    return pullsim.run(pullsim.load(path, [f"nodes[*].pullPolicies={policies}", f"seed={seed}"]))


def test_what_equal_pulls_cost_and_what_one_for_all_saves():
    metrics = ("workloads.cache.start.max", "pulls.total", "bytes.downloaded")
    options = [word for metric in metrics for word in ("-m", metric)]
    done = ask("compare", SAME, "--b", "nodes[*].pullPolicies=[coalesce]", *options, "-j", 1, "-q", "-o", "json")
    found = {row["metric"]: (row["a"], row["b"]) for row in json.loads(done.text)}
    runs = plain(SAME, "[]"), plain(SAME, "[coalesce]")
    until = [tables.pods(run).groupby("workload")["until_start_s"] for run in runs]
    assert found["workloads.cache.start.max"] == pytest.approx([each.max()["cache"] for each in until])
    pulls = [tables.pulls(run) for run in runs]
    assert found["pulls.total"] == tuple(map(len, pulls)) == (20, 3)
    assert len(pulls[1]["image"].unique()) == 3  # one for each image
    fetched = [tables.layers(run)["downloaded"].sum() for run in runs]
    assert fetched[0] == fetched[1]
    assert until[0].min()["model"] == pytest.approx(until[1].min()["model"], rel=0.02)


def test_the_gain_of_a_change_and_its_price_over_some_seeds():
    """A mean of the paired differences, and the difference of the medians of all pods together."""
    sides = [[tables.pods(plain(RUSH, policies, seed)) for seed in (1, 2, 3)] for policies in ("[]", "[priority]")]
    agent = [[pods.loc[pods["workload"] == "agent", "until_start_s"].item() for pods in side] for side in sides]
    median = [percentile(pd.concat([starts(pods) for pods in side]), 0.5) for side in sides]
    options = ("-m", "workloads.agent.start.mean", "-m", "pods.start.p50", "--seeds", 3, "-j", 1, "-q", "-o", "json")
    done = ask("compare", RUSH, "--a", "nodes[*].pullPolicies=[]", "--b", "nodes[*].pullPolicies=[priority]", *options)
    found = {row["metric"]: row for row in json.loads(done.text)}
    gains = np.subtract(agent[1], agent[0])
    gain, price = found["workloads.agent.start.mean"], found["pods.start.p50"]
    assert gain["difference"] == pytest.approx(gains.mean())
    assert gains.min() - 1e-6 <= gain["low"] <= gain["difference"] <= gain["high"] <= gains.max() + 1e-6 < 0
    assert price["difference"] == pytest.approx(median[1] - median[0])
    assert gain["verdict"] == "lower"
