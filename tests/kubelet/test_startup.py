"""What starting a pod takes beside its pulls: when it has started and when it is ready. Runtime: fixed durations."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.results.invariants import check
from pullsim.results.summary.summary import summarize
from pullsim.spec.cluster import Node
from pullsim.spec.startup import Startup
from tests.support.outcome import row, times
from tests.support.world import MINIMAL, STEADY, container, fixed, node, pod, pods, run, run_fixed, volume


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


def test_the_sandbox_is_there_before_the_first_pull_and_each_container_starts_before_the_next_pull():
    """2 s of sandbox; the init container's image 3 s, 1.5 s to start it, 4 s of it; then 5 + 1.5 + 6 + 1.5 s."""
    init = [container("i:1", "i", run=4.0)]
    made = slow(pod("p", "a:1", "b:1", init=init), sandbox=2.0, container=1.5)
    result = run_fixed([made], {"i:1": 3.0, "a:1": 5.0, "b:1": 6.0})
    assert times(result, "Pulling") == [2.0, 10.5, 17.0]
    assert times(result, "Started") == [6.5, 17.0, 24.5]
    assert times(result, "Created") == [6.5, 17.0, 24.5]
    assert row(result, "p").stages == {"sandbox": 2.0, "pull": 14.0, "start": 4.5, "init": 4.0}
    assert row(result, "p").ready == row(result, "p").started == 24.5


def test_image_volumes_are_pulled_after_the_sandbox():
    result = run_fixed([slow(pod("p", "a:1", volumes=[volume("v:1")]), sandbox=2.0)], {"v:1": 1.0, "a:1": 5.0})
    assert times(result, "Pulling") == [2.0, 3.0]


def test_what_a_pod_does_not_say_is_that_of_its_node():
    of_node = Startup(sandbox=1.0, container=0.5)
    spec = replace(node(fixed({"app:1": 4.0}), loop=MINIMAL), startup=of_node)
    result = run([slow(pod("p", "app:1"), container=0.0), pod("q", "app:1", at=100.0)], spec)
    assert row(result, "p").stages == {"sandbox": 1.0, "pull": 4.0}
    assert row(result, "q").stages == {"sandbox": 1.0, "start": 0.5}


def test_the_kubelet_sees_the_sandbox_and_the_containers_when_they_are_there():
    """STEADY relists at k + 0.3 s. The relist after the init container's exit wakes the pod: 7.0 -> 7.3 s."""
    made = slow(pod("p", "a:1", init=[container("i:1", "i", run=2.0)]), sandbox=2.0, container=1.0)
    result = run_fixed([made], {"i:1": 2.0, "a:1": 1.0}, loop=STEADY)
    assert times(result, "Pulling") == pytest.approx([2.0, 7.3])
    assert row(result, "p").started == pytest.approx(9.3)


@pytest.mark.parametrize(
    ("lives", "spent"), [(1.0, {"sandbox": 1.0}), (7.0, {"sandbox": 2.0, "pull": 4.0, "start": 1.0})]
)
def test_a_pod_that_is_deleted_on_the_way_ends_when_its_sync_does(lives, spent):
    made = slow(pod("p", "a:1", lives=lives), sandbox=2.0, container=3.0)
    result = run_fixed([made], {"a:1": 4.0})
    assert row(result, "p").stages == spent
    assert (row(result, "p").started, row(result, "p").reason) == (None, "Deleted")
    assert times(result, "Started") == times(result, "Killing") == []
    assert check(result) == []


def test_a_published_cold_start_of_a_model_server_comes_apart_as_it_was_measured():
    """966 s: 284 s for the node, 126 s of init, 101 s of pull, 195 s of engine, and 260 s between containers."""
    spec = replace(node(fixed({"fetch:1": 0.0, "vllm:1": 101.0}), loop=MINIMAL), startup=Startup(sandbox=60.0))
    server = slow(pod("p", "vllm:1", init=[container("fetch:1", "fetch", run=126.0)]), container=100.0, ready=195.0)
    result = run([server], [Node("n-0", spec, joins=284.0)])
    made = row(result, "p")
    assert made.stages == {
        "scheduling": 284.0, "sandbox": 60.0, "init": 126.0, "pull": 101.0, "start": 200.0, "readiness": 195.0,
    }  # fmt: skip
    assert (made.start_seconds, made.ready_seconds) == (771.0, 966.0)
    assert summarize(result).time.stages["scheduling"].share == pytest.approx(284 / 966)


def test_the_end_of_the_run_finds_a_pod_that_runs_and_is_not_ready():
    result = run_fixed([slow(pod("p", "app:1"), ready=30.0)], {"app:1": 4.0}, horizon=10.0)
    made = row(result, "p")
    assert (made.started, made.ready, made.start_seconds, made.ready_seconds) == (4.0, None, 4.0, 10.0)
    assert made.stages == {"pull": 4.0, "readiness": 6.0}
    figures = summarize(result).pods
    assert (figures.started, figures.not_started, figures.not_ready) == (1, 0, 1)
    assert (figures.start.max, figures.ready.never, figures.ready_of_ready.count) == (4.0, 1, 0)
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
