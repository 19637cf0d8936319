"""Prepull jobs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim.errors import InputError
from pullsim.results import check
from pullsim.results.exports.registry import summary_json
from pullsim.results.summary.summary import summarize
from pullsim.scenario import from_mapping
from pullsim.spec.cluster import Leave, Node, PodSpec, Prepull
from pullsim.spec.scheduling import Scheduling, Toleration
from tests.support.world import (
    HOST,
    UNLIMITED,
    container,
    containerd,
    failing,
    fixed,
    image,
    layer,
    node,
    parallel,
    pod,
    registry,
    run,
)

IMAGES = {"a:1": 10.0, "b:1": 5.0}


def job(*images, **given):
    spec = PodSpec(tuple(replace(container(name, f"pull-{n}"), completes=True) for n, name in enumerate(images)))
    return Prepull("warm", "default", spec, **given)


def spans(result):
    """Node, begin and end of each puller that ended well."""
    return [(row.node, row.created, row.started) for row in result.prepulls]


@pytest.mark.parametrize(
    ("parallelism", "begins"), [(1, [0, 15, 30, 45]), (2, [0, 0, 15, 15]), (4, [0, 0, 0, 0]), (9, [0, 0, 0, 0])]
)
def test_so_many_nodes_at_a_time(parallelism, begins):
    result = run([], node(fixed(IMAGES)), nodes=4, prepulls=(job("a:1", "b:1", parallelism=parallelism),))
    assert spans(result) == [(f"n-{n}", begin, begin + 15.0) for n, begin in enumerate(begins)]
    assert result.pods == []
    assert [event for event in result.events if event.reason == "Killing"] == []
    assert check(result) == []
    assert result.ended == "settled"


def test_pods_that_come_later_find_the_images_and_have_the_place():
    result = run([pod("p", "a:1", at=60.0)], node(fixed(IMAGES), max_pods=1), prepulls=(job("a:1"),))
    (row,) = result.pods
    assert (row.pulls, row.started) == (0, 60.0)
    assert summarize(result).pods.total == 1
    assert summarize(result).prepulls["warm"].done == 1


def test_it_waits_in_the_kubelets_queue_as_pods_do():
    result = run([pod("p", "b:1")], node(fixed(IMAGES), kubelet=parallel(1)), prepulls=(job("a:1"),))
    assert result.pods[0].started == 5.0
    assert spans(result) == [("n-0", 0.0, 15.0)]


def test_nodes_that_join_later_are_taken_up():
    spec = node(fixed(IMAGES))
    nodes = [Node("n-0", spec), Node("n-1", spec, joins=100.0), Node("m-0", replace(spec, pool="m"))]
    result = run([], nodes, prepulls=(job("a:1", pool="n"),))
    assert spans(result) == [("n-0", 0.0, 10.0), ("n-1", 100.0, 110.0)]


def test_one_node():
    result = run([], node(fixed(IMAGES)), nodes=3, prepulls=(job("a:1", node="n-1", created=7.0),))
    assert spans(result) == [("n-1", 7.0, 17.0)]


def test_a_node_that_cannot_get_the_image_is_given_up_after_a_while():
    images = {**IMAGES, "bad:1": failing()}
    result = run([], node(fixed(images)), nodes=2, prepulls=(job("bad:1", "a:1", timeout=60.0),))
    assert [(row.created, row.started, row.reason, row.start_seconds) for row in result.prepulls] == [
        (0.0, None, "Deleted", 60.0),
        (60.0, None, "Deleted", 60.0),
    ]
    assert summarize(result).prepulls["warm"].given_up == 2
    assert check(result) == []


def test_nodes_that_leave_and_come():
    spec = replace(node(fixed(IMAGES), kubelet=UNLIMITED), leave=Leave(0.02, 5.0))
    result = run([], spec, nodes=3, prepulls=(job("a:1", parallelism=2),), horizon=600.0, seed=4)
    assert len(result.departures) > 10
    done = [row.node for row in result.prepulls if row.started is not None]
    assert len(done) == len(set(done))
    assert check(result) == []


@settings(deadline=None, max_examples=40)
@given(
    nodes=st.integers(1, 5),
    parallelism=st.integers(1, 4),
    begins=st.sampled_from([0.0, 3.0, 20.0]),
    release=st.sampled_from([(1, 7), (2, 1)]),
    most=st.integers(1, 2),
    seed=st.integers(0, 9),
)
def test_never_more_nodes_than_wanted_and_every_node_once(nodes, parallelism, begins, release, most, seed):
    name = f"{HOST}/a:1"
    given_ = {
        "nodes": nodes,
        "registries": [registry()],
        "images": {"a:1": image(layer("x", 2.0, 1.0), layer("y", 1.0))},
        "prepulls": (job(name, parallelism=parallelism, created=begins),),
        "seed": seed,
    }
    spec = node(containerd(release), kubelet=parallel(most))
    wanted = [pod(f"p{n}", name, at=4.0 * n) for n in range(3)]
    result = run(wanted, spec, **given_)
    assert sorted(row.node for row in result.prepulls) == [f"n-{n}" for n in range(nodes)]
    for t in {row.created for row in result.prepulls}:
        assert sum(row.created <= t < row.started for row in result.prepulls) <= parallelism
    fetched = [(row.node, row.digest) for row in result.layers if row.source != "local"]
    assert len(fetched) == len(set(fetched))  # no layer comes to a node twice
    assert check(result) == []
    assert summary_json(summarize(run(wanted, spec, **given_))) == summary_json(summarize(result))


def test_the_key():
    images = {"runtime": {"fixed": {"images": {"a:1": {"pull": "1s"}, "b:1": {"pull": "1s"}}}}}
    workload = {"name": "warm", "at": "5s", "prepull": {"images": ["a:1", "b:1"], "parallelism": 3, "timeout": "1m"}}
    cluster = from_mapping(
        {"nodes": [{**images, "name": "n"}], "workloads": [{**workload, "on": {"pool": "n"}}]}
    ).build()
    assert cluster.prepulls == (
        Prepull(
            "warm",
            "default",
            PodSpec(
                tuple(replace(container(each, f"pull-{n}"), completes=True) for n, each in enumerate(("a:1", "b:1"))),
                scheduling=Scheduling(tolerations=(Toleration(operator="Exists"),)),
            ),
            created=5.0,
            parallelism=3,
            timeout=60.0,
            pool="n",
        ),
    )


@pytest.mark.parametrize(
    ("workload", "wrong"),
    [
        ({"prepull": {"images": []}}, "images"),
        ({"prepull": {"images": ["c:1"]}}, "c:1"),
        ({"prepull": {"images": ["a:1"]}, "lives": "1m"}, "lives does not go with prepull"),
        ({"prepull": {"images": ["a:1"]}, "deadline": "1m"}, "deadline does not go with prepull"),
        ({"prepull": {"images": ["a:1"]}, "update": {"at": "1m"}}, "an update does not go with prepull"),
        ({"prepull": {"images": ["a:1"]}, "arrivals": {"every": "1m"}}, "arrivals go with pods or pod"),
        ({"prepull": {"images": ["a:1"]}, "on": {"pool": "x"}}, "there is no pool 'x'"),
    ],
)
def test_what_is_wrong_with_it(workload, wrong):
    with pytest.raises(InputError) as caught:
        from_mapping({"nodes": [{}], "workloads": [workload]}).build()
    assert wrong in str(caught.value)
