"""What the pages of studies say; how they look is tested in a browser with the page of a run."""

import math

import pytest

import pullsim
from pullsim.cli.command_line import again
from pullsim.results.page.metric_words import in_words
from pullsim.results.page.writing import html
from pullsim.study.compare import Comparison, Side
from pullsim.study.design import Knob, Variant
from pullsim.study.job import Outcome
from pullsim.study.pages.comparison_page import comparison_page
from pullsim.study.pages.parts import Source, relative
from pullsim.study.pages.solution_page import solution_page
from pullsim.study.pages.sweep_page import sweep_page
from pullsim.study.solve import solve
from pullsim.study.variant_runs import Sweep

P99, FAILED, BACKOFFS = "pods.start.p99", "pulls.failed", "pulls.backoffs"


def swept(*means, metric=P99, seeds=(1,)):
    """A sweep of one knob whose n-th value came to the n-th of the means, with all seeds; None: its runs failed."""
    values = tuple(str(number) for number in range(len(means)))
    outcomes = {}
    for position, mean in enumerate(means):
        for seed in seeds:
            found = None if mean is None else {metric: mean, FAILED: 0.0}
            error = "it cannot be" if mean is None else None
            outcomes[position, seed] = Outcome(position, found, None, error)
    variants = tuple(Variant((("k", value),)) for value in values)
    return Sweep("swept", (Knob("k", values),), variants, seeds, outcomes)


@pytest.mark.parametrize(
    ("means", "answer"),
    [
        ((9.0, 3.0, 5.0), "Best is k=1: the time until 99 of 100 pods had started is 3.00 s; with k=0 it is 9.00 s."),
        (
            (4.0, 4.0),
            "It makes no difference: the time until 99 of 100 pods had started is 4.00 s with each of the 2 settings.",
        ),
        ((4.0,), "The time until 99 of 100 pods had started is 4.00 s."),
        ((math.inf, 5.0), "Best is k=1: the time until 99 of 100 pods had started is 5.00 s; with k=0 it is never."),
        ((None, 5.0, 6.0), "Best is k=1: the time until 99 of 100 pods had started is 5.00 s; with k=2 it is 6.00 s."),
    ],
)
def test_a_sweep_says_which_setting_is_best(means, answer):
    page = sweep_page(swept(*means), [P99], Source())
    assert page.answer[0] == answer
    assert html(page)


@pytest.mark.parametrize("more", [(), (90.0,)])
def test_a_setting_that_chance_may_have_made_worse_is_as_good_as_the_best(more):
    """Also if there are only two settings."""
    sweep = swept(5.0, 5.5, *more, metric=BACKOFFS, seeds=(1, 2, 3))
    for (position, seed), outcome in sweep.outcomes.items():
        outcome.metrics[BACKOFFS] += seed * (position < 2)
    first, also = sweep_page(sweep, [BACKOFFS], Source()).answer
    assert first.startswith("Best is k=0: ")
    assert also.startswith("k=1 is as good within what chance makes of it (")


def test_of_figures_that_nothing_moves_there_is_no_chart():
    (section, *_) = sweep_page(swept(1.0, 2.0), [P99, FAILED], Source()).sections
    chart, same, table = section.parts
    assert chart.title == "Time until 99 of 100 pods had started"
    assert same.paragraphs == ["The same with every setting: the number of failed pulls."]
    assert [row[0].text for row in table.rows] == ["k=0", "k=1"]


def test_a_large_sweep_is_cut_and_says_so():
    page = sweep_page(swept(*map(float, range(1000))), [P99], Source())
    (table,) = page.sections[0].parts
    assert len(table.rows) == 200
    assert table.note == "The 200 best of 1,000 settings; table.csv has all."
    assert len(html(page).encode()) < 1_000_000


def test_a_comparison_says_what_changed_and_by_how_much():
    sides = [
        Side(name, {"cores": cores}, {1: {P99: p99, FAILED: 2.0}}, None, None)
        for name, cores, p99 in (("old", 2, 8.0), ("new", 4, 6.0))
    ]
    page = comparison_page(Comparison(*sides), [P99, FAILED], Source("pullsim compare a b"))
    assert page.question == "What does it change to go from old (A) to new (B)?"
    assert page.answer == [
        "The time until 99 of 100 pods had started goes from 8.00 s to 6.00 s (25 % less).",
        "The same in both: the number of failed pulls.",
    ]
    assert "cores: 2 → 4" in html(page)
    assert "pullsim compare a b" in html(page)


def test_a_comparison_says_how_many_changes_it_does_not_list():
    sides = [Side(name, dict.fromkeys(map(str, range(103)), name), {1: {P99: 8.0}}, None, None) for name in "ab"]
    (_, moved, *_) = comparison_page(Comparison(*sides), [P99], Source()).sections
    assert len(moved.parts[0].points) == 101
    assert moved.parts[0].points[-1] == "and 3 more"


def test_a_search_says_what_it_found_or_that_there_is_none():
    images = [{"image": "example.com/app:v1", "layers": [{"size": "30MB"}]}]
    workloads = [{"name": "web", "pods": {"image": "example.com/app:v1", "count": 2}}]
    scenario = pullsim.from_mapping({"nodes": [{"name": "node"}], "images": {"define": images}, "workloads": workloads})
    met = solution_page(solve(scenario, "nodes[*].cores", "1..2", slo="< 100s", seeds=1), Source())
    asked = "What is the smallest nodes[*].cores in 1..2 that keeps the time until 99 of 100 pods had started below"
    assert met.question == f"{asked} 1 min 40 s?"
    assert met.answer[0].startswith("nodes[*].cores=1: the time until 99 of 100 pods had started is then ")
    missed = solution_page(solve(scenario, "nodes[*].cores", "1..2", slo="< 1ms", seeds=1), Source())
    assert missed.answer[0] == "None that was tried meets it."
    assert missed.figures[0].bad


def test_a_search_of_several_knobs_without_an_answer_has_a_line_for_each_value_of_the_others():
    """A line through all of them would go back and forth."""
    scenario = pullsim.from_mapping(
        {
            "nodes": [{"name": "node", "runtime": {"fixed": {"images": {"r.test/app:v1": {"pull": "5s"}}}}}],
            "workloads": [{"name": "web", "pods": {"image": "r.test/app:v1"}}],
        }
    )
    knobs = ["nodes[*].cores", "nodes[*].kubelet.maxParallelImagePulls"]
    missed = solve(scenario, knobs, ["1..2", "2..3"], slo="< 1s", seeds=1)
    chart = solution_page(missed, Source()).sections[0].parts[0]
    assert [row[:2] for row in chart.data["points"].rows] == [
        (f"{knobs[1]}={pulls}", cores) for cores in "12" for pulls in "23"
    ]


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("pods.start.p50", "time until half of the pods had started"),
        ("pods.ready.max", "time until the last pod was ready"),
        ("workloads.web.start.p99", "time until 99 of 100 pods of web had started"),
        ("images.a.b/c:v1.start.p90", "time until 9 of 10 pods with a.b/c:v1 had started"),
        ("bytes.downloaded", "amount downloaded"),
        ("layers.fetched", "layers.fetched"),
    ],
)
def test_metrics_have_words(metric, words):
    assert in_words(metric) == words


@pytest.mark.parametrize(
    ("part", "words"), [(None, ""), (0.0, "as much"), (-0.25, "25 % less"), (0.031, "3.1 % more"), (1.5, "150 % more")]
)
def test_changes_have_words(part, words):
    assert relative(part) == words


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ([], ""),
        (["run", "a b.yaml", "--out", "x", "-q", "--seed", "3"], "pullsim run 'a b.yaml' --seed 3"),
        (
            ["run", "a.yaml", "--out=x", "-o", "json", "--no-charts", "--set", "nodes[w].cores=2"],
            "pullsim run a.yaml --set 'nodes[w].cores=2'",
        ),
        (
            ["run", "a.yaml", "--set", "secrets[0].auths[r.io].password=hunter2"],
            "pullsim run a.yaml --set 'secrets[0].auths[r.io].password=\"secret-1\"'",
        ),
        (
            ["run", "a.yaml", "--out", "x", "--export", "events", "--metrics=m.txt", "--metrics-interval", "5s", "-vq"],
            "pullsim run a.yaml",
        ),
        (
            ["sweep", "a.yaml", "-j4", "-ojson", "-m", "end", "--parquet", "--dask", "local:2", "--resume"],
            "pullsim sweep a.yaml -m end",
        ),
        (["run", "a.yaml", "--set=x.password=aHVudGVyMg=="], "pullsim run a.yaml --set 'x.password=\"secret-1\"'"),
        (["run", "a.yaml", "--set=x[k=v].password = p"], "pullsim run a.yaml --set 'x[k=v].password =\"secret-1\"'"),
        (["compare", "a.yaml", "--a=x={password: hunter2}"], "pullsim compare a.yaml --a 'x={password: \"secret-1\"}'"),
    ],
)
def test_the_command_that_makes_it_again_has_no_secrets(given, shown):
    assert again(given) == shown
