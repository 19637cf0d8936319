"""Which node a pod gets, and when: placements, pins, pools, and nodes that join later."""

from __future__ import annotations

from collections import Counter

import pytest

from pullsim.spec.cluster import Node
from tests.support.outcome import row, stages, started, times
from tests.support.world import APP, REAL, failing, fixed, node, pod, pods, run


def placed(result):
    return {each.pod: each.node for each in result.pods}


def by_node(result):
    return Counter(each.node for each in result.pods)


# ---------------------------------------------------------------- placement


@pytest.mark.parametrize(("count", "nodes"), [(1, 3), (3, 3), (7, 3), (20, 4)])
def test_spread_fills_nodes_evenly(count, nodes):
    result = run(pods(count, "app:1"), node(APP), nodes=nodes, placement="spread")
    numbers = by_node(result)
    assert max(numbers.values()) - min(numbers.get(f"n-{n}", 0) for n in range(nodes)) <= 1


def test_pack_fills_one_node_before_the_next():
    result = run(pods(7, "app:1"), node(APP, max_pods=3), nodes=4, placement="pack")
    assert sorted(by_node(result).values()) == [1, 3, 3]


@pytest.mark.parametrize("placement", ["spread", "pack", "given"])
def test_a_pod_goes_where_it_is_told(placement):
    wanted = [pod("p", "app:1", node="n-2"), pod("q", "app:1", node="n-0")]
    result = run(wanted, node(APP), nodes=3, placement=placement)
    assert placed(result) == {"p": "n-2", "q": "n-0"}


@pytest.mark.parametrize("placement", ["spread", "pack", "given"])
def test_a_pod_goes_to_its_pool(placement):
    nodes = [
        Node("a-0", node(APP, pool="a")),
        Node("b-0", node(APP, pool="b")),
        Node("b-1", node(APP, pool="b")),
    ]
    result = run(pods(6, "app:1", pool="b"), nodes, placement=placement)
    assert "a-0" not in by_node(result)
    assert sum(by_node(result).values()) == 6


@pytest.mark.parametrize("placement", ["spread", "pack"])
def test_a_node_takes_no_more_than_its_pods(placement):
    result = run(pods(7, "app:1"), node(APP, max_pods=2), nodes=3, placement=placement)
    assert by_node(result) == {"n-0": 2, "n-1": 2, "n-2": 2, None: 1}
    (left,) = (each for each in result.pods if each.node is None)
    assert (left.scheduled, left.started, left.pulls) == (None, None, 0)
    assert left.image_refs == (None,)
    assert stages(left) == {"scheduling": left.start_seconds}


def test_a_full_node_of_a_pinned_pod():
    wanted = [*pods(2, "app:1", node="n-0"), pod("q", "app:1", at=1.0)]
    result = run(wanted, node(APP, max_pods=1), nodes=2)
    assert sorted(started(result).items(), key=str) == [("p0", 3.0), ("p1", None), ("q", 4.0)]
    assert placed(result)["q"] == "n-1"


def test_a_pod_that_no_node_can_ever_take_does_not_hold_up_the_run():
    wanted = [pod("p", "app:1"), pod("q", "app:1", node="nowhere"), pod("r", "app:1", pool="none")]
    result = run(wanted, node(APP))
    assert result.end == 3.0
    assert started(result) == {"p": 3.0, "q": None, "r": None}
    assert row(result, "q").stages == {"scheduling": 3.0}


# ---------------------------------------------------------------- nodes that join later


def test_pods_wait_for_a_node_that_joins_later():
    spec = node(APP, max_pods=1)
    nodes = [Node("n-0", spec), Node("n-1", spec, joins=5.0), Node("n-2", spec, joins=11.0)]
    result = run(pods(3, "app:1"), nodes)
    assert started(result) == {"p0": 3.0, "p1": 8.0, "p2": 14.0}
    assert stages(row(result, "p1")) == {"scheduling": 5.0, "pull": 3.0}
    assert stages(row(result, "p2")) == {"scheduling": 11.0, "pull": 3.0}
    assert [row(result, f"p{n}").scheduled for n in range(3)] == [0.0, 5.0, 11.0]


@pytest.mark.parametrize("placement", ["spread", "imageLocality"])
def test_nodes_that_join_in_one_instant_share_the_pods_that_wait(placement):
    nodes = [Node(f"n-{n}", node(APP), joins=20.0) for n in range(3)]
    result = run(pods(3, "app:1"), nodes, placement=placement)
    assert placed(result) == {"p0": "n-0", "p1": "n-1", "p2": "n-2"}


def test_pods_that_wait_are_placed_in_order():
    spec = node(APP, max_pods=2)
    result = run(pods(4, "app:1", every=0.5), [Node("n-0", spec, joins=4.0), Node("n-1", spec, joins=9.0)])
    assert [row(result, f"p{n}").scheduled for n in range(4)] == [4.0, 4.0, 9.0, 9.0]


def test_a_pod_pinned_to_a_node_waits_for_it():
    nodes = [Node("n-0", node(APP)), Node("n-1", node(APP), joins=7.5)]
    result = run([pod("p", "app:1", node="n-1")], nodes)
    assert started(result) == {"p": 10.5}
    assert stages(row(result, "p")) == {"scheduling": 7.5, "pull": 3.0}


@pytest.mark.parametrize("joins", [0.0, 0.25, 0.9, 1000.4])
def test_a_late_node_has_the_same_loop(joins):
    """Attempts and back-offs as on a node that is there from the start, up to the phases of the loop."""
    result = run([pod("p", "m:1")], [Node("n-0", node(fixed({"m:1": failing(1.0, times=3)}), loop=REAL), joins=joins)])
    tries = [t - joins for t in times(result, "Pulling")]
    for t, (low, high) in zip(tries, [(0, 0), (11, 19), (32, 52), (73, 109)], strict=True):
        assert low - 1e-9 <= t <= high
