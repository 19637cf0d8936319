"""Refusals by registryPullQPS and registryBurst."""

from __future__ import annotations

import pytest

from pullsim.spec.runtime import FixedImage
from tests.support.outcome import messages, row, stages, started, times, whole
from tests.support.world import UNLIMITED, failing, pod, pods, run_fixed


def test_a_burst_is_let_through_and_the_rest_refused():
    config = {**UNLIMITED, "registryPullQPS": 1, "registryBurst": 3}
    result = run_fixed(pods(5), {f"app{n}:1": 2.0 for n in range(5)}, kubelet=config)
    assert started(result) == {"p0": 2.0, "p1": 2.0, "p2": 2.0, "p3": 12.0, "p4": 12.0}
    refused = [each for each in result.pulls if not each.ok]
    assert [(each.pod, each.cause, each.error, each.ended) for each in refused] == [
        ("p3", "qps", "pull QPS exceeded", 0.0),
        ("p4", "qps", "pull QPS exceeded", 0.0),
    ]
    assert 'Failed to pull image "app3:1": pull QPS exceeded' in messages(result, "Failed")
    assert stages(row(result, "p3")) == {"qps": 10.0, "pull": 2.0}


def test_five_a_second_with_a_burst_of_ten_by_default():
    result = run_fixed(pods(14), {f"app{n}:1": 2.0 for n in range(14)}, kubelet={"serializeImagePulls": False})
    assert [each.pod for each in result.pulls if each.cause == "qps"] == ["p10", "p11", "p12", "p13"]


def test_tokens_come_back_at_the_rate():
    """One token at the most, one a second: every other request finds one."""
    config = {**UNLIMITED, "registryPullQPS": 1, "registryBurst": 1}
    result = run_fixed(pods(6, every=0.6), {f"app{n}:1": 0.1 for n in range(6)}, kubelet=config, horizon=5.0)
    # tokens before each request: 1, 0.6, 1.0 (capped), 0.6, 1.0, 0.6
    assert [each.ok for each in sorted(result.pulls, key=lambda each: each.requested)][:6] == [True, False] * 3


@pytest.mark.parametrize(
    "config", [{"serializeImagePulls": True}, {"serializeImagePulls": False, "maxParallelImagePulls": 1}]
)
def test_the_token_is_asked_for_when_the_pull_begins(config):
    """After the queue: pulls of 1.5 s one after another never meet a limit of one a second."""
    config = {**config, "registryPullQPS": 1, "registryBurst": 1}
    result = run_fixed(pods(6), {f"app{n}:1": 1.5 for n in range(6)}, kubelet=config)
    assert all(each.ok for each in result.pulls)


def test_a_refusal_does_not_reach_the_runtime_and_counts_for_the_back_off():
    """p1 is refused at 0 and at 10, where p2 has just taken the token; so it waits for 10 s and then for 20 s."""
    config = {**UNLIMITED, "registryPullQPS": 1, "registryBurst": 1}
    images = {"a:1": 1.0, "b:1": failing(1.0, pull=2.0, times=1), "c:1": 1.0}
    result = run_fixed([pod("p0", "a:1"), pod("p1", "b:1"), pod("p2", "c:1", at=9.5)], images, kubelet=config)
    assert times(result, "Pulling", pod="p1")[:3] == [0.0, 10.0, 30.0]
    assert times(result, "BackOff", pod="p1")[0] == 20.0
    # The runtime's first call for b:1 is the attempt at 30: it fails once, and the back-off is then 40 s.
    assert times(result, "Pulling", pod="p1")[3] == 71.0
    assert started(result)["p1"] == 73.0
    assert stages(row(result, "p1"))["pull"] == 3.0
    assert whole(row(result, "p1"))


def test_no_limit_at_zero():
    result = run_fixed(pods(50), {f"app{n}:1": 1.0 for n in range(50)}, kubelet=UNLIMITED)
    assert all(each.ok for each in result.pulls)


def test_a_present_image_needs_no_token():
    config = {**UNLIMITED, "registryPullQPS": 1, "registryBurst": 1}
    result = run_fixed(pods(5, "app:1"), {"app:1": FixedImage(5.0, present=True)}, kubelet=config)
    assert set(started(result).values()) == {0.0}
