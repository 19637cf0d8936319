"""Image garbage collection as a table of steps: what a kubelet removes, when, in what order, and what it says."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim.cri import FilesystemUsage
from pullsim.kubelet.images.image_gc import ImageGCPolicy
from pullsim.kubelet.pod_status import PodStatus
from pullsim.spec.pod import Pod, PodSpec
from tests.support.image_gc import DEFAULT, MINUTE, Disk, Watcher, World

# ---------------------------------------------------------------- thresholds


@pytest.mark.parametrize(
    ("used", "removed"),
    [
        (84, 0),  # 100 - int(16) = 84 < 85
        (85, 1),  # reached: to free 20 - 15 = 5
        (90, 1),  # 20 - 10 = 10, the first image is enough
        (91, 2),
        (99, 2),
        (100, 2),
    ],
)
def test_from_the_high_threshold_on_images_go_until_their_sizes_reach_the_low_one(used, removed):
    world = World(other=used - 40)
    for name in "abcd":
        world.disk.put(name)
    assert len(world.at(5.1).removed) == removed


@pytest.mark.parametrize(
    ("capacity", "used", "collects"), [(48, 40, False), (480, 405, True), (4800, 4032, False), (4800, 4033, True)]
)
def test_use_is_rounded_up_to_whole_percents(capacity, used, collects):
    """100 - int(available * 100 / capacity): anything above 84 % counts as 85 %."""
    world = World(capacity=capacity, other=used - 10)
    world.disk.put("a")
    assert bool(world.at(5.1).removals) is collects


@pytest.mark.parametrize(
    ("policy", "runs"),
    [
        (DEFAULT, True),
        (replace(DEFAULT, high=100), False),  # and no maximum age: switched off
        (replace(DEFAULT, high=100, max_age=6 * MINUTE), True),
    ],
)
def test_high_100_without_a_maximum_age_switches_it_off(policy, runs):
    world = World(policy, other=90)
    world.disk.put("a")
    world.at(11)
    assert bool(world.removals) is runs
    assert policy.off is not runs


# ---------------------------------------------------------------- what is safe


def test_an_image_first_seen_by_a_run_is_safe_in_that_run():
    world = World(other=90).at(4)
    world.disk.put("late")  # detected at 5 min, by the run itself
    assert world.at(9.9).removed == []
    assert world.at(10.1).removed == [(10.0, "late", "space")]


@pytest.mark.parametrize(("min_age", "removed"), [(5, 1), (5.01, 0)])
def test_at_exactly_the_minimum_age_an_image_may_go(min_age, removed):
    world = World(replace(DEFAULT, min_age=round(min_age * MINUTE)), other=90)
    world.disk.put("a")
    assert len(world.at(5.1).removals) == removed


def test_pinned_images_stay():
    world = World(other=80)
    world.disk.put("pause", pinned=True)
    world.disk.put("a")
    assert world.at(5.1).removed == [(5.0, "a", "space")]


@pytest.mark.parametrize("exits", [float("inf"), 60.0], ids=["running", "exited"])
def test_images_of_containers_stay_exited_ones_too(exits):
    world = World(other=90)
    world.disk.put("a")
    pod = world.use("a", exits=exits)
    assert world.at(10.1).removed == []
    world.containers.remove(pod)
    assert world.at(15.1).removed == [(15.0, "a", "space")]


def test_a_mounted_image_is_in_use():
    world = World(other=80)
    world.disk.put("a")
    world.disk.put("data")
    pod = PodStatus(Pod("p", "default", "w", PodSpec(())), 0.0, Watcher())
    assert world.containers.create(pod, "c", ("a", "data")) is None
    assert world.at(20).removed == []


# ---------------------------------------------------------------- order


def test_never_used_images_go_first_then_the_least_recently_used():
    world = World(other=45)
    for name in ("used-late", "used-early", "never", "runs"):
        world.disk.put(name)
    world.use("runs")
    early, late = world.use("used-early"), world.use("used-late")
    world.at(6)
    world.containers.remove(early)  # seen in use at 0 and 5 min
    world.at(11)
    world.containers.remove(late)
    world.disk.other = 90
    world.at(15.1)
    assert [image for _, image, _ in world.removed] == ["never", "used-early", "used-late"]
    assert [row.unused_for for row in world.removals] == [None, 600.0, 300.0]


def test_of_images_never_used_the_first_detected_goes_first():
    world = World(other=10)
    world.disk.put("second")
    world.at(1)
    world.disk.images = {}
    world.disk.put("z-first")
    world.at(6)  # detected at 5 min
    world.disk.put("a-later")
    world.at(11)
    world.disk.other = 75
    assert world.at(15.1).removed == [(15.0, "z-first", "space"), (15.0, "a-later", "space")]


def test_sizes_count_whole_although_shared_layers_stay():
    """The sum of the sizes is what the kubelet believes to have freed: it stops there."""

    class Shared(Disk):
        def image_fs(self):
            return FilesystemUsage(100, 70 + 20 * bool(self.images))  # both images are one and the same layer

    world = World(other=70)
    world.disk = world.manager._service = world.containers._service = Shared()
    world.disk.put("a", 20)
    world.disk.put("b", 20)
    world.at(5.1)
    assert [(row.image_ref, row.size, row.freed) for row in world.removals] == [("a", 20, 0)]
    assert world.reasons == [(0.0, "FreeDiskSpaceFailed")]  # when both were new


# ---------------------------------------------------------------- events


def test_too_little_to_free_is_an_event_each_time_and_a_failure_from_the_second_on():
    world = World(other=95)
    world.disk.put("a", 3)
    world.at(10.1)
    text = "Failed to garbage collect required amount of images. Attempted to free {} bytes, but only found {} bytes "
    assert world.events == [
        (0.0, "FreeDiskSpaceFailed", text.format(18, 0) + "eligible to free."),
        (300.0, "FreeDiskSpaceFailed", text.format(18, 3) + "eligible to free."),
        (300.0, "ImageGCFailed", text.format(18, 3) + "eligible to free."),
        (600.0, "FreeDiskSpaceFailed", text.format(15, 0) + "eligible to free."),
        (600.0, "ImageGCFailed", text.format(15, 0) + "eligible to free."),
    ]


def test_a_success_between_two_failures_is_no_failure_in_a_row():
    world = World(other=95).at(1)
    world.disk.other = 10
    world.at(6)
    world.disk.other = 95
    assert world.at(10.1).reasons == [(0.0, "FreeDiskSpaceFailed"), (10.0, "FreeDiskSpaceFailed")]


def test_a_disk_without_capacity():
    assert World(capacity=0).at(5.1).events == [
        (0.0, "InvalidDiskCapacity", "invalid capacity 0 on image filesystem"),
        (300.0, "InvalidDiskCapacity", "invalid capacity 0 on image filesystem"),
        (300.0, "ImageGCFailed", "invalid capacity 0 on image filesystem"),
    ]


# ---------------------------------------------------------------- maximum age


def test_an_image_unused_for_longer_than_the_maximum_age_goes():
    world = World(replace(DEFAULT, max_age=12 * MINUTE), other=10)
    world.disk.put("a")
    pod = world.use("a")
    world.at(11)
    world.containers.remove(pod)  # last seen in use at 10 min
    assert world.at(24.9).removed == []
    assert world.at(25.1).removed == [(25.0, "a", "age")]


def test_until_the_kubelet_has_run_for_longer_than_the_maximum_age_nothing_is_too_old():
    """A never used image counts as very old, but the kubelet may not have seen it in use yet."""
    world = World(replace(DEFAULT, max_age=10 * MINUTE), other=10)
    world.disk.put("a")
    assert world.at(14.9).removed == []  # at 10 min exactly it is not yet longer
    assert world.at(15.1).removed == [(15.0, "a", "age")]


def test_the_maximum_age_asks_for_no_minimum_age():
    world = World(ImageGCPolicy(85, 80, 60 * MINUTE, 5 * MINUTE), other=10).at(9)
    world.disk.put("new")
    assert world.at(10.1).removed == [(10.0, "new", "age")]


def test_the_maximum_age_goes_before_the_thresholds():
    world = World(replace(DEFAULT, max_age=5 * MINUTE), other=70)
    world.disk.put("a")
    world.disk.put("b")
    assert world.at(10.1).removed == [(5.0, "a", "space"), (10.0, "b", "age")]


def test_a_disk_whose_size_is_not_known_has_no_thresholds_but_ages():
    world = World(replace(DEFAULT, max_age=5 * MINUTE), capacity=None, other=10**9)
    world.disk.put("a")
    assert world.at(10.1).removed == [(10.0, "a", "age")]
    assert world.events == []


# ---------------------------------------------------------------- eviction and handlers


def test_for_an_eviction_all_unused_images_go_whatever_the_use_but_the_young_and_the_pinned():
    world = World(other=10)
    for name in ("old", "used", "pinned"):
        world.disk.put(name, pinned=name == "pinned")
    world.use("used")
    world.at(6)
    world.disk.put("young")
    world.manager.delete_unused_images()
    assert world.removed == [(6.0, "old", "eviction")]


def test_an_image_is_an_id_and_a_handler_but_only_the_id_is_handed_to_the_runtime():
    """The kubelet keeps a record for each handler; removing one removes what the others use too."""
    world = World(other=75)
    world.disk.put("a")
    world.disk.put("a", handler="kata")
    world.containers._by_handler = True
    world.use("a")
    assert world.at(5.1).removed == [(5.0, "a", "space")]
    assert [row.handler for row in world.removals] == ["kata"]
    assert world.disk.images == {}


# ---------------------------------------------------------------- what always holds


@settings(max_examples=150, deadline=None)
@given(
    images=st.lists(
        st.tuples(
            st.integers(0, 40),  # size
            st.booleans(),  # pinned
            st.sampled_from(["never", "running", "ended"]),
            st.sampled_from([0.0, 3.0, 7.0]),  # minutes, when it comes
        ),
        max_size=8,
    ),
    other=st.integers(0, 100),
    policy=st.builds(
        ImageGCPolicy,
        high=st.integers(50, 100),
        low=st.integers(0, 49),
        min_age=st.sampled_from([0, 2 * MINUTE, 9 * MINUTE]),
        max_age=st.sampled_from([0, 10 * MINUTE]),
    ),
    evict=st.booleans(),
)
def test_what_is_in_use_or_pinned_or_too_young_stays_and_the_order_is_the_kubelets(images, other, policy, evict):
    world = World(policy, capacity=400, other=other)
    used = set()
    for minute in (0.0, 3.0, 7.0, 12.0):
        if minute:
            world.at(minute)
        for number, (size, pinned, use, comes) in enumerate(images):
            if comes == minute:
                world.disk.put(f"i{number}", size, pinned=pinned)
                if use != "never":
                    pod = world.use(f"i{number}")
                    used.add(f"i{number}")
                    if use == "ended":
                        world.containers.remove(pod)
                        used.discard(f"i{number}")
    if evict:
        world.manager.delete_unused_images()
    world.at(30.1)
    gone = {row.image_ref for row in world.removals}
    assert gone.isdisjoint(used)
    assert gone.isdisjoint(f"i{n}" for n, (_, pinned, *_) in enumerate(images) if pinned)
    assert all(row.freed == row.size for row in world.removals)
    for row in world.removals:
        comes = images[int(row.image_ref[1:])][3]
        if row.reason != "age":
            detected = math.ceil(comes / 5) * 300  # by the first run at or after it came
            assert row.t >= detected + policy.min_age / 1e9
    for t in {row.t for row in world.removals}:
        for reason in ("age", "space", "eviction"):
            idle = [row.unused_for for row in world.removals if row.t == t and row.reason == reason]
            ranks = [float("inf") if each is None else each for each in idle]
            assert ranks == sorted(ranks, reverse=True)
