"""The texts of the kubelet's events, by release."""

from __future__ import annotations

import pytest

from pullsim.spec.runtime import FixedImage
from tests.support.outcome import messages
from tests.support.world import SERIAL, pod, pods, run_fixed


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0s"),
        (0.0004, "0s"),
        (0.534, "534ms"),
        (0.5349, "534ms"),
        (0.9999, "999ms"),
        (1.0, "1s"),
        (1.2349, "1.234s"),
        (1.5, "1.5s"),
        (59.9999, "59.999s"),
        (60.0, "1m0s"),
        (62.5, "1m2.5s"),
        (3603.0, "1h0m3s"),
        (3723.25, "1h2m3.25s"),
    ],
)
def test_durations_are_cut_to_milliseconds(seconds, text):
    result = run_fixed([pod("p", "app:1")], {"app:1": FixedImage(seconds, size=7)})
    expected = f'Successfully pulled image "app:1" in {text} ({text} including waiting). Image size: 7 bytes.'
    assert messages(result, "Pulled") == [expected]


def test_the_second_duration_includes_the_queue():
    result = run_fixed(pods(3), {"app0:1": 4.0, "app1:1": 1.5, "app2:1": 61.0}, kubelet=SERIAL)
    assert [text.split(" in ")[1] for text in messages(result, "Pulled")] == [
        "4s (4s including waiting). Image size: 0 bytes.",
        "1.5s (5.5s including waiting). Image size: 0 bytes.",
        "1m1s (1m6.5s including waiting). Image size: 0 bytes.",
    ]


PULLED = 'Successfully pulled image "app:1" in '


@pytest.mark.parametrize(
    ("version", "pulled", "present", "created", "start"),
    [
        ((1, 25), "4s", "", "Created container c0", "Started container c0"),
        ((1, 27), "2s (4s including waiting)", "", "Created container c0", "Started container c0"),
        ((1, 29), "2s (4s including waiting)", "", "Created container c0", "Started container c0"),
        (
            (1, 30),
            "2s (4s including waiting). Image size: 9 bytes.",
            "",
            "Created container c0",
            "Started container c0",
        ),
        (
            (1, 34),
            "2s (4s including waiting). Image size: 9 bytes.",
            "",
            "Created container: c0",
            "Started container c0",
        ),
        (
            (1, 35),
            "2s (4s including waiting). Image size: 9 bytes.",
            " and can be accessed by the pod",
            "Container created",
            "Container started",
        ),
    ],
)
def test_wording_by_release(version, pulled, present, created, start):
    images = {"other:1": 2.0, "app:1": FixedImage(2.0, size=9)}
    wanted = [pod("o", "other:1"), pod("p", "app:1"), pod("q", "app:1", at=5.0)]
    result = run_fixed(wanted, images, kubelet=SERIAL, version=version)
    assert [event.message for event in result.events if event.pod == "p"] == [
        'Pulling image "app:1"',
        PULLED + pulled,
        created,
        start,
    ]
    assert [event.message for event in result.events if event.pod == "q"] == [
        f'Container image "app:1" already present on machine{present}',
        created,
        start,
    ]
    assert {event.type for event in result.events} == {"Normal"}


def test_a_queue_is_in_the_only_duration_of_old_releases():
    result = run_fixed(pods(2), {"app0:1": 2.0, "app1:1": 1.0}, kubelet=SERIAL, version=(1, 25))
    assert messages(result, "Pulled")[1] == 'Successfully pulled image "app1:1" in 3s'
