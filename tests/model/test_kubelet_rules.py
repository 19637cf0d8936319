"""The kubelet's rules for image pulls, as step tables. Runtime: fixed durations; loop: minimal unless said."""

from __future__ import annotations

import heapq
import math
from itertools import pairwise
from statistics import mean

import pytest
from world import (
    MINIMAL,
    REAL,
    SERIAL,
    STEADY,
    UNLIMITED,
    container,
    failing,
    fixed,
    messages,
    node,
    parallel,
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

from pullsim.kubelet.loop import Interval, LoopSpec
from pullsim.runtime.spec import FixedFailure, FixedImage

# ---------------------------------------------------------------- pullers


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


# ---------------------------------------------------------------- init containers

INIT = (container("i0:1", "i0", run=3.0), container("i1:1", "i1", run=1.5))
INIT_IMAGES = {"i0:1": 2.0, "i1:1": 1.0, "app:1": 4.0}


@pytest.mark.parametrize(
    ("loop", "pulling", "start"),
    [
        (MINIMAL, [0.0, 5.0, 7.5], 11.5),  # 2 + 3, + 1 + 1.5, + 4
        (STEADY, [0.0, 5.3, 8.3], 12.3),  # each exit is seen at the next relist: 5 -> 5.3; 7.8 -> 8.3
    ],
    ids=["minimal", "full"],
)
def test_init_containers_come_one_after_another_before_the_others(loop, pulling, start):
    result = run_fixed([pod("p", "app:1", init=INIT)], INIT_IMAGES, loop=loop)
    assert times(result, "Pulling") == pytest.approx(pulling)
    assert [event.container for event in result.events if event.reason == "Pulling"] == ["i0", "i1", "c0"]
    assert row(result, "p").started == pytest.approx(start)
    assert row(result, "p").images == ("i0:1", "i1:1", "app:1")
    assert stages(row(result, "p"))["pull"] == 7.0
    assert stages(row(result, "p"))["init"] == 4.5
    assert whole(row(result, "p"))


def test_an_init_container_without_its_image_holds_up_everything_after_it():
    init = [container("bad:1", "i0", run=1.0), container("app:1", "i1", run=1.0)]
    result = run_fixed([pod("p", "app:1", init=init)], {"bad:1": failing(1.0), "app:1": 1.0}, horizon=100.0)
    assert {event.container for event in result.events} == {"i0"}
    assert row(result, "p").started is None


def test_a_sidecar_is_pulled_in_its_turn_and_does_not_hold_up_the_others():
    init = [container("side:1", "side", sidecar=True)]
    result = run_fixed([pod("p", "app:1", init=init)], {"side:1": 2.0, "app:1": 3.0})
    assert times(result, "Pulling") == [0.0, 2.0]
    assert row(result, "p").started == 5.0


def test_a_sidecar_without_its_image_is_tried_again_like_any_other():
    init = [container("side:1", "side", sidecar=True)]
    result = run_fixed([pod("p", "app:1", init=init)], {"side:1": failing(1.0, pull=2.0, times=1), "app:1": 3.0})
    assert times(result, "Pulling", container="side")[0] == 0.0
    assert row(result, "p").started is not None
    assert len(times(result, "Started")) == 2


# ---------------------------------------------------------------- policies and names

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
    result = run_fixed(pods(5, "app:1"), {"app:1": PRESENT}, kubelet=config)
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


# ---------------------------------------------------------------- messages


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
        ((1, 26), "4s", "", "Created container c0", "Started container c0"),
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
    result = run_fixed(pods(2), {"app0:1": 2.0, "app1:1": 1.0}, kubelet=SERIAL, version=(1, 26))
    assert messages(result, "Pulled")[1] == 'Successfully pulled image "app1:1" in 3s'


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


# A table of 20 000 runs of the rules, each attempt failing after 1 s: start of attempt n, and BackOff events before it.
TIMELINE = [
    # min, max, 5 %, mean, 95 %, back-offs
    (0, 0, 0, 0.0, 0, 0),
    (11, 19, 12.2, 14.5, 16.9, 1),
    (32, 52, 37.3, 41.5, 45.6, 1),
    (73, 109, 80.7, 89.4, 97.5, 2.6),
    (154, 206, 165.7, 177.4, 188.2, 5.7),
    (315, 383, 331.6, 344.8, 357.7, 11.8),
    (616, 700, 637.7, 652.2, 666.4, 22.6),
    (917, 1017, 943.8, 959.3, 975.1, 22.6),
    (1218, 1334, 1249.9, 1266.7, 1283.8, 22.6),
    (1519, 1651, 1555.6, 1573.8, 1592.0, 22.5),
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


# ---------------------------------------------------------------- where a pod's time goes

BUSY = {"a:1": 4.0, "b:1": 3.0}


@pytest.mark.parametrize(
    ("wanted", "images", "kubelet", "expected"),
    [
        ([pod("p", "b:1")], BUSY, UNLIMITED, {"pull": 3.0}),
        ([pod("p", "b:1")], {"b:1": PRESENT}, UNLIMITED, {}),
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


def test_waiting_for_the_worker_is_sync_and_waiting_for_the_back_off_is_not():
    """In the real loop the step from an init container to the next one waits for a relist."""
    result = run_fixed([pod("p", "app:1", init=INIT)], INIT_IMAGES, loop=STEADY)
    assert stages(row(result, "p")) == {"pull": 7.0, "init": 4.5, "sync": 0.8}


def test_totals_of_a_pod():
    images = {"a:1": failing(1.0, pull=2.0, times=2), "b:1": 1.0}
    result = run_fixed([pod("p", "a:1", "b:1")], images)
    record = row(result, "p")
    assert (record.pulls, record.failures, record.backoffs) == (4, 2, 1)
    assert [each.attempt for each in result.pulls if each.image == "a:1"] == [1, 2, 3]
    assert [each.attempt for each in result.pulls if each.image == "b:1"] == [1]
    assert record.created == record.scheduled == 0.0
