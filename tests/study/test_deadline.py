"""The smallest deadline that a share of the pods meets, of pooled seeds, and its interval."""

from __future__ import annotations

import json
import math
from array import array
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim import from_mapping, override, run, tables
from pullsim.errors import InputError
from pullsim.results.statistics import percentile
from pullsim.results.waits import Objective, Waiting, parse_objective, waits_of
from pullsim.results.wording import duration
from pullsim.study.deadline import deadline, in_clusters, notes, parse_coverage, percent, sentence
from pullsim.study.quantiles import Quantiles
from tests.support.command import pullsim

#: Pulls take a time that the seed decides; one pod in fifty wants an image that is not there.
DOCUMENT = {
    "name": "timeout",
    "nodes": [{"name": "n", "count": 4, "runtime": {"fixed": {"images": {"a:1": {"pull": "5s"}}}}}],
    "workloads": [
        {"name": "web", "pods": {"image": "a:1", "count": 40}, "arrivals": {"poisson": "2/s"}},
        {
            "name": "late",
            "pods": {"image": "a:1", "count": 9, "imagePullPolicy": "Always"},
            "arrivals": {"poisson": "1/s"},
        },
        {"name": "stuck", "pods": {"image": "b:1", "imagePullPolicy": "Never"}},
    ],
}
RUNS = st.lists(
    st.tuples(st.lists(st.integers(0, 6).map(float) | st.floats(0, 100), max_size=12), st.integers(0, 3)).filter(any),
    min_size=1,
    max_size=5,
)
SHARES = st.fractions(Fraction(1, 1000), 1)


@pytest.fixture(scope="module")
def scenario():
    return from_mapping(DOCUMENT)


def smallest_that_is_met(waits, share):
    """The definition: the smallest of the waits that at least this share of them does not exceed."""
    return min(wait for wait in waits if sum(other <= wait for other in waits) >= share * len(waits))


@given(RUNS, SHARES)
@settings(max_examples=60, deadline=None)
def test_quantiles_are_by_definition_those_of_all_pods_together(runs, share):
    found = Quantiles([Waiting(array("d", sorted(seconds)), never) for seconds, never in runs]).of(share)
    everything = [each for seconds, never in runs for each in (*seconds, *[math.inf] * never)]
    assert found.value == smallest_that_is_met(everything, share)
    if len(runs) == 1:
        assert found[1:] == (None, None)
        return
    alone = [smallest_that_is_met([*s, *[math.inf] * n], share) for s, n in runs]
    assert min(alone) <= found.low <= found.value <= found.high <= max(alone)


def test_equal_runs_have_no_interval():
    runs = [Waiting(array("d", [1.0, 2.0, 3.0]), 0)] * 4
    assert Quantiles(runs).of(Fraction(1, 2)) == (2.0, 2.0, 2.0)


@pytest.mark.parametrize("objective", ["pods.start", "workloads.late.ready", "images.a:1.start", "pools.n.start"])
def test_it_is_the_pooled_percentile_of_pandas(scenario, objective):
    found = deadline(scenario, "90%", objective=objective, seeds=3)
    frames = [tables.pods(run(scenario, seed=seed)) for seed in range(3)]
    pods = pd.concat(frames, ignore_index=True)
    chosen = {
        "pods.start": pods.workload.notna(),
        "workloads.late.ready": pods.workload == "late",
        "images.a:1.start": pods.images == "a:1",
        "pools.n.start": pods.pool == "n",
    }[objective]
    waits = pods.until_start_s.where(pods.started, math.inf)[chosen].sort_values(ignore_index=True)
    assert (found.pods, found.never, found.seeds) == (len(waits), int((~pods.started)[chosen].sum()), 3)
    assert found.answer.value == pytest.approx(waits[math.ceil(0.9 * len(waits)) - 1])
    assert list(found.curve) == sorted(found.curve)


def test_no_deadline_where_more_never_start_than_the_coverage_leaves(scenario):
    found = deadline(scenario, "99%", seeds=2)
    assert math.isinf(found.answer.value)
    assert sentence(found) == ("No deadline: 2 of 100 pods of 2 seeds never start (pods.start), 2 %; 99 % leaves 1 %.")
    assert notes(found) == []
    met = deadline(scenario, "98%", seeds=2)
    assert math.isfinite(met.answer.value)
    assert "is the smallest deadline that 98 % of 100 pods of 2 seeds meet (pods.start)" in sentence(met)


def test_so_few_pods_that_it_is_the_slowest(scenario):
    found = deadline(scenario, "99.9%", objective="workloads.web.start", seeds=2)
    assert found.answer.value == found.curve[Fraction(1)].value
    assert notes(found)[0] == "99.9 % of 80 pods are all of them: it takes 1,000 to leave one out, --seeds 25."


def test_withdrawn_pods_are_left_out(scenario):
    result = run(scenario)
    result.pods[:] = [row._replace(withdrawn=row.started is None) for row in result.pods]
    every = Objective("pods", "", "start")
    assert waits_of(result, [every])[every].never == 0


@pytest.mark.parametrize(
    ("text", "share"),
    [("99.9%", "999/1000"), ("0.999", "999/1000"), (".5", "1/2"), (" 50 % ", "1/2"), ("100%", "1"), ("1", "1")],
)
def test_coverages(text, share):
    assert parse_coverage(text) == Fraction(share)


@pytest.fixture(scope="module")
def disk():
    """A node of a preset, with ten pods whose images share a disk and a core."""
    names = [f"registry.example.com/{name}:1" for name in "abcde"]
    images = [{"image": name, "layers": [{"size": "60MB"}, {"size": "30MB"}]} for name in names]
    return from_mapping(
        {
            "name": "disk",
            "nodes": [{"name": "n", "preset": "gcp/n1-standard-16-pd-balanced"}],
            "images": {"define": images},
            "registries": [{"host": "registry.example.com"}],
            "workloads": [{"name": name[-3], "pods": {"image": name, "count": 2}} for name in names],
        }
    )


def test_the_deadlines_of_drawn_clusters_are_those_of_their_own_pods(disk):
    found = deadline(disk, "80%", seeds=2, interval=20)
    varied = override(disk, ["variation=preset"])
    own = []
    for seed in range(20):
        starts = sorted(tables.pods(run(varied, seed=seed)).until_start_s)
        assert len(starts) == 10
        own.append(starts[7])  # eight of the ten have started by then
    share = Fraction(4, 5)
    assert len({*own}) == 20
    assert found.clusters.draws == 20
    assert found.clusters.enough(share, 500) == pytest.approx(percentile(np.sort(own), 500))
    assert found.clusters.enough(share, 900) == pytest.approx(percentile(np.sort(own), 900))
    figure = found.clusters.figure(share)
    assert (figure.median, figure.high90) == pytest.approx(
        (percentile(np.sort(own), 500), percentile(np.sort(own), 950))
    )
    assert figure.sampling == 0.0  # without variation all seeds are alike
    text = in_clusters(found)
    assert text.startswith(" In other clusters (20 draws) 80 % of the pods meet ")
    assert f"{duration(found.clusters.enough(share, 900))} in nine of ten." in text
    assert replace(found, clusters=None) == deadline(disk, "80%", seeds=2)


def test_clusters_in_which_too_many_never_start_have_no_deadline(scenario):
    found = deadline(scenario, "98.5%", seeds=2, interval=10)
    assert in_clusters(found) == " In other clusters (10 draws) 98.5 % of the pods meet none in half of them."
    assert in_clusters(deadline(scenario, "90%", seeds=2)) == ""


@pytest.mark.parametrize(
    "text", ["", "0", "0%", "101%", "1.5", "-1%", "x", "nan", "inf", "1e-999999999", "99,9%", "9" * 99]
)
def test_what_is_no_coverage(text):
    with pytest.raises(InputError, match="--coverage"):
        parse_coverage(text)


@pytest.mark.parametrize(
    ("share", "text"), [("999/1000", "99.9 %"), ("1/3", "33.3 %"), ("1", "100 %"), ("1/1000", "0.1 %")]
)
def test_percent(share, text):
    assert percent(Fraction(share)) == text


def test_objectives():
    assert parse_objective("workloads.a.b/c.start.ready") == ("workloads", "a.b/c.start", "ready")
    assert str(parse_objective("pods.start")) == "pods.start"
    for wrong in (
        "pods",
        "pods.start.p99",
        "pulls.pull",
        "workloads.start",
        "start",
        "",
        "pods.x.start",
        "nodes.n.start",
    ):
        with pytest.raises(InputError, match="is not what pods wait for"):
            parse_objective(wrong)


def test_the_command(tmp_path):
    file = tmp_path / "s.yaml"
    file.write_text(json.dumps(DOCUMENT))
    base = ("solve", file, "-q", "--seeds", "2", "-j", "1")
    done = pullsim(*base, "--coverage", "90%", "--objective", "workloads.web.start", "-o", "json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["never"], answer["pods"]) == (0, False, 80)
    assert answer["low"] <= answer["deadline"] <= answer["high"]
    pullsim(*base, "--coverage", "90%", "--objective", "workloads.web.start", "--out", tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "deadline.csv")
    assert table.columns.tolist() == ["coverage", "deadline", "low", "high"]
    assert table[table.coverage == 0.9].deadline.item() == pytest.approx(answer["deadline"])
    assert table.coverage.tolist() == [0.5, 0.9, 0.99, 0.999, 1.0]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert answer["sentence"] in page.replace("\u00a0%", " %")
    assert "What is the smallest deadline by which 90\u00a0% of the pods of web have started?" in page
    drawn = tmp_path / "drawn"
    done = pullsim(*base, "--coverage", "90%", "--interval", "10", "--out", drawn, "-o", "json")
    clusters = json.loads(done.stdout)["clusters"]
    assert (clusters["draws"], clusters["spreads"], len(clusters["curve"])) == (10, "preset", 5)
    assert clusters["half"] <= clusters["nineInTen"]
    assert clusters["curve"][1]["median"] == clusters["half"]
    table = pd.read_csv(drawn / "deadline.csv")
    assert table[table.coverage == 0.9]["median"].item() == pytest.approx(clusters["half"])
    assert "In other clusters" in (drawn / "report.html").read_text(encoding="utf-8")
    assert "enough in nine of ten" in pullsim(*base, "--coverage", "90%", "--interval", "10").stdout
    none = pullsim(*base, "--coverage", "99.9%", "--out", tmp_path / "none", "-o", "json")
    assert "never start" in (tmp_path / "none" / "report.html").read_text(encoding="utf-8")
    answer = json.loads(none.stdout)
    assert (none.returncode, answer["never"], answer["deadline"], answer["notMet"]) == (1, True, None, 2)
    for wrong in (
        (),
        ("--coverage", "99%", "--knob", "seed"),
        ("--coverage", "99%", "--objective", "workloads.wep.start"),
    ):
        refused = pullsim(*base, *wrong)
        assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1), wrong
