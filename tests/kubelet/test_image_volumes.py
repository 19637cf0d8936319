"""Image volumes: when their images are pulled, whom a failure holds up, what the events say."""

from __future__ import annotations

import pytest

from pullsim.spec.runtime import FixedImage
from tests.support.outcome import pull, row, stages, story
from tests.support.world import STEADY, UNLIMITED, container, failing, pod, run_fixed, volume

IMAGES = {"app:1": 2.0, "side:1": 1.0, "init:1": 0.5, "data:1": 3.0, "more:1": 4.0}


def events(result):
    return [(round(e.t, 6), e.container, e.reason, e.image) for e in result.events]


def test_volumes_come_first_in_their_order_and_one_at_a_time():
    wanted = pod(
        "p",
        container("app:1", "app", mounts=["data"]),
        init=[container("init:1", "init")],
        volumes=[volume("data:1", "data"), volume("more:1", "more")],
    )
    result = run_fixed([wanted], IMAGES)
    assert events(result)[:8] == [
        (0.0, None, "Pulling", "data:1"),
        (3.0, None, "Pulled", "data:1"),
        (3.0, None, "Pulling", "more:1"),
        (7.0, None, "Pulled", "more:1"),
        (7.0, "init", "Pulling", "init:1"),
        (7.5, "init", "Pulled", "init:1"),
        (7.5, "init", "Created", "init:1"),
        (7.5, "init", "Started", "init:1"),
    ]
    # the next sync looks at the volumes again before it goes on
    assert events(result)[8:11] == [
        (7.5, None, "Pulled", "data:1"),
        (7.5, None, "Pulled", "more:1"),
        (7.5, "app", "Pulling", "app:1"),
    ]
    assert row(result, "p").started == pytest.approx(9.5)
    assert stages(row(result, "p")) == {"pull": 9.5}


@pytest.mark.parametrize("version", [(1, 36), (1, 37)])
def test_from_1_37_only_a_sync_that_starts_a_container_looks_at_volumes(version):
    """The init container runs for 150 s: syncs that find it running look at the volumes to 1.36."""
    wanted = pod(
        "p",
        container("app:1", "app"),
        init=[container("init:1", "init", run=150.0)],
        volumes=[volume("data:1", "data")],
    )
    result = run_fixed([wanted], IMAGES, version=version, loop=STEADY)
    told = [event for event in result.events if event.image == "data:1" and event.reason == "Pulled"]
    assert len(told) == 2 if version >= (1, 37) else len(told) > 2 + 150 // 60
    assert row(result, "p").started


def test_a_failing_volume_holds_up_only_who_mounts_it():
    wanted = pod(
        "p",
        container("app:1", "app", mounts=["data"]),
        container("side:1", "side"),
        volumes=[volume("data:1", "data")],
    )
    result = run_fixed([wanted], {**IMAGES, "data:1": failing(1.0, pull=3.0, times=1)})
    assert [(e.container, e.reason, e.message) for e in result.events if e.t <= 2.0] == [
        (None, "Pulling", 'Pulling image "data:1"'),
        (None, "Failed", 'Failed to pull image "data:1": boom'),
        ("app", "Failed", "Error: ErrImagePull"),
        ("side", "Pulling", 'Pulling image "side:1"'),
        ("side", "Pulled", 'Successfully pulled image "side:1" in 1s (1s including waiting). Image size: 0 bytes.'),
        ("side", "Created", "Container created"),
        ("side", "Started", "Container started"),
    ]
    # 2 s + 10 s: the back-off of the volume, 10 s from 1 s on, is over
    assert story(result)[7:] == [
        (12.0, "Pulling"),
        (15.0, "Pulled"),
        (15.0, "Pulling"),
        (17.0, "Pulled"),
        (17.0, "Created"),
        (17.0, "Started"),
    ]
    assert row(result, "p").started == 17.0
    assert stages(row(result, "p")) == {"pull": 1.0 + 1.0 + 3.0 + 2.0, "backoff": 10.0}


def test_a_container_says_an_error_for_each_failing_volume_that_it_mounts():
    wanted = pod(
        "p",
        container("app:1", "app", mounts=["data", "more", "data", "elsewhere"]),
        volumes=[volume("data:1", "data"), volume("more:1", "more", policy="Never")],
    )
    result = run_fixed([wanted], {"app:1": 1.0, "data:1": failing(1.0), "more:1": 1.0}, horizon=2.0)
    assert [(e.container, e.message) for e in result.events if e.reason != "Pulling"] == [
        (None, 'Failed to pull image "data:1": boom'),
        (None, 'Container image "more:1" is not present with pull policy of Never'),
        ("app", "Error: ErrImagePull"),
        ("app", "Error: ErrImageNeverPull"),
        ("app", "Error: ErrImagePull"),
    ]


def test_back_off_of_a_volume_is_an_error_of_the_container():
    wanted = pod("p", container("app:1", "app", mounts=["data"]), volumes=[volume("data:1", "data")])
    result = run_fixed([wanted], {"app:1": 1.0, "data:1": failing(1.0)}, loop=STEADY, horizon=12.0)
    assert [(e.t, e.container, e.type, e.message) for e in result.events][3:5] == [
        (1.3, None, "Normal", 'Back-off pulling image "data:1"'),
        (1.3, "app", "Warning", "Error: ImagePullBackOff"),
    ]
    record = row(result, "p")
    assert (record.reason, record.images, record.image_refs) == ("ImagePullBackOff", ("app:1", "data:1"), (None, None))


def test_a_volume_and_a_container_of_one_image_share_the_back_off():
    wanted = pod("p", container("data:1", "app"), volumes=[volume("data:1", "data")])
    result = run_fixed([wanted], {"data:1": failing(1.0)}, horizon=2.0)
    assert [e.message for e in result.events] == [
        'Pulling image "data:1"',
        'Failed to pull image "data:1": boom',
        'Back-off pulling image "data:1"',
        "Error: ImagePullBackOff",
    ]


def test_a_failing_volume_that_nobody_mounts_is_no_error_of_the_sync():
    wanted = pod("p", container("app:1", "app"), volumes=[volume("data:1", "data")])
    result = run_fixed([wanted], {"app:1": 1.0, "data:1": failing(1.0)})
    assert row(result, "p").started == 2.0


@pytest.mark.parametrize(
    ("policy", "present", "reasons"),
    [
        ("IfNotPresent", True, ["Pulled"]),
        ("IfNotPresent", False, ["Pulling", "Pulled"]),
        ("Always", True, ["Pulling", "Pulled"]),
        ("Never", True, ["Pulled"]),
        ("Never", False, ["ErrImageNeverPull"]),
    ],
)
def test_policies_of_volumes(policy, present, reasons):
    wanted = pod("p", container("app:1", "app"), volumes=[volume("data:1", "data", policy=policy)])
    result = run_fixed([wanted], {"app:1": 1.0, "data:1": FixedImage(1.0, present=present)})
    assert [e.reason for e in result.events if e.container is None] == reasons


def test_the_record_of_a_volumes_pull_has_its_name():
    wanted = pod("p", container("app:1", "app"), volumes=[volume("data:1", "data")])
    result = run_fixed([wanted], IMAGES)
    first, _ = result.pulls
    assert (first.container, first.image, first.ok) == ("data", "data:1", True)
    assert row(result, "p").images == ("app:1", "data:1")
    assert row(result, "p").image_refs[1] == first.image_ref


EVERY = [(1, minor) for minor in range(24, 37)]


@pytest.mark.parametrize(
    ("version", "gate"),
    [(version, None) for version in EVERY] + [(version, True) for version in EVERY if version >= (1, 31)],
    ids=str,
)
def test_the_gate_by_release(version, gate):
    """Alpha 1.31, beta but off 1.33, on from 1.35; with the gate off the fields are dropped."""
    kubelet = dict(UNLIMITED) if gate is None else {**UNLIMITED, "featureGates": {"ImageVolume": gate}}
    wanted = pod("p", container("app:1", "app", mounts=["data"]), volumes=[volume("data:1", "data")])
    result = run_fixed([wanted], IMAGES, kubelet=kubelet, version=version)
    on = bool(gate) or version >= (1, 35)
    assert {record.image for record in result.pulls} == ({"data:1", "app:1"} if on else {"app:1"})
    assert row(result, "p").started == (5.0 if on else 2.0)


def test_a_volume_that_never_comes_ends_the_run():
    wanted = pod("p", container("app:1", "app", mounts=["data"]), volumes=[volume("data:1", "data")])
    result = run_fixed([wanted], {"app:1": 1.0, "data:1": failing(1.0)})
    assert (result.ended, row(result, "p").started) == ("settled", None)


def test_a_pull_of_another_pod_helps_a_volume_that_is_never_pulled():
    wanted = [
        pod("p", container("app:1", "app", mounts=["data"]), volumes=[volume("data:1", "data", policy="Never")]),
        pod("q", "data:1", at=3.0),
    ]
    result = run_fixed(wanted, {"app:1": 1.0, "data:1": 2.0})
    assert pull(result, "q").ended == 5.0
    assert row(result, "p").started == 11.0
