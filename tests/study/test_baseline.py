"""What fails a gate and what does not, by a table: which way each figure gets worse, and by how much it may."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from pullsim.results.assertions import Checked, parse_assertion
from pullsim.study import ci_reports
from pullsim.study.baseline import Kind, Verdict, hold, parse_tolerance

UP = [  # more is worse
    "pods.start.p50",
    "pods.start.max",
    "pods.ready.p99.9",
    "workloads.shop/web.start.p99",
    "workloads.web.notStarted",
    "pods.lastReadyAt",
    "pods.notStarted",
    "pods.missedDeadlines",
    "pulls.failed",
    "pulls.backoffs",
    "pulls.includingWaiting.p99",
    "bytes.downloaded",
    "housekeeping.refetched",
    "housekeeping.evictedPods",
    "rollouts.shop/web.seconds",
    "churn.perDay.cost",
    "prepulls.warm.lastAt",
    "time.seconds",
]
DOWN = ["pods.perMinute.mean", "pods.perMinute.peak"]
NONE = [  # a change is neither better nor worse
    "nodes",
    "pools.workers",
    "pods.total",
    "pods.start.count",
    "pods.perMinute.window",
    "pulls.total",
    "pods.startOfStarted.p99",
    "pools.workers.start.p99",
    "images.nginx:1.12.ready.p50",
    "pulls.pull.p99",
    "pulls.queue.p99",
    "pods.notStartedByReason.ErrImagePull",
    "pulls.failuresByCause.notFound",
    "bytes.bySource.docker.io",
    "bytes.perSecond.mean",
    "layers.reused",
    "time.stages.queue.seconds",
    "bottleneck.shares.pullQueue",
]


def held(before, now, *tolerances, strict=False):
    verdict = Verdict("a.yaml", now)
    hold(verdict, before, [parse_tolerance(text) for text in tolerances], strict=strict)
    return verdict


def one(name, before, now, *tolerances, strict=False):
    """The kind of a change of one figure, and whether it fails."""
    (change,) = held({name: before}, {name: now}, *tolerances, strict=strict).changes
    return change.kind, change.fails


@pytest.mark.parametrize("name", UP)
def test_more_of_it_is_worse(name):
    assert one(name, 100.0, 102.0) == (Kind.worse, True)
    assert one(name, 100.0, 98.0) == (Kind.better, False)
    assert one(name, 100.0, 100.5) == (Kind.within, False)
    assert one(name, 0.0, 1.0) == (Kind.worse, True)


@pytest.mark.parametrize("name", DOWN)
def test_less_of_it_is_worse(name):
    assert one(name, 100.0, 98.0) == (Kind.worse, True)
    assert one(name, 100.0, 102.0) == (Kind.better, False)


@pytest.mark.parametrize("name", NONE)
def test_a_change_of_it_is_reported_and_does_not_fail(name):
    assert one(name, 100.0, 150.0) == (Kind.changed, False)
    assert one(name, 100.0, 50.0) == (Kind.changed, False)
    assert one(name, 100.0, 50.0, "*=2%") == (Kind.changed, False)


@pytest.mark.parametrize("name", [*UP, *DOWN, *NONE])
def test_strict_lets_no_difference_pass(name):
    for now in (50.0, 99.999, 100.001, 150.0):
        assert one(name, 100.0, now, strict=True)[1]
    assert held({name: 100.0}, {name: 100.0}, strict=True).ok


@pytest.mark.parametrize(
    ("tolerance", "name", "now", "fails"),
    [
        ("pods.start.*=5%", "pods.start.p99", 104.0, False),
        ("pods.start.*=5%", "pods.start.p99", 106.0, True),
        ("pods.start.*=5%", "pods.lastReadyAt", 104.0, True),  # another metric has the usual tolerance
        ("pods.start.p99=10s", "pods.start.p99", 109.0, False),
        ("pods.start.p99=0%", "pods.start.p99", 100.1, True),
        ("*=10%", "pods.lastReadyAt", 109.0, False),
        ("pulls.pull.*=5%", "pulls.pull.p99", 110.0, True),  # who gives a tolerance wants it held, either way
        ("pulls.pull.*=5%", "pulls.pull.p99", 90.0, True),
        ("pulls.pull.*=5%", "pulls.pull.p99", 96.0, False),
    ],
)
def test_tolerances(tolerance, name, now, fails):
    assert held({name: 100.0}, {name: now}, tolerance).ok is not fails


def test_never_is_worse_than_any_number():
    before = {"pods.start.p99": 10.0, "pods.start.p50": 1.0, "pods.notStarted": 0}
    verdict = held(before, {"pods.start.p99": None, "pods.start.p50": 1000.0, "pods.notStarted": 3})
    assert not verdict.ok
    first, *_ = verdict.changes
    assert (first.metric, first.kind, first.figures[1]) == ("pods.start.p99", Kind.worse, "never")
    assert one("pods.start.p99", None, 10.0) == (Kind.better, False)
    assert one("pods.start.p99", 10.0, None, "pods.start.p99=1h") == (Kind.worse, True)


def test_no_value_of_what_is_no_time_is_only_a_change():
    assert one("bytes.perSecond.mean", 10.0, None) == (Kind.changed, False)
    assert one("pods.perMinute.mean", 10.0, None) == (Kind.changed, False)


def test_what_did_not_occur_is_zero():
    """Causes and stages are in a baseline only where there were any."""
    verdict = held({"pods.total": 3}, {"pods.total": 3, "pulls.failuresByCause.notFound": 2})
    assert [(c.before, c.now, c.kind, c.fails) for c in verdict.changes] == [(0.0, 2, Kind.changed, False)]


def test_figures_that_are_gone_or_new():
    gone = held({"rollouts.web.seconds": 3.0, "pools.w": 3}, {"pods.total": 3})
    assert {c.metric: (c.kind, c.fails) for c in gone.changes} == {
        "rollouts.web.seconds": (Kind.gone, True),  # a gate that checks less than before does so on purpose
        "pools.w": (Kind.gone, False),
        "pods.total": (Kind.new, False),  # a newer pullsim has more figures than an old baseline
    }
    assert gone.problems == ["rollouts.web.seconds: 3.00 s in the baseline, and gone; --update-baseline takes it out"]
    assert len(held({"pools.w": 3}, {"pods.total": 3}, strict=True).problems) == 2
    assert held({"churn": None}, {"churn.departures": 2}).ok
    assert held({"churn.departures": 2}, {"churn": None}).ok


def test_a_scenario_that_is_not_in_the_baseline_fails():
    verdict = Verdict("a.yaml", {"pods.total": 3})
    hold(verdict, None, [])
    assert verdict.problems == ["it is not in the baseline; --update-baseline adds it"]


def worse(count):
    names = [f"rollouts.w{n:02}.seconds" for n in range(count)]
    before = dict.fromkeys(names, 10.0) | {"pods.start.p50": 9.0}
    return held(before, {name: 11.0 + n for n, name in enumerate(names)} | {"pods.start.p50": 3.0})


@pytest.mark.parametrize("count", [1, 18, 19, 20, 500])
def test_the_table_has_at_most_twenty_lines_and_the_worst_comes_first(count):
    lines = ci_reports.text([worse(count)])
    heading, *rows = lines[lines.index("") + 1 :]
    assert len(rows) < ci_reports.LINES
    assert heading.split() == ["figure", "before", "now", "change", "tolerance"]
    assert rows[0].split(maxsplit=2)[:2] == ["worse", f"rollouts.w{count - 1:02}.seconds"]
    shown = [row for row in rows if not row.startswith("and ")]
    named = [int(row.removeprefix("and ").split()[0].replace(",", "")) for row in rows if row.startswith("and ")]
    assert len(shown) + sum(named) == count + 1  # that one got better


def test_figures_have_units():
    text = "\n".join(ci_reports.text([held({"pods.start.p99": 21.7, "bytes.downloaded": 5e9}, NOW)]))
    assert "21.7 s  28.2 s" in text
    assert "+6.51 s (+30.0%)" in text
    assert "5 GB" in text
    assert "1%" in text


NOW = {"pods.start.p99": 28.21, "bytes.downloaded": 9e9}


def test_every_report_has_the_table():
    verdict = worse(30)
    verdict.assertions = [Checked(parse_assertion("pods.start.p99 < 1s"), 9.0)]
    fine = held({"pods.start.p50": 9.0}, {"pods.start.p50": 3.0})
    fine.name = "b.yaml"
    marked = ci_reports.markdown([verdict, fine])
    assert "| worse | rollouts.w29.seconds | 10.0 s | 40.0 s | +30.0 s (+300.0%) | 1% | a.yaml |" in marked
    assert "and 14 more (12 worse, 2 better)" in marked
    assert "- assertion failed: pods.start.p99 " in marked
    suite = ET.fromstring(ci_reports.junit([verdict, fine]))  # noqa: S314  # ours
    (failure,) = suite.iter("failure")
    assert failure.attrib["message"].startswith("rollouts.w29.seconds: 10.0 s → 40.0 s")
    assert "and 13 more (12 worse, 1 better)" in (failure.text or "")
    (out,) = suite.iter("system-out")
    assert "better  pods.start.p50" in (out.text or "")
    notes = [*ci_reports.github_annotations([verdict, fine])]
    (notice,) = [note for note in notes if "b.yaml" in note]
    assert notice.startswith(
        "::notice file=b.yaml,title=pullsim::better: pods.start.p50: 9.00 s → 3.00 s, -6.00 s (-66.7%25)"
    )
    errors = [note for note in notes if note.startswith("::error file=a.yaml")]
    assert len(errors) == ci_reports.LINES + 1
    assert errors[-1].endswith("and 11 more")
