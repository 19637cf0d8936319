"""Cost against time: which options no other one beats, and where they are drawn."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pullsim
from pullsim.study.advice.advise import advise
from pullsim.study.compare import compare
from pullsim.study.pages.advice_page import advice_page
from pullsim.study.pages.comparison_page import comparison_page
from pullsim.study.pages.parts import Source
from pullsim.study.pages.trade_off import trade_off_chart
from pullsim.study.trade_off import (
    BEATEN,
    FRONT,
    Option,
    draw_options,
    front,
    latency_of,
    merged,
    money_of,
    of_advice,
    of_comparison,
)
from tests.support.command import pullsim as command

P99 = "pods.start.p99"
OPTIONS = st.lists(st.builds(Option, st.sampled_from("abcdef"), st.integers(0, 3), st.integers(0, 3)), max_size=9)
A, B, C = Option("a", 1.0, 30.0), Option("b", 2.0, 20.0), Option("c", 2.5, 25.0)


@pytest.fixture(scope="module")
def priced():
    """A scenario of two GPU pods whose image costs money."""
    container = {"name": "c", "image": "r.test/app:1", "resources": {"limits": {"nvidia.com/gpu": 1}}}
    return pullsim.from_mapping(
        {
            "images": {"define": [{"image": "r.test/app:1", "layers": [{"size": "300MB"}]}]},
            "registries": [{"host": "r.test", "link": "nat"}],
            "nodes": [{"name": "n", "count": 2, "allocatable": {"nvidia.com/gpu": 1}}],
            "workloads": [{"name": "app", "pod": {"containers": [container]}, "count": 2}],
            "prices": {"nat": "0.045/GB", "acceleratorHour": 1},
        }
    )


@settings(max_examples=100, deadline=None)
@given(OPTIONS)
def test_the_front_is_what_no_other_option_beats(options):
    def beats(a, b):
        return a.cost <= b.cost and a.latency <= b.latency and a[1:] != b[1:]

    kept = [each for each in options if not any(beats(other, each) for other in options)]
    assert sorted(front(options)) == sorted(kept)
    assert {each[1:] for each in merged(options)} == {each[1:] for each in options}
    assert len(merged(options)) == len({each[1:] for each in options})


def test_the_chart_marks_the_front():
    chart = trade_off_chart([C, A, B], "cost", P99)
    assert [(row[0], row[3]) for row in chart.data["options"].rows] == [("a", FRONT), ("b", FRONT), ("c", BEATEN)]
    assert [row[1:] for row in chart.data["front"].rows] == [(1.0, 30.0), (2.0, 20.0)]
    assert trade_off_chart([A], "cost", P99) is None
    ax = draw_options([A, B, C], P99, "x").axes[0]
    assert list(ax.lines[0].get_xdata()) == [1.0, 2.0]
    assert [each.get_label() for each in ax.collections] == ["a", "b", "c"]


def test_what_is_drawn_against_cost():
    assert latency_of(["bytes.downloaded", "pods.ready.p50", "pods.ready.p99"]) == "pods.ready.p99"
    assert latency_of(["pods.start.p50"]) == "pods.start.p50"
    assert money_of([None, {"cost": None}]) == ()
    assert money_of([{"cost": 1.0}, {"cost": None}]) == ("cost",)


def test_advice_has_cost_beside_seconds(priced):
    advice = advise(priced, seeds=1, max_runs=8)
    assert {"cost", "idleAcceleratorMinutes"} <= set(advice.metrics)
    options = of_advice(advice)
    assert options[0].name == "as it is"
    best = advice.gains[0]
    assert Option(best.levers[0], best.difference("cost").b.mean, best.difference(P99).b.mean) in options
    page = advice_page(advice, "x.yaml", [], Source())
    assert "trade-off" in [getattr(part, "name", None) for part in page.sections[0].parts]
    free = pullsim.override(priced, ["prices=null"])
    assert of_advice(advise(free, seeds=1, max_runs=2)) == []


def test_a_comparison_has_both_sides(priced):
    both = compare(priced, set=["nodes[n].nic=1Gbit/s,2Gbit/s"])
    slow, fast = of_comparison(both, P99)
    assert slow.latency > fast.latency
    assert slow.cost > fast.cost
    page = comparison_page(both, [P99], Source())
    assert "trade-off" in [getattr(part, "name", None) for part in page.sections[0].parts]


def test_studies_of_what_costs_money_show_it(priced, tmp_path):
    file = tmp_path / "priced.yaml"
    file.write_text(pullsim.effective_yaml(priced), encoding="utf-8")
    swept = command("sweep", file, "--set", "nodes[n].nic=1Gbit/s,2Gbit/s", "-j", 1, "-q", "--out", tmp_path / "s")
    assert swept.returncode == 0, swept.stderr
    assert (tmp_path / "s" / "trade-off.png").is_file()
    assert "cost,0.0" in (tmp_path / "s" / "table.csv").read_text(encoding="utf-8")
    compared = command("compare", file, "--set", "nodes[n].nic=1Gbit/s,2Gbit/s", "-j", 1, "-q")
    assert "\ncost " in compared.stdout
    assert "\nidleAcceleratorMinutes" in compared.stdout
