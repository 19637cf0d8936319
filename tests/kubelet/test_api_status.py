"""What `kubectl get pods` shows over time: computed at the start of a look, from how earlier looks went."""

from __future__ import annotations

import pytest

from pullsim.spec.runtime import FixedImage
from tests.support.world import STEADY, container, failing, pod, pods, run_fixed, volume


def shown(result, name="p"):
    """Time, READY and STATUS of a pod's rows."""
    return [
        (round(row.t, 6), f"{row.ready}/{row.containers}", row.status) for row in result.statuses if row.pod == name
    ]


def steady(wanted, images, *, version=(1, 35), horizon=None):
    """Run with ticks at k + 0.7 s and relists at k + 0.3 s, without jitter."""
    return run_fixed(wanted, images, loop=STEADY, version=version, horizon=horizon, status=True)


def test_a_pod_without_trouble():
    """The relist after the start sees the container run; no reason says that it is being pulled."""
    result = steady([pod("p", "app:1")], {"app:1": 4.0})
    assert shown(result) == [(0.0, "0/1", "Pending"), (0.0, "0/1", "ContainerCreating"), (4.3, "1/1", "Running")]


def test_reasons_alternate():
    """An error shows when the next look begins; that look is in back-off, which shows at the one after it."""
    result = steady([pod("p", "app:1")], {"app:1": failing(1.0)}, horizon=60.0)
    assert shown(result) == [
        (0.0, "0/1", "Pending"),
        (0.0, "0/1", "ContainerCreating"),  # pulls, and fails at 1.0
        (1.3, "0/1", "ErrImagePull"),  # the sandbox's start has made this look; in back-off until 11.0
        (11.7, "0/1", "ImagePullBackOff"),  # 10 s later, at the next tick: pulls again, and fails at 12.7
        (23.7, "0/1", "ErrImagePull"),  # in back-off until 32.7
        (34.7, "0/1", "ImagePullBackOff"),  # pulls
        (46.7, "0/1", "ErrImagePull"),
        (57.7, "0/1", "ImagePullBackOff"),
    ]


def test_init_containers_one_after_the_other():
    init = (container("init:1", "i0", run=3.0), container("init:2", "i1", run=1.5))
    result = steady([pod("p", "app:1", "app:2", init=init)], dict.fromkeys(("init:1", "init:2", "app:1", "app:2"), 2.0))
    assert shown(result) == [
        (0.0, "0/2", "Pending"),
        (0.0, "0/2", "Init:0/2"),  # pulls until 2.0, runs until 5.0
        (5.3, "0/2", "Init:1/2"),  # pulls until 7.3, runs until 8.8
        (9.3, "0/2", "PodInitializing"),  # pulls until 13.3
        (14.3, "2/2", "Running"),
    ]


def test_an_init_container_without_its_image():
    init = (container("init:1", "i0", run=1.0), container("init:2", "i1", run=1.0))
    result = steady([pod("p", "app:1", init=init)], {"init:1": 1.0, "init:2": failing(1.0)}, horizon=20.0)
    assert [status for *_, status in shown(result)] == [
        "Pending",
        "Init:0/2",
        "Init:1/2",
        "Init:ErrImagePull",
        "Init:ImagePullBackOff",
    ]


def test_sidecars_count_as_containers():
    init = (container("mesh:1", "mesh", sidecar=True), container("init:1", "i", run=1.0))
    result = steady([pod("p", "app:1", init=init)], dict.fromkeys(("mesh:1", "init:1", "app:1"), 2.0))
    assert [(ready, status) for _, ready, status in shown(result)] == [
        ("0/2", "Pending"),
        ("0/2", "Init:0/2"),
        ("1/2", "Init:1/2"),
        ("1/2", "PodInitializing"),
        ("2/2", "Running"),
    ]


def test_the_first_waiting_container_gives_the_status():
    """Others start meanwhile: READY counts them."""
    wanted = [pod("p", container("good:1", "a"), container("bad:1", "b"), container("Bad", "c"))]
    result = steady(wanted, {"good:1": 2.0, "bad:1": failing(1.0)}, horizon=20.0)
    assert shown(result)[1:] == [
        (0.0, "0/3", "ContainerCreating"),
        (3.3, "1/3", "ErrImagePull"),
        (13.7, "1/3", "ImagePullBackOff"),
    ]


def test_first_means_by_name():
    """The kubelet sorts the statuses of regular containers by name, whatever their order in the pod."""
    wanted = [pod("p", container("bad:1", "z"), container("Bad", "a"))]
    result = steady(wanted, {"bad:1": failing(1.0)}, horizon=20.0)
    assert shown(result)[2:] == [(1.3, "0/2", "InvalidImageName")]


@pytest.mark.parametrize(
    ("wanted", "status", "message"),
    [
        (
            container("app:1", policy="Never"),
            "ErrImageNeverPull",
            'Container image "app:1" is not present with pull policy of Never',
        ),
        (
            container("app:"),
            "InvalidImageName",
            'Failed to apply default image tag "app:": couldn\'t parse image name "app:": invalid reference format',
        ),
    ],
)
def test_reasons_without_back_off_stay(wanted, status, message):
    result = steady([pod("p", wanted)], {"app:1": 1.0}, horizon=60.0)
    assert [(row.t, row.status, row.message) for row in result.statuses] == [
        (0.0, "Pending", None),
        (0.0, "ContainerCreating", None),
        (pytest.approx(0.3), status, message),
    ]


@pytest.mark.parametrize(
    ("version", "text"),
    [
        ((1, 31), 'Back-off pulling image "app:1"'),
        ((1, 32), 'Back-off pulling image "app:1": ErrImagePull: boom'),
    ],
)
def test_messages_of_a_release(version, text):
    result = steady([pod("p", "app:1")], {"app:1": failing(1.0, error="boom")}, version=version, horizon=30.0)
    assert [(row.status, row.message) for row in result.statuses[2:]] == [
        ("ErrImagePull", "boom"),
        ("ImagePullBackOff", text),
        ("ErrImagePull", "boom"),
    ]


def test_the_old_reason_stays_until_the_container_has_started():
    result = steady([pod("p", "app:1")], {"app:1": failing(1.0, pull=8.0, times=1)})
    assert shown(result)[2:] == [
        (1.3, "0/1", "ErrImagePull"),
        (11.7, "0/1", "ImagePullBackOff"),  # while it is pulled
        (20.3, "1/1", "Running"),
    ]


def test_from_1_36_the_end_of_a_good_sync_relists_at_once():
    result = steady([pod("p", "app:1")], {"app:1": 4.0}, version=(1, 36))
    assert shown(result)[-1] == (4.0, "1/1", "Running")


def test_nothing_after_the_horizon():
    result = steady([pod("p", "app:1")], {"app:1": 4.0}, horizon=4.2)
    assert shown(result)[-1] == (0.0, "0/1", "ContainerCreating")


def test_a_pod_that_no_node_has_room_for_is_pending():
    result = run_fixed([pod("p", "app:1", node="elsewhere")], {"app:1": 1.0}, status=True, horizon=5.0)
    assert [(row.t, row.node, row.status) for row in result.statuses] == [(0.0, None, "Pending")]


def test_rows_are_by_time_and_only_changes():
    result = steady(pods(20, "app{}:1", every=0.37), {f"app{n}:1": 0.5 * n for n in range(20)})
    assert [row.t for row in result.statuses] == sorted(row.t for row in result.statuses)
    assert all(shown(result, f"p{n}")[-1][1:] == ("1/1", "Running") for n in range(20))
    assert len(result.statuses) == 60


def test_watching_changes_nothing_else():
    wanted = pods(6, "app{}:1", every=0.4)
    images = {f"app{n}:1": failing(1.0, times=n) for n in range(6)}
    first, second = (run_fixed(wanted, images, status=status) for status in (False, True))
    assert (first.events, first.pulls, first.pods, first.end) == (second.events, second.pulls, second.pods, second.end)
    assert first.statuses == []
    assert first.requests == []


@pytest.mark.parametrize(
    ("wanted", "present", "pull_required", "reason"),
    [
        (container("cached:1"), True, False, None),
        (container("cached:1", policy="Never"), True, False, None),
        (container("cached:1", policy="Always"), None, True, None),
        (container("app:1"), False, True, None),
        (container("app:1", policy="Never"), False, None, "ErrImageNeverPull"),
        (container("app:"), None, None, "InvalidImageName"),
        (container("bad:1"), False, True, "ErrImagePull"),
    ],
)
def test_what_the_image_manager_was_asked(wanted, present, pull_required, reason):
    images = {"cached:1": FixedImage(1.0, present=True), "app:1": 1.0, "bad:1": failing(1.0)}
    result = run_fixed([pod("p", wanted)], images, status=True, horizon=5.0)
    (request,) = result.requests
    assert (request.present, request.pull_required, request.reason) == (present, pull_required, reason)
    assert (request.kind, request.policy, request.image) == ("container", wanted.policy, wanted.image)


def test_a_look_in_back_off_asks_too():
    result = run_fixed([pod("p", "bad:1")], {"bad:1": failing(1.0)}, loop=STEADY, status=True, horizon=5.0)
    assert [(each.requested, each.ended, each.reason) for each in result.requests] == [
        (0.0, 1.0, "ErrImagePull"),
        (pytest.approx(1.3), pytest.approx(1.3), "ImagePullBackOff"),
    ]


def test_a_container_whose_image_volume_has_no_image():
    """It waits for the volume's reason, and is not asked for; its neighbour starts."""
    wanted = [
        pod("p", container("app:1", "a", mounts=("data",)), container("app:1", "b"), volumes=[volume("bad:1", "data")])
    ]
    result = steady(wanted, {"app:1": 1.0, "bad:1": failing(1.0)}, horizon=10.0)
    assert shown(result)[1:] == [
        (0.0, "0/2", "ContainerCreating"),
        (2.3, "1/2", "ErrImagePull"),  # the relist has seen the sandbox
        (3.3, "1/2", "ImagePullBackOff"),  # the next one has seen the neighbour
    ]
    assert [(each.kind, each.container, each.policy, each.reason) for each in result.requests][:5] == [
        ("image_volume", "data", "IfNotPresent", "ErrImagePull"),
        ("container", "a", None, "ErrImagePull"),
        ("container", "b", "IfNotPresent", None),
        ("image_volume", "data", "IfNotPresent", "ImagePullBackOff"),
        ("container", "a", None, "ImagePullBackOff"),
    ]
