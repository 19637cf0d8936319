"""Rolling updates with the arithmetic of the controllers."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim.cluster.controllers.int_or_percent import daemon_set_limits, deployment_limits, scaled, stateful_set_limit
from pullsim.results import check
from pullsim.results.exports.registry import summary_json
from pullsim.results.summary.summary import summarize
from pullsim.spec.cluster import DaemonSet, Node, Owner, PodSpec, RollingUpdate
from pullsim.spec.runtime import FixedImage
from tests.support.world import UNLIMITED, container, failing, fixed, node, parallel, pod, run

OLD, NEW = (PodSpec((container(image, policy="Always"),)) for image in ("old:1", "new:1"))
#: Old pods start at once, new ones need 10 s each.
IMAGES = {"old:1": FixedImage(0.0, 0.0), "new:1": FixedImage(10.0, 10.0)}


@pytest.mark.parametrize(
    ("value", "replicas", "up", "number"),
    [
        ("25%", 10, True, 3),
        ("25%", 10, False, 2),
        ("25%", 1, True, 1),
        ("25%", 1, False, 0),
        ("100%", 7, False, 7),
        ("3", 1, True, 3),
        ("0%", 9, True, 0),
        ("34%", 3, True, 2),
        ("33%", 3, False, 0),
    ],
)
def test_percentages(value, replicas, up, number):
    assert scaled(value, replicas, up=up) == number


@pytest.mark.parametrize(
    ("surge", "unavailable", "replicas", "deployment", "daemon_set"),
    [
        ("25%", "25%", 10, (3, 2), (3, 3)),
        ("25%", "25%", 1, (1, 0), (1, 1)),
        ("0", "10%", 3, (0, 1), (0, 1)),  # both would be 0
        ("0", "0", 5, (0, 1), (0, 1)),  # refused by the API server
        ("0", "50%", 5, (0, 2), (0, 3)),
        ("1", "0", 5, (1, 0), (1, 0)),
    ],
)
def test_limits(surge, unavailable, replicas, deployment, daemon_set):
    assert deployment_limits(surge, unavailable, replicas) == deployment
    assert daemon_set_limits(surge, unavailable, replicas) == daemon_set


@pytest.mark.parametrize(("unavailable", "replicas", "limit"), [("1", 3, 1), ("50%", 5, 2), ("10%", 3, 1), ("3", 5, 3)])
def test_a_stateful_set_has_one_pod_unavailable_at_least(unavailable, replicas, limit):
    assert stateful_set_limit(unavailable, replicas) == limit


def updated(
    kind, replicas, *, nodes=1, images=None, kubelet=UNLIMITED, horizon=None, owned=None, status=False, **update
):
    """Replicas of the old template from 0 s on, updated at 100 s."""
    made = Owner(
        kind,
        "web",
        "default",
        0 if kind == "DaemonSet" else replicas,
        update=RollingUpdate(100.0, NEW, "hash", **update),
        **(owned or {}),
    )
    spec = node(fixed(images or IMAGES), kubelet=kubelet)
    name = "web-{}" if kind == "StatefulSet" else "web-{:05d}"
    pods, daemons = [], []
    if kind == "DaemonSet":
        daemons = [DaemonSet("web", "default", OLD, owner=0)]
    else:
        for number in range(replicas):
            follows = name.format(number - 1) if made.ordered and number else None
            pods.append(replace(pod(name.format(number)), spec=OLD, workload="web", owner=0, follows=follows))
    return run(pods, spec, nodes=nodes, owners=(made,), daemon_sets=tuple(daemons), horizon=horizon, status=status)


def new_pods(result):
    """Name and time of creation of the pods with the new image."""
    return [(row.pod, row.created) for row in sorted(result.pods, key=lambda row: row.created) if row.created >= 100.0]


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "peak", "lowest", "seconds"),
    [
        (10, None, None, 13, 8, 20.0),  # 3 + 2 at once, 5 when they are ready
        (4, "1", "0", 5, 4, 40.0),
        (4, "0", "1", 4, 3, 40.0),
        (1, None, None, 2, 1, 10.0),
        (3, "0", "10%", 3, 2, 30.0),
        (4, "100%", "0", 8, 4, 10.0),
        (4, "0", "100%", 4, 0, 10.0),
    ],
)
def test_a_deployment(replicas, surge, unavailable, peak, lowest, seconds):
    result = updated("Deployment", replicas, max_surge=surge, max_unavailable=unavailable)
    (rollout,) = result.rollouts
    assert (rollout.peak, rollout.lowest) == (peak, lowest)
    assert (rollout.began, rollout.completed) == (100.0, 100.0 + seconds)
    assert (rollout.replicas, rollout.updated, rollout.created) == (replicas,) * 3
    assert [name for name, _ in new_pods(result)] == [f"web-hash-{n:05d}" for n in range(replicas)]
    assert check(result) == []
    assert result.ended == "settled"


def test_old_pods_that_are_not_ready_go_first():
    """Four of six old pods run, five should: one may be replaced at a time, and those that do not run go first."""
    images = {**IMAGES, "bad:1": failing()}
    spec = node(fixed(images))
    bad = PodSpec((container("bad:1"),))
    made = Owner("Deployment", "web", "default", 6, update=RollingUpdate(100.0, NEW, "hash", "1", "0"))
    pods = [replace(pod(f"web-{n:05d}"), spec=bad if n in (1, 3) else OLD, workload="web", owner=0) for n in range(6)]
    result = run(pods, spec, owners=(made,), status=True)
    gone = [(row.t, row.pod) for row in result.statuses if row.status == "Deleted"]
    assert gone[:2] == [(100.0, "web-00003"), (110.0, "web-00001")]
    assert check(result) == []


def test_a_new_image_that_cannot_be_pulled_stops_the_update():
    result = updated("Deployment", 10, images={**IMAGES, "new:1": failing()})
    (rollout,) = result.rollouts
    assert rollout.completed is None
    assert (rollout.peak, rollout.lowest, rollout.updated) == (13, 8, 0)
    assert result.ended == "settled"
    assert Counter(row.started is None for row in result.pods) == {False: 10, True: 5}


def test_recreate_waits_until_all_old_pods_are_gone():
    result = updated("Deployment", 3, recreate=True)
    (rollout,) = result.rollouts
    assert (rollout.peak, rollout.lowest, rollout.completed) == (3, 0, 110.0)


def test_a_stateful_set_goes_from_the_highest_ordinal_down():
    result = updated("StatefulSet", 3, owned={"ordered": True})
    assert new_pods(result) == [("web-2", 100.0), ("web-1", 110.0), ("web-0", 120.0)]
    (rollout,) = result.rollouts
    assert (rollout.peak, rollout.lowest, rollout.completed) == (3, 2, 130.0)
    assert check(result) == []


def test_a_partition_keeps_the_ordinals_below_it():
    result = updated("StatefulSet", 4, owned={"ordered": True}, partition=2)
    assert new_pods(result) == [("web-3", 100.0), ("web-2", 110.0)]
    assert result.rollouts[0].completed == 120.0


def test_more_pods_of_a_stateful_set_at_a_time():
    result = updated("StatefulSet", 4, max_unavailable="2")
    assert new_pods(result) == [("web-2", 100.0), ("web-3", 100.0), ("web-1", 110.0), ("web-0", 110.0)]
    assert result.rollouts[0].lowest == 2


def test_a_stateful_set_with_a_broken_image_stays_with_one_pod_less():
    result = updated("StatefulSet", 3, images={**IMAGES, "new:1": failing()}, owned={"ordered": True})
    assert new_pods(result) == [("web-2", 100.0)]
    assert result.rollouts[0].completed is None
    assert result.ended == "settled"


@pytest.mark.parametrize(
    ("update", "peak", "lowest", "seconds"),
    [
        ({}, 4, 3, 40.0),
        ({"max_unavailable": "50%"}, 4, 2, 20.0),
        ({"max_unavailable": "30%"}, 4, 2, 20.0),  # rounded up
        ({"max_surge": "1", "max_unavailable": "0"}, 5, 4, 40.0),
        ({"max_surge": "100%", "max_unavailable": "0"}, 8, 4, 10.0),
    ],
)
def test_a_daemon_set(update, peak, lowest, seconds):
    result = updated("DaemonSet", 0, nodes=4, **update)
    (rollout,) = result.rollouts
    assert (rollout.peak, rollout.lowest, rollout.completed) == (peak, lowest, 100.0 + seconds)
    assert sorted(name for name, _ in new_pods(result)) == [f"web-n-{n}-hash" for n in range(4)]
    assert check(result) == []


def test_a_node_that_joins_during_an_update_gets_the_new_template():
    spec = node(fixed(IMAGES))
    made = Owner("DaemonSet", "web", "default", update=RollingUpdate(100.0, NEW, "hash"))
    result = run(
        [],
        [Node("n-0", spec), Node("n-1", spec), Node("n-2", spec, joins=105.0)],
        owners=(made,),
        daemon_sets=(DaemonSet("web", "default", OLD, owner=0),),
    )
    late = next(row for row in result.pods if row.node == "n-2")
    assert (late.pod, late.images) == ("web-n-2", ("new:1",))
    assert result.rollouts[0].replicas == 3


def test_pods_whose_time_is_up_are_not_made_up_for():
    made = Owner("Deployment", "web", "default", 4, update=RollingUpdate(100.0, NEW, "hash", "0", "1"))
    pods = [replace(pod(f"web-{n:05d}", lives=105.0 if n else None), spec=OLD, owner=0) for n in range(4)]
    result = run(pods, node(fixed(IMAGES)), owners=(made,), status=True)
    assert result.rollouts[0].created < 4
    assert check(result) == []


@settings(deadline=None, max_examples=60)
@given(
    replicas=st.integers(1, 12),
    surge=st.sampled_from(["0", "1", "3", "10%", "25%", "100%"]),
    unavailable=st.sampled_from(["0", "1", "2", "10%", "25%", "50%"]),
    nodes=st.integers(1, 4),
    pull=st.sampled_from([0.5, 7.0, 30.0]),
    most=st.integers(1, 3),
)
def test_never_more_than_the_surge_nor_fewer_than_may_be_unavailable(replicas, surge, unavailable, nodes, pull, most):
    images = {"old:1": FixedImage(1.0, 0.0), "new:1": FixedImage(pull, pull / 2)}
    given_ = {"nodes": nodes, "images": images, "kubelet": parallel(most), "status": True}
    result = updated("Deployment", replicas, max_surge=surge, max_unavailable=unavailable, **given_)
    above, below = deployment_limits(surge, unavailable, replicas)
    deleted = {row.pod: row.t for row in result.statuses if row.status == "Deleted"}
    ends = {row.pod: deleted.get(row.pod, float("inf")) for row in result.pods}
    moments = sorted({100.0, *deleted.values(), *(row.created for row in result.pods)} - {0.0})
    for t in moments:
        there = [row for row in result.pods if row.created <= t < ends[row.pod]]
        assert len(there) <= replicas + above
        ready = [row for row in there if row.started is not None and row.started <= t]
        assert len(ready) >= replicas - below
    left = [row for row in result.pods if ends[row.pod] == float("inf")]
    assert len(left) == replicas
    assert {row.images for row in left} == {("new:1",)}
    assert result.rollouts[0].completed == max(row.started for row in left)
    assert check(result) == []
    again = updated("Deployment", replicas, max_surge=surge, max_unavailable=unavailable, **given_)
    assert summary_json(summarize(again)) == summary_json(summarize(result))
