"""The image back-off: its windows, whom it holds, and its events."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from pullsim.spec.cadence import Interval, LoopSpec
from pullsim.spec.runtime import FixedFailure, FixedImage
from tests.support.outcome import pull, row, story, times
from tests.support.world import container, failing, pod, run_fixed


def attempts(requeue, after=1.0, *, count=9, initial=10.0, cap=300.0, at=0.0):
    """When a container is tried that fails each time: the first look at or after the end of the back-off."""
    found, t, backoff = [], at, initial
    for _ in range(count):
        found.append(t)
        failed = t + after
        looks = math.ceil(round(backoff / requeue, 9))
        t, backoff = failed + looks * requeue, min(2 * backoff, cap)
    return found


@pytest.mark.parametrize("after", [1.0, 0.1, 0.3, 0.7, 2.9, 33.0])
@pytest.mark.parametrize("at", [0.0, 0.1, 1.7])
@pytest.mark.parametrize("requeue", [10.0, 13.0])
def test_back_off_doubles_from_10_to_300_seconds(after, at, requeue):
    """With a requeue of 10 s every look falls on the edge of the window, where the back-off is over."""
    loop = LoopSpec(minimal=True, retry=Interval(requeue, 0.0))
    expected = attempts(requeue, after, at=at)
    wanted = [pod("p", "bad:1", at=at), pod("q", "app:1", at=expected[-1])]
    result = run_fixed(wanted, {"bad:1": failing(after), "app:1": 1.0}, loop=loop, horizon=expected[-1])
    assert times(result, "Pulling", pod="p") == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("requeue", "gaps"), [(10, [10, 20, 40, 80, 160, 300, 300]), (13, [13, 26, 52, 91, 169, 312, 312])]
)
def test_gaps_between_a_failure_and_the_next_attempt(requeue, gaps):
    loop = LoopSpec(minimal=True, retry=Interval(float(requeue), 0.0))
    wanted = [pod("p", "bad:1"), pod("q", "app:1", at=1200.0)]
    result = run_fixed(wanted, {"bad:1": failing(0.0), "app:1": 1.0}, loop=loop, horizon=1200.0)
    tries = times(result, "Pulling", pod="p")
    assert [round(after - before, 6) for before, after in pairwise(tries)][: len(gaps)] == gaps
    looks = len(times(result, "BackOff", pod="p"))
    assert looks == sum(gap // requeue - 1 for gap in gaps) + (1200 - sum(gaps)) // requeue


def test_back_off_initial_and_cap_can_be_given():
    loop = LoopSpec(minimal=True, retry=Interval(1.0, 0.0), backoff_initial=2.0, backoff_max=7.0)
    wanted = [pod("p", "bad:1"), pod("q", "app:1", at=60.0)]
    result = run_fixed(wanted, {"bad:1": failing(0.0), "app:1": 1.0}, loop=loop, horizon=60.0)
    assert times(result, "Pulling", pod="p")[:6] == [0.0, 2.0, 6.0, 13.0, 20.0, 27.0]


def test_a_success_does_not_reset_the_back_off():
    """c0 fails at 1 and succeeds at 12; c1 has the same image, fails at 13 and waits for 20 s, not for 10 s."""
    images = {"app:1": FixedImage(1.0, 1.0, fail=FixedFailure(1.0, "boom", pattern="FSF"))}
    result = run_fixed([pod("p", "app:1", "app:1", policy="Always")], images)
    assert story(result) == [
        (0.0, "Pulling"),
        (1.0, "Failed"),
        (1.0, "Failed"),
        (1.0, "BackOff"),
        (1.0, "Failed"),
        (11.0, "Pulling"),
        (12.0, "Pulled"),
        (12.0, "Created"),
        (12.0, "Started"),
        (12.0, "Pulling"),
        (13.0, "Failed"),
        (13.0, "Failed"),
        (23.0, "BackOff"),
        (23.0, "Failed"),
        (33.0, "Pulling"),
        (34.0, "Pulled"),
        (34.0, "Created"),
        (34.0, "Started"),
    ]


@pytest.mark.parametrize(
    ("after", "wait"),
    [
        (589.0, 20.0),  # fails at 589 and at 1188, 599 s later
        (590.0, 20.0),  # 600 s later: not more than 600 s
        (591.0, 10.0),  # 601 s later
        (700.0, 10.0),
    ],
)
def test_a_back_off_expires_600_seconds_after_the_last_failure(after, wait):
    """The second attempt comes 10 s after the first failure; failing takes so long that the entry may expire."""
    expected = [0.0, after + 10.0, 2 * after + 10.0 + wait]
    wanted = [pod("p", "bad:1"), pod("q", "app:1", at=expected[-1])]
    result = run_fixed(wanted, {"bad:1": failing(after), "app:1": 1.0}, horizon=expected[-1])
    assert times(result, "Pulling", pod="p") == pytest.approx(expected)


@pytest.mark.parametrize(("run_seconds", "wait"), [(500.0, 20.0), (700.0, 10.0)])
def test_an_expired_back_off_starts_again_at_10_seconds(run_seconds, wait):
    """The init container fails at 1 and runs from 12; the container with the same image fails after it."""
    images = {"app:1": FixedImage(1.0, 1.0, fail=FixedFailure(1.0, "boom", pattern="FSF"))}
    spec = [container("app:1", "i", policy="Always", run=run_seconds)]
    result = run_fixed([pod("p", "app:1", policy="Always", init=spec)], images)
    failed = 12.0 + run_seconds + 1.0
    assert times(result, "Pulling", container="c0") == [failed - 1.0, failed + wait]


def test_two_containers_with_one_image_text_share_the_back_off():
    result = run_fixed([pod("p", "bad:1", "bad:1")], {"bad:1": failing(1.0)}, horizon=5.0)
    assert [(event.t, event.container, event.reason) for event in result.events] == [
        (0.0, "c0", "Pulling"),
        (1.0, "c0", "Failed"),
        (1.0, "c0", "Failed"),
        (1.0, "c1", "BackOff"),
        (1.0, "c1", "Failed"),
    ]


def test_two_texts_of_one_image_do_not_share_the_back_off():
    result = run_fixed([pod("p", "bad", "bad:latest")], {"bad:latest": failing(1.0)}, horizon=5.0)
    assert [(event.t, event.container, event.reason) for event in result.events] == [
        (0.0, "c0", "Pulling"),
        (1.0, "c0", "Failed"),
        (1.0, "c0", "Failed"),
        (1.0, "c1", "Pulling"),
        (2.0, "c1", "Failed"),
        (2.0, "c1", "Failed"),
    ]


def test_two_pods_with_one_image_have_back_offs_of_their_own():
    wanted = [pod("p", "bad:1"), pod("q", "bad:1", at=4.0), pod("r", "app:1", at=200.0)]
    result = run_fixed(wanted, {"bad:1": failing(1.0), "app:1": 1.0}, horizon=200.0)
    first = attempts(10.0, count=5)
    assert times(result, "Pulling", pod="p") == first
    assert times(result, "Pulling", pod="q") == [t + 4.0 for t in first]


@pytest.mark.parametrize(
    ("error", "reason", "message"),
    [
        ("boom", "ErrImagePull", 'Failed to pull image "bad:1": boom'),
        (
            "rpc error: code = NotFound desc = no such image",
            "ErrImagePull",
            'Failed to pull image "bad:1": rpc error: code = NotFound desc = no such image',
        ),
    ],
)
def test_events_of_a_failed_pull(error, reason, message):
    result = run_fixed([pod("p", "bad:1")], {"bad:1": failing(1.0, error=error)}, horizon=5.0)
    assert [(event.type, event.reason, event.message) for event in result.events] == [
        ("Normal", "Pulling", 'Pulling image "bad:1"'),
        ("Warning", "Failed", message),
        ("Warning", "Failed", f"Error: {reason}"),
    ]
    assert row(result, "p").reason == reason
    assert pull(result, "p").error == error


@pytest.mark.parametrize("reason", ["RegistryUnavailable", "SignatureValidationFailed"])
def test_errors_that_the_runtime_marks_have_reasons_of_their_own(reason):
    """They are counted by the back-off like any other."""
    wanted = [pod("p", "bad:1"), pod("q", "app:1", at=20.0)]
    images = {"bad:1": failing(1.0, error=f"{reason}: try later"), "app:1": 1.0}
    result = run_fixed(wanted, images, horizon=15.0)
    failed = [event.message for event in result.events if event.reason == "Failed" and event.pod == "p"]
    assert failed[0].startswith('Failed to pull image "bad:1": ')
    assert failed[1] == f"Error: {reason}"
    assert times(result, "Pulling", pod="p") == [0.0, 11.0]
    assert row(result, "p").reason == reason


def test_back_off_events():
    wanted = [pod("p", "bad:1"), pod("q", "app:1", at=60.0)]
    result = run_fixed(wanted, {"bad:1": failing(1.0), "app:1": 1.0}, horizon=60.0)
    assert [(each.t, each.type, each.reason, each.message) for each in result.events if each.pod == "p"][-4:] == [
        (43.0, "Normal", "BackOff", 'Back-off pulling image "bad:1"'),
        (43.0, "Warning", "Failed", "Error: ImagePullBackOff"),
        (53.0, "Normal", "BackOff", 'Back-off pulling image "bad:1"'),
        (53.0, "Warning", "Failed", "Error: ImagePullBackOff"),
    ]
    assert row(result, "p").backoffs == 3
    assert row(result, "p").reason == "ImagePullBackOff"
