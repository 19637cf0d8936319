"""Pull policies, names that do not parse, and what a pod finds that another has pulled. Runtime: fixed durations."""

from __future__ import annotations

import pytest

from pullsim.spec.runtime import FixedImage
from tests.support.outcome import messages, row, stages, started, times
from tests.support.world import SERIAL, pod, pods, run_fixed

PRESENT, ABSENT = FixedImage(5.0, 0.5, 1000, present=True), FixedImage(5.0, 0.5, 1000)


@pytest.mark.parametrize(
    ("policy", "image", "reasons", "start", "calls"),
    [
        ("IfNotPresent", PRESENT, ["Pulled", "Created", "Started"], 0.0, 0),
        ("IfNotPresent", ABSENT, ["Pulling", "Pulled", "Created", "Started"], 5.0, 1),
        ("Always", PRESENT, ["Pulling", "Pulled", "Created", "Started"], 0.5, 1),
        ("Always", ABSENT, ["Pulling", "Pulled", "Created", "Started"], 5.0, 1),
        ("Never", PRESENT, ["Pulled", "Created", "Started"], 0.0, 0),
        ("Never", ABSENT, ["ErrImageNeverPull", "Failed"], None, 0),
    ],
)
@pytest.mark.parametrize("version", [(1, 28), (1, 34), (1, 35)])
def test_pull_policies(policy, image, reasons, start, calls, version):
    result = run_fixed([pod("p", "app:1", policy=policy)], {"app:1": image}, version=version, horizon=9.0)
    assert [event.reason for event in result.events] == reasons
    assert row(result, "p").started == start
    assert row(result, "p").pulls == len(result.pulls) == calls


def test_never_looks_again_every_requeue_and_never_backs_off():
    """The other pod keeps the run going."""
    wanted = [pod("p", "app:1", policy="Never"), pod("q", "other:1", at=31.0)]
    result = run_fixed(wanted, {"app:1": ABSENT, "other:1": 4.0}, horizon=35.0)
    text = 'Container image "app:1" is not present with pull policy of Never'
    assert messages(result, "ErrImageNeverPull") == [text] * 4
    assert times(result, "ErrImageNeverPull") == [0.0, 10.0, 20.0, 30.0]
    assert messages(result, "Failed") == ["Error: ErrImageNeverPull"] * 4
    assert not times(result, "BackOff")
    assert row(result, "p").reason == "ErrImageNeverPull"


def test_never_starts_when_another_pod_has_pulled_the_image():
    result = run_fixed([pod("p", "app:1", policy="Never"), pod("q", "app:1", at=22.0)], {"app:1": ABSENT})
    assert times(result, "ErrImageNeverPull", pod="p") == [0.0, 10.0, 20.0]
    assert started(result) == {"p": 30.0, "q": 27.0}
    assert stages(row(result, "p")) == {"sync": 30.0}


HEX = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("registry.test/App:1", "invalid reference format: repository name (App) must be lowercase"),
        ("ROOT", "invalid reference format: repository name (library/ROOT) must be lowercase"),
        ("nginx:", "invalid reference format"),
        ("nginx ", "invalid reference format"),
        ("https://github.com/docker/docker", "invalid reference format"),
        (HEX, f"invalid repository name ({HEX}), cannot specify 64-byte hexadecimal strings"),
    ],
)
def test_a_name_that_does_not_parse(name, why):
    """The other pod keeps the run going."""
    result = run_fixed([pod("p", name), pod("q", "app:1", at=31.0)], {"app:1": 1.0}, horizon=35.0)
    text = f'Failed to apply default image tag "{name}": couldn\'t parse image name "{name}": {why}'
    assert times(result, "InspectFailed") == [0.0, 10.0, 20.0, 30.0]
    assert set(messages(result, "InspectFailed")) == {text}
    assert set(messages(result, "Failed")) == {"Error: InvalidImageName"}
    assert not times(result, "Pulling", pod="p")
    assert not times(result, "BackOff")
    assert row(result, "p").reason == "InvalidImageName"


@pytest.mark.parametrize("policy", ["IfNotPresent", "Always", "Never"])
def test_a_name_that_does_not_parse_does_not_depend_on_the_policy(policy):
    result = run_fixed([pod("p", "Bad", policy=policy)], {}, horizon=5.0)
    assert [event.reason for event in result.events] == ["InspectFailed", "Failed"]


def test_every_pod_that_saw_no_image_asks_for_its_own_pull():
    """No merging of requests and no second look after the queue."""
    in_parallel = run_fixed(pods(5, "app:1"), {"app:1": ABSENT})
    assert len(in_parallel.pulls) == 5
    assert {each.started for each in in_parallel.pods} == {5.0}

    serial = run_fixed(pods(5, "app:1"), {"app:1": ABSENT}, kubelet=SERIAL)
    assert len(serial.pulls) == 5
    assert list(started(serial).values()) == pytest.approx([5.0, 5.5, 6.0, 6.5, 7.0])
    assert all("Successfully pulled" in text for text in messages(serial, "Pulled"))

    staggered = run_fixed(pods(5, "app:1", every=2.0), {"app:1": ABSENT})
    assert [event.pod for event in staggered.events if event.reason == "Pulling"] == ["p0", "p1", "p2"]
    assert started(staggered) == {"p0": 5.0, "p1": 7.0, "p2": 9.0, "p3": 6.0, "p4": 8.0}


def test_the_default_tag_is_for_the_runtime_alone():
    result = run_fixed([pod("p", "app")], {"app:latest": 1.0})
    assert {event.image for event in result.events} == {"app"}
    assert all(":latest" not in event.message for event in result.events)
    assert row(result, "p").started == 1.0


def test_a_pull_in_flight_makes_a_preloaded_image_unverified():
    """From 1.35: while the kubelet pulls it, a present image counts as the kubelet's own, with no record yet."""
    images = {"app:1": FixedImage(9.0, 5.0, 1000, present=True)}
    wanted = [pod("p", "app:1", policy="Always"), pod("q", "app:1", at=1.0), pod("r", "app:1", at=7.0)]
    new = run_fixed(wanted, images)
    assert [event.pod for event in new.events if event.reason == "Pulling"] == ["p", "q"]
    assert started(new) == {"p": 5.0, "q": 6.0, "r": 7.0}
    old = run_fixed(wanted, images, version=(1, 34))
    assert [event.pod for event in old.events if event.reason == "Pulling"] == ["p"]
    never = run_fixed([*wanted, pod("n", "app:1", at=1.0, policy="Never")], images)
    assert times(never, "ErrImageNeverPull", pod="n") == [1.0]
    assert started(never)["n"] == 11.0
