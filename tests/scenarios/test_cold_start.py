"""The figures that scenarios/gpu-autoscale.yaml names, taken from its tables."""

from __future__ import annotations

from functools import cache

import pytest

import pullsim
from pullsim.results import tables
from tests.scenarios.test_scenarios import ROOT

PULL = ["resolve", "request", "slot", "lock", "download_egress", "download_connection", "download_nic", "unpack_cpu",
        "unpack_disk", "commit"]  # fmt: skip


@cache
def run(after):
    path = ROOT / "scenarios/gpu-autoscale.yaml"
    return pullsim.run(pullsim.load(path, [f"nodes[gpu].autoscale.consolidateAfter={after}"]))


def test_a_cold_start_comes_apart_into_node_init_pull_and_engine():
    pods = tables.pods(run("10m"))
    assert pods["ready_at"].notna().all()
    assert pods["scheduling_s"].tolist() == pytest.approx([1.0] * 12)  # the autoscaler's batch
    assert pods["node_boot_s"].tolist() == pytest.approx([284.0] * 12)
    assert pods["init_s"].tolist() == pytest.approx([126.0] * 12)
    assert pods["readiness_s"].tolist() == pytest.approx([195.0] * 12)
    assert pods[[f"{stage}_s" for stage in PULL]].sum(axis=1).tolist() == pytest.approx([101.0] * 12, abs=0.5)
    assert (pods["until_ready_s"] - pods["until_start_s"]).tolist() == pytest.approx([195.0] * 12)
    assert pods["until_ready_s"].median() == pytest.approx(712, abs=1)


@pytest.mark.parametrize(
    ("after", "asked", "median", "hours"), [("2m", 12, 712, 5.5), ("10m", 12, 712, 7.1), ("35m", 4, 326, 11.7)]
)
def test_an_empty_node_that_waits_long_enough_is_there_for_the_next_replica(after, asked, median, hours):
    result = run(after)
    joins, gone = tables.joins(result), tables.departures(result)
    assert len(joins) == asked
    assert tables.pods(result)["until_ready_s"].median() == pytest.approx(median, abs=1)
    until = gone.set_index("node")["left_at"].reindex(joins["node"]).fillna(result.end).to_numpy()
    seconds = (until - joins["joined_at"].to_numpy()).sum()
    assert seconds == pytest.approx(pullsim.summarize(result).autoscaling["gpu"].node_seconds)
    assert seconds / 3600 == pytest.approx(hours, abs=0.05)
    assert set(gone["reason"]) <= {"empty"}
