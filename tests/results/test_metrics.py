from __future__ import annotations

import pytest

from pullsim.errors import InputError
from pullsim.results import metrics
from pullsim.results.assertions import check, failures, parse_assertion, scenario_assertions, with_assertions
from pullsim.results.summary.summary import summarize
from pullsim.scenario import from_mapping
from tests.support.records import empty, make


@pytest.fixture(scope="module")
def summary():
    return summarize(make(pods=12, fail_first=5))


def test_every_number_of_a_summary_is_a_metric(summary):
    found = metrics.values(summary.to_dict())
    assert found["pods.start.p99"] == pytest.approx(summary.pods.start.p99)
    assert "seed" not in found
    for name, value in found.items():
        if value is not None:  # else it may be a whole section that was not recorded
            assert metrics.check(name) == name
    for name in metrics.names():
        assert metrics.dimension(name) in ("seconds", "bytes", "bytes/s", "share", "money", "count")


def test_what_a_run_had_none_of_is_zero_and_what_it_cannot_know_is_none(summary):
    found = metrics.values(summary.to_dict())
    assert metrics.value(found, "pulls.failuresByCause.qps") == 0
    assert metrics.value(found, "time.stages.lock.seconds") == 0
    none = metrics.values(summarize(empty()).to_dict())
    assert metrics.value(none, "pods.start.p99") is None
    no_pulls = metrics.values(summarize(make(pods=2)).to_dict() | {"pulls": None})
    assert metrics.value(no_pulls, "pulls.failuresByCause.qps") is None


@pytest.mark.parametrize(
    ("text", "metric", "limit"),
    [
        ("pods.start.p99 < 90s", "pods.start.p99", 90.0),
        ("pods.start.p99<1m30s", "pods.start.p99", 90.0),
        ("pods.start.max <= 90", "pods.start.max", 90.0),
        ("pulls.failed == 0", "pulls.failed", 0.0),
        ("bytes.downloaded < 10GB", "bytes.downloaded", 10e9),
        ("bytes.bySource.registry.example.com < 500MB", "bytes.bySource.registry.example.com", 500e6),
        ("bytes.perSecond.peak > 1Gbit/s", "bytes.perSecond.peak", 125e6),
        ("time.stages.queue.share < 25%", "time.stages.queue.share", 0.25),
        ("pulls.failuresByCause.qps == 0", "pulls.failuresByCause.qps", 0.0),
        ("end < 1h", "end", 3600.0),
        ("housekeeping.refetched < 10GB", "housekeeping.refetched", 10e9),
        ("housekeeping.removed.space.images < 5", "housekeeping.removed.space.images", 5.0),
        ("housekeeping.disks.workers.peak < 40GB", "housekeeping.disks.workers.peak", 40e9),
        ("housekeeping.disks.workers.peakShare < 90%", "housekeeping.disks.workers.peakShare", 0.9),
        ("churn.perDay.downloadedBytes < 1TB", "churn.perDay.downloadedBytes", 1e12),
        ("rollouts.shop.seconds < 5m", "rollouts.shop.seconds", 300.0),
        ("prepulls.warm.seconds.p99 < 2m", "prepulls.warm.seconds.p99", 120.0),
        ("timeInStatus.ImagePullBackOff < 10m", "timeInStatus.ImagePullBackOff", 600.0),
    ],
)
def test_assertions_are_read_with_the_units_of_their_metric(text, metric, limit):
    assertion = parse_assertion(text)
    assert (assertion.metric, assertion.limit) == (metric, pytest.approx(limit))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pods.start.p99", "is no assertion"),
        ("pods.start.p98 < 3s", "did you mean pods.start.p99"),
        (
            "start.p99 < 3s",
            "did you mean pods.start.p99, workloads.NAME.start.p99 or pools.NAME.start.p99. `pullsim metrics",
        ),
        ("qqqqq < 3", "there is no metric 'qqqqq'; `pullsim metrics SCENARIO` lists all$"),
        ("pods.start.p99 < 3GB", "is in seconds"),
        ("pulls.failed == none", "is a count"),
        ("bytes.downloaded < 3s", "is in bytes"),
    ],
)
def test_what_is_no_assertion_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        parse_assertion(text)


@pytest.mark.parametrize(
    ("compare", "below", "equal", "above"),
    [
        ("<", True, False, False),
        ("<=", True, True, False),
        ("==", False, True, False),
        ("!=", True, False, True),
        (">=", False, True, True),
        (">", False, False, True),
    ],
)
def test_comparisons(compare, below, equal, above):
    assertion = parse_assertion(f"pulls.failed {compare} 2")
    assert [assertion.holds(value) for value in (1.0, 2.0, 3.0)] == [below, equal, above]
    assert not assertion.holds(None)


def test_failures_say_what_the_run_had(summary):
    wanted = [parse_assertion("pulls.total == 12"), parse_assertion("pods.start.p99 < 1ms")]
    (first, second) = failures(wanted, summary)
    assert first == f"pulls.total == 12: it is {summary.pulls.total}"
    assert second.startswith("pods.start.p99 < 1ms: it is ")
    held = with_assertions(summary, wanted).to_dict()["assertions"]
    assert [each["holds"] for each in held] == [False, False]
    nothing = summarize(empty())
    assert failures([parse_assertion("pods.start.p99 < 90s")], nothing) == [
        "pods.start.p99 < 90s: it has no value (no such pod or pull)"
    ]
    assert str(check([parse_assertion("pods.start.p99 < 90s")], {"pods.start.p99": 90.0000001})[0]).endswith(
        "it is 90.0 s (90.0000001)"
    )


def test_assertions_of_a_scenario_are_refused_at_their_place():
    scenario = from_mapping({"nodes": [{}], "assert": ["pods.start.p99 < 90s", "pods.start < 3s"]})
    with pytest.raises(InputError, match=r"no metric 'pods\.start'"):
        scenario_assertions(scenario)
    good = from_mapping({"nodes": [{}], "assert": ["pods.start.p99 < 90s"]})
    assert [each.text for each in scenario_assertions(good, ["pulls.failed == 0"])] == [
        "pods.start.p99 < 90s",
        "pulls.failed == 0",
    ]
