"""Percentiles of the pods of several seeds together, against the slow obvious way, in all studies."""

from __future__ import annotations

import json
import math
import pickle
from array import array
from fractions import Fraction

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim import tables
from pullsim.errors import InputError
from pullsim.results.statistics import THOUSANDTHS
from pullsim.results.summary.summary import camel
from pullsim.results.waits import Objective, Waiting, objectives, pod_percentile
from pullsim.run import run
from pullsim.scenario import from_mapping, override
from pullsim.study import compare_text, solve_text
from pullsim.study.advice.advice import in_percent
from pullsim.study.advice.advise import advise
from pullsim.study.compare import Comparison, Side, compare
from pullsim.study.estimates import Run, difference, estimate
from pullsim.study.job import Bundle, Job, run_job
from pullsim.study.quantiles import resamples
from pullsim.study.solve import solve
from pullsim.study.sweep import sweep

START = Objective("pods", "", "start")
SHARES = {camel(name): thousandths for name, thousandths in THOUSANDTHS.items()}
P90, OF_WEB = "pods.start.p90", "workloads.web.start.p95"
KNOB = "kubelet.maxParallelImagePulls"
#: Pulls wait for each other, and the seed says when pods come; in every run two of 32 never start.
DOCUMENT = {
    "name": "pooled",
    "nodes": [{"name": "n", "runtime": {"fixed": {"images": {f"a:{n}": {"pull": f"{n + 2}s"} for n in range(5)}}}}],
    "workloads": [
        {"name": "web", "pods": {"image": "a:1", "count": 20}, "arrivals": {"poisson": "2/s"}},
        *({"name": f"w{n}", "pods": {"image": f"a:{n}", "count": 2}, "arrivals": {"poisson": "1/s"}} for n in range(5)),
        {"name": "stuck", "pods": {"image": "b:1", "imagePullPolicy": "Never", "count": 2}},
    ],
}
RUNS = st.lists(
    st.lists(st.integers(0, 5).map(float) | st.floats(0, 100) | st.just(math.inf), min_size=1, max_size=12),
    min_size=2,
    max_size=5,
)

FEW = st.lists(st.integers(0, 5).map(float) | st.just(math.inf), min_size=1, max_size=5)


@pytest.fixture(scope="module")
def scenario():
    return from_mapping(DOCUMENT)


@pytest.fixture(scope="module")
def swept(scenario):
    return sweep(scenario, [f"{KNOB}=1,2"], seeds=3, metrics=[OF_WEB, "pods.readyOfReady.p99"])


def at_rank(times, thousandths):
    """The definition: all of them in order, and the one whose rank is the share of their number, rounded up."""
    return sorted(times)[math.ceil(Fraction(thousandths, 1000) * len(times)) - 1]


def pooled(runs, thousandths):
    return at_rank([each for times in runs for each in times], thousandths)


def minus(b, a):
    return 0.0 if a == b else b - a


def made(times):
    """A run in which pods took so long."""
    started = sorted(each for each in times if each < math.inf)
    figures: dict[str, float | None] = {}
    for name, share in SHARES.items():
        figures[f"pods.start.{name}"] = at_rank(times, share)
        figures[f"pods.startOfStarted.{name}"] = at_rank(started, share) if started else None
    return Run(figures, {START: Waiting(array("d", started), len(times) - len(started))})


@given(RUNS, st.sampled_from([*SHARES]))
@settings(max_examples=60, deadline=None)
def test_they_are_by_definition_those_of_all_pods_together(runs, name):
    found = estimate([made(times) for times in runs], f"pods.start.{name}")
    assert found.mean == pooled(runs, SHARES[name])
    assert found.low <= found.mean <= found.high
    assert found.runs == len(runs)
    started = [some for times in runs if (some := [each for each in times if each < math.inf])]
    if started:
        those = estimate([made(times) for times in runs], f"pods.startOfStarted.{name}")
        assert (those.mean, those.runs) == (pooled(started, SHARES[name]), len(started))


@given(st.lists(st.tuples(FEW, FEW), min_size=2, max_size=4), st.sampled_from([500, 900, 1000]))
@settings(max_examples=25, deadline=None)
def test_differences_are_of_pairs_of_seeds(pairs, share):
    """Each resample takes the same seeds on both sides."""
    name = next(f"pods.start.{key}" for key, each in SHARES.items() if each == share)
    a, b = ([pair[side] for pair in pairs] for side in (0, 1))
    found = difference([made(times) for times in a], [made(times) for times in b], name)
    assert found.mean == minus(pooled(b, share), pooled(a, share))
    resampled = []
    for weights, like in zip(*resamples(len(pairs)), strict=True):
        before, after = (
            pooled([times for times, weight in zip(side, weights, strict=True) for _ in range(weight)], share)
            for side in (a, b)
        )
        resampled += [minus(after, before)] * int(like)
    resampled.sort()
    assert (found.low, found.high) == (resampled[49], resampled[1949])
    assert found.runs == len(pairs)


def test_each_of_the_resamples_is_counted():
    weights, like = resamples(5)
    assert like.sum() == 2000
    assert (weights.sum(axis=1) == 5).all()
    assert len({tuple(row) for row in weights.tolist()}) == len(weights)


def test_a_percentile_is_never_only_where_its_rank_is():
    """Of a hundred pods of two runs three never start, all in one run: its own p95 is never, that of all is not."""
    runs = [made([1.0] * 50), made([2.0] * 47 + [math.inf] * 3)]
    assert runs[1].value("pods.start.p95") == math.inf
    assert estimate(runs, "pods.start.p95")[:3] == (2.0, 1.0, math.inf)
    assert estimate(runs, "pods.start.p99").mean == math.inf
    assert estimate(runs, "pods.start.max")[:3] == (math.inf, 1.0, math.inf)


def test_a_sweep_has_the_percentiles_of_the_pods_of_all_seeds(scenario, swept):
    for variant, limit in enumerate((1, 2)):
        frames = [tables.pods(run(override(scenario, [f"{KNOB}={limit}", f"seed={seed}"]))) for seed in swept.seeds]
        pods = pd.concat(frames, ignore_index=True)
        waits = pods.until_start_s.where(pods.started, math.inf)
        expected = {
            P90: waits.quantile(0.9, interpolation="higher"),  # of 96, the 87th
            OF_WEB: at_rank(waits[pods.workload == "web"], 950),
            "pods.start.p99": math.inf,
            "pods.readyOfReady.p99": at_rank(pods.until_ready_s[pods.started], 990),
        }
        found = {name: swept.interval(variant, name) for name in expected}
        assert {name: each.mean for name, each in found.items()} == pytest.approx(expected)
        assert all(each.low <= each.mean <= each.high for each in found.values())
        assert {each.runs for each in found.values()} == {3}
    table = swept.table([P90, "pods.start.mean"])
    assert list(table.columns) == ["variant", KNOB, "metric", "mean", "low", "high", "runs"]


def test_other_figures_stay_means(swept):
    runs = swept.runs()
    for name in ("pods.startOfStarted.mean", "pods.lastReadyAt", "pulls.pull.p90", "pods.start.count"):
        assert swept.interval(0, name).mean == pytest.approx(runs[runs.variant == 0][name].mean())


def test_of_one_seed_they_are_those_of_its_run(scenario):
    alone = sweep(scenario, [f"{KNOB}=1,2"])
    assert [outcome.waits for outcome in alone.outcomes.values()] == [None, None]
    for (variant, _), outcome in alone.outcomes.items():
        for name in (P90, OF_WEB, "pods.ready.p50"):
            assert alone.interval(variant, name) == (outcome.metrics[name], None, None, 1)


def test_what_was_not_asked_for_is_not_guessed(swept):
    with pytest.raises(InputError, match=r"pools.n.start.p90 of several seeds .* metrics=\['pools.n.start.p90'\]"):
        swept.interval(0, "pools.n.start.p90")
    assert swept.interval(0, "pools.n.start.max").mean == math.inf  # the largest of all is one of the runs' largest


def test_comparisons_and_advice_have_what_sweeps_have(scenario, swept):
    compared = compare(scenario, set=[f"{KNOB}=1,2"], seeds=3, metrics=[OF_WEB])
    for row in compared.differences([P90, OF_WEB]):
        assert (row.a, row.b) == (swept.interval(0, row.metric), swept.interval(1, row.metric))
        assert row.difference.mean == row.b.mean - row.a.mean
    advised = advise(scenario, seeds=2, objective=OF_WEB, max_runs=8)
    for row in advised.rows:
        again = compare(scenario, set_b=row.setting.overrides, seeds=2, metrics=[OF_WEB]).differences([OF_WEB])
        assert row.difference(OF_WEB) == again[0]


def test_a_search_says_of_how_many_pods(scenario, swept):
    solution = solve(scenario, KNOB, "1..2", objective=P90, slo="< 1h", seeds=3)
    assert [tried.objective for tried in solution.tried] == [swept.interval(0, P90), swept.interval(1, P90)]
    assert "over 96 pods of 3 seeds)" in solve_text.sentence(solution)


def test_resumed_runs_have_the_same_tables(scenario, swept, tmp_path):
    """Also those of a store that has one seed, or was asked for other metrics, or has no waits as older ones."""
    arguments = {"set": [f"{KNOB}=1,2"], "out": tmp_path}
    sweep(scenario, **arguments, seeds=1)
    told, counts = [], []
    more = {"resume": True, "announce": told.append, "progress": lambda done, _: counts.append(done), "seeds": 3}
    assert sweep(scenario, **arguments, **more).table().equals(swept.table())
    assert (told, counts[0]) == ([], 2)
    metrics = [OF_WEB, "pods.readyOfReady.p99"]
    sweep(scenario, **arguments, **more, metrics=metrics)
    (said,) = told
    assert said.endswith("have not kept how long each pod took (pods.ready, workloads.web.start) are made again")
    counts.clear()
    again = sweep(scenario, **arguments, **more, metrics=metrics)
    assert (counts, len(told)) == ([6], 1)
    assert again.outcomes == swept.outcomes
    lines = [json.loads(line) for line in (tmp_path / "runs.jsonl").read_text().splitlines()]
    older = [{key: each for key, each in line.items() if key != "waits"} for line in lines]
    (tmp_path / "runs.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in older))
    counts.clear()
    assert sweep(scenario, **arguments, **more).table().equals(swept.table())
    assert (counts[0], len(told)) == (0, 2)


def test_outcomes_travel_with_8_bytes_a_pod(scenario):
    bundle = Bundle.of(scenario, (), waits=objectives([P90, "pods.start.p50", OF_WEB, "pods.ready.max", "end"]))
    assert bundle.waits == {START, Objective("workloads", "web", "start")}
    outcome = run_job(bundle, Job(0, (), 1))
    data = pickle.dumps(outcome)
    assert pickle.loads(data) == outcome  # noqa: S301  # of this test
    bare = pickle.dumps(outcome._replace(waits=None))
    assert len(data) - len(bare) < 8 * (30 + 20) + 300


@pytest.mark.parametrize(
    ("metric", "objective"),
    [
        ("pods.start.p99.9", "pods.start"),
        ("pods.startOfStarted.p50", "pods.start"),
        ("pods.readyOfReady.max", "pods.ready"),
        ("workloads.a.b/c.start.ready.p95", "workloads.a.b/c.start.ready"),
        ("pools.n.start.p90", "pools.n.start"),
        ("images.r.test/a:1.start.p99", "images.r.test/a:1.start"),
        *((name, None) for name in ("pods.start.mean", "pods.start.count", "pulls.pull.p99", "start.p99", "end")),
        *((name, None) for name in ("prepulls.start.p50", "outages.o.lastUpAfter", "pools.n.total", "pods.total")),
    ],
)
def test_which_metrics_are_pooled(metric, objective):
    found = pod_percentile(metric)
    assert (found and str(found.objective)) == objective


def test_ends_that_are_never_are_shown():
    """One of two seeds has no time at its p95 after the change, and none before it in the other direction."""
    quick, late = made([1.0] * 50), made([2.0] * 47 + [math.inf] * 3)
    sides = [
        Side(name, {}, {n: r.metrics for n, r in enumerate(runs)}, None, None, {n: r.waits for n, r in enumerate(runs)})
        for name, runs in (("a", [quick, quick]), ("b", [quick, late]))
    ]
    for a, b, interval in ((0, 1, "+1.00 s (+100.0%) [+0.00 s, +∞]"), (1, 0, "-1.00 s (-50.0%) [-∞, +0.00 s]")):
        comparison = Comparison(sides[a], sides[b])
        ((_, _, _, shown, verdict),) = compare_text.rows(comparison, ["pods.start.p95"])
        assert (shown, verdict) == (interval, "unclear")
        assert all(map(math.isfinite, in_percent(comparison.differences(["pods.start.p95"])[0])))
        assert "never" in compare_text.markdown(comparison, ["pods.start.p99"])
