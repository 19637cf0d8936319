"""Pods that wait for a node: why, in which order they are tried, and what lets them go on."""

from __future__ import annotations

from dataclasses import replace

import pytest

import pullsim
from pullsim.spec.cluster import DaemonSet, Leave, Node, Owner
from pullsim.spec.scheduling import HOSTNAME, NodeScheduling, PodTerm, Requirement, Scheduling, Taint, Toleration
from tests.support.outcome import row
from tests.support.world import APP, node, pod, run

GPU = "nvidia.com/gpu"
DEDICATED = Taint("dedicated", "db", "NoSchedule")


def asking(name, *, at=0.0, lives=None, on=None, **scheduling):
    """A pod with these constraints."""
    made = pod(name, "app:1", at=at, lives=lives, node=on)
    return replace(made, spec=replace(made.spec, scheduling=Scheduling(**scheduling)))


def has(max_pods=110, **scheduling):
    """The spec of a node with these labels, taints and amounts."""
    return replace(node(APP, max_pods=max_pods), scheduling=NodeScheduling(**scheduling))


def nodes(count, spec, *, at=0.0, ready_after=0.0):
    return [Node(f"n-{n}", spec, at, ready_after=ready_after) for n in range(count)]


def test_a_pod_that_fits_nowhere_says_why():
    full, tainted = has(allocatable=((GPU, 1),)), has(taints=(DEDICATED,))
    there = [Node("a", full), Node("b", full), Node("c", tainted), Node("d", has())]
    result = run([asking(f"p{n}", requests=((GPU, 1),)) for n in range(4)], there)
    message = f"0/4 nodes are available: 1 node(s) had untolerated taint(s), 3 Insufficient {GPU}."
    assert [(each.node, each.message) for each in sorted(result.pods, key=lambda each: each.pod)] == [
        ("a", None),
        ("b", None),
        (None, message),
        (None, message),
    ]
    assert pullsim.summarize(result).warnings == [f"2 pods got no node: {message}"]


def test_without_nodes_there_is_another_text():
    result = run([pod("p", "app:1")], [Node("late", node(APP), joins=50.0)], horizon=20.0)
    assert row(result, "p").message == "no nodes available to schedule pods"


def test_a_higher_priority_goes_first():
    wanted = [asking("low"), asking("high", priority=10, at=1.0), asking("first", priority=10)]
    result = run(wanted, nodes(1, has(max_pods=1), at=5.0))
    assert [row(result, name).node for name in ("low", "high", "first")] == [None, None, "n-0"]


def test_pods_of_one_instant_are_tried_by_priority():
    result = run([asking("low"), asking("high", priority=10)], nodes(1, has(max_pods=1)))
    assert [row(result, name).node for name in ("low", "high")] == [None, "n-0"]


def test_a_pod_waits_for_the_one_that_it_wants_to_be_near():
    near = (PodTerm(HOSTNAME, (Requirement("app", "In", ("db",)),)),)
    result = run([asking("web", affinity=near), asking("db", at=4.0, labels=(("app", "db"),))], nodes(3, has()))
    assert row(result, "web").scheduled == row(result, "db").scheduled == 4.0
    assert row(result, "web").node == row(result, "db").node


def test_resources_are_free_when_a_pod_is_gone():
    wanted = [asking("old", requests=((GPU, 1),), lives=7.0), asking("new", requests=((GPU, 1),), at=1.0)]
    result = run(wanted, nodes(1, has(allocatable=((GPU, 1),))))
    assert row(result, "new").scheduled == pytest.approx(7.0, abs=0.1)


def daemons(index, name, *tolerations, created=0.0):
    """A DaemonSet with these tolerations, of the owner with this index."""
    spec = replace(pod("a", "app:1").spec, scheduling=Scheduling(tolerations=tolerations))
    return DaemonSet(name, "default", spec, created, owner=index)


def test_a_node_that_is_not_ready_takes_only_pods_that_tolerate_that():
    owners = tuple(Owner("DaemonSet", name, "default") for name in ("cni", "agent", "later"))
    everything = Toleration(operator="Exists")
    sets = (daemons(0, "cni", everything), daemons(1, "agent"), daemons(2, "later", created=15.0))
    tolerant = asking("eager", tolerations=(everything,))
    there = nodes(3, has(), at=10.0, ready_after=20.0)
    result = run([*(asking(f"p{n}") for n in range(3)), tolerant], there, daemon_sets=sets, owners=owners)
    scheduled = {name: {each.scheduled for each in result.pods if each.workload == name} for name in ("cni", "agent")}
    assert scheduled == {"cni": {10.0}, "agent": {30.0}}, "the controller adds no toleration of NoSchedule"
    assert [each.created for each in result.pods if each.workload == "later"] == [30.0] * 3
    assert row(result, "eager").scheduled == 10.0
    late = [row(result, f"p{n}") for n in range(3)]
    assert {each.scheduled for each in late} == {30.0}
    assert {each.node for each in late} >= {"n-1", "n-2"}, "n-0 has one pod more already"


def test_a_node_that_leaves_before_it_is_ready_leaves_no_pod_to_wait_for():
    leaving = replace(has(), leave=Leave(rate=0.2))
    result = run(
        [],
        [Node("n", leaving, ready_after=1000.0)],
        daemon_sets=(daemons(0, "agent"),),
        owners=(Owner("DaemonSet", "agent", "default"),),
        horizon=900.0,
    )
    assert len(result.departures) > 10
    assert result.pods == []


@pytest.mark.parametrize(("tolerations", "count"), [((), 1), ((Toleration("dedicated", "Exists"),), 2)])
def test_a_daemon_set_has_pods_on_nodes_that_let_it_in(tolerations, count):
    agent = daemons(0, "agent", *tolerations)
    there = [Node("plain", has()), Node("special", has(taints=(DEDICATED,)))]
    result = run([], there, daemon_sets=(agent,), owners=(Owner("DaemonSet", "agent", "default"),))
    assert len(result.pods) == count
    assert result.ended == "settled"


def test_a_pod_that_names_its_node_passes_the_scheduler_by():
    result = run([asking("static", on="n-0"), asking("other")], nodes(1, has(taints=(DEDICATED,))))
    assert [row(result, name).node for name in ("static", "other")] == ["n-0", None]
