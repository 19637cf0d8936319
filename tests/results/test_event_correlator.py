"""What the API keeps of a kubelet's events: the rules of client-go's correlator, and a table like real ones."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim import from_mapping, run
from pullsim.records import KubeletEvent
from pullsim.results.event_correlator import CACHE, EventCorrelator, api_events
from pullsim.results.kubectl.describe import describe


def event(t, message="m", *, reason="Failed", pod="p", container="c", node="n", type="Warning"):
    return KubeletEvent(t, node, pod, container, type, reason, message, "app:1", "default")


def table(events, at=None):
    return [(each.reason, each.message, each.times, each.first, each.last) for each in api_events(events, at)]


def test_the_same_event_is_counted():
    assert table([event(0.0), event(1.0), event(7.0)]) == [("Failed", "m", 3, 0.0, 7.0)]


@pytest.mark.parametrize(
    "other",
    [event(1.0, "other"), event(1.0, reason="BackOff"), event(1.0, pod="q"), event(1.0, container="d"),
     event(1.0, node="o"), event(1.0, type="Normal")],
    ids=["message", "reason", "pod", "container", "node", "type"],
)  # fmt: skip
def test_what_differs_is_another_object(other):
    assert [each.times for each in api_events([event(0.0), other])] == [1, 1]


def test_25_changes_of_a_pod_pass_and_then_one_every_300_s():
    """What is dropped is counted: a later change tells of it."""
    events = [event(float(t)) for t in range(1000)]
    correlator = EventCorrelator()
    passed = [(each.t, state[1].times) for each in events if (state := correlator.correlate(each))]
    assert passed[:25] == [(float(t), t + 1) for t in range(25)]
    assert passed[25:] == [(300.0, 301), (600.0, 601), (900.0, 901)]


def test_pods_have_budgets_of_their_own_and_the_messages_of_one_share_its():
    events = [event(float(t), f"m{t % 3}", pod=pod) for t in range(40) for pod in "ab"]
    passed = api_events(events)
    assert {pod: sum(each.times for each in passed if each.pod == pod) for pod in "ab"} == {"a": 25, "b": 25}


def test_the_tenth_message_of_a_reason_begins_to_be_combined():
    rows = table([event(float(t), f"m{t}") for t in range(14)])
    assert rows[:9] == [("Failed", f"m{t}", 1, float(t), float(t)) for t in range(9)]
    assert rows[9:] == [("Failed", "(combined from similar events): m13", 5, 9.0, 13.0)]


def test_ten_minutes_without_one_and_the_messages_are_new_again():
    first = [event(float(t), f"m{t}") for t in range(9)]
    assert all(row[2] == 1 for row in table([*first, event(608.001, "m9")]))
    assert table([*first, event(608.0, "m9")])[-1][1] == "(combined from similar events): m9"


def test_the_same_message_again_and_again_is_never_combined():
    assert table([event(10.0 * t) for t in range(20)]) == [("Failed", "m", 20, 0.0, 190.0)]


def test_an_event_lives_for_an_hour_after_its_last_change():
    events = [event(0.0, "a"), event(10.0, "b")]
    assert [row[1] for row in table(events, 3599.0)] == ["a", "b"]
    assert [row[1] for row in table(events, 3600.0)] == ["b"]
    assert table(events, 3610.0) == []


def test_only_what_has_happened_is_there():
    assert [row[2] for row in table([event(0.0), event(5.0), event(9.0)], 5.0)] == [2]


def test_what_was_not_used_for_long_is_forgotten():
    events = [event(0.0, pod="p"), *(event(1.0, pod=f"q{n}") for n in range(CACHE)), event(2.0, pod="p")]
    own = [each for each in api_events(events) if each.pod == "p"]
    assert [(each.times, each.first) for each in own] == [(1, 0.0), (1, 2.0)]


@given(st.lists(st.tuples(st.floats(0, 400), st.integers(0, 12), st.sampled_from("ab"))))
def test_never_more_than_the_budget_and_counts_never_exceed_what_happened(steps):
    now, events = 0.0, []
    for step, message, pod in steps:
        now += step
        events.append(event(now, str(message), pod=pod))
    correlator = EventCorrelator()
    passed = [each for each in events if correlator.correlate(each)]
    for pod in "ab":
        own = [each.t for each in passed if each.pod == pod]
        assert len(own) <= 25 + math.floor((own[-1] - own[0]) / 300 + 1e-6) if own else True
        assert sum(row.times for row in api_events(events) if row.pod == pod) <= sum(each.pod == pod for each in events)


BAD = {
    "seed": 3,
    "horizon": "15m30s",
    "nodes": [
        {
            "name": "node",
            "runtime": {"fixed": {"images": {"bad:1": {"pull": "1s", "fail": {"after": "1s", "error": "boom"}}}}},
        }
    ],
    "workloads": [{"name": "web", "pods": {"image": "bad:1", "count": 2}}],
}


def test_a_pod_whose_image_never_comes_looks_as_in_real_clusters():
    """Three clusters of the public tables (ext-001 to 003) show these counts, at 13 or 14 minutes, after 15 minutes."""
    result = run(from_mapping(BAD), status=True)
    lines = describe(result, result.pods[0], result.end)
    assert lines[:6] == [
        "Name:       web-00000",
        "Namespace:  default",
        "Node:       node-0000",
        "Age:        15m",
        "Ready:      0/1",
        "Status:     ImagePullBackOff",
    ]
    rows = [re.split(" {2,}", line.strip()) for line in lines[lines.index("Events:") + 1 :]]
    assert rows[:7] == [
        ["Type", "Reason", "Age", "From", "Message"],
        ["----", "------", "----", "----", "-------"],
        ["Normal", "Scheduled", "15m", "default-scheduler", "Successfully assigned default/web-00000 to node-0000"],
        ["Normal", "Pulling", "14m (x4 over 15m)", "kubelet", 'Pulling image "bad:1"'],
        ["Warning", "Failed", "14m (x4 over 15m)", "kubelet", 'Failed to pull image "bad:1": boom'],
        ["Warning", "Failed", "14m (x4 over 15m)", "kubelet", "Error: ErrImagePull"],
        ["Warning", "Failed", "13m (x6 over 15m)", "kubelet", "Error: ImagePullBackOff"],
    ]
    assert rows[7][:2] == ["Normal", "BackOff"]
