"""``--interval`` of studies: variants in the clusters that seeds draw, and what they differ by in each."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import pullsim
from pullsim.scenario import from_mapping, override
from pullsim.study.cluster_tables import (
    clusters_of_advice,
    clusters_of_comparison,
    clusters_of_solution,
    clusters_of_sweep,
    markdown_lines,
)
from pullsim.study.clusters import ClusterRuns, Clusters
from pullsim.study.design import Variant
from pullsim.study.estimates import Run
from pullsim.study.job import Outcome
from pullsim.study.pages.cluster_section import cluster_section
from pullsim.study.solve_text import in_clusters
from pullsim.study.variant_runs import Sweep
from tests.support.command import pullsim as command
from tests.support.small_scenario import SCENARIO

DRAWS = 10
MANY = [f"r.test/{name}:1" for name in "abcd"]
#: Four pulls on a node, which end the sooner the more of them run at a time.
SEVERAL = {
    "version": 1,
    "variation": {"model": 0.2},
    "images": {"define": [{"image": each, "layers": [{"size": "100MB"}]} for each in MANY]},
    "registries": [{"host": "r.test"}],
    "nodes": [{"name": "w", "cores": 8}],
    "workloads": [
        {"name": f"x{number}", "pod": {"containers": [{"name": "m", "image": each}]}}
        for number, each in enumerate(MANY)
    ],
}
KNOB = "kubelet.maxParallelImagePulls"
TWICE = ["nodes[w].unpack.gzip=50MB/s,100MB/s"]
P50, P99, BYTES = "pods.start.p50", "pods.start.p99", "bytes.downloaded"
#: Few, so that they tie; pods that never start are infinite.
TIMES = st.sampled_from([1.0, 2.0, 3.0, math.inf])
PAIRS = st.lists(st.tuples(TIMES, TIMES), min_size=1, max_size=12)


def runs(*values, still=(), metric=P99):
    return ClusterRuns(*({seed: Run({metric: v}) for seed, v in enumerate(each)} for each in (values, still)))


@pytest.fixture(scope="module")
def scenario():
    """One pull of one layer, whose time is unpacking, as much longer as the model is off by."""
    return from_mapping(
        {
            "variation": {"model": 0.2},
            "images": {"define": [{"image": "r.test/a:1", "layers": [{"size": "200MB"}]}]},
            "registries": [{"host": "r.test"}],
            "nodes": [{"name": "w"}],
            "workloads": [{"name": "x", "pod": {"containers": [{"name": "m", "image": "r.test/a:1"}]}}],
        }
    )


@pytest.fixture(scope="module")
def compared(scenario):
    """Unpacking at half the speed."""
    return pullsim.compare(scenario, set=["nodes[w].unpack.gzip=100MB/s,50MB/s"], interval=DRAWS)


@pytest.fixture(scope="module")
def swept(scenario, tmp_path_factory):
    """Unpacking at twice the speed, and the directory in which the runs are."""
    out = tmp_path_factory.mktemp("sweep")
    return pullsim.sweep(scenario, TWICE, interval=DRAWS, out=out), out


@settings(max_examples=30, deadline=None)
@given(PAIRS)
@example([(math.inf, math.inf)])
def test_pairs_are_counted_by_cluster(pairs):
    a, b = (runs(*each) for each in zip(*pairs, strict=True))
    there, back = a.paired(b, P99), b.paired(a, P99)
    assert there.lower == back.higher == sum(y < x for x, y in pairs)
    assert there.higher == back.lower == sum(y > x for x, y in pairs)
    assert there.better(P99) == there.lower
    if any(math.isinf(x) for pair in pairs for x in pair):
        assert there.relative is None
    apart = sorted(0.0 if x == y else y - x for x, y in pairs)
    assert there.difference.low90 == apart[max(-(-5 * len(apart) // 100), 1) - 1]
    assert there.difference.median == apart[-(-len(apart) // 2) - 1]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(TIMES, min_size=3, max_size=3), min_size=1, max_size=5))
def test_ranks_are_shared_by_those_that_are_equal(variants):
    found = Clusters(3, "own", {}, tuple(runs(*each) for each in variants))
    for values, ranks in zip(variants, found.ranks(P99), strict=True):
        assert ranks.tolist() == [1 + sum(other[i] < values[i] for other in variants) for i in range(3)]
    assert sum(found.best(P99)) >= 3


def test_a_table_of_many_variants_reads_each_of_their_figures_a_few_times():
    read = []

    class Counted(Run):
        def value(self, metric):
            read.append(metric)
            return super().value(metric)

    variants = 12
    drawn = tuple(
        ClusterRuns({seed: Counted({P99: seed + 1.0 + place}) for seed in range(DRAWS)}, {})
        for place in range(variants)
    )
    settings = tuple(Variant((("k", str(place)),)) for place in range(variants))
    outcomes = {(place, 0): Outcome(place, {P99: 1.0}, None) for place in range(variants)}
    swept = Sweep("x", (), settings, (0,), outcomes, clusters=Clusters(DRAWS, "own", {}, drawn))
    assert swept.table([P99])["best_in"].tolist() == [DRAWS] + [0] * (variants - 1)
    assert len(read) <= 6 * variants * DRAWS


def test_more_may_be_better_or_neither():
    a, b = (runs(v, metric="pods.perMinute.mean") for v in (1.0, 2.0))
    assert a.paired(b, "pods.perMinute.mean").better("pods.perMinute.mean") == 1
    a, b = (runs(v, metric="pulls.total") for v in (1.0, 2.0))
    assert a.paired(b, "pulls.total").better("pulls.total") is None
    assert Clusters(1, "own", {}, (a, b)).best("pulls.total") == [None, None]


def test_a_variant_without_a_value_has_no_figure():
    none = ClusterRuns({}, {})
    assert none.figure(P99) is runs(None).figure(P99) is None
    assert runs(1.0).paired(none, P99) is None
    assert Clusters(1, "own", {}, (runs(1.0), none)).best(P99) == [1, None]


def test_what_the_model_is_off_by_is_in_both_sides_and_not_in_their_ratio(compared):
    """Both sides meet the same clusters, so that a ratio is nearly the same in all of them."""
    clusters = compared.clusters
    a, b = (each.figure(P99) for each in clusters.runs)
    paired = clusters.runs[0].paired(clusters.runs[1], P99)
    assert paired.higher == DRAWS
    assert a.high90 / a.low90 > 1.2
    assert b.model > 0.9
    ratio = paired.relative
    assert (1 + ratio.high90) / (1 + ratio.low90) < 1.1
    assert ratio.median == pytest.approx(b.median / a.median - 1, abs=0.02)


def test_draws_are_those_of_a_run_with_the_setting(scenario, swept):
    clusters = swept[0].clusters
    alone = override(scenario, ["nodes[w].unpack.gzip=100MB/s", "seed=3"])
    assert clusters.runs[1].values(P99)[3] == pytest.approx(pullsim.summarize(pullsim.run(alone)).pods.start.p99)
    still = override(alone, ["variation=none", "seed=1"])
    assert clusters.runs[1].still[1].value(P99) == pytest.approx(pullsim.summarize(pullsim.run(still)).pods.start.p99)


def test_a_variant_may_have_variation_of_its_own(scenario):
    clusters = pullsim.sweep(
        override(scenario, ["variation=none"]), ["variation=none,{model: 0.2}"], interval=DRAWS
    ).clusters
    none, model = (each.figure(P99) for each in clusters.runs)
    assert none.low90 == pytest.approx(none.high90)
    assert model.low90 < model.high90


def test_a_variant_that_cannot_run_has_no_figures(scenario):
    found = pullsim.sweep(scenario, ["nodes[w].unpack.gzip=50MB/s,-1"], interval=DRAWS)
    assert [len(each.drawn) for each in found.clusters.runs] == [DRAWS, 0]
    assert [row.texts[1] for row in clusters_of_sweep(found, [P99]).rows] == ["50MB/s"]
    assert found.table([P99])["best_in"].tolist()[0] == DRAWS


def test_what_no_variant_has_is_not_the_same_with_all():
    variants = tuple(Variant((("k", value),)) for value in "ab")
    drawn = Clusters(2, "own", {}, (runs(1.0, None), runs(2.0, None)))
    swept = Sweep("x", (), variants, (0,), clusters=drawn)
    assert clusters_of_sweep(swept, [P99]).rows == []
    assert not any("same" in note for note in clusters_of_sweep(swept, [P99]).notes)
    same = replace(drawn, runs=(runs(1.0, 2.0), runs(1.0, 2.0)))
    assert clusters_of_sweep(replace(swept, clusters=same), [P99]).notes[-1] == f"The same with all variants: {P99}."


def test_a_comparison_says_in_how_many_clusters_b_is_better(compared):
    table = clusters_of_comparison(compared, [P99, BYTES])
    assert [row.texts[1] for row in table.rows] == ["a", "b", "b - a", "change"]
    assert table.rows[2].texts[-1] == "0 of 10"
    notes = " ".join(table.notes)
    assert "10 draws, each another cluster; both sides run in each" in notes
    assert "how clusters, nodes and pulls vary" in notes
    assert "sampling (other seeds without variation); of b, " in notes
    assert "The same on both sides in all clusters: bytes.downloaded." in notes
    assert f"| start.p99 | b - a | {table.rows[2].texts[2]} |" in "\n".join(markdown_lines(table))
    (section,) = cluster_section(table)
    assert [part.title for part in section.parts[:1]] == ["Time until 99 of 100 pods had started, in one cluster"]


def test_advice_says_how_sure_its_ranking_is(scenario):
    advice = pullsim.advise(scenario, seeds=1, max_runs=5, interval=DRAWS)
    table = clusters_of_advice(advice)
    assert len(table.rows) == len(advice.gains) > 1
    assert table.rows[0].texts[-2:] == ("10 of 10", "1")
    assert f"1. is better than 2. in {DRAWS}" in " ".join(table.notes)
    frame = advice.table()
    assert set(frame["draws"]) == {DRAWS}
    assert frame["relative_median"].notna().sum() <= len(advice.gains) * len(advice.metrics)


@pytest.fixture(scope="module")
def several():
    return from_mapping(SEVERAL)


@pytest.fixture(scope="module")
def solved(several):
    """What is enough in half of the clusters is not in nine of ten."""
    return pullsim.solve(several, KNOB, "1..4", slo="pods.start.p99 < 6.5s", seeds=1, interval=DRAWS)


def test_a_setting_is_right_in_half_and_in_nine_of_ten_clusters(solved):
    found, goal = solved.clusters, solved.goal
    met = {number: found.met((number,), goal) for (number,) in found.points}
    assert [*met.values()] == [(runs.values(P99) < 6.5).sum() for runs in found.clusters.runs]
    assert found.half == (min(number for number, clusters in met.items() if clusters >= DRAWS / 2),)
    assert found.most == (min(number for number, clusters in met.items() if clusters >= 0.9 * DRAWS),)
    assert found.half < found.most


def test_what_is_solved_is_told_for_other_clusters(solved):
    half, most = (f"{KNOB}={point[0]:.0f}" for point in (solved.clusters.half, solved.clusters.most))
    text = in_clusters(solved)
    assert text.startswith(" In other clusters (10 draws) kubelet.maxParallelImagePulls=")
    assert f"; the smallest that meets it in half of them is {half}; " in text
    assert text.endswith(f"; the smallest that meets it in nine of ten is {most}.")
    table = clusters_of_solution(solved)
    assert [row.texts[-1] for row in table.rows if row.texts[-1]] == ["half", "nine in ten"]
    assert [row.texts[0] for row in table.rows] == ["1", "2", "3", "4"]
    assert in_clusters(replace(solved, clusters=None)) == ""


def test_without_a_limit_the_best_is_judged_by_the_median_and_by_nine_in_ten(several):
    found = pullsim.solve(several, KNOB, "3..4", seeds=1, interval=DRAWS)
    assert found.clusters.half == found.clusters.most == found.answer.point == (4,)
    assert f"the best median has {KNOB}=4, the best value that nine in ten do not exceed" in in_clusters(found)


def test_where_nothing_is_right_it_says_so(tmp_path):
    (tmp_path / "s.yaml").write_text(json.dumps(SEVERAL))
    words = ["--knob", KNOB, "--range", "1..2", "--slo", "pods.start.p99 < 1s", "--seeds", "1", "-j", "1", "-o", "json"]
    plain = command("solve", "s.yaml", *words, cwd=tmp_path)
    shown = command("solve", "s.yaml", *words, "--interval", "10", cwd=tmp_path)
    assert plain.returncode == shown.returncode == 1
    before, found = json.loads(plain.stdout), json.loads(shown.stdout)
    none = " In other clusters (10 draws) none meets it in half of them; none meets it in nine of ten."
    assert found["sentence"] == before["sentence"] + none
    clusters = found.pop("clusters")
    assert found | {"sentence": before["sentence"]} == before
    assert clusters["half"] is clusters["nineInTen"] is None
    assert {each["met"] for each in clusters["tried"]} == {0}


def test_without_the_option_outputs_are_as_before_and_with_it_there_are_columns_more(tmp_path):
    (tmp_path / "s.yaml").write_text(SCENARIO)
    words = ["compare", "s.yaml", "--set", "kubelet.maxParallelImagePulls=1,3", "-j", "1", "-q", "-o", "csv"]
    plain, more = (command(*words, *option, cwd=tmp_path).stdout for option in ([], ["--interval", "10"]))
    before, after = ([*csv.DictReader(text.splitlines())] for text in (plain, more))
    assert [{key: row[key] for key in before[0]} for row in after] == before
    assert {"draws", "a_median", "b_low90", "difference_high50", "relative_sampling", "lower_in"} <= {*after[0]}
    assert not {*before[0]} & {"draws", "lower_in"}


def test_a_sweep_shows_the_variants_in_other_clusters(tmp_path):
    (tmp_path / "s.yaml").write_text(SCENARIO)
    words = ["sweep", "s.yaml", "--set", "kubelet.maxParallelImagePulls=1,3", "-j", "1", "-q", "-m", P50]
    plain, more = (command(*words, *option, cwd=tmp_path).stdout for option in ([], ["--interval", "10"]))
    assert "best in" not in plain
    assert more.startswith(plain)
    assert "best in" in more
    assert "10 draws, each another cluster; all variants run in each." in more


def test_draws_are_kept_and_taken_again(scenario, swept, monkeypatch):
    made, out = swept
    (kept,) = out.glob("runs/*/runs.jsonl")
    assert len(kept.read_text().splitlines()) == 1 + 2 * (DRAWS + 2)
    assert (out / "runs.jsonl").exists()
    monkeypatch.setattr("pullsim.study.executors.run_job", None)  # nothing is run
    again = pullsim.sweep(scenario, TWICE, interval=DRAWS, out=out, resume=True)
    assert again.table([P99]).equals(made.table([P99]))
    rows = made.table([P99]).to_dict("records")
    assert [row["draws"] for row in rows] == [DRAWS, DRAWS]
    assert rows[1]["best_in"] == rows[1]["lower_in"] == DRAWS
    assert rows[1]["difference_high90"] < 0
    assert math.isnan(rows[0]["difference_median"])
