"""Pods that never started, in everything that is said of many runs: compare, sweep, solve, gates and their files."""

from __future__ import annotations

import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.results.assertions import parse_assertion
from pullsim.scenario import from_mapping
from pullsim.study import baseline, compare_text, solve_text
from pullsim.study.charts import plot_heat, plot_knee, plot_trade_off
from pullsim.study.compare import compare
from pullsim.study.intervals import bootstrap
from pullsim.study.pages.comparison_page import comparison_page
from pullsim.study.pages.parts import Source
from pullsim.study.solve import solve
from pullsim.study.sweep import sweep
from tests.support.command import pullsim

P99, MEDIAN = "pods.start.p99", "pods.start.p50"
BAD = "workloads[bad].pods.count"
#: Two of 101 pods want an image that must be on their node, and is not; of a hundred with one of them, p99 is not that.
DOCUMENT = {
    "name": "never",
    "nodes": [{"name": "n", "runtime": {"fixed": {"images": {"a:1": {"pull": "5s"}}}}}],
    "workloads": [
        {"name": "good", "pods": {"image": "a:1", "count": 99}},
        {"name": "bad", "pods": {"image": "b:1", "imagePullPolicy": "Never", "count": 2}},
    ],
}


@pytest.fixture(scope="module")
def scenario():
    return from_mapping(DOCUMENT)


@pytest.fixture(scope="module")
def swept(scenario):
    return sweep(scenario, [f"{BAD}=1,2,3", "nodes[n].cores=1,2"], seeds=2)


def test_sweep(swept):
    assert [swept.interval(variant, P99).mean == math.inf for variant in range(6)] == [False] * 2 + [True] * 4
    assert swept.interval(4, P99) == (math.inf, math.inf, math.inf, 2)
    assert swept.interval(4, MEDIAN).mean == pytest.approx(5.0, abs=1.0)
    assert swept.table([P99])["mean"].tolist()[2:] == [math.inf] * 4


def test_charts_of_a_sweep_have_gaps(swept):
    assert math.isnan(plot_knee(swept, [P99]).lines[0].get_ydata()[1])
    assert [text.get_text() for text in plot_heat(swept, P99).texts][2:] == ["never"] * 4
    plot_trade_off(swept, "bytes.downloaded", P99)


@pytest.mark.parametrize(
    ("a", "b", "verdict", "never"),
    [(1, 2, "higher", (False, True)), (2, 1, "lower", (True, False)), (2, 3, "same", (True, True))],
)
def test_compare(scenario, a, b, verdict, never):
    comparison = compare(scenario, set_a=[f"{BAD}={a}"], set_b=[f"{BAD}={b}"], seeds=2)
    (difference,) = comparison.differences([P99])
    assert difference.verdict == verdict
    assert difference.relative is None
    ((_, *texts, by, said),) = compare_text.rows(comparison, [P99])
    assert (tuple(text == "never" for text in texts), by, said) == (never, "-", verdict)
    assert comparison.table([P99]).shape == (1, 8)
    assert compare_text.notes(comparison, [P99]) == [
        "where a time is never, some pods never did; those that did are compared by -m pods.startOfStarted.p99."
    ]
    assert compare_text.notes(comparison, [MEDIAN]) == []
    assert compare_text.notes(comparison, [P99, "pods.startOfStarted.p99"]) == []


def test_the_page_of_a_comparison_has_those_that_started(scenario):
    comparison = compare(scenario, set_a=[f"{BAD}=2", "seed=1"], set_b=[f"{BAD}=3", "seed=1"])
    page = comparison_page(comparison, [P99, "pods.notStarted"], Source())
    (table,) = page.sections[0].parts
    rows = {row[0].text: [cell.text for cell in row[1:]] for row in table.rows}
    assert rows["time until 99 of 100 pods had started"][:3] == ["never", "never", "-"]
    assert rows["time until 99 of 100 pods that started had started"][0] not in ("never", "-")
    assert page.answer[-1] == "Never in both, as some pods never did: the time until 99 of 100 pods had started."
    assert "never" not in {figure.value for figure in page.figures}


@pytest.mark.parametrize(
    ("slo", "want", "answer"), [("< 90s", "largest", 1.0), ("> 90s", "smallest", 2.0), (None, None, 1.0)]
)
def test_solve(scenario, slo, want, answer):
    solution = solve(scenario, BAD, "1..9", slo=slo, want=want, seeds=2)
    assert solution.answer.point == (answer,)
    assert re.search(r" \d of \d+ pods never start", solve_text.warnings(solution, None)[0])
    solve_text.plot_curve(solution)


def test_solve_without_an_answer_says_why(scenario):
    for slo in ("< 90s", None):
        solution = solve(scenario, BAD, "3..5", slo=slo, seeds=1)
        assert solution.answer is None
        assert f"{P99} is never with every {BAD}" in solve_text.sentence(solution)
        assert solve_text.warnings(solution, None) == [
            "Whatever is set, 3 of 102 pods never start.",
            f"{P99} is never, whatever is set: pods.startOfStarted.p99 is that of the pods that come to it.",
        ]
        assert [solve_text.figures(tried) for tried in solution.tried] == [
            {"mean": None, "low": None, "high": None, "runs": 1, "never": True}
        ] * 3
        solve_text.plot_curve(solution)


def test_a_gate(scenario, tmp_path):
    now = baseline.measure(scenario, "s", [parse_assertion(f"{P99} < 90s")])
    assert now.others == [f"assertion failed: {P99} < 90s: it is never (2 of 101 never started)"]
    baseline.write(tmp_path / "b.json", [now], {})
    assert json.loads((tmp_path / "b.json").read_text())["scenarios"]["s"][P99] is None
    kept = baseline.read(tmp_path / "b.json")["s"]
    assert kept == now.metrics
    baseline.hold(now, kept, [])
    assert now.changes == []
    for before, after, kind in ((5.0, math.inf, "worse"), (math.inf, 5.0, "better")):
        verdict = baseline.Verdict("s", {**kept, P99: after})
        baseline.hold(verdict, {**kept, P99: before}, [baseline.parse_tolerance(f"{P99}=99%")])
        assert [(change.metric, change.kind) for change in verdict.changes] == [(P99, kind)]
        assert verdict.ok is (kind == "better")


def test_a_store_keeps_never_apart_from_no_value(scenario, tmp_path):
    first = sweep(scenario, [f"{BAD}=1,2"], out=tmp_path)
    again = sweep(scenario, [f"{BAD}=1,2"], out=tmp_path, resume=True, progress=lambda done, total: None)
    assert first.outcomes == again.outcomes
    assert again.outcomes[1, again.seeds[0]].metrics[P99] == math.inf
    assert again.outcomes[0, again.seeds[0]].metrics["churn"] is None


def test_commands(tmp_path):
    file = tmp_path / "never.yaml"
    file.write_text(json.dumps(DOCUMENT))
    table = pullsim("sweep", file, "-j", "1", "--set", f"{BAD}=1,2", "-m", P99, "-m", "pods.start.p99.9", "-q")
    assert [line.split() for line in table.stdout.splitlines()] == [
        ["count", "start.p99", "start.p99.9"],
        ["1", *table.stdout.splitlines()[1].split()[1:3], "never"],
        ["2", "never", "never"],
    ]
    solved = pullsim("solve", file, "-j", "1", "--knob", BAD, "--range", "2..3", "--slo", "< 90s", "-o", "json", "-q")
    assert json.loads(solved.stdout)["tried"][0]["never"] is True
    assert solved.returncode == 1
    gate = pullsim("ci", file, "--assert", "pods.start.p99 < 90s")
    assert (gate.returncode, "it is never (2 of 101 never started)" in gate.stdout) == (1, True)


@given(st.lists(st.floats(0, 1e6) | st.just(math.inf), min_size=2, max_size=12))
def test_an_interval_has_never_where_a_run_has(values):
    mean, low, high, runs = bootstrap(values)
    assert runs == len(values)
    assert (mean == math.inf) == (math.inf in values)
    assert low <= high
    if math.isinf(low):
        assert math.inf in values


def test_differences_to_and_from_never_have_no_mean():
    assert bootstrap([math.inf, -math.inf, 3.0]) == (None, -math.inf, math.inf, 3)
