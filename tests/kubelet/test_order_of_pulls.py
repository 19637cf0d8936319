"""Policies that order or hold back waiting pulls. Fixed runtime, minimal loop; all pulls are asked for by hand."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim import InputError, NotBefore
from pullsim.results import check
from pullsim.spec.pull_policies import Coalesce, Priority, QueueQps, RegistryLimit, ShortestMissing
from tests.support.outcome import row, stages, started, whole
from tests.support.pull_policies import of_priority, run_policies, sized
from tests.support.world import (
    HOST,
    SERIAL,
    UNLIMITED,
    containerd,
    crio,
    image,
    layer,
    node,
    parallel,
    pod,
    pods,
    run_containerd,
)

#: Three pulls of 4 s that wait behind a first one, which is asked for at 0; the higher the later.
WAITING = [pod("first", "app:1"), *(of_priority(f"p{n}", f"app{n}:1", n, at=1.0 + n) for n in range(3))]
FOUR = dict.fromkeys(("app:1", "app0:1", "app1:1", "app2:1"), 4.0)


def order(result):
    return [each.pod for each in sorted(result.pulls, key=lambda each: each.started)]


@pytest.mark.parametrize("kubelet", [SERIAL, parallel(1)], ids=["serial", "one at a time"])
def test_the_highest_priority_first_and_a_running_pull_is_not_stopped(kubelet):
    assert order(run_policies(WAITING, FOUR, kubelet=kubelet)) == ["first", "p0", "p1", "p2"]
    result = run_policies(WAITING, FOUR, Priority(), kubelet=kubelet)
    assert order(result) == ["first", "p2", "p1", "p0"]
    assert started(result) == {"first": 4.0, "p2": 8.0, "p1": 12.0, "p0": 16.0}
    assert stages(row(result, "p0")) == {"queue": 11.0, "pull": 4.0}


def test_two_slots_go_to_the_two_highest():
    wanted = [pod("a", "app:1"), pod("b", "app:1"), *WAITING[1:]]
    assert order(run_policies(wanted, FOUR, Priority(), kubelet=parallel(2))) == ["a", "b", "p2", "p1", "p0"]


def test_who_has_waited_long_enough_goes_first_whatever_its_priority():
    """p0 is asked for at 1: at 4 it has waited for 3 s, at 8 for 7 s; with ageing 7s it goes at 8, with 3s at 4."""
    assert order(run_policies(WAITING, FOUR, Priority(ageing=7.0), kubelet=SERIAL)) == ["first", "p2", "p0", "p1"]
    assert order(run_policies(WAITING, FOUR, Priority(ageing=7.001), kubelet=SERIAL)) == ["first", "p2", "p1", "p0"]
    assert order(run_policies(WAITING, FOUR, Priority(ageing=3.0), kubelet=SERIAL)) == ["first", "p0", "p1", "p2"]


def test_the_pull_of_a_pod_that_is_deleted_meanwhile_keeps_its_turn():
    """As in the kubelet's own queue, which nobody leaves: p2 is gone at 3.5 s and pulls from 4 to 8 s all the same."""
    wanted = [*WAITING[:3], replace(WAITING[3], lives=0.5)]
    result = run_policies(wanted, FOUR, Priority(), kubelet=SERIAL)
    assert order(result) == ["first", "p2", "p1", "p0"]
    assert started(result) == {"first": 4.0, "p2": None, "p1": 12.0, "p0": 16.0}


def test_equal_priorities_are_served_in_turn():
    assert order(run_policies(pods(5), {f"app{n}:1": 1.0 for n in range(5)}, Priority(), kubelet=SERIAL)) == [
        f"p{n}" for n in range(5)
    ]


def test_without_ageing_a_low_priority_starves_and_with_it_does_not():
    """A pull of a high priority a second, each of which takes 1 s: there is always one that waits."""
    many = [of_priority(f"h{n:02d}", f"h{n}:1", 1, at=0.5 + n) for n in range(30)]
    wanted = [of_priority("h", "h:1", 1), of_priority("low", "low:1", 0, at=0.1), *many]
    images = {each.spec.containers[0].image: 1.0 for each in wanted}
    starved, aged = (
        run_policies(wanted, images, Priority(ageing=ageing), kubelet=SERIAL, horizon=30.0) for ageing in (None, 5.0)
    )
    assert started(starved)["low"] is None
    assert started(aged)["low"] == 7.0  # at 5.1 it is old enough, at 6 a slot frees


SIZES = {"first:1": sized(4.0, 9), "big:1": sized(6.0, 600), "mid:1": sized(3.0, 300), "small:1": sized(1.0, 100)}
BY_SIZE = [pod("first", "first:1"), *(pod(name, f"{name}:1", at=1.0) for name in ("big", "mid", "small"))]


def test_the_shortest_first_has_the_least_mean_wait():
    """Ends at 4, then 5, 8, 14 instead of 10, 13, 14: the mean is 7.75 s instead of 10.25 s, the last is the same."""
    assert list(started(run_policies(BY_SIZE, SIZES, kubelet=SERIAL)).values()) == [4.0, 10.0, 13.0, 14.0]
    result = run_policies(BY_SIZE, SIZES, ShortestMissing(), kubelet=SERIAL)
    assert started(result) == {"first": 4.0, "small": 5.0, "mid": 8.0, "big": 14.0}


def test_an_image_that_is_nowhere_comes_last_and_a_present_one_first():
    wanted = [*BY_SIZE, pod("nowhere", "nowhere:1", at=1.0), pod("again", "first:1", at=1.0)]
    result = run_policies(wanted, SIZES, ShortestMissing(), kubelet=SERIAL, horizon=15.0)
    assert order(result) == ["first", "again", "small", "mid", "big", "nowhere"]


@pytest.mark.parametrize("runtime", [containerd(), crio()], ids=["containerd", "CRI-O"])
def test_bytes_that_are_on_the_node_are_not_missing(runtime):
    """`two` has 9 s of layers, of which `first` brings 8; `one` has 3 s: so `two` is the shorter one."""
    shared, own, other = layer("shared", 8.0), layer("own", 1.0), layer("other", 3.0)
    images = {"first:1": image(shared), "one:1": image(other), "two:1": image(shared, own)}
    wanted = [pod(name, f"{HOST}/{name}:1", at=at) for name, at in (("first", 0.0), ("one", 1.0), ("two", 2.0))]
    spec = replace(node(runtime, kubelet=SERIAL), pull_policies=(ShortestMissing(),))
    assert order(run_containerd(images, wanted, spec=spec)) == ["first", "two", "one"]


def test_of_those_that_have_aged_the_oldest_goes_first_whatever_the_next_policy_says():
    """All have waited long enough at 4 s: `big` was asked for first, so that it cannot starve behind shorter ones."""
    policies = Priority(ageing=1.0), ShortestMissing()
    wanted = [pod("first", "first:1"), *(pod(n, f"{n}:1", at=1 + k / 4) for k, n in enumerate(("big", "mid", "small")))]
    assert order(run_policies(wanted, SIZES, *policies, kubelet=SERIAL)) == ["first", "big", "mid", "small"]


def test_priority_first_then_the_shortest_of_equal_priority():
    wanted = [
        pod("first", "first:1"),
        of_priority("big", "big:1", 1, at=1.0),
        of_priority("mid", "mid:1", 0, at=1.0),
        of_priority("small", "small:1", 1, at=1.0),
    ]
    assert order(run_policies(wanted, SIZES, Priority(), ShortestMissing(), kubelet=SERIAL)) == [
        "first",
        "small",
        "big",
        "mid",
    ]


HOSTS = {"a.io/x:1": 4.0, "a.io/y:1": 4.0, "b.io/x:1": 2.0, "b.io/y:1": 2.0}
BOTH = [pod("ax", "a.io/x:1"), pod("ay", "a.io/y:1"), pod("bx", "b.io/x:1"), pod("by", "b.io/y:1")]


@pytest.mark.parametrize(
    ("policies", "kubelet", "expected"),
    [
        ((), parallel(2), [4.0, 4.0, 6.0, 6.0]),
        ((RegistryLimit(1),), parallel(2), [4.0, 8.0, 2.0, 4.0]),
        ((RegistryLimit(None, {"a.io": 1}),), parallel(3), [4.0, 8.0, 2.0, 2.0]),
        ((RegistryLimit(1, {"b.io": 2}),), UNLIMITED, [4.0, 8.0, 2.0, 2.0]),
        ((RegistryLimit(2),), parallel(3), [4.0, 4.0, 2.0, 4.0]),
    ],
)
def test_a_slow_registry_does_not_take_all_slots(policies, kubelet, expected):
    result = run_policies(BOTH, HOSTS, *policies, kubelet=kubelet)
    assert [started(result)[name] for name in ("ax", "ay", "bx", "by")] == expected


def test_a_pull_without_a_token_waits_for_one():
    """Three tokens and one a second: the fourth and fifth pull begin at 1 and 2 s; the kubelet's fail until 10 s."""
    config = {**UNLIMITED, "registryPullQPS": 1, "registryBurst": 3}
    result = run_policies(pods(5), {f"app{n}:1": 2.0 for n in range(5)}, QueueQps(), kubelet=config)
    assert list(started(result).values()) == [2.0, 2.0, 2.0, 3.0, 4.0]
    assert stages(row(result, "p4")) == {"qps": 2.0, "pull": 2.0}
    assert all(each.ok for each in result.pulls)


def test_a_token_goes_to_the_highest_priority_when_it_comes():
    config = {**parallel(3), "registryPullQPS": 1, "registryBurst": 1}
    wanted = [pod("first", "app:1"), *(of_priority(f"p{n}", f"app{n}:1", n, at=0.1 + n / 10) for n in range(3))]
    result = run_policies(wanted, FOUR, Priority(), QueueQps(), kubelet=config)
    assert [(each.pod, each.started) for each in sorted(result.pulls, key=lambda each: each.started)] == [
        ("first", 0.0),
        ("p2", 1.0),
        ("p1", 2.0),
        ("p0", 4.0),
    ]


def test_who_waits_for_a_place_after_a_token_waits_in_the_queue_and_not_for_qps():
    """A token a second and two places: b begins at 1 s, and from then on c waits for a place, not for a token."""
    config = {**parallel(2), "registryPullQPS": 1, "registryBurst": 1}
    wanted = [pod(name, f"app{n}:1") for n, name in enumerate("abc")]
    result = run_policies(wanted, dict.fromkeys(FOUR, 4.0), QueueQps(), kubelet=config)
    assert started(result) == {"a": 4.0, "b": 5.0, "c": 8.0}
    assert stages(row(result, "b")) == {"qps": 1.0, "pull": 4.0}
    assert stages(row(result, "c")) == {"queue": 4.0, "pull": 4.0}


class Halves:
    """A policy of somebody else: nothing begins in the first half of ten seconds."""

    def key(self, pull, now):
        del pull
        return NotBefore(now - now % 10 + 5) if now % 10 < 5 else ()


class MostWanted:
    """The image goes first for which most pulls wait."""

    def key(self, pull, now):
        del now
        return -sum(other.image == pull.image for other in pull.waiting)


def test_a_policy_sees_what_waits_and_what_runs():
    """When the first pull ends at 4 s, two pulls wait for app1 and one each for the others."""
    wanted = [pod("first", "app:1"), *(pod(f"p{n}", f"app{n}:1", at=1.0) for n in range(3)), pod("q", "app1:1", at=2.0)]
    assert order(run_policies(wanted, FOUR, MostWanted(), kubelet=SERIAL)) == ["first", "p1", "p0", "p2", "q"]


class LastAsked:
    def key(self, pull, now):
        del now
        return -pull.asked


class Mixed:
    def key(self, pull, now):
        del now
        return pull.image if pull.pod.name == "p0" else 1


def test_policies_of_others_hold_back_and_order():
    wanted = [pod(f"p{n}", f"app{n}:1", at=float(n)) for n in range(3)]
    result = run_policies(wanted, FOUR, Halves(), LastAsked(), kubelet=SERIAL)
    assert started(result) == {"p2": 9.0, "p1": 13.0, "p0": 19.0}


def test_a_look_that_is_put_forward_takes_the_place_of_the_later_one():
    """Each of four pulls has the queue looked at earlier than those before; then looks are a quarter second apart."""
    looks = []

    class Sooner:
        def key(self, pull, now):
            if pull.pod.name == "p0":
                looks.append(now)
            return NotBefore(now + 1 / (int(pull.pod.name[1]) + 1)) if now < 5.0 else 0

        def __deepcopy__(self, memo):
            return self

    run_policies(pods(4, "app:1", every=0.125), FOUR, Sooner())
    assert [now for now in looks if now > 0.5] == pytest.approx([0.25 + 1 / 3 + n / 4 for n in range(19)])


def test_a_pull_that_a_policy_never_lets_begin_does_not_keep_the_run_from_ending():
    class Never:
        def key(self, pull, now):
            del pull, now

    result = run_policies([pod("p", "app:1"), pod("q", "app:1", at=3.0)], FOUR, Never())
    assert started(result) == {"p": None, "q": None}


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (Mixed(), "keys of pull policies cannot be sorted (Mixed)"),
        *(
            (
                type("Wrong", (), {"key": lambda *_, at=at: NotBefore(at)})(),
                f"Wrong holds a pull back until {text} s, and",
            )
            for at, text in (
                (0.0, "0.0"),
                (float("inf"), "inf"),
                (float("nan"), "nan"),
                (10**400, "a number of about 398 digits"),
                ("soon", "'soon'"),
                (True, "true"),
            )
        ),
    ],
)
def test_what_a_policy_may_not_answer(policy, message):
    with pytest.raises(InputError, match=re.escape(message)):
        run_policies([pod("first", "app:1"), *pods(3, at=1.0)], FOUR, policy, kubelet=SERIAL)


@pytest.mark.parametrize("number", [int, np.float64])
def test_any_number_is_a_time(number):
    class AtSeven:
        def key(self, pull, now):
            del pull
            return NotBefore(number(7)) if now < 7 else 0

    assert started(run_policies([pod("p", "app:1")], FOUR, AtSeven())) == {"p": 11.0}


def test_policies_that_contradict_each_other_are_refused():
    with pytest.raises(InputError, match="coalesce is there twice"):
        run_policies(WAITING, FOUR, Coalesce(), Coalesce())


def test_the_state_of_a_policy_is_that_of_one_node_and_one_run():
    class Counting:
        def __init__(self):
            self.asked = []

        def key(self, pull, now):
            self.asked.append(now)
            return len(self.asked)

    policy = Counting()
    first = run_policies(WAITING, FOUR, policy, kubelet=SERIAL)
    assert policy.asked == []
    assert started(run_policies(WAITING, FOUR, policy, kubelet=SERIAL)) == started(first)


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 2), st.sampled_from(["a.io", "b.io"]), st.sampled_from([1, 1, 2])),
        min_size=1,
        max_size=9,
    ),
    st.sampled_from([(1, None), (2, 1), (2, 2), (3, 1), (None, 1)]),
    st.booleans(),
)
def test_every_pull_is_done_once_within_all_limits_and_ageing_bounds_the_wait(asked, limits, queued):
    slots, by_registry = limits
    kubelet = {**(UNLIMITED if slots is None else parallel(slots))}
    policies = [Priority(ageing=4.0), ShortestMissing(), RegistryLimit(by_registry or 99)]
    if queued:
        kubelet |= {"registryPullQPS": 1, "registryBurst": 2}
        policies.append(QueueQps())
    wanted = [
        of_priority(f"p{n}", f"{host}/i{n}:1", priority, at=float(at))
        for n, (at, priority, host, _) in enumerate(asked)
    ]
    images = {f"{host}/i{n}:1": sized(float(takes), takes) for n, (_, _, host, takes) in enumerate(asked)}
    result = run_policies(wanted, images, *policies, kubelet=kubelet)
    assert sorted(each.pod for each in result.pulls) == sorted(each.name for each in wanted)
    assert all(each.ok for each in result.pulls)
    assert check(result) == []
    assert all(whole(each) for each in result.pods)
    for each in result.pulls:
        during = [other for other in result.pulls if other.started <= each.started < other.ended]
        assert slots is None or len(during) <= slots
        mine = each.image.partition("/")[0]
        assert sum(other.image.startswith(mine) for other in during) <= (by_registry or 99)
        # Whoever began after this one had waited for the ageing had waited for it longer.
        later = [
            other
            for other in result.pulls
            if each.requested + 4.0 <= other.started < each.started and other.image.startswith(mine)
        ]
        assert all(other.requested <= each.requested for other in later)
