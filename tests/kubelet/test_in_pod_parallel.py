"""The policy inPodParallel: a pod's images are requested together. Fixed runtime, minimal loop unless said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim.results import check
from pullsim.spec.cluster import Leave, Owner
from pullsim.spec.pull_policies import Coalesce, InPodParallel, Priority
from tests.support.outcome import row, stages, started, times, whole
from tests.support.pull_policies import run_policies, sized
from tests.support.world import (
    HOST,
    REAL,
    SERIAL,
    STEADY,
    UNLIMITED,
    container,
    containerd,
    failing,
    image,
    layer,
    node,
    parallel,
    pod,
    run_containerd,
    volume,
)

TAKES = {"i:1": 2.0, "x:1": 5.0, "y:1": 7.0, "v:1": 1.0}
#: An init container that runs for 3 s, and two containers.
POD = [pod("p", "x:1", "y:1", init=[container("i:1", "i", run=3.0)])]


@pytest.mark.parametrize(
    ("policies", "kubelet", "up", "expected"),
    [
        ((), UNLIMITED, 17.0, {"pull": 14.0, "init": 3.0}),
        ((InPodParallel(),), UNLIMITED, 7.0, {"pull": 4.0, "init": 3.0}),
        ((InPodParallel(),), parallel(2), 9.0, {"pull": 6.0, "init": 3.0}),
        ((InPodParallel(),), SERIAL, 14.0, {"pull": 11.0, "init": 3.0}),
    ],
)
def test_the_sum_becomes_the_longest_and_images_come_while_an_init_container_runs(policies, kubelet, up, expected):
    """In turn 2 + 3 + 5 + 7 s; together 7 s; with two slots y begins at 2 s; one at a time 2 + 5 + 7 s."""
    result = run_policies(POD, TAKES, *policies, kubelet=kubelet)
    assert started(result) == {"p": up}
    assert stages(row(result, "p")) == expected
    assert whole(row(result, "p"))


def test_init_containers_still_run_one_after_the_other():
    wanted = [pod("p", "x:1", init=[container("i:1", "one", run=3.0), container("v:1", "two", run=4.0)])]
    assert started(run_policies(wanted, TAKES, InPodParallel())) == {"p": 9.0}  # 2 + 3 + 4: x came meanwhile


def test_image_volumes_too():
    wanted = [pod("p", container("x:1", mounts=("v",)), volumes=[volume("v:1")])]
    assert started(run_policies(wanted, TAKES)) == {"p": 6.0}
    assert started(run_policies(wanted, TAKES, InPodParallel())) == {"p": 5.0}


def test_an_image_of_two_containers_is_requested_once():
    wanted = [pod("p", "x:1", "x:1", "y:1")]
    result = run_policies(wanted, TAKES, InPodParallel())
    assert sorted(each.image for each in result.pulls) == ["x:1", "y:1"]
    assert started(result) == {"p": 7.0}


def test_what_failed_is_tried_again_in_the_next_sync():
    """x fails at 1 s, y comes at 7 s, when the sync ends; 10 s later x is requested again, y is there."""
    result = run_policies([pod("p", "x:1", "y:1")], TAKES | {"x:1": failing(1.0, pull=5.0, times=1)}, InPodParallel())
    assert [(each.image, each.started, each.ok) for each in result.pulls] == [
        ("x:1", 0.0, False),
        ("y:1", 0.0, True),
        ("x:1", 17.0, True),
    ]
    assert started(result) == {"p": 22.0}
    assert stages(row(result, "p")) == {"pull": 12.0, "backoff": 10.0}


def test_a_failed_init_image_does_not_make_others_come_twice():
    images = TAKES | {"i:1": failing(1.0, pull=1.0, times=2)}
    result = run_policies(POD, images, InPodParallel(), loop=STEADY)
    assert [each.image for each in result.pulls].count("x:1") == 1
    assert [each.image for each in result.pulls].count("y:1") == 1
    assert [each.started for each in result.pulls if each.image == "i:1"] == [0.0, 11.7, 34.7]


def test_what_failed_while_an_init_container_ran_is_tried_again_when_it_has_run():
    """x fails at 1 s, and its back-off is over when the init container exits at 22 s: the next sync pulls it then."""
    wanted = [pod("p", "x:1", init=[container("i:1", "i", run=20.0)])]
    images = TAKES | {"x:1": failing(1.0, pull=5.0, times=1)}
    result = run_policies(wanted, images, InPodParallel())
    assert [(each.started, each.ok) for each in result.pulls if each.image == "x:1"] == [(0.0, False), (22.0, True)]
    assert started(result) == {"p": 27.0}


def test_an_image_that_came_after_a_failure_keeps_no_run_from_its_end():
    """The pod never starts, as no image has the name of its init container; x comes in the second attempt."""
    wanted = [pod("p", "x:1", init=[container("Invalid", "i")])]
    result = run_policies(wanted, TAKES | {"x:1": failing(1.0, pull=5.0, times=1)}, InPodParallel())
    assert [each.ok for each in result.pulls] == [False, True]
    assert (result.ended, result.end) == ("settled", 30.0)  # the sync after the one at 20 s, which requests x again


def test_without_image_volumes_their_images_are_not_requested():
    wanted = [pod("p", container("x:1", mounts=("v",)), volumes=[volume("v:1")])]
    result = run_policies(wanted, TAKES, InPodParallel(), version=(1, 30))
    assert [each.image for each in result.pulls] == ["x:1"]


def test_a_deleted_pod_pulls_what_it_has_asked_for_and_does_not_start():
    wanted = [replace(POD[0], lives=1.0), pod("q", "y:1", at=8.0)]
    result = run_policies(wanted, TAKES, InPodParallel())
    assert sorted((each.image, each.ended) for each in result.pulls) == [("i:1", 2.0), ("x:1", 5.0), ("y:1", 7.0)]
    assert started(result) == {"p": None, "q": 8.0}


def test_with_coalesce_a_second_pod_waits_for_each_image_of_the_first():
    wanted = [*POD, replace(POD[0], name="q")]
    result = run_policies(wanted, TAKES, InPodParallel(), Coalesce())
    assert len(result.pulls) == 3
    assert started(result) == {"p": 7.0, "q": 7.0}
    assert stages(row(result, "q")) == {"lock": 4.0, "init": 3.0}


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["IfNotPresent", "Always"])), min_size=1, max_size=4),
    st.lists(st.sampled_from("abcd"), max_size=2),
    st.sampled_from([1.0, None]),
    st.sampled_from([SERIAL, parallel(2), UNLIMITED]),
    st.sampled_from([STEADY, REAL]),
)
def test_no_pod_is_later_than_in_turn_and_every_image_comes(containers, inits, fails, kubelet, loop):
    images = {f"{name}:1": sized(2.0, repull=0.0) for name in "abc"}
    images["d:1"] = sized(2.0) if fails is None else failing(fails, pull=1.0, times=1)
    made = tuple(container(f"{name}:1", f"c{n}", policy=policy) for n, (name, policy) in enumerate(containers))
    wanted = [pod("p", *made, init=[container(f"{name}:1", f"i{n}", run=1.0) for n, name in enumerate(inits)])]
    plain, together = (
        run_policies(wanted, images, *given, kubelet=kubelet, loop=loop)
        for given in ((), (InPodParallel(), Priority()))
    )
    assert check(together) == []
    assert whole(row(together, "p"))
    assert started(together)["p"] is not None
    assert {each.image for each in together.pulls} == {each.image for each in plain.pulls}
    assert len(times(together, "Started")) == len(times(plain, "Started")) == len(made) + len(inits)
    if fails is None:
        assert started(together)["p"] <= started(plain)["p"]


def test_nodes_that_leave_end_all_pulls_of_their_pods():
    images = {f"{name}:1": image(layer(name, 4.0)) for name in "abc"}
    names = [f"{HOST}/{name}:1" for name in "abc"]
    owner = Owner("Deployment", "web", "default", 4)
    wanted = [replace(pod(f"web-{n:05d}", *names), workload="web", owner=0) for n in range(4)]
    spec = replace(node(containerd(), kubelet=parallel(2)), leave=Leave(0.1), pull_policies=(InPodParallel(),))
    result = run_containerd(images, wanted, spec=spec, nodes=2, owners=(owner,), horizon=60.0, seed=5)
    assert len(result.departures) > 5
    assert check(result) == []
    gone = {(each.node, each.t) for each in result.departures}
    for name, at in gone:
        assert all(each.ended <= at for each in result.pulls if each.node == name)
