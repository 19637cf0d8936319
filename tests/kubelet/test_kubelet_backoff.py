"""Refusals by registryPullQPS, the image back-off, and when the kubelet looks again."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from statistics import mean

import pytest

from pullsim.spec.cadence import Interval, LoopSpec
from pullsim.spec.runtime import FixedFailure, FixedImage
from tests.support.world import (
    REAL,
    STEADY,
    UNLIMITED,
    container,
    failing,
    fixed,
    messages,
    node,
    pod,
    pods,
    pull,
    row,
    run,
    run_fixed,
    stages,
    started,
    story,
    times,
    whole,
)

# ---------------------------------------------------------------- registryPullQPS


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


# ---------------------------------------------------------------- back-off


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


# ---------------------------------------------------------------- cadence of the real loop


def test_a_requeued_pod_is_looked_at_at_the_first_tick_strictly_after():
    """Ticks at k + 0.7, relists at k + 0.3.

    The first pull fails at 1; the sandbox's event makes a sync at the next relist, 1.3. That one is due again at 11.3,
    so at 11.7; the pull fails at 12.7 and is due at 22.7, a tick: not strictly after, so 23.7 (11 s < 20 s: back-off);
    due at 33.7: 34.7 (22 s).
    """
    wanted = [pod("p", "bad:1"), pod("q", "app:1", at=40.0)]
    result = run_fixed(wanted, {"bad:1": failing(1.0), "app:1": 1.0}, loop=STEADY, horizon=40.0)
    assert times(result, "Pulling", pod="p") == pytest.approx([0.0, 11.7, 34.7])
    assert times(result, "BackOff", pod="p") == pytest.approx([1.3, 23.7])


def test_given_draws_are_used_in_order_instead_of_the_requeue_interval():
    loop = LoopSpec(minimal=True, retry=Interval(10.0, 0.0), requeue_draws={"p": (12.5, 14.0)})
    result = run_fixed([pod("p", "app:1")], {"app:1": failing(1.0, pull=2.0, times=3)}, loop=loop)
    # fails at 1; look 13.5 (12.5 s >= 10): fails at 14.5; look 28.5 (14 s < 20): back-off; look 38.5
    assert times(result, "Pulling") == [0.0, 13.5, 38.5, 79.5]


# 20 000 runs of the rules, each attempt failing after 1 s: when attempt n starts, and BackOff events before it.
VECTORS = json.loads((Path(__file__).parents[1] / "data/vectors/backoff_sequence.json").read_text())
WORKED = VECTORS["worked_timeline_missing_image"]
TIMELINE = [  # min, max, 5 %, mean, 95 %, back-offs
    (
        each["start_min_s"],
        each["start_max_s"],
        WORKED["monte_carlo"]["p05"][number],
        WORKED["monte_carlo"]["mean_start_s"][number],
        WORKED["monte_carlo"]["p95"][number],
        each.get("backoff_events_since_previous_attempt_mean_derived", 0),
    )
    for number, each in enumerate(WORKED["attempts"])
]
NODES = 80


@pytest.fixture(scope="module")
def timeline():
    """An image that never exists, on NODES nodes; by node: starts of attempts and times of back-offs."""
    wanted = [pod(f"p{n}", "bad:1", node=f"n-{n}") for n in range(NODES)]
    wanted.append(pod("last", "app:1", node="n-0", at=1652.0))  # keeps the run going
    spec = node(fixed({"bad:1": failing(1.0), "app:1": 1.0}), loop=REAL)
    result = run(wanted, spec, nodes=NODES, seed=11, horizon=1652.0)
    found = {}
    for event in result.events:
        found.setdefault(event.pod, {}).setdefault(event.reason, []).append(event.t)
    return [found[f"p{n}"] for n in range(NODES)], result


@pytest.mark.parametrize("number", range(10))
def test_timeline_of_an_image_that_never_exists(timeline, number):
    low, high, p5, average, p95, _ = TIMELINE[number]
    starts = [each["Pulling"][number] for each in timeline[0]]
    assert all(low <= start < high or start == low == high for start in starts)
    if number:
        assert p5 < mean(starts) < p95
        error = (p95 - p5) / 3.29 / math.sqrt(NODES)  # of the mean
        assert mean(starts) == pytest.approx(average, abs=5 * error + 0.5)
        inside = sum(p5 <= start <= p95 for start in starts) / NODES
        assert 0.8 <= inside <= 1.0  # 90 % by the table
    gaps = [each["Pulling"][number] - each["Pulling"][number - 1] - 1.0 for each in timeline[0] if number]
    backoff = min(10.0 * 2 ** (number - 1), 300.0)
    assert all(backoff - 1e-6 <= gap < backoff + 16.0 for gap in gaps)


@pytest.mark.parametrize("number", range(1, 10))
def test_back_offs_before_each_attempt(timeline, number):
    counts = [
        sum(each["Pulling"][number - 1] < t < each["Pulling"][number] for t in each["BackOff"]) for each in timeline[0]
    ]
    assert mean(counts) == pytest.approx(TIMELINE[number][5], abs=0.4)


def test_order_of_the_first_events(timeline):
    for n in range(NODES):
        events = [each for each in timeline[1].events if each.pod == f"p{n}"][:8]
        assert [event.reason for event in events] == [
            "Pulling", "Failed", "Failed", "BackOff", "Failed", "Pulling", "Failed", "Failed",
        ]  # fmt: skip
        assert 1.0 <= events[3].t <= 3.0  # the pending event of the sandbox


def test_stages_of_a_pod_that_never_starts(timeline):
    rows = [each for each in timeline[1].pods if each.pod != "last"]
    assert len(rows) == NODES
    for each in rows:
        assert whole(each)
        assert stages(each)["pull"] == pytest.approx(10.0, abs=1.0)
        assert stages(each)["backoff"] == pytest.approx(each.start_seconds - stages(each)["pull"])
        assert each.reason in ("ErrImagePull", "ImagePullBackOff")
