"""Workers whose pulls wait for their turn: each goes on in the middle of its sync. Fixed runtime, minimal loop."""

from __future__ import annotations

from dataclasses import replace

from pullsim.results import check
from pullsim.spec.cluster import Leave, Node
from pullsim.spec.runtime import FixedImage
from tests.support.pull_policies import run_policies
from tests.support.world import SERIAL, container, failing, fixed, node, pod, run

TAKES = {"a:1": 5.0, "b:1": 7.0, "c:1": 2.0}


def ends(result):
    return {(row.pod, row.image): (row.requested, row.started, row.ended) for row in result.pulls}


def test_each_container_of_a_pod_waits_for_its_own_turn():
    """First comes p's a (0 to 5 s), for which q's c waits; p's b is asked for at 5 s, behind c, which ends at 7 s."""
    result = run_policies([pod("p", "a:1", "b:1"), pod("q", "c:1")], TAKES, kubelet=SERIAL)
    assert ends(result) == {
        ("p", "a:1"): (0.0, 0.0, 5.0),
        ("q", "c:1"): (0.0, 5.0, 7.0),
        ("p", "b:1"): (5.0, 7.0, 14.0),
    }
    assert check(result) == []


def test_an_init_container_that_waited_runs_before_the_others_ask():
    """The init container's image waits for a (5 s) and takes 2 s; it runs for 3 s; only then b is asked for."""
    pods = [pod("p", "a:1"), pod("q", "b:1", init=[container("c:1", "first", run=3.0)])]
    result = run_policies(pods, TAKES, kubelet=SERIAL)
    assert ends(result)["q", "c:1"] == (0.0, 5.0, 7.0)
    assert ends(result)["q", "b:1"] == (10.0, 10.0, 17.0)


def test_a_container_that_failed_before_the_wait_is_not_tried_again_in_that_sync():
    """b fails at 6 s, and the sync goes on with c, which waits for x (requested at 1 s, pulled from 6 to 16 s)."""
    images = {"b:1": failing(after=6.0), "c:1": FixedImage(2.0), "x:1": FixedImage(10.0)}
    pods = [pod("p", "b:1", "c:1"), pod("q", "x:1", at=1.0)]
    result = run(pods, [Node("n-0", node(fixed(images), kubelet=SERIAL))], horizon=17.0)
    assert ends(result) == {("p", "b:1"): (0.0, 0.0, 6.0), ("q", "x:1"): (1.0, 6.0, 16.0)}
    later = run(pods, [Node("n-0", node(fixed(images), kubelet=SERIAL))], horizon=18.0)
    assert ends(later)["p", "c:1"] == (6.0, 16.0, 18.0)
    assert [row.image for row in later.pulls if row.pod == "p"] == ["b:1", "c:1"]


def test_the_pull_of_a_pod_that_was_deleted_while_it_waited_is_made():
    pods = [pod("p", "a:1"), replace(pod("q", "b:1"), lives=1.0), pod("r", "c:1")]
    result = run_policies(pods, TAKES, kubelet=SERIAL)
    assert ends(result)["q", "b:1"] == (0.0, 5.0, 12.0)
    assert ends(result)["r", "c:1"] == (0.0, 12.0, 14.0)
    assert {row.pod: row.reason for row in result.pods} == {"p": None, "q": "Deleted", "r": None}


def test_when_the_node_leaves_no_turn_comes_any_more():
    images = {name: FixedImage(seconds) for name, seconds in TAKES.items()}
    leaving = replace(node(fixed(images), kubelet=SERIAL), leave=Leave(0.5, 1e6))
    pods = [pod(name, image, node="n-0") for name, image in (("p", "a:1"), ("q", "b:1"), ("r", "c:1"))]
    result = run(pods, [Node("n-0", leaving)], horizon=100.0, seed=1)
    (left,) = result.departures
    assert left.t < 5.0
    assert (left.pods, left.pulls) == (3, 3)  # those that wait are pulls under way too
    assert ends(result) == {("p", "a:1"): (0.0, 0.0, left.t)}
    assert {row.reason for row in result.pods} == {"Deleted"}
    assert not [event for event in result.events if event.t >= left.t]
    assert check(result) == []
