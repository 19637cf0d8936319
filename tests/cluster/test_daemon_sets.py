"""Pods of DaemonSets: on which nodes, from when on, and by when they have to start."""

from __future__ import annotations

from pullsim.spec.cluster import DaemonSet, Node
from tests.support.outcome import row, started
from tests.support.world import APP, node, pod, pods, run


def daemon_set(name="ds", image="app:1", **given):
    return DaemonSet(name, "default", pod("x", image).spec, **given)


def test_a_daemon_set_has_a_pod_on_every_node_from_when_it_joins():
    nodes = [Node("n-0", node(APP)), Node("n-1", node(APP), joins=5.0)]
    result = run([], nodes, daemon_sets=(daemon_set(created=2.0),))
    assert started(result) == {"ds-n-0": 5.0, "ds-n-1": 8.0}
    assert [row(result, f"ds-n-{n}").created for n in (0, 1)] == [2.0, 5.0]
    assert all(each.stages == {"pull": 3.0} for each in result.pods)


def test_a_daemon_set_of_a_pool_or_of_a_node():
    nodes = [
        Node("a-0", node(APP, pool="a")),
        Node("b-0", node(APP, pool="b")),
        Node("b-1", node(APP, pool="b")),
    ]
    result = run([], nodes, daemon_sets=(daemon_set("pool", pool="b"), daemon_set("one", node="a-0")))
    assert set(started(result)) == {"pool-b-0", "pool-b-1", "one-a-0"}


def test_a_daemon_set_uses_room_of_its_nodes():
    wanted = pods(3, "app:1", at=1.0)
    result = run(wanted, node(APP, max_pods=2), nodes=2, daemon_sets=(daemon_set(),))
    assert sorted(each.node or "" for each in result.pods) == ["", "n-0", "n-0", "n-1", "n-1"]


def test_deadlines_of_daemon_sets():
    nodes = [Node("n-0", node(APP)), Node("n-1", node(APP), joins=50.0)]
    result = run([], nodes, daemon_sets=(daemon_set("fast", deadline=3.0), daemon_set("slow", deadline=2.0)))
    assert {each.pod: each.missed for each in result.pods} == {
        "fast-n-0": False,
        "fast-n-1": False,
        "slow-n-0": True,
        "slow-n-1": True,
    }
