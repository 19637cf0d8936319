"""The kubelet's rules for image pulls, as step tables. Runtime: fixed durations; loop: minimal unless said."""

from __future__ import annotations

import heapq

import pytest

from pullsim.spec.runtime import FixedImage
from tests.support.world import (
    MINIMAL,
    SERIAL,
    STEADY,
    UNLIMITED,
    container,
    failing,
    messages,
    parallel,
    pod,
    pods,
    pull,
    row,
    run_fixed,
    stages,
    started,
    story,
    times,
    whole,
)

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
