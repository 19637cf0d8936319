"""EnsureImageExists of several containers and pods: who asks when, the throttle, and what counts for the back-off."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pullsim.spec.runtime import FixedImage, FixedStatusFailure
from tests.support.steps import (
    ABSENT,
    DOWN,
    FETCH,
    LIMITED,
    LOOK,
    LOOK_AND_FETCH,
    PARALLEL,
    PRESENT,
    PULLERS,
    SERIAL,
    Step,
    events,
    failing,
    pod,
    watch,
)

# ---------------------------------------------------------------- several containers, several pods


@PULLERS
def test_an_anonymous_pull_of_the_kubelet_serves_all_pods_of_the_node(monkeypatch, puller):
    """6.5, rules 1 to 5: there is a record, it gives access to the whole node; every repository needs its own."""
    config = {**puller, "imagePullCredentialsVerificationPolicy": "AlwaysVerify"}
    wanted = [pod("a", "app:1"), pod("b", "app:1", at=2.0), pod("c", "app:1", policy="Never", at=3.0)]
    found, _ = watch(monkeypatch, wanted, {"app:1": PRESENT}, kubelet=config)
    assert [(step.pod, [call.split()[0] for call in step.calls]) for step in found] == [
        ("a", LOOK_AND_FETCH),
        ("b", LOOK),
        ("c", LOOK),
    ]


@PULLERS
def test_an_intent_to_pull_makes_an_image_the_kubelets(monkeypatch, puller):
    """Rule 1: while a pull is under way, or queued, a preloaded image is no longer one."""
    wanted = [pod("a", "app:1", policy="Always"), pod("b", "app:1", at=0.5), pod("c", "app:1", at=30.0)]
    found, _ = watch(monkeypatch, wanted, {"app:1": replace(PRESENT, repull=1.0)}, kubelet=puller)
    assert [(step.pod, [call.split()[0] for call in step.calls]) for step in found] == [
        ("a", FETCH),
        ("b", LOOK_AND_FETCH),
        ("c", LOOK),
    ]


@PULLERS
def test_a_failed_pull_takes_its_intent_back(monkeypatch, puller):
    wanted = [pod("a", "app:1", policy="Always"), pod("b", "app:1", at=5.0)]
    found, _ = watch(monkeypatch, wanted, {"app:1": failing(after=1.0, pattern="F", present=True)}, kubelet=puller)
    assert [(step.pod, step.calls) for step in found if step.pod == "b"] == [("b", ["ImageStatus app:1"])]


@PULLERS
def test_containers_are_asked_for_in_order_in_every_sync(monkeypatch, puller):
    """1.1: what failed is tried again in spec order, what runs is not looked at again."""
    images = {"a:1": failing(pattern="F"), "b:1": FixedImage(0.0), "c:1": failing(pattern="F")}
    found, _ = watch(monkeypatch, [pod("p", "a:1", "b:1", "c:1")], images, kubelet=puller)
    assert [(step.at, step.container) for step in found] == [
        (0.0, "c0"),
        (0.0, "c1"),
        (0.0, "c2"),
        (10.0, "c0"),
        (11.0, "c2"),
    ]


@PULLERS
def test_an_init_container_is_the_only_one_of_its_sync(monkeypatch, puller):
    images = {"i:1": failing(pattern="F"), "j:1": FixedImage(2.0), "a:1": FixedImage(0.0)}
    found, _ = watch(monkeypatch, [pod("p", "a:1", init=["i:1", "j:1"], run=3.0)], images, kubelet=puller)
    assert [(step.at, step.container) for step in found] == [
        (0.0, "i0"),
        (10.0, "i0"),  # pulled at 11, runs to 14
        (14.0, "i1"),  # pulled at 16, runs to 19
        (19.0, "c0"),
    ]


# ---------------------------------------------------------------- throttle


@pytest.mark.parametrize(
    ("puller", "refused_at"),
    [(PARALLEL, 0.0), (LIMITED, None), (SERIAL, None)],
    ids=["parallel", "one token", "serial"],
)
def test_the_token_is_tried_when_the_pull_begins(monkeypatch, puller, refused_at):
    """2.5: after the queue, once for a pull, never for ImageStatus; no call of the CRI without one; it counts."""
    config = {**puller, "registryPullQPS": 1, "registryBurst": 1}
    wanted = [pod("a", "a:1"), pod("b", "b:1")]
    found, result = watch(monkeypatch, wanted, {"a:1": FixedImage(4.0), "b:1": FixedImage(1.0)}, kubelet=config)
    step = next(step for step in found if step.pod == "b")
    if refused_at is None:
        assert step.calls == ["ImageStatus b:1", "PullImage b:1", "ImageStatus b:1"]
        return
    assert step == Step("b", "c0", 0.0, ["ImageStatus b:1"], None, "ErrImagePull", "pull QPS exceeded", 0.0)
    assert events(result, step) == [
        'Normal Pulling: Pulling image "b:1"',
        'Warning Failed: Failed to pull image "b:1": pull QPS exceeded',
        "Warning Failed: Error: ErrImagePull",
    ]
    again = [step for step in found if step.pod == "b"][1]
    assert (again.at, again.reason) == (10.0, None)  # the back-off of 10 s is over just then


# ---------------------------------------------------------------- reasons and the back-off


@pytest.mark.parametrize(
    ("image", "policy", "reason", "event", "counted"),
    [
        ("app:1", "IfNotPresent", "ErrImagePull", "Failed", True),
        ("unavailable:1", "Always", "RegistryUnavailable", "Failed", True),
        ("unsigned:1", "Always", "SignatureValidationFailed", "Failed", True),
        ("absent:1", "Never", "ErrImageNeverPull", "ErrImageNeverPull", False),
        ("App:1", "IfNotPresent", "InvalidImageName", "InspectFailed", False),
        ("broken:1", "IfNotPresent", "ImageInspectError", "InspectFailed", False),
    ],
)
def test_which_errors_count_for_the_back_off(monkeypatch, image, policy, reason, event, counted):
    """4.1: the table of waiting reasons."""
    images = {
        "app:1": failing(),
        "unavailable:1": failing("RegistryUnavailable"),
        "unsigned:1": failing("SignatureValidationFailed"),
        "absent:1": ABSENT,
        "broken:1": replace(ABSENT, status_fail=FixedStatusFailure(DOWN)),
        "other:1": FixedImage(1.0),
    }
    wanted = [pod("p", image, policy=policy), pod("later", "other:1", at=40.0)]
    found, result = watch(monkeypatch, wanted, images, horizon=35.0)
    reasons = [step.reason for step in found]
    assert reasons == [reason, reason, "ImagePullBackOff" if counted else reason, reason]
    first = [text.split(":")[0].split() for text in events(result, found[0])]
    assert ["Warning", event] in first
    assert all(kind == ("Normal" if name == "Pulling" else "Warning") for kind, name in first)
    if counted:
        assert events(result, found[2])[0].startswith("Normal BackOff: ")
