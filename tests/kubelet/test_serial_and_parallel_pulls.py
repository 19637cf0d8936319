"""The queues of the serial and of the parallel puller. Runtime: fixed durations; loop: minimal unless said."""

from __future__ import annotations

import heapq

import pytest

from tests.support.outcome import pull, row, stages, started, story, times
from tests.support.world import MINIMAL, SERIAL, STEADY, UNLIMITED, failing, parallel, pod, pods, run_fixed


@pytest.mark.parametrize(
    ("count", "service", "every"),
    [
        (1, 4.0, 0.0),
        (3, 4.0, 0.0),
        (12, 2.5, 0.0),
        (40, 1.0, 0.0),
        (20, 3.0, 1.0),
        (20, 3.0, 2.5),
        (20, 3.0, 3.0),
        (9, 1.0, 7.0),
    ],
)
def test_serial_pulls_are_a_deterministic_queue(count, service, every):
    """D/D/1: the k-th pod waits k * (service - interarrival time), or not at all."""
    result = run_fixed(pods(count, every=every), {f"app{n}:1": service for n in range(count)}, kubelet=SERIAL)
    for k in range(count):
        wait = k * max(0.0, service - every)
        record = pull(result, f"p{k}")
        assert record.requested == pytest.approx(k * every)
        assert record.started - record.requested == pytest.approx(wait)
        assert row(result, f"p{k}").start_seconds == pytest.approx(wait + service)
        assert stages(row(result, f"p{k}")) == stages_of(queue=wait, pull=service)


def stages_of(**seconds):
    return {stage: round(value, 6) for stage, value in seconds.items() if value}


DURATIONS = [4.0, 1.0, 3.0, 2.0, 6.0, 1.5, 0.5, 5.0, 2.5, 3.5, 0.25, 7.0, 1.0, 2.0]


def list_schedule(durations, servers):
    """Ends when jobs are taken in order by whichever server is free first."""
    free, ends = [0.0] * servers, []
    for duration in durations:
        ends.append(heapq.heappop(free) + duration)
        heapq.heappush(free, ends[-1])
    return ends


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 10, 14, 100])
def test_parallel_pulls_with_a_limit_are_a_list_schedule(limit):
    images = {f"app{n}:1": seconds for n, seconds in enumerate(DURATIONS)}
    result = run_fixed(pods(len(DURATIONS)), images, kubelet=parallel(limit))
    ends = [started(result)[f"p{n}"] for n in range(len(DURATIONS))]
    assert ends == pytest.approx(list_schedule(DURATIONS, limit))


def test_parallel_pulls_without_a_limit_do_not_wait():
    images = {f"app{n}:1": seconds for n, seconds in enumerate(DURATIONS)}
    result = run_fixed(pods(len(DURATIONS)), images, kubelet=UNLIMITED)
    assert [started(result)[f"p{n}"] for n in range(len(DURATIONS))] == DURATIONS
    assert all(stages(each) == {"pull": each.start_seconds} for each in result.pods)


@pytest.mark.parametrize(
    ("config", "most"),
    [
        ({}, 1),
        ({"maxParallelImagePulls": 1}, 1),
        ({"maxParallelImagePulls": 5}, 5),
        ({"serializeImagePulls": False, "maxParallelImagePulls": 1}, 1),
        ({"serializeImagePulls": False, "maxParallelImagePulls": 4}, 4),
        ({"serializeImagePulls": False}, 14),
    ],
)
def test_pulls_under_way_at_once(config, most):
    images = {f"app{n}:1": seconds for n, seconds in enumerate(DURATIONS)}
    result = run_fixed(pods(len(DURATIONS)), images, kubelet={**config, "registryPullQPS": 0})
    under_way = [sum(other.started <= each.started < other.ended for other in result.pulls) for each in result.pulls]
    assert max(under_way) == most


def test_a_failing_pull_holds_the_serial_queue_as_long_as_it_lasts():
    result = run_fixed(pods(2), {"app0:1": failing(30.0), "app1:1": 2.0}, kubelet=SERIAL, horizon=35.0)
    assert started(result) == {"p0": None, "p1": 32.0}


@pytest.mark.parametrize("config", [SERIAL, parallel(4), UNLIMITED], ids=["serial", "limit 4", "unlimited"])
@pytest.mark.parametrize("loop", [MINIMAL, STEADY], ids=["minimal", "full"])
def test_containers_of_one_pod_are_pulled_one_after_another(config, loop):
    """Each is pulled when the one before was pulled and started."""
    images = {"a:1": 1.0, "b:1": 2.0, "c:1": 3.0}
    result = run_fixed([pod("p", "a:1", "b:1", "c:1")], images, kubelet=config, loop=loop)
    step = ("Pulling", "Pulled", "Created", "Started")
    assert story(result) == [
        (t, reason)
        for begin, end in ((0.0, 1.0), (1.0, 3.0), (3.0, 6.0))
        for t, reason in zip((begin, end, end, end), step, strict=True)
    ]


def test_other_pods_go_between_the_containers_of_one_in_the_serial_queue():
    result = run_fixed(
        [pod("p", "a:1", "b:1"), pod("q", "c:1")], dict.fromkeys(("a:1", "b:1", "c:1"), 4.0), kubelet=SERIAL
    )
    assert started(result) == {"p": 12.0, "q": 8.0}
    assert stages(row(result, "p")) == {"pull": 8.0, "queue": 4.0}


def test_a_failing_container_does_not_hold_up_the_next_one():
    result = run_fixed([pod("p", "bad:1", "good:1")], {"bad:1": failing(1.0), "good:1": 3.0}, horizon=4.0)
    assert times(result, "Failed", container="c0") == [1.0, 1.0]
    assert times(result, "Pulling", container="c1") == [1.0]
    assert times(result, "Started", container="c1") == [4.0]
    assert row(result, "p").started is None
    assert row(result, "p").image_refs[0] is None
    assert row(result, "p").image_refs[1] is not None
