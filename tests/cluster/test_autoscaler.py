"""Autoscaled pools: when nodes are asked for, how many, and when they leave. Runtime: fixed, pulls of 10 s."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim.results import check
from pullsim.results.summary.summary import summarize
from pullsim.spec.cluster import AutoscaledPool, DaemonSet, Node, Owner, PodSpec, Prepull
from pullsim.spec.scheduling import NodeScheduling, Requirement, Scheduling, SpreadConstraint, Taint, Toleration
from pullsim.spec.startup import Startup
from tests.support.outcome import row
from tests.support.world import container, fixed, node, pod, run

IMAGES = {"app:1": 10.0, "ds:1": 40.0}
CPU = NodeScheduling(allocatable=(("cpu", 4000),))


def pool(name="gpu", *, shape=CPU, runtime=None, max_pods=110, **given):
    spec = node(fixed(runtime or IMAGES), pool=name, max_pods=max_pods)
    spec = replace(spec, scheduling=shape, removable="consolidate_after" in given)
    return AutoscaledPool(**{"spec": spec, "maximum": 10, "boot": 90.0, **given})


def needs(of, cpu=0, **scheduling):
    """The same pod with a request of thousandths of a core."""
    wanted = Scheduling(requests=(("cpu", cpu),) if cpu else (), **scheduling)
    return replace(of, spec=replace(of.spec, scheduling=wanted))


def go(pods, *pools, nodes=(), **cluster):
    result = run(pods, nodes, autoscaled=tuple(pools), **cluster)
    assert check(result) == []
    return result


def asked(result):
    return [(join.node, join.asked, join.joined, join.pods) for join in result.joins]


def test_a_node_is_asked_for_when_the_batch_of_pods_is_over_and_joins_after_its_boot():
    result = go([pod("p", "app:1")], pool())
    assert asked(result) == [("gpu-0000", 1.0, 91.0, 1)]
    made = row(result, "p")
    assert (made.node, made.scheduled, made.started) == ("gpu-0000", 91.0, 101.0)
    assert made.stages == {"scheduling": 1.0, "node_boot": 90.0, "pull": 10.0}
    assert (result.end, result.pools) == (101.0, {"gpu-0000": "gpu"})


def test_a_batch_lasts_as_long_as_pods_come_and_ten_seconds_at_the_most():
    pods = [needs(pod(f"p{n}", "app:1", at=0.8 * n), 4000) for n in range(15)]  # the last one at 11.2 s
    result = go(pods, pool(maximum=20))
    assert [join.asked for join in result.joins] == pytest.approx([10.0] * 13 + [12.2] * 2)


def test_the_cluster_autoscaler_looks_at_the_multiples_of_its_interval():
    pods = [needs(pod("p", "app:1", at=3.0), 4000), needs(pod("q", "app:1", at=12.0), 4000)]
    result = go(pods, pool(), scan_interval=10.0)
    assert [join.asked for join in result.joins] == [10.0, 20.0]


def test_pods_share_new_nodes_and_the_largest_are_placed_first():
    """3 + 1, 3 + 1 and 2 cores on nodes of 4: three nodes, where the order of creation would need four."""
    cores = [1, 1, 2, 3, 3]
    pods = [needs(pod(f"p{n}", "app:1"), 1000 * cpu) for n, cpu in enumerate(cores)]
    result = go(pods, pool())
    assert len(result.joins) == 3
    assert sum(join.pods for join in result.joins) == 5
    assert {each.started for each in result.pods} == {101.0}


def test_nodes_on_their_way_count():
    early, late = needs(pod("p", "app:1"), 1000), needs(pod("q", "app:1", at=30.0), 3000)
    result = go([early, late], pool())
    assert asked(result) == [("gpu-0000", 1.0, 91.0, 1)]
    assert row(result, "q").node == "gpu-0000"


def test_there_are_never_more_than_the_most_and_pods_wait_for_a_place():
    pods = [needs(pod(f"p{n}", "app:1", lives=200.0 if n < 2 else None), 4000) for n in range(3)]
    result = go(pods, pool(maximum=2))
    assert len(result.joins) == 2
    assert row(result, "p2").scheduled == 200.0  # when the others are gone
    assert row(result, "p2").stages == {"scheduling": 200.0}  # no node was on its way for it


def test_what_fits_no_node_of_the_pool_is_never_asked_for_and_the_run_ends():
    result = go([needs(pod("p", "app:1"), 5000)], pool())
    assert (result.joins, row(result, "p").started, result.ended) == ([], None, "settled")
    assert result.end == 1.0


def test_pods_that_fit_on_the_nodes_there_are_ask_for_none():
    there = Node("n-0", replace(node(fixed(IMAGES)), scheduling=CPU))
    pods = [needs(pod(f"p{n}", "app:1"), 2000) for n in range(3)]
    result = go(pods, pool(), nodes=[there])
    assert len(result.joins) == 1
    assert sorted(each.node for each in result.pods) == ["gpu-0000", "n-0", "n-0"]


def test_the_first_pool_that_a_pod_fits_gets_the_node():
    tainted = NodeScheduling(taints=(Taint("gpu"),), allocatable=(("cpu", 8000),))
    seven = NodeScheduling(allocatable=(("cpu", 7000),))
    pools = [pool("gpu", shape=tainted), pool("small"), pool("large", shape=seven)]
    pods = [
        needs(pod("a", "app:1"), 1000),
        needs(pod("b", "app:1"), 5000),
        needs(pod("c", "app:1"), 8000, tolerations=(Toleration("gpu", "Exists"),)),
        replace(needs(pod("d", "app:1"), 1000), pool="large"),
    ]
    result = go(pods, *pools)
    assert {each.pod: each.node for each in result.pods} == {
        "a": "large-0000",  # b comes first and opens a node, which a fits too
        "b": "large-0000",
        "c": "gpu-0000",
        "d": "large-0000",
    }


def test_pods_of_daemon_sets_take_their_part_of_a_new_node_and_do_not_ask_for_one():
    agent = DaemonSet("agent", "default", PodSpec((container("app:1"),), scheduling=Scheduling((), (("cpu", 1000),))))
    result = go([needs(pod(f"p{n}", "app:1"), 2000) for n in range(2)], pool(), daemon_sets=(agent,))
    assert len(result.joins) == 2  # 1 + 2 + 2 cores are more than 4
    assert go([], pool(), daemon_sets=(agent,)).joins == []


def test_most_pods_of_a_node_count_too():
    assert len(go([pod(f"p{n}", "app:1") for n in range(5)], pool(max_pods=2)).joins) == 3


def spread_pods(key, *pools, **cluster):
    """The number of pods on each node, of six small pods that must be spread evenly over the values of a label."""
    spread = SpreadConstraint(key, 1, True, (Requirement("app", "Exists"),))
    pods = [needs(pod(f"p{n}", "app:1"), 100, labels=(("app", "web"),), spread=(spread,)) for n in range(6)]
    return Counter(each.node for each in go(pods, *pools, **cluster).pods)


def test_spread_pods_get_nodes_in_each_zone_although_one_has_room_for_all():
    zone = "topology.kubernetes.io/zone"
    assert spread_pods(zone, pool(zones=("a", "b", "c"))) == {"gpu-0000": 2, "gpu-0001": 2, "gpu-0002": 2}
    assert spread_pods(zone, pool("x", zones=("a",)), pool("y", zones=("b",))) == {"x-0000": 3, "y-0000": 3}


def test_pods_that_are_spread_over_nodes_get_one_each():
    assert set(spread_pods("kubernetes.io/hostname", pool()).values()) == {1}


def test_a_zone_with_a_node_gets_no_more_pods_than_the_others():
    """The node there takes the first pod; the scheduler alone would let it take all, as it knows of no other zone."""
    there = Node("n-0", replace(node(fixed(IMAGES)), scheduling=NodeScheduling(allocatable=(("cpu", 100),))), zone="a")
    spread = spread_pods("topology.kubernetes.io/zone", pool(zones=("b", "a")), nodes=[there])
    assert spread == {"n-0": 1, "gpu-0000": 3, "gpu-0001": 2}


def test_the_cluster_autoscaler_knows_the_zones_that_have_nodes():
    assert spread_pods("topology.kubernetes.io/zone", pool(zones=("a", "b")), scan_interval=10.0) == {"gpu-0000": 6}


def test_a_node_that_is_not_ready_yet_gets_its_pod_and_no_second_node_is_asked_for():
    result = go([needs(pod("p", "app:1"), 1000), needs(pod("q", "app:1", at=95.0), 1000)], pool(ready_after=20.0))
    assert len(result.joins) == 1
    assert row(result, "p").scheduled == row(result, "q").scheduled == 111.0
    assert [row(result, name).stages["node_boot"] for name in "pq"] == [110.0, 15.0]  # q has a batch of 1 s, too


@pytest.mark.parametrize(("created", "asked_at"), [(0.0, 96.0), (97.0, 113.0)])
def test_daemons_that_come_when_a_node_is_ready_take_their_part_of_it(created, asked_at):
    """Of 4 cores p wants 2 and an agent 1, so that q, which comes at 95 s, does not fit; the node is ready at 112 s.

    An agent of which the look at 96 s does not know takes the room that q waits for.
    """
    spec = PodSpec((container("app:1"),), scheduling=Scheduling((), (("cpu", 1000),)))
    agent = DaemonSet("agent", "default", spec, created)
    pods = [needs(pod("p", "app:1"), 2000), needs(pod("q", "app:1", at=95.0), 2000)]
    result = go(pods, pool(ready_after=21.0), daemon_sets=(agent,))
    assert [join.asked for join in result.joins] == [1.0, asked_at]
    assert row(result, "q").node == "gpu-0001"


def test_an_empty_node_leaves_and_one_whose_pod_pulls_does_not():
    """The first pod ends at 150 s, and its node leaves 5 s later; the second pulls all the time."""
    pods = [needs(pod("p", "app:1", lives=150.0), 4000), needs(pod("q", "slow:1"), 4000)]
    result = go(pods, pool(runtime={**IMAGES, "slow:1": 400.0}, consolidate_after=5.0))
    (left,) = result.departures
    assert (left.node, left.joined, left.t, left.reason, left.replaced_by) == (
        "gpu-0000",
        91.0,
        155.0,
        "empty",
        "",
    )
    assert row(result, "q").started == 491.0
    figures = summarize(result).autoscaling["gpu"]
    assert (figures.asked, figures.joined, figures.removed, figures.peak, figures.at_end) == (2, 2, 1, 2, 1)
    assert figures.node_seconds == (155 - 91) + (491 - 91)


def test_a_node_that_got_another_pod_meanwhile_stays():
    pods = [needs(pod("p", "app:1", lives=150.0), 4000), needs(pod("q", "app:1", at=153.0, lives=20.0), 4000)]
    result = go(pods, pool(consolidate_after=5.0), horizon=300.0)
    assert [(left.node, left.t) for left in result.departures] == [("gpu-0000", 178.0)]


def test_the_least_nodes_stay():
    spec = pool(consolidate_after=5.0, minimum=1, first=2)
    nodes = [spec.node(n, None, 0.0) for n in range(2)]
    result = go([], spec, nodes=nodes, horizon=60.0)
    assert [(left.node, left.t) for left in result.departures] == [("gpu-0000", 5.0)]


def test_pulls_of_daemon_sets_and_prepulls_do_not_keep_a_node():
    agent = DaemonSet("agent", "default", PodSpec((container("ds:1"),)), owner=0)
    job = Prepull("pre", "default", PodSpec((container("ds:1"),)))
    result = go(
        [pod("p", "app:1", lives=95.0)], pool(consolidate_after=20.0),
        daemon_sets=(agent,), owners=(Owner("DaemonSet", "agent", "default"),), prepulls=(job,),
    )  # fmt: skip
    (left,) = result.departures
    assert (left.t, left.pods, left.pulls) == (115.0, 2, 2)


def test_the_place_of_a_node_that_left_is_asked_for_again_with_a_new_name():
    pods = [needs(pod("p", "app:1", lives=100.0), 4000), needs(pod("q", "app:1", at=200.0), 4000)]
    result = go(pods, pool(maximum=1, consolidate_after=5.0))
    assert [(join.node, join.asked) for join in result.joins] == [("gpu-0000", 1.0), ("gpu-0001", 201.0)]


def underutilized(pull, *, moves=True, **given):
    """Two nodes of 4 cores from 91 s on: gpu-0000 has b, and until 95 s f, gpu-0001 has a; each pod wants 2 cores."""
    kept = {} if moves else {"node_selector": (("kubernetes.io/hostname", "gpu-0001"),)}
    pods = [
        needs(pod("f", "app:1", lives=95.0), 2000),
        replace(needs(pod("a", "slow:1"), 2000, **kept), owner=0),
        replace(needs(pod("b", "slow:1"), 2000), owner=0),
    ]
    shape = pool(runtime={**IMAGES, "slow:1": pull}, consolidate_after=20.0, **given)
    owner = Owner("Deployment", "workload", "default", 2)
    result = go(pods, shape, owners=(owner,), horizon=400.0)
    assert (row(result, "f").node, row(result, "b").node) == ("gpu-0000", "gpu-0000")
    return result


def test_a_node_whose_pods_fit_on_others_leaves_with_their_pulls():
    """a came at 91 s, so that its node is due at 111 s, and the look is at 120 s."""
    result = underutilized(100.0, underutilized=True)
    (left,) = result.departures
    assert (left.node, left.t, left.reason, left.pods, left.pulls) == ("gpu-0001", 120.0, "underutilized", 1, 1)
    assert (row(result, "a").started, row(result, "a").reason) == (None, "Deleted")
    (anew,) = (each for each in result.pods if each.created == 120.0)
    assert (anew.node, anew.started) == ("gpu-0000", 220.0)  # it pulls anew
    figures = summarize(result).autoscaling["gpu"]
    assert (figures.removed, figures.moved_pods, figures.cut_pulls) == (1, 1, 1)


def test_no_pods_move_in_the_instant_in_which_the_run_is_over():
    """The last pod that waits is deleted at 120 s, just before the look at which a node would be taken away."""
    pods = [
        needs(pod("f", "app:1", lives=95.0), 2000),
        *(replace(needs(pod(name, "app:1"), 2000), owner=0) for name in "ab"),
        needs(pod("huge", "app:1", lives=120.0), 9000),
    ]
    owner = Owner("Deployment", "workload", "default", 2)
    result = go(pods, pool(consolidate_after=20.0, underutilized=True), owners=(owner,))
    assert (result.ended, result.end, result.departures) == ("settled", 120.0, [])
    assert {each.pod for each in result.pods if each.started is None} == {"f", "huge"}
    later = go(
        [*pods, pod("late", "app:1", at=121.0)], pool(consolidate_after=20.0, underutilized=True), owners=(owner,)
    )
    assert [left.t for left in later.departures] == [120.0]


def test_without_the_policy_or_room_elsewhere_it_stays():
    assert underutilized(100.0).departures == []
    assert underutilized(100.0, underutilized=True, minimum=2, first=0).departures == []


def test_a_pod_that_may_run_nowhere_else_keeps_its_node_and_the_other_one_moves():
    result = underutilized(100.0, underutilized=True, moves=False)
    (left,) = result.departures
    assert (left.node, left.pods, row(result, "b").reason) == ("gpu-0000", 1, "Deleted")


def test_trying_to_move_pods_leaves_nothing_behind():
    pods = [needs(pod(f"p{n}", "app:1", at=n, lives=60.0 + n), 1000 * (n % 3 + 2)) for n in range(12)]
    there = [pool(consolidate_after=5.0, minimum=4).node(n, None, 0.0) for n in range(4)]
    kinds = [pool(maximum=4, minimum=4, first=4, consolidate_after=5.0, underutilized=moves) for moves in (False, True)]
    closed = replace(kinds[1], minimum=3)  # one node may leave, but its pods never fit on the others
    full = [needs(pod(f"q{n}", "app:1"), 4000) for n in range(4)]
    first, second = (go(pods, kind, nodes=there).pods for kind in kinds)
    assert first == second
    assert go(full, closed, nodes=there, horizon=100.0).pods == go(full, kinds[0], nodes=there, horizon=100.0).pods


def test_trying_leaves_nothing_behind():
    """Pods that the autoscaler's nodes do not take are placed as if there were no autoscaler."""
    there = [Node(f"n-{n}", replace(node(fixed(IMAGES)), scheduling=CPU)) for n in range(3)]
    pods = [needs(pod(f"p{n}", "app:1", at=n, lives=30.0), 1000 * (n % 3 + 1)) for n in range(30)]
    shut = pool(shape=NodeScheduling(taints=(Taint("closed"),)))
    assert go(pods, shut, nodes=there).pods == run(pods, there).pods


def test_a_new_node_has_what_the_pool_has_cached_and_takes_its_startup():
    spec = pool()
    spec = replace(spec, spec=replace(spec.spec, startup=Startup(sandbox=2.0)))
    assert row(go([pod("p", "app:1")], spec), "p").stages == {
        "scheduling": 1.0, "node_boot": 90.0, "sandbox": 2.0, "pull": 10.0,
    }  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 0.5, 1.0, 30.0, 95.0, 200.0]), st.sampled_from([0, 1000, 2000, 4000, 5000]),
                  st.sampled_from([None, 91.0, 120.0])),
        min_size=1, max_size=12,
    ),
    st.integers(0, 2),
    st.integers(1, 4),
    st.sampled_from([None, 0.0, 5.0, 60.0]),
    st.sampled_from([None, 10.0]),
    st.booleans(),
)  # fmt: skip
def test_nodes_are_between_least_and_most_and_all_pods_that_fit_get_one(wanted, least, most, after, interval, moves):
    least = min(least, most)
    spec = pool(maximum=most, minimum=least, first=least, consolidate_after=after, underutilized=moves)
    nodes = [spec.node(n, None, 0.0) for n in range(least)]
    pods = [needs(pod(f"p{n}", "app:1", at=at, lives=lives), cpu) for n, (at, cpu, lives) in enumerate(wanted)]
    result = go(pods, spec, nodes=nodes, scan_interval=interval)
    steps = Counter(join.joined for join in result.joins if join.joined is not None)
    steps.subtract(left.t for left in result.departures)
    counts = [least, *accumulate((steps[at] for at in sorted(steps)), initial=least)]
    assert least <= min(counts) <= max(counts) <= most
    figures = summarize(result).autoscaling["gpu"]
    assert least <= figures.peak <= most
    assert figures.asked >= figures.joined >= figures.removed - least
    rows = {each.pod: each for each in result.pods}
    assert set(rows) == {f"p{n}" for n in range(len(wanted))}
    assert all(rows[f"p{n}"].started is None for n, (_, cpu, _) in enumerate(wanted) if cpu > 4000)
    # Without others that end or move, each pod that fits has a node of its own at the worst.
    alone = [n for n, (_, cpu, lives) in enumerate(wanted) if cpu <= 4000 and lives is None]
    if len(wanted) == len(alone) <= most and not (moves and after is not None):
        assert all(rows[f"p{n}"].started is not None for n in alone)
