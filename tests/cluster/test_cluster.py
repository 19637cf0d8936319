"""Where pods go, when nodes join, deadlines, and when a run ends."""

from __future__ import annotations

from collections import Counter

import pytest

from pullsim.run import simulate
from pullsim.spec.cluster import ClusterSpec, DaemonSet, Node
from pullsim.spec.registry import Fault
from pullsim.spec.runtime import FixedImage
from tests.support.world import (
    MINIMAL,
    REAL,
    STEADY,
    catalog,
    containerd,
    failing,
    fixed,
    image,
    layer,
    named,
    node,
    pod,
    pods,
    registry,
    row,
    run,
    run_fixed,
    stages,
    started,
    times,
    whole,
)

IMAGES = fixed({"app:1": 3.0, "bad:1": failing(1.0)})
DAY = 86_400.0


def placed(result):
    return {each.pod: each.node for each in result.pods}


def by_node(result):
    return Counter(each.node for each in result.pods)


# ---------------------------------------------------------------- placement


@pytest.mark.parametrize(("count", "nodes"), [(1, 3), (3, 3), (7, 3), (20, 4)])
def test_spread_fills_nodes_evenly(count, nodes):
    result = run(pods(count, "app:1"), node(IMAGES), nodes=nodes, placement="spread")
    numbers = by_node(result)
    assert max(numbers.values()) - min(numbers.get(f"n-{n}", 0) for n in range(nodes)) <= 1


def test_pack_fills_one_node_before_the_next():
    result = run(pods(7, "app:1"), node(IMAGES, max_pods=3), nodes=4, placement="pack")
    assert sorted(by_node(result).values()) == [1, 3, 3]


@pytest.mark.parametrize("placement", ["spread", "pack", "given"])
def test_a_pod_goes_where_it_is_told(placement):
    wanted = [pod("p", "app:1", node="n-2"), pod("q", "app:1", node="n-0")]
    result = run(wanted, node(IMAGES), nodes=3, placement=placement)
    assert placed(result) == {"p": "n-2", "q": "n-0"}


@pytest.mark.parametrize("placement", ["spread", "pack", "given"])
def test_a_pod_goes_to_its_pool(placement):
    nodes = [
        Node("a-0", node(IMAGES, pool="a")),
        Node("b-0", node(IMAGES, pool="b")),
        Node("b-1", node(IMAGES, pool="b")),
    ]
    result = run(pods(6, "app:1", pool="b"), nodes, placement=placement)
    assert "a-0" not in by_node(result)
    assert sum(by_node(result).values()) == 6


@pytest.mark.parametrize("placement", ["spread", "pack"])
def test_a_node_takes_no_more_than_its_pods(placement):
    result = run(pods(7, "app:1"), node(IMAGES, max_pods=2), nodes=3, placement=placement)
    assert by_node(result) == {"n-0": 2, "n-1": 2, "n-2": 2, None: 1}
    (left,) = (each for each in result.pods if each.node is None)
    assert (left.scheduled, left.started, left.pulls) == (None, None, 0)
    assert left.image_refs == (None,)
    assert stages(left) == {"scheduling": left.start_seconds}


def test_a_full_node_of_a_pinned_pod():
    wanted = [*pods(2, "app:1", node="n-0"), pod("q", "app:1", at=1.0)]
    result = run(wanted, node(IMAGES, max_pods=1), nodes=2)
    assert sorted(started(result).items(), key=str) == [("p0", 3.0), ("p1", None), ("q", 4.0)]
    assert placed(result)["q"] == "n-1"


def test_a_pod_that_no_node_can_ever_take_does_not_hold_up_the_run():
    wanted = [pod("p", "app:1"), pod("q", "app:1", node="nowhere"), pod("r", "app:1", pool="none")]
    result = run(wanted, node(IMAGES))
    assert result.end == 3.0
    assert started(result) == {"p": 3.0, "q": None, "r": None}
    assert row(result, "q").stages == {"scheduling": 3.0}


# ---------------------------------------------------------------- nodes that join later


def test_pods_wait_for_a_node_that_joins_later():
    spec = node(IMAGES, max_pods=1)
    nodes = [Node("n-0", spec), Node("n-1", spec, joins=5.0), Node("n-2", spec, joins=11.0)]
    result = run(pods(3, "app:1"), nodes)
    assert started(result) == {"p0": 3.0, "p1": 8.0, "p2": 14.0}
    assert stages(row(result, "p1")) == {"scheduling": 5.0, "pull": 3.0}
    assert stages(row(result, "p2")) == {"scheduling": 11.0, "pull": 3.0}
    assert [row(result, f"p{n}").scheduled for n in range(3)] == [0.0, 5.0, 11.0]


def test_pods_that_wait_are_placed_in_order():
    spec = node(IMAGES, max_pods=2)
    result = run(pods(4, "app:1", every=0.5), [Node("n-0", spec, joins=4.0), Node("n-1", spec, joins=9.0)])
    assert [row(result, f"p{n}").scheduled for n in range(4)] == [4.0, 4.0, 9.0, 9.0]


def test_a_pod_pinned_to_a_node_waits_for_it():
    nodes = [Node("n-0", node(IMAGES)), Node("n-1", node(IMAGES), joins=7.5)]
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


# ---------------------------------------------------------------- DaemonSets


def daemon_set(name="ds", image="app:1", **given):
    return DaemonSet(name, "default", pod("x", image).spec, **given)


def test_a_daemon_set_has_a_pod_on_every_node_from_when_it_joins():
    nodes = [Node("n-0", node(IMAGES)), Node("n-1", node(IMAGES), joins=5.0)]
    result = run([], nodes, daemon_sets=(daemon_set(created=2.0),))
    assert started(result) == {"ds-n-0": 5.0, "ds-n-1": 8.0}
    assert [row(result, f"ds-n-{n}").created for n in (0, 1)] == [2.0, 5.0]
    assert all(each.stages == {"pull": 3.0} for each in result.pods)


def test_a_daemon_set_of_a_pool_or_of_a_node():
    nodes = [
        Node("a-0", node(IMAGES, pool="a")),
        Node("b-0", node(IMAGES, pool="b")),
        Node("b-1", node(IMAGES, pool="b")),
    ]
    result = run([], nodes, daemon_sets=(daemon_set("pool", pool="b"), daemon_set("one", node="a-0")))
    assert set(started(result)) == {"pool-b-0", "pool-b-1", "one-a-0"}


def test_a_daemon_set_uses_room_of_its_nodes():
    wanted = pods(3, "app:1", at=1.0)
    result = run(wanted, node(IMAGES, max_pods=2), nodes=2, daemon_sets=(daemon_set(),))
    assert by_node(result) == {"n-0": 2, "n-1": 2, None: 1}


# ---------------------------------------------------------------- deadlines


@pytest.mark.parametrize(("deadline", "missed"), [(None, False), (2.9, True), (3.0, False), (3.1, False)])
def test_a_deadline_counts_from_creation(deadline, missed):
    result = run([pod("p", "app:1", at=4.0, deadline=deadline)], node(IMAGES))
    assert row(result, "p").missed is missed
    assert row(result, "p").deadline == deadline


def test_deadlines_of_daemon_sets():
    nodes = [Node("n-0", node(IMAGES)), Node("n-1", node(IMAGES), joins=50.0)]
    result = run([], nodes, daemon_sets=(daemon_set("fast", deadline=3.0), daemon_set("slow", deadline=2.0)))
    assert {each.pod: each.missed for each in result.pods} == {
        "fast-n-0": False,
        "fast-n-1": False,
        "slow-n-0": True,
        "slow-n-1": True,
    }


@pytest.mark.parametrize("deadline", [0.5, 5.0, 900.0])
def test_a_pod_that_can_never_start_misses_its_deadline(deadline):
    """Also when the run, in which nothing can change any more, ended before."""
    result = run(
        [pod("p", "bad:1", deadline=deadline), pod("q", "app:1", node="nowhere", deadline=deadline)], node(IMAGES)
    )
    assert result.ended == "settled"
    assert row(result, "p").missed
    assert row(result, "q").missed


@pytest.mark.parametrize(("horizon", "missed"), [(4.9, False), (5.0, False), (5.1, True), (60.0, True)])
def test_a_deadline_after_the_horizon_is_not_missed_yet(horizon, missed):
    wanted = [pod("p", "slow:1", deadline=5.0)]
    result = run_fixed(wanted, {"slow:1": 100.0}, horizon=horizon)
    assert row(result, "p").missed is missed


# ---------------------------------------------------------------- the end of a run


@pytest.mark.parametrize(("horizon", "start", "reasons"), [(2.999, None, 1), (3.0, 3.0, 4), (3.001, 3.0, 4)])
def test_the_horizon_is_inclusive(horizon, start, reasons):
    result = run_fixed([pod("p", "app:1"), pod("q", "late:1")], {"app:1": 3.0, "late:1": 100.0}, horizon=horizon)
    assert (result.end, result.ended) == (horizon, "horizon")
    assert started(result)["p"] == start
    assert len([event for event in result.events if event.pod == "p"]) == reasons
    assert len([each for each in result.pulls if each.pod == "p"]) == (start is not None)
    assert row(result, "q").start_seconds == horizon
    assert whole(row(result, "q"))


def test_a_pod_that_is_created_at_the_horizon_is_recorded():
    result = run_fixed([pod("p", "app:1", at=10.0)], {"app:1": 3.0}, horizon=10.0)
    assert row(result, "p").start_seconds == 0.0
    assert times(result, "Pulling") == [10.0]


def test_a_run_ends_when_the_last_pod_has_started():
    result = run_fixed(pods(3, every=10.0), {f"app{n}:1": 3.0 for n in range(3)})
    assert (result.end, result.ended) == (23.0, "settled")


def test_a_run_without_pods_ends_at_once():
    result = run([], node(IMAGES))
    assert (result.end, result.ended, result.pods) == (0.0, "settled", [])


@pytest.mark.parametrize("loop", [MINIMAL, STEADY, REAL])
def test_an_image_that_never_comes_ends_the_run_after_its_last_hopeless_attempt(loop):
    result = run_fixed([pod("p", "bad:1")], {"bad:1": failing(1.0)}, loop=loop)
    assert (result.end, result.ended) == (1.0, "settled")
    assert len(result.pulls) == 1
    assert row(result, "p").started is None
    assert row(result, "p").reason == "ErrImagePull"
    assert row(result, "p").start_seconds == 1.0


@pytest.mark.parametrize(
    "hopeless",
    [pod("p", "none:1"), pod("p", "Bad:1"), pod("p", "app:1", policy="Never"), pod("p", "bad:1", "app:1")],
    ids=["not found", "invalid name", "never", "one of two"],
)
def test_pods_that_cannot_start(hopeless):
    result = run_fixed([hopeless], {"bad:1": failing(1.0), "app:1": 1.0})
    assert result.ended == "settled"
    assert result.end <= 2.0
    assert started(result) == {"p": None}


def test_others_that_still_start_hold_up_the_end():
    """p cannot start; q comes at 50 and starts at 53. p may try once more after that, not twice."""
    result = run_fixed([pod("p", "bad:1"), pod("q", "app:1", at=50.0)], {"bad:1": failing(1.0), "app:1": 3.0})
    assert started(result) == {"p": None, "q": 53.0}
    after = [t for t in times(result, "Pulling", pod="p") if t > 53.0]
    assert len(after) <= 1
    assert result.end <= (after[0] + 1.0 if after else 53.0)


@pytest.mark.parametrize("times_", [1, 3])
def test_a_failure_that_ends_by_itself_keeps_the_run_going(times_):
    result = run_fixed([pod("p", "m:1")], {"m:1": failing(1.0, times=times_)})
    assert row(result, "p").started is not None


def test_a_pull_in_flight_of_the_same_image_keeps_the_run_going():
    """p may not pull, but will find what q pulls."""
    wanted = [pod("q", "app:1"), pod("p", "app:1", at=1.0, policy="Never")]
    result = run_fixed(wanted, {"app:1": 15.0})
    assert started(result) == {"q": 15.0, "p": 21.0}


CONTENT = {"a:1": image(layer("x"))}


def pull_a(**source):
    return run([pod("p", named("a:1"))], node(containerd()), registries=[registry(**source)], images=CONTENT)


def test_a_pod_finds_what_another_has_pulled_although_its_own_pulls_fail():
    """q has its bytes on the way when the registry goes away for good; p looks again at 21 and finds the image.

    Presence is looked at before the back-off.
    """
    content = {"a:1": image(layer("x", 20.0))}
    source = registry(faults=(Fault(0.5, status=503),))
    wanted = [pod("q", named("a:1")), pod("p", named("a:1"), at=1.0)]
    result = run(wanted, node(containerd()), registries=[source], images=content)
    assert started(result) == {"q": 20.0, "p": 21.0}
    assert times(result, "Pulling", pod="p") == [1.0, 11.0]


def test_a_fault_that_ends_keeps_the_run_going():
    result = pull_a(faults=(Fault(0.0, 100.0, status=404),))
    assert started(result) == {"p": pytest.approx(151.0)}
    assert result.ended == "settled"


def test_a_fault_that_does_not_end_does_not():
    result = pull_a(faults=(Fault(0.0, status=503),))
    assert (result.end, result.ended) == (0.0, "settled")
    assert row(result, "p").cause == "serverError"


def test_a_tag_that_moves_keeps_the_run_going():
    images = catalog({"b:1": image(layer("y"))})
    images.add(named("a:1"), image(layer("x")), at=1000.0)
    result = run([pod("p", named("a:1"))], node(containerd()), registries=[registry()], images=images)
    assert started(result)["p"] == pytest.approx(times(result, "Pulling")[-1] + 1.0)
    assert times(result, "Pulling")[-1] >= 1000.0


def test_an_image_that_will_be_removed_keeps_the_run_going():
    """q starts with the image; p comes after it was removed."""
    images = {"app:1": FixedImage(3.0, size=10, present=True, removed_at=(5.0,))}
    result = run_fixed([pod("q", "app:1"), pod("p", "app:1", at=6.0)], images)
    assert started(result) == {"q": 0.0, "p": 9.0}


def test_a_day_is_the_limit():
    result = pull_a(faults=(Fault(0.0, 10 * DAY, status=503),))
    assert (result.end, result.ended) == (DAY, "limit")
    assert row(result, "p").start_seconds == DAY
    assert whole(row(result, "p"))


def test_the_limit_does_not_hold_with_a_horizon():
    wanted = [pod("p", "app:1", at=2 * DAY)]
    result = run_fixed(wanted, {"app:1": 3.0}, horizon=3 * DAY)
    assert started(result) == {"p": 2 * DAY + 3.0}


def test_a_node_that_joins_late_keeps_the_run_going():
    result = run([pod("p", "app:1")], [Node("n-0", node(IMAGES), joins=7200.0)])
    assert started(result) == {"p": 7203.0}
    assert result.end == 7203.0


def test_a_node_that_joins_when_all_pods_have_started_does_not():
    result = run([pod("p", "app:1")], [Node("n-0", node(IMAGES)), Node("n-1", node(IMAGES), joins=50.0)])
    assert (started(result), result.end) == ({"p": 3.0}, 3.0)


def test_a_pod_that_has_not_looked_since_a_fault_ended_keeps_the_run_going():
    """p fails at 0, 10, 30 and 70 s; the fault ends at 100 s; q has started at 121 s; p tries again at 150 s."""
    content = {**CONTENT, "b:1": image(layer("y"))}
    source = registry(faults=(Fault(0.0, 100.0, image="a:*", status=404),))
    wanted = [pod("p", named("a:1")), pod("q", named("b:1"), at=120.0)]
    result = run(wanted, node(containerd()), registries=[source], images=content)
    assert started(result) == {"p": pytest.approx(151.0), "q": pytest.approx(121.0)}


# ---------------------------------------------------------------- what is kept


@pytest.mark.parametrize(
    ("detail", "kept"),
    [
        ("none", set()),
        ("pods", {"pods"}),
        ("pulls", {"pods", "pulls", "events"}),
        ("layers", {"pods", "pulls", "events", "layers"}),
    ],
)
def test_detail(detail, kept):
    spec = ClusterSpec(
        (Node("n-0", node(containerd())),),
        (pod("p", named("a:1")),),
        registries=(registry(),),
        catalog=catalog(CONTENT),
    )
    result = simulate(spec, name="named", detail=detail)
    assert {kind for kind in ("pods", "pulls", "events", "layers") if getattr(result, kind)} == kept
    assert (result.name, result.end, result.nodes, result.pools) == ("named", 1.0, ("n-0",), {"n-0": "n"})
