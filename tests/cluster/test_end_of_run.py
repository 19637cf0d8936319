"""When a run ends: what keeps it going, what does not, and the horizon."""

from __future__ import annotations

import pytest

from pullsim.spec.cluster import Node
from pullsim.spec.registry import Fault
from pullsim.spec.runtime import FixedImage
from tests.support.outcome import row, started, times, whole
from tests.support.world import (
    APP,
    MINIMAL,
    REAL,
    STEADY,
    catalog,
    containerd,
    failing,
    image,
    layer,
    named,
    node,
    pod,
    pods,
    registry,
    run,
    run_fixed,
)

DAY = 86_400.0


@pytest.mark.parametrize(("horizon", "start", "reasons"), [(2.999, None, 1), (3.0, 3.0, 4), (3.001, 3.0, 4)])
def test_the_horizon_is_inclusive(horizon, start, reasons):
    result = run_fixed([pod("p", "app:1"), pod("q", "late:1")], {"app:1": 3.0, "late:1": 100.0}, horizon=horizon)
    assert (result.end, result.ended) == (horizon, "horizon")
    assert started(result)["p"] == start
    assert len([event for event in result.events if event.pod == "p"]) == reasons
    assert len([each for each in result.pulls if each.pod == "p"]) == (start is not None)
    assert row(result, "q").start_seconds == horizon
    assert whole(row(result, "q"))


def test_a_pod_that_is_created_at_the_horizon_is_recorded():
    result = run_fixed([pod("p", "app:1", at=10.0)], {"app:1": 3.0}, horizon=10.0)
    assert row(result, "p").start_seconds == 0.0
    assert times(result, "Pulling") == [10.0]


def test_a_run_ends_when_the_last_pod_has_started():
    result = run_fixed(pods(3, every=10.0), {f"app{n}:1": 3.0 for n in range(3)})
    assert (result.end, result.ended) == (23.0, "settled")


def test_a_run_without_pods_ends_at_once():
    result = run([], node(APP))
    assert (result.end, result.ended, result.pods) == (0.0, "settled", [])


@pytest.mark.parametrize("loop", [MINIMAL, STEADY, REAL])
def test_an_image_that_never_comes_ends_the_run_after_its_last_hopeless_attempt(loop):
    result = run_fixed([pod("p", "bad:1")], {"bad:1": failing(1.0)}, loop=loop)
    assert (result.end, result.ended) == (1.0, "settled")
    assert len(result.pulls) == 1
    assert row(result, "p").started is None
    assert row(result, "p").reason == "ErrImagePull"
    assert row(result, "p").start_seconds == 1.0


@pytest.mark.parametrize(
    "hopeless",
    [pod("p", "none:1"), pod("p", "Bad:1"), pod("p", "app:1", policy="Never"), pod("p", "bad:1", "app:1")],
    ids=["not found", "invalid name", "never", "one of two"],
)
def test_pods_that_cannot_start(hopeless):
    result = run_fixed([hopeless], {"bad:1": failing(1.0), "app:1": 1.0})
    assert result.ended == "settled"
    assert result.end <= 2.0
    assert started(result) == {"p": None}


def test_others_that_still_start_hold_up_the_end():
    """p cannot start; q comes at 50 and starts at 53. p may try once more after that, not twice."""
    result = run_fixed([pod("p", "bad:1"), pod("q", "app:1", at=50.0)], {"bad:1": failing(1.0), "app:1": 3.0})
    assert started(result) == {"p": None, "q": 53.0}
    after = [t for t in times(result, "Pulling", pod="p") if t > 53.0]
    assert len(after) <= 1
    assert result.end <= (after[0] + 1.0 if after else 53.0)


@pytest.mark.parametrize("times_", [1, 3])
def test_a_failure_that_ends_by_itself_keeps_the_run_going(times_):
    result = run_fixed([pod("p", "m:1")], {"m:1": failing(1.0, times=times_)})
    assert row(result, "p").started is not None


def test_a_pull_in_flight_of_the_same_image_keeps_the_run_going():
    """p may not pull, but will find what q pulls."""
    wanted = [pod("q", "app:1"), pod("p", "app:1", at=1.0, policy="Never")]
    result = run_fixed(wanted, {"app:1": 15.0})
    assert started(result) == {"q": 15.0, "p": 21.0}


CONTENT = {"a:1": image(layer("x"))}


def pull_a(**source):
    return run([pod("p", named("a:1"))], node(containerd()), registries=[registry(**source)], images=CONTENT)


def test_a_pod_finds_what_another_has_pulled_although_its_own_pulls_fail():
    """q has its bytes on the way when the registry goes away for good; p looks again at 21 and finds the image.

    Presence is looked at before the back-off.
    """
    content = {"a:1": image(layer("x", 20.0))}
    source = registry(faults=(Fault(0.5, status=503),))
    wanted = [pod("q", named("a:1")), pod("p", named("a:1"), at=1.0)]
    result = run(wanted, node(containerd()), registries=[source], images=content)
    assert started(result) == {"q": 20.0, "p": 21.0}
    assert times(result, "Pulling", pod="p") == [1.0, 11.0]


def test_a_fault_that_ends_keeps_the_run_going():
    result = pull_a(faults=(Fault(0.0, 100.0, status=404),))
    assert started(result) == {"p": pytest.approx(151.0)}
    assert result.ended == "settled"


def test_a_fault_that_does_not_end_does_not():
    result = pull_a(faults=(Fault(0.0, status=503),))
    assert (result.end, result.ended) == (0.0, "settled")
    assert row(result, "p").cause == "serverError"


def test_a_tag_that_moves_keeps_the_run_going():
    images = catalog({"b:1": image(layer("y"))})
    images.add(named("a:1"), image(layer("x")), at=1000.0)
    result = run([pod("p", named("a:1"))], node(containerd()), registries=[registry()], images=images)
    assert started(result)["p"] == pytest.approx(times(result, "Pulling")[-1] + 1.0)
    assert times(result, "Pulling")[-1] >= 1000.0


def test_an_image_that_will_be_removed_keeps_the_run_going():
    """q starts with the image; p comes after it was removed."""
    images = {"app:1": FixedImage(3.0, size=10, present=True, removed_at=(5.0,))}
    result = run_fixed([pod("q", "app:1"), pod("p", "app:1", at=6.0)], images)
    assert started(result) == {"q": 0.0, "p": 9.0}


def test_a_day_is_the_limit():
    result = pull_a(faults=(Fault(0.0, 10 * DAY, status=503),))
    assert (result.end, result.ended) == (DAY, "limit")
    assert row(result, "p").start_seconds == DAY
    assert whole(row(result, "p"))


def test_the_limit_does_not_hold_with_a_horizon():
    wanted = [pod("p", "app:1", at=2 * DAY)]
    result = run_fixed(wanted, {"app:1": 3.0}, horizon=3 * DAY)
    assert started(result) == {"p": 2 * DAY + 3.0}


def test_a_node_that_joins_late_keeps_the_run_going():
    result = run([pod("p", "app:1")], [Node("n-0", node(APP), joins=7200.0)])
    assert started(result) == {"p": 7203.0}
    assert result.end == 7203.0


def test_a_node_that_joins_when_all_pods_have_started_does_not():
    result = run([pod("p", "app:1")], [Node("n-0", node(APP)), Node("n-1", node(APP), joins=50.0)])
    assert (started(result), result.end) == ({"p": 3.0}, 3.0)


def test_a_pod_that_has_not_looked_since_a_fault_ended_keeps_the_run_going():
    """p fails at 0, 10, 30 and 70 s; the fault ends at 100 s; q has started at 121 s; p tries again at 150 s."""
    content = {**CONTENT, "b:1": image(layer("y"))}
    source = registry(faults=(Fault(0.0, 100.0, image="a:*", status=404),))
    wanted = [pod("p", named("a:1")), pod("q", named("b:1"), at=120.0)]
    result = run(wanted, node(containerd()), registries=[source], images=content)
    assert started(result) == {"p": pytest.approx(151.0), "q": pytest.approx(121.0)}
