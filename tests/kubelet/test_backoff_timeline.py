"""When the kubelet looks again, and the timeline of an image that never exists (vectors `backoff_sequence`)."""

from __future__ import annotations

import json
import math
from pathlib import Path
from statistics import mean

import pytest

from pullsim.spec.cadence import Interval, LoopSpec
from tests.support.outcome import stages, times, whole
from tests.support.world import REAL, STEADY, failing, fixed, node, pod, run, run_fixed


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


# 20 000 runs of the rules, each attempt failing after 1 s: when attempt n starts, and BackOff events before it.
VECTORS = json.loads((Path(__file__).parents[1] / "data/vectors/backoff_sequence.json").read_text())
WORKED = VECTORS["worked_timeline_missing_image"]
TIMELINE = [  # min, max, 5 %, mean, 95 %, back-offs
    (
        each["start_min_s"],
        each["start_max_s"],
        WORKED["monte_carlo"]["p05"][number],
        WORKED["monte_carlo"]["mean_start_s"][number],
        WORKED["monte_carlo"]["p95"][number],
        each.get("backoff_events_since_previous_attempt_mean_derived", 0),
    )
    for number, each in enumerate(WORKED["attempts"])
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
