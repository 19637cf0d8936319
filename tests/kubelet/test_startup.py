"""What starting a pod takes beside its pulls: when it has started and when it is ready. Runtime: fixed durations."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.results.invariants import check
from pullsim.results.summary.summary import summarize
from pullsim.spec.startup import Startup
from tests.support.outcome import row
from tests.support.world import STEADY, pod, pods, run_fixed


def slow(of, **startup):
    """The same pod, whose start takes these durations."""
    return replace(of, spec=replace(of.spec, startup=Startup(**startup)))


def test_a_pod_that_takes_no_time_is_ready_when_it_has_started():
    made = row(run_fixed([pod("p", "app:1")], {"app:1": 4.0}), "p")
    assert (made.started, made.ready) == (4.0, 4.0)
    assert (made.start_seconds, made.ready_seconds) == (4.0, 4.0)
    assert "readiness" not in made.stages


def test_ready_is_later_than_started_and_the_run_waits_for_it():
    result = run_fixed([slow(pod("p", "app:1", at=1.0), ready=30.0)], {"app:1": 4.0})
    made = row(result, "p")
    assert (made.started, made.ready, result.end) == (5.0, 35.0, 35.0)
    assert (made.start_seconds, made.ready_seconds) == (4.0, 34.0)
    assert made.stages == {"pull": 4.0, "readiness": 30.0}
    figures = summarize(result).pods
    assert (figures.start.max, figures.ready.max, figures.last_ready_at) == (4.0, 34.0, 35.0)
    assert figures.not_ready == 0


def test_the_end_of_the_run_finds_a_pod_that_runs_and_is_not_ready():
    result = run_fixed([slow(pod("p", "app:1"), ready=30.0)], {"app:1": 4.0}, horizon=10.0)
    made = row(result, "p")
    assert (made.started, made.ready, made.start_seconds, made.ready_seconds) == (4.0, None, 4.0, 10.0)
    assert made.stages == {"pull": 4.0, "readiness": 6.0}
    figures = summarize(result).pods
    assert (figures.started, figures.not_started, figures.not_ready) == (1, 0, 1)
    assert figures.ready.count == 0
    assert figures.last_ready_at is None
    assert check(result) == []


def test_a_pod_that_is_deleted_before_it_is_ready_never_is():
    result = run_fixed([slow(pod("p", "app:1", lives=9.0), ready=30.0)], {"app:1": 4.0})
    made = row(result, "p")
    assert (made.started, made.ready, made.ready_seconds, made.reason) == (4.0, None, 9.0, None)
    assert check(result) == []


def test_containers_that_run_are_shown_as_not_ready_until_they_are():
    """STEADY relists at k + 0.3 s: the start at 4 s is shown at 4.3 s, the readiness as soon as the probe finds it."""
    result = run_fixed([slow(pod("p", "app:1", "app:1"), ready=30.0)], {"app:1": 4.0}, loop=STEADY, status=True)
    shown = [(each.t, each.ready, each.status) for each in result.statuses if each.status == "Running"]
    assert shown == [(pytest.approx(4.3), 0, "Running"), (34.0, 2, "Running")]


def test_a_pod_that_is_ready_before_the_relist_is_shown_as_ready_at_once():
    result = run_fixed([slow(pod("p", "app:1"), ready=0.1)], {"app:1": 4.0}, loop=STEADY, status=True)
    shown = [(each.t, each.ready) for each in result.statuses if each.status == "Running"]
    assert shown == [(pytest.approx(4.3), 1)]


@given(
    st.lists(st.sampled_from([0.0, 1.0, 2.5, 40.0]), min_size=1, max_size=5),
    st.sampled_from([None, 3.0, 12.0]),
    st.sampled_from([None, 6.0, 20.0]),
)
def test_ready_is_never_before_started_and_stages_sum(readiness, lives, horizon):
    made = [
        slow(each, ready=wait)
        for each, wait in zip(pods(len(readiness), "app:{}", lives=lives), readiness, strict=True)
    ]
    result = run_fixed(made, {f"app:{n}": 2.0 for n in range(len(readiness))}, horizon=horizon)
    assert check(result) == []
    for each, wait in zip(sorted(result.pods, key=lambda pod: pod.pod), readiness, strict=True):
        if each.ready is not None:
            assert each.ready == each.started + wait
        before = sum(seconds for stage, seconds in each.stages.items() if stage != "readiness")
        assert before == pytest.approx(each.start_seconds)
        assert sum(each.stages.values()) == pytest.approx(each.ready_seconds)
