"""Where a pod's time goes: the stages of queues, refusals, back-offs and init containers. Runtime: fixed durations."""

from __future__ import annotations

import pytest

from pullsim.spec.runtime import FixedImage
from tests.support.outcome import row, stages, whole
from tests.support.world import SERIAL, UNLIMITED, container, failing, parallel, pod, run_fixed

BUSY = {"a:1": 4.0, "b:1": 3.0}


@pytest.mark.parametrize(
    ("wanted", "images", "kubelet", "expected"),
    [
        ([pod("p", "b:1")], BUSY, UNLIMITED, {"pull": 3.0}),
        ([pod("p", "b:1")], {"b:1": FixedImage(5.0, present=True)}, UNLIMITED, {}),
        ([pod("o", "a:1"), pod("p", "b:1")], BUSY, SERIAL, {"queue": 4.0, "pull": 3.0}),
        ([pod("o", "a:1"), pod("p", "b:1", at=1.0)], BUSY, parallel(1), {"queue": 3.0, "pull": 3.0}),
        ([pod("p", "b:1")], {"b:1": failing(1.0, pull=3.0, times=1)}, UNLIMITED, {"pull": 4.0, "backoff": 10.0}),
        ([pod("p", "b:1")], {"b:1": failing(1.0, pull=3.0, times=2)}, UNLIMITED, {"pull": 5.0, "backoff": 30.0}),
        (
            [pod("o", "a:1"), pod("p", "b:1")],
            BUSY,
            {**UNLIMITED, "registryPullQPS": 1, "registryBurst": 1},
            {"qps": 10.0, "pull": 3.0},
        ),
        ([pod("p", "b:1", init=[container("a:1", "i", run=6.0)])], BUSY, SERIAL, {"pull": 7.0, "init": 6.0}),
        (
            [pod("o", "a:1", at=4.0), pod("p", "b:1", init=[container("b:1", "i", run=2.0)], policy="Always")],
            {"a:1": 4.0, "b:1": FixedImage(3.0, 1.0)},
            SERIAL,
            {"pull": 4.0, "init": 2.0, "queue": 3.0},
        ),
    ],
    ids=["pull", "present", "serial", "token", "back-off", "back-offs", "qps", "init", "init and queue"],
)
def test_stages_of_a_pod(wanted, images, kubelet, expected):
    result = run_fixed(wanted, images, kubelet=kubelet)
    assert stages(row(result, "p")) == expected
    assert whole(row(result, "p"))


def test_totals_of_a_pod():
    images = {"a:1": failing(1.0, pull=2.0, times=2), "b:1": 1.0}
    result = run_fixed([pod("p", "a:1", "b:1")], images)
    record = row(result, "p")
    assert (record.pulls, record.failures, record.backoffs) == (4, 2, 1)
    assert [each.attempt for each in result.pulls if each.image == "a:1"] == [1, 2, 3]
    assert [each.attempt for each in result.pulls if each.image == "b:1"] == [1]
    assert record.created == record.scheduled == 0.0
