"""Pressure on a node's disk: when it is seen, which images go, and which pods are evicted.

A layer of fetch f and unpack u takes (f + u) * 100 MB, which are f + u units here.
"""

from __future__ import annotations

import pytest

from tests.support.disks import EVICTS, small
from tests.support.outcome import row, stages, whole
from tests.support.world import UNIT, container, image, layer, named, pod


def reasons(result, *wanted):
    return [(round(event.t, 3), event.reason) for event in result.events if event.reason in wanted]


def pressed(**given):
    """A job's image of 4 units is left on a disk of 10 with 5 of others: 1 is free, less than 15 %."""
    images = {"job:1": image(layer("job", 1, 3)), "web:1": image(layer("web", 0.1))}
    wanted = [pod("job", named("job:1"), lives=100.0), pod("web", named("web:1"), at=200.0)]
    return small(wanted, images, size=10, used=5, kubelet=EVICTS, **given)


def test_pressure_is_seen_at_the_next_look_and_unused_images_go():
    """The unpacking claims its 3 units at 1 s: under pressure from 10 s. The job runs: it is what is evicted."""
    result = pressed()
    assert reasons(result, "NodeHasDiskPressure", "EvictionThresholdMet", "Evicted", "Killing")[:4] == [
        (10.0, "NodeHasDiskPressure"),
        (10.0, "EvictionThresholdMet"),
        (10.0, "Evicted"),
        (10.0, "Killing"),
    ]


def test_a_young_image_is_safe_from_an_eviction_too():
    """Detected at 10 s, when nothing could go yet; two minutes later, at 130 s, it may."""
    (removal,) = pressed().removals
    assert (removal.t, removal.reason, removal.freed) == (131.0, "eviction", 4 * UNIT)


def test_while_the_node_is_under_pressure_it_gets_no_pods():
    """The last look that met a threshold was at 121 s; five minutes later the condition ends, and web is placed."""
    result = pressed()
    assert reasons(result, "NodeHasNoDiskPressure") == [(431.0, "NodeHasNoDiskPressure")]
    web = row(result, "web")
    assert (web.scheduled, web.started) == (431.0, pytest.approx(431.1))
    assert stages(web)["scheduling"] == pytest.approx(231.0)


@pytest.mark.parametrize(
    ("release", "text"),
    [
        ((1, 26), "The node was low on resource: ephemeral-storage. "),
        (
            (1, 35),
            "The node was low on resource: ephemeral-storage. Threshold quantity: 100000001, available: 100000000. ",
        ),
    ],
)
def test_texts_of_an_eviction(release, text):
    result = pressed(release=release)
    events = {event.reason: event for event in result.events}
    assert events["Evicted"].message == text
    assert (events["Evicted"].pod, events["Evicted"].container, events["Evicted"].type) == ("job", None, "Warning")
    pressure = events["NodeHasDiskPressure"]
    assert (pressure.pod, pressure.namespace, pressure.type) == (None, None, "Normal")
    assert pressure.message == "Node n-0 status is now: NodeHasDiskPressure"
    assert events["EvictionThresholdMet"].message == "Attempting to reclaim ephemeral-storage"
    assert events["Killing"].message == "Stopping container c0"


def test_pods_are_evicted_one_at_a_look_the_last_bound_first():
    images = {f"{name}:1": image(layer(name, 1)) for name in "abc"}
    wanted = [pod(name, named(f"{name}:1"), at=float(n)) for n, name in enumerate("abc")]
    kubelet = {**EVICTS, "evictionHard": {"imagefs.available": "50%"}}
    result = small(wanted, images, size=4, kubelet=kubelet, horizon=200.0)
    evicted = [(event.t, event.pod) for event in result.events if event.reason == "Evicted"]
    assert evicted == [(10.0, "c"), (11.0, "b"), (12.0, "a")]


def test_an_eviction_ends_a_pod_that_has_not_started():
    """Its pull goes on; the pod has the reason, and its time ends there."""
    images = {"a:1": image(layer("x", 90))}
    result = small([pod("a", named("a:1"))], images, size=100, kubelet=EVICTS)
    a = row(result, "a")
    assert (a.reason, a.started, a.start_seconds) == ("Evicted", None, 10.0)
    assert whole(a)


def test_exited_containers_go_first_and_set_their_images_free():
    """The init container's image is in use until pressure removes the container; two minutes old, it goes."""
    images = {"init:1": image(layer("init", 4)), "app:1": image(layer("app", 1)), "more:1": image(layer("more", 4.2))}
    wanted = [
        pod("a", named("app:1"), init=[container(named("init:1"), "init", run=1.0)]),
        pod("b", named("more:1"), at=450.0),
    ]
    result = small(wanted, images, size=10, kubelet=EVICTS, horizon=600.0)
    (removal,) = result.removals
    assert (removal.images[0], removal.t, removal.reason) == (named("init:1"), 460.0, "eviction")
    assert row(result, "a").started is not None


def test_a_soft_threshold_waits_for_its_grace_period():
    kubelet = {
        **EVICTS,
        "evictionHard": {"imagefs.available": "1%"},
        "evictionSoft": {"imagefs.available": "50%"},
        "evictionSoftGracePeriod": {"imagefs.available": "25s"},
    }
    result = small([pod("a", named("a:1"))], {"a:1": image(layer("x", 6))}, size=10, kubelet=kubelet, horizon=60.0)
    assert reasons(result, "NodeHasDiskPressure", "Evicted") == [(10.0, "NodeHasDiskPressure"), (40.0, "Evicted")]


def test_minimum_reclaim_asks_for_more():
    """With a gone 5.5 of 10 units are free: enough for 30 %, but not for 3 units more, for which b goes too."""
    images = {"a:1": image(layer("a", 4)), "b:1": image(layer("b", 3.5))}
    wanted = [pod("a", named("a:1"), lives=5.0), pod("b", named("b:1"), at=440.0)]
    base = {**EVICTS, "evictionHard": {"imagefs.available": "30%"}}
    plain = small(wanted, images, size=10, used=1, kubelet=base, horizon=500.0)
    more = {**base, "evictionMinimumReclaim": {"imagefs.available": "300000000"}}
    asked = small(wanted, images, size=10, used=1, kubelet=more, horizon=500.0)
    assert [event.pod for event in plain.events if event.reason == "Evicted"] == []
    assert [event.pod for event in asked.events if event.reason == "Evicted"] == ["b"]
