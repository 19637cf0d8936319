"""Deadlines of pods: from when they count, and when they are missed."""

from __future__ import annotations

import pytest

from tests.support.outcome import row
from tests.support.world import APP, node, pod, run, run_fixed


@pytest.mark.parametrize(("deadline", "missed"), [(None, False), (2.9, True), (3.0, False), (3.1, False)])
def test_a_deadline_counts_from_creation(deadline, missed):
    result = run([pod("p", "app:1", at=4.0, deadline=deadline)], node(APP))
    assert row(result, "p").missed is missed
    assert row(result, "p").deadline == deadline


@pytest.mark.parametrize("deadline", [0.5, 5.0, 900.0])
def test_a_pod_that_can_never_start_misses_its_deadline(deadline):
    """Also when the run, in which nothing can change any more, ended before."""
    result = run(
        [pod("p", "bad:1", deadline=deadline), pod("q", "app:1", node="nowhere", deadline=deadline)], node(APP)
    )
    assert result.ended == "settled"
    assert row(result, "p").missed
    assert row(result, "q").missed


@pytest.mark.parametrize(("horizon", "missed"), [(4.9, False), (5.0, False), (5.1, True), (60.0, True)])
def test_a_deadline_after_the_horizon_is_not_missed_yet(horizon, missed):
    wanted = [pod("p", "slow:1", deadline=5.0)]
    result = run_fixed(wanted, {"slow:1": 100.0}, horizon=horizon)
    assert row(result, "p").missed is missed
