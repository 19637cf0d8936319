"""Peers: from which number of nodes on they are worth it, counted in the tables of plain runs."""

from __future__ import annotations

import re

from pullsim.results.wording import duration
from tests.support.planner import SCENARIOS, ask, tables

SCENARIO = SCENARIOS / "levers" / "spegel.yaml"
WORTH_IT = 0.95  # of the time without peers
FOUR = "workloads[model].pods.count=4"


def median(pods: int, peers: str) -> float:
    pulls = tables(SCENARIO, f"workloads[model].pods.count={pods}", f"nodes[gpu].peers={peers}").pulls
    seconds = sorted(pulls["ended_at"] - pulls["started_at"])
    return seconds[(len(seconds) - 1) // 2]


def test_from_four_nodes_on_peers_are_worth_it():
    found = {pods: (median(pods, "null"), median(pods, "spegel")) for pods in (3, 4)}
    assert [pods for pods, (without, peers) in found.items() if peers <= WORTH_IT * without] == [4]
    knobs = ("--set", "workloads[model].pods.count=3,4", "--set", "nodes[gpu].peers=null,spegel")
    done = ask("sweep", SCENARIO, *knobs, "-m", "pulls.pull.p50", "--seeds", 1, "-j", 1, "-q")
    for count, pair in found.items():
        for peers, seconds in zip(("null", "spegel"), pair, strict=True):
            assert re.search(rf"\b{count} {peers} {re.escape(duration(seconds))}", done.text), done.text


def test_never_if_all_nodes_start_at_once():
    layers = tables(SCENARIO, FOUR, "nodes[gpu].join.every=0s", "workloads[model].arrivals.every=0s").layers
    assert set(layers["source"]) == {"docker.io"}


def test_four_nodes_have_a_fifth_of_their_bytes_from_others():
    by_source = tables(SCENARIO, FOUR, "nodes[gpu].peers=spegel").layers.groupby("source")["downloaded"].sum()
    assert set(by_source.index) == {"docker.io", "peer"}
    assert 0.15 < by_source["peer"] / by_source.sum() < 0.25
