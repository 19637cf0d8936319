"""Nodes that leave with everything on them, and the cold ones in their places."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim.results import check
from pullsim.results.exports.registry import summary_json
from pullsim.results.summary.summary import summarize
from pullsim.spec.cluster import DaemonSet, Leave, Node, Owner, PodSpec
from pullsim.spec.runtime import CrioSpec, FixedImage
from pullsim.streams import Streams
from tests.support.world import (
    HOST,
    RATE,
    UNLIMITED,
    container,
    containerd,
    fixed,
    image,
    layer,
    node,
    parallel,
    pod,
    registry,
    run,
)

IMAGES = {"a:1": FixedImage(10.0)}


def churning(rate=0.01, replace_after=0.0, runtime=None, **given):
    return replace(node(runtime or fixed(IMAGES), **given), leave=Leave(rate, replace_after))


def owned(count, kind="Deployment", **given):
    """Pods web-… of one owner, and the owner."""
    name = "web-{}" if kind == "StatefulSet" else "web-{:05d}"
    pods = [
        replace(pod(name.format(n), f"{HOST}/a:1" if given.get("real") else "a:1"), workload="web", owner=0)
        for n in range(count)
    ]
    return pods, (Owner(kind, "web", "default", count),)


def test_a_node_leaves_after_an_exponential_time_drawn_for_its_place():
    result = run([], churning(), nodes=2, horizon=2000.0, seed=3)
    streams = Streams(3)
    expected = {}
    for place in ("n-0", "n-1"):
        t, stream = 0.0, streams.get("leave", place)
        while (t := t + stream.exponential(0.01)) <= 2000.0:
            expected[t] = place
    assert [row.t for row in result.departures] == pytest.approx(sorted(expected))
    names = ["n-0", "n-1", *(f"n-{n:04d}" for n in range(2, 2 + len(expected)))]
    assert [row.replaced_by for row in result.departures] == names[2:]
    assert result.nodes == ("n-0", "n-1")
    assert set(result.pools) == set(names)


def test_one_more_node_does_not_move_the_departures_of_the_others():
    few, more = (run([], churning(), nodes=n, horizon=300.0, seed=3) for n in (2, 3))
    first = {row.node: row.t for row in few.departures if row.joined == 0.0}
    assert first.items() <= {row.node: row.t for row in more.departures if row.joined == 0.0}.items()


def test_the_next_node_joins_after_a_while():
    result = run([], churning(replace_after=30.0), horizon=2000.0, seed=1)
    for before, after in zip(result.departures, result.departures[1:], strict=False):
        assert after.joined == before.t + 30.0
        assert after.node == before.replaced_by


def test_pods_are_created_anew_with_other_names_on_a_cold_node():
    pods, owners = owned(3)
    result = run(pods, churning(), owners=owners, horizon=400.0, seed=1)
    left = result.departures[0]
    assert left.pods == 3
    new = [row for row in result.pods if row.created == left.t]
    assert [row.pod for row in new] == ["web-00003", "web-00004", "web-00005"]
    assert {row.node for row in new} == {left.replaced_by}
    assert all(row.started == pytest.approx(left.t + 10.0) for row in new)  # the image is pulled again
    assert check(result) == []


def test_a_bare_pod_is_lost():
    result = run([pod("p", "a:1")], churning(), horizon=2000.0, seed=1)
    assert [row.pod for row in result.pods] == ["p"]


def test_pods_of_a_stateful_set_keep_their_names():
    pods, owners = owned(3, "StatefulSet")
    result = run(pods, churning(), owners=owners, horizon=400.0, seed=1)
    assert set(Counter(row.pod for row in result.pods)) == {"web-0", "web-1", "web-2"}
    assert len(result.pods) > 3
    assert check(result) == []


def test_ordered_pods_come_back_in_order():
    pods, _ = owned(3, "StatefulSet")
    pods = [replace(each, follows=f"web-{n - 1}" if n else None) for n, each in enumerate(pods)]
    owners = (Owner("StatefulSet", "web", "default", 3, ordered=True),)
    slow = fixed({"a:1": FixedImage(10.0, 5.0)})
    pods = [replace(each, spec=PodSpec((container("a:1", policy="Always"),))) for each in pods]
    result = run(pods, churning(runtime=slow), owners=owners, horizon=300.0, seed=1)
    left = result.departures[0].t
    back = [(row.pod, row.created - left) for row in result.pods if row.created >= left][:3]
    assert back == [("web-0", 0.0), ("web-1", pytest.approx(10.0)), ("web-2", pytest.approx(15.0))]


def test_a_daemon_set_has_a_pod_on_every_new_node():
    daemons = (DaemonSet("agent", "default", PodSpec((container("a:1"),)), owner=0),)
    owners = (Owner("DaemonSet", "agent", "default"),)
    result = run([], churning(), nodes=2, owners=owners, daemon_sets=daemons, horizon=2000.0, seed=2)
    assert [row.pod for row in result.pods] == [f"agent-{row.node}" for row in result.pods]
    assert len(result.pods) == 2 + len(result.departures)


def test_a_pull_under_way_is_cut_and_its_bandwidth_is_free_at_once():
    """Two nodes share the registry; when one leaves, the other has all of it."""
    spec = node(containerd(), kubelet=UNLIMITED)
    leaving = replace(spec, pool="m", leave=Leave(0.1, 1e6))
    result = run(
        [pod("stays", f"{HOST}/a:1", node="n-0"), pod("goes", f"{HOST}/a:1", node="m-0")],
        [Node("n-0", spec), Node("m-0", leaving)],
        registries=[registry()],
        images={"a:1": image(layer("x", fetch=30.0))},
        horizon=100.0,
        seed=1,
    )
    (left,) = result.departures
    assert left.t < 60.0
    cut = next(row for row in result.pulls if row.pod == "goes")
    assert (cut.ok, cut.cause, cut.registry, cut.ended) == (False, "nodeLeft", HOST, left.t)
    assert summarize(result).bytes.downloaded == sum(row.downloaded for row in result.pulls)
    assert cut.downloaded == pytest.approx(left.t / 2 * RATE, abs=1)
    stays = next(row for row in result.pods if row.pod == "stays")
    assert stays.started == pytest.approx(30.0 + left.t / 2)
    goes = next(row for row in result.pods if row.pod == "goes")
    assert (goes.started, goes.reason, goes.start_seconds) == (None, "Deleted", left.t)
    assert not [event for event in result.events if event.t >= left.t and event.node == "m-0"]
    assert check(result) == []


def test_a_pod_that_waits_for_a_place_gets_that_on_the_new_node():
    pods, owners = owned(4)
    result = run(pods, churning(max_pods=2), owners=owners, horizon=5000.0, seed=1)
    assert result.departures
    placed = Counter(row.node for row in result.pods)
    assert max(count for name, count in placed.items() if name) <= 2


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 99),
    nodes=st.integers(1, 4),
    count=st.integers(1, 9),
    rate=st.sampled_from([1 / 40.0, 1 / 150.0]),
    after=st.sampled_from([0.0, 7.5]),
    runtime=st.sampled_from(
        [
            *(containerd(each, 2, metadata_write=0.001) for each in ((1, 7), (2, 0), (2, 1))),
            replace(
                containerd((2, 2), 2, metadata_write=0.001), max_concurrent_unpacks=2, layer_fetch_buffer=1_000_000
            ),
            CrioSpec(),
        ]
    ),
    most=st.integers(1, 3),
    kind=st.sampled_from(["Deployment", "StatefulSet"]),
    size=st.sampled_from([None, 10**12]),
)
def test_pods_and_bytes_are_conserved(seed, nodes, count, rate, after, runtime, most, kind, size):
    pods, owners = owned(count, kind, real=True)
    spec = churning(rate, after, runtime, kubelet=parallel(most), size=size, write=2 * RATE)
    content = image(layer("x", 2.0, 1.0), layer("y", 5.0, 2.0), layer("z", 0.5, 0.5))
    given_ = {
        "nodes": nodes,
        "owners": owners,
        "registries": [registry(egress=1.5 * RATE, per_connection=RATE)],
        "images": {"a:1": content},
        "horizon": 400.0,
        "seed": seed,
    }
    result = run(pods, spec, status=True, **given_)
    assert check(result) == []
    # every pod that went with its node has a successor, and no other pod has
    ended = [(row.namespace, row.pod, row.t) for row in result.statuses if row.status == "Deleted"]
    if kind == "Deployment":
        assert len(result.pods) == count + len(ended)
        assert len({row.pod for row in result.pods}) == len(result.pods)
    else:
        assert len(result.pods) == count + len(ended)
        assert {row.pod for row in result.pods} == {f"web-{n}" for n in range(count)}
    assert len(ended) == sum(row.pods for row in result.departures)
    # what the registry sent is what its link carried, and what pulls say that they have downloaded
    (used,) = result.registries
    carried = sum((link.t1 - link.t0) * link.bytes_per_second for link in result.links)
    downloaded = sum(row.downloaded for row in result.pulls)
    assert used.sent == downloaded or result.under_way
    assert summarize(result).bytes.downloaded == sum(row.downloaded for row in result.layers)
    assert used.sent <= carried + 1.0 + len(result.departures)
    if not result.under_way:
        assert used.sent == pytest.approx(carried, abs=1.0 + 3 * len(result.departures))
    again = run(pods, spec, status=True, **given_)
    assert summary_json(summarize(again)) == summary_json(summarize(result))
