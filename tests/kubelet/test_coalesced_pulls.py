"""The policy coalesce: equal requests wait for the first one, then look again. Fixed runtime, minimal loop."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim.cri import Auth
from pullsim.results import check
from pullsim.results.explanation.explanation import explain
from pullsim.spec.cluster import Leave, Owner
from pullsim.spec.credentials import DockerConfigEntry, Secret
from pullsim.spec.feature_gates import IMAGES_BY_HANDLER
from pullsim.spec.pull_policies import Coalesce, Priority
from pullsim.spec.registry import AccessSpec, Account
from pullsim.spec.runtime import RuntimeHandler
from tests.support.outcome import messages, row, stages, started, story, whole
from tests.support.pull_policies import of_priority, run_policies, sized
from tests.support.world import (
    HOST,
    NAME,
    SERIAL,
    UNLIMITED,
    containerd,
    failing,
    fixed,
    image,
    layer,
    node,
    parallel,
    pod,
    pods,
    registry,
    run,
    run_containerd,
    with_secrets,
)

HOT = [*pods(3, "app:1"), pod("other", "other:1")]
TAKES = {"app:1": 4.0, "other:1": 2.0}


def test_a_hot_image_takes_one_slot():
    """Without it p0 and p1 hold both slots for 4 s, and the other image comes at 6 s."""
    assert started(run_policies(HOT, TAKES, kubelet=parallel(2))) == {"p0": 4.0, "p1": 4.0, "p2": 4.0, "other": 6.0}
    result = run_policies(HOT, TAKES, Coalesce(), kubelet=parallel(2))
    assert started(result) == {"p0": 4.0, "p1": 4.0, "p2": 4.0, "other": 2.0}
    assert [(each.pod, each.started) for each in result.pulls] == [("other", 0.0), ("p0", 0.0)]
    assert stages(row(result, "p1")) == {"lock": 4.0}
    assert story(result, "p1") == [(4.0, "Pulled"), (4.0, "Created"), (4.0, "Started")]
    assert messages(result, "Pulled")[-1].endswith("already present on machine and can be accessed by the pod")


def test_explain_says_whose_pull_was_waited_for():
    result = run_policies(HOT, TAKES, Coalesce(), kubelet=parallel(2))
    (step,) = explain(result, row(result, "p1")).steps
    assert (step.what, step.image, step.seconds) == ("lock", "app:1", 4.0)
    assert [(each.pod, each.seconds) for each in step.waited_for] == [("p0", 4.0)]


def test_a_merged_pull_has_the_priority_of_who_asked_first():
    """The urgent pod waits for the one of its image that was asked for by an unimportant one, behind another."""
    wanted = [
        pod("first", "x:1"),
        of_priority("low", "app:1", 0, at=1.0),
        of_priority("mid", "other:1", 1, at=2.0),
        of_priority("urgent", "app:1", 9, at=3.0),
    ]
    images = {"x:1": 4.0, **TAKES}
    assert started(run_policies(wanted, images, Priority(), kubelet=SERIAL))["urgent"] == 8.0
    assert started(run_policies(wanted, images, Coalesce(), Priority(), kubelet=SERIAL))["urgent"] == 10.0


def test_one_token_for_equal_pulls():
    """With one token, three pulls of one image are refused twice; coalesced ones need one."""
    config = {**UNLIMITED, "registryPullQPS": 1, "registryBurst": 1}
    assert sum(not each.ok for each in run_policies(pods(3, "app:1"), TAKES, kubelet=config).pulls) == 2
    assert started(run_policies(pods(3, "app:1"), TAKES, Coalesce(), kubelet=config)) == dict.fromkeys(
        ("p0", "p1", "p2"), 4.0
    )


def test_always_neither_waits_nor_lets_others_wait():
    wanted = [pod("a", "app:1", policy="Always"), pod("b", "app:1", at=1.0), pod("c", "app:1", at=2.0)]
    result = run_policies(wanted, {"app:1": sized(4.0, repull=0.5)}, Coalesce())
    assert [(each.pod, each.started) for each in result.pulls] == [("a", 0.0), ("b", 1.0)]
    assert started(result) == {"a": 4.0, "b": 5.0, "c": 5.0}


def test_never_finds_the_image_that_it_waited_for():
    """Without it the pod with the policy Never fails at 1 s and looks again at 11 s."""
    wanted = [pod("a", "app:1"), pod("n", "app:1", at=1.0, policy="Never")]
    assert started(run_policies(wanted, TAKES))["n"] == 11.0
    assert started(run_policies(wanted, TAKES, Coalesce()))["n"] == 4.0


def test_after_a_failure_the_next_one_tries_each_with_its_own_back_off():
    """Pulls of 2 s fail twice: p0 at 2, p1 at 4; p2 pulls from 4 to 7, and p0 and p1 find the image at 12 and 14."""
    result = run_policies(pods(3, "app:1"), {"app:1": failing(2.0, pull=3.0, times=2)}, Coalesce())
    assert [(each.pod, each.started, each.ok) for each in result.pulls] == [
        ("p0", 0.0, False),
        ("p1", 2.0, False),
        ("p2", 4.0, True),
    ]
    assert started(result) == {"p2": 7.0, "p0": 12.0, "p1": 14.0}
    assert stages(row(result, "p2")) == {"lock": 4.0, "pull": 3.0}
    assert all(whole(each) for each in result.pods)


def test_what_it_costs_where_an_image_never_comes():
    """Failures come one after the other: the last of four pods knows at 8 s, where without it all know at 2 s."""
    bad = {"bad:1": failing(2.0)}
    plain, coalesced = (run_policies(pods(4, "bad:1"), bad, *given, horizon=9.0) for given in ((), (Coalesce(),)))
    assert [each.ended for each in plain.pulls] == [2.0] * 4
    assert [each.ended for each in coalesced.pulls] == [2.0, 4.0, 6.0, 8.0]


PRIVATE = registry(auth="basic", access=AccessSpec((Account("anna", "a"), Account("ben", "b"))))
SECRETS = tuple(
    Secret("default", user, (DockerConfigEntry(HOST, Auth(user, word)),))
    for user, word in (("anna", "a"), ("ben", "b"), ("eve", "wrong"))
)
LAYERS = {NAME: image(layer("x", 4.0))}


def asked_by(*users: str, version=(1, 35)):
    spec = replace(node(containerd(), version=version), pull_policies=(Coalesce(),))
    wanted = [with_secrets(pod(f"p{n}", NAME), user) for n, user in enumerate(users)]
    return run_containerd(LAYERS, wanted, spec=spec, source=PRIVATE, secrets=SECRETS, horizon=9.0)


def test_who_waited_shows_credentials_of_their_own():
    """1.35 verifies them: ben's are no proof and pull, at no cost; eve's pull fails; anna's second pod needs none."""
    result = asked_by("anna", "ben", "eve", "anna")
    assert [(each.pod, each.started, each.ok) for each in result.pulls] == [
        ("p0", 0.0, True),
        ("p1", 4.0, True),
        ("p2", 4.0, False),
    ]
    assert started(result) == {"p0": 4.0, "p1": 4.0, "p3": 4.0, "p2": None}
    assert sum(each.downloaded for each in result.pulls) == LAYERS[NAME].layers[0].size


def test_before_1_35_who_waited_just_uses_the_image():
    result = asked_by("anna", "ben", "eve", version=(1, 34))
    assert [each.pod for each in result.pulls] == ["p0"]
    assert started(result) == dict.fromkeys(("p0", "p1", "p2"), 4.0)


def test_a_pod_that_is_deleted_while_its_pull_is_the_first_lets_the_others_have_the_image():
    wanted = [pod("gone", "app:1", lives=1.0), pod("stays", "app:1", at=0.5)]
    result = run_policies(wanted, TAKES, Coalesce())
    assert [(each.pod, each.ended) for each in result.pulls] == [("gone", 4.0)]
    assert started(result) == {"gone": None, "stays": 4.0}


def test_a_pod_that_is_deleted_while_it_waits_does_not_start():
    wanted = [pod("first", "app:1"), pod("gone", "app:1", lives=1.0), pod("last", "app:1")]
    result = run_policies(wanted, TAKES, Coalesce())
    assert started(result) == {"first": 4.0, "gone": None, "last": 4.0}
    assert len(result.pulls) == 1


def test_other_runtime_handlers_pull_for_themselves():
    """With the gate RuntimeClassInImageCriApi an image belongs to a handler; without it handlers share it."""
    handlers = (RuntimeHandler("runc"), RuntimeHandler("kata", "kata-shim"))
    wanted = [pod("p0", "app:1"), pod("p1", "app:1", handler="kata"), pod("p2", "app:1", handler="kata")]
    for gate, count in ((True, 2), (False, 1)):
        config = {**UNLIMITED, "featureGates": {IMAGES_BY_HANDLER: gate}}
        spec = replace(node(fixed({"app:1": 4.0}), kubelet=config, handlers=handlers), pull_policies=(Coalesce(),))
        assert len(run(wanted, spec).pulls) == count


requests = st.lists(
    st.tuples(
        st.sampled_from(["a:1", "a", "b:1", "bad:1"]),
        st.integers(0, 4),
        st.sampled_from(["IfNotPresent", "Never", "Always"]),
        st.sampled_from([None, 1.0, 3.0]),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=25)
@given(requests, st.sampled_from([SERIAL, parallel(2), UNLIMITED]))
def test_coalescing_never_pulls_more_and_brings_every_pod_up_that_comes_up_without_it(asked, kubelet):
    images = {"a:1": 2.0, "a:latest": 1.0, "b:1": sized(2.0, repull=0.0), "bad:1": failing(1.0, pull=1.0, times=2)}
    wanted = [
        pod(f"p{n}", name, at=float(at), policy=policy, lives=lives)
        for n, (name, at, policy, lives) in enumerate(asked)
    ]
    plain, coalesced = (run_policies(wanted, images, *given, kubelet=kubelet) for given in ((), (Coalesce(),)))
    assert len(coalesced.pulls) <= len(plain.pulls)
    stay = {each.name for each in wanted if each.lives is None}
    ups = [
        {name for name, at in started(result).items() if at is not None and name in stay}
        for result in (plain, coalesced)
    ]
    assert ups[0] <= ups[1]
    for result in (plain, coalesced):
        assert check(result) == []
    never_always = {name for name, _, policy, _ in asked if policy != "Always"}
    for name in never_always - {name for name, _, policy, _ in asked if policy == "Always"} - {"bad:1"}:
        assert sum(each.image == name for each in coalesced.pulls) <= 1


def test_nodes_that_leave_take_those_who_wait_along():
    spec = replace(node(containerd(), kubelet=SERIAL), leave=Leave(0.2), pull_policies=(Coalesce(),))
    owner = Owner("Deployment", "web", "default", 6)
    wanted = [replace(pod(f"web-{n:05d}", NAME), workload="web", owner=0) for n in range(6)]
    result = run_containerd(LAYERS, wanted, spec=spec, nodes=2, owners=(owner,), horizon=40.0, seed=5)
    assert len(result.departures) > 5
    assert any(each.cause == "nodeLeft" for each in result.pulls)
    assert check(result) == []
    assert max(Counter((each.node, each.image) for each in result.pulls).values()) == 1
