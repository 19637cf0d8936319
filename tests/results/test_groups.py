"""Figures by workload, pool and image: in the summary, as metrics, in assertions, in the table of a run, in a chart."""

from __future__ import annotations

import io
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from pullsim.errors import InputError
from pullsim.results import charts, metrics, tables
from pullsim.results.assertions import check, parse_assertion, scenario_assertions, with_assertions
from pullsim.results.exports.registry import summary_json
from pullsim.results.start_table import ROWS
from pullsim.results.statistics import THOUSANDTHS
from pullsim.results.summary.groups import MOST_GROUPS, slowest, workload_name
from pullsim.results.summary.summary import summarize
from pullsim.results.text import render
from pullsim.scenario import from_mapping
from tests.support.records import make

#: Names that look like paths, numbers, other namespaces, markup and escapes of a terminal; alike in two namespaces.
NAMES = [
    ("default", "web"), ("shop", "web"), ("default", "a.b.start.p99"), ("default", "x.start"), ("default", "shop/web"),
    ("default", "[red]$x$"), ("default", "\x1b[31mred\x1b[0m"), ("default", "two words < 3"), ("default", "p99.9"),
]  # fmt: skip


def renamed(result, names):
    """A result whose pods belong to workloads of these names, by turns."""
    for place, row in enumerate(result.pods):
        namespace, workload = names[place % len(names)]
        result.pods[place] = row._replace(namespace=namespace, workload=workload)
    return result


@pytest.fixture(scope="module")
def result():
    return renamed(make(pods=90, nodes=6, pools=3, images=5, never=4), NAMES)


@pytest.fixture(scope="module")
def summary(result):
    return summarize(result)


def test_they_are_those_of_pandas(result, summary):
    frame = tables.pods(result)
    groups = {
        "workloads": frame.groupby([frame.namespace, frame.workload]),
        "pods_by_pool": frame[frame.node.notna()].groupby("pool"),
        "images": frame.groupby("images"),  # each pod has one
    }
    for what, rows in groups.items():
        found = getattr(summary, what)
        assert len(found) == len(rows)
        for key, group in rows:
            figures = found[workload_name(*key) if what == "workloads" else key]
            counts = (figures.total, figures.started, figures.not_started, figures.missed_deadlines)
            assert counts == (len(group), group.started.sum(), (~group.started).sum(), group.missed.sum())
            waited = group.until_start_s.where(group.started, math.inf).sort_values(ignore_index=True)
            for name, thousandths in THOUSANDTHS.items():
                rank = math.ceil(thousandths * len(waited) / 1000)
                assert getattr(figures.start, name) == pytest.approx(waited[rank - 1])


def test_every_pod_that_uses_an_image_counts_once_for_it():
    result = make(pods=4, images=1)
    result.pods[0] = result.pods[0]._replace(images=("a:1", "a:1", "b:1"), image_refs=("x", "x", "y"))
    assert {name: group.total for name, group in summarize(result).images.items() if len(name) < 4} == {
        "a:1": 1,
        "b:1": 1,
    }


def test_names_are_unambiguous(summary):
    assert [*summary.workloads] == sorted(workload_name(*each) for each in NAMES)
    assert len(summary.workloads) == len(NAMES)
    assert {"web", "shop/web", "default/shop/web"} <= {*summary.workloads}


def test_every_figure_is_a_metric_that_is_read_back_from_its_path(summary):
    found = metrics.values(summary.to_dict())
    for kind, groups in (("workloads", summary.workloads), ("pools", summary.pods_by_pool), ("images", summary.images)):
        for name, group in groups.items():
            for figure in metrics.group_figures():
                path = f"{kind}.{name}.{figure}"
                assert metrics.of_group(path) == (kind, name, figure)
                assert metrics.check(path) == path
                assert path in found
            assert found[f"{kind}.{name}.start.p99.9"] == pytest.approx(group.start.p99_9)
            assert metrics.dimension(f"{kind}.{name}.start.p99.9") == "seconds"
            assert (
                metrics.dimension(f"{kind}.{name}.start.count") == metrics.dimension(f"{kind}.{name}.total") == "count"
            )
    assert found["pools.pool-0"] == 2  # nodes


@given(st.text(min_size=1, max_size=30), st.sampled_from(metrics.group_figures()))
def test_any_name_is_parted_from_its_figure(name, figure):
    assert metrics.of_group(f"workloads.{name}.{figure}") == ("workloads", name, figure)


def test_assertions(summary):
    wanted = [
        parse_assertion(text)
        for text in (
            "workloads.shop/web.start.p99.9 < 1h",
            "workloads.a.b.start.p99.total == 10",
            "workloads.two words < 3.notStarted >= 0",
            "pools.pool-0.start.count > 0",
            "workloads.gone.start.p99 < 1h",
        )
    ]
    outcomes = [each.holds for each in with_assertions(summary, wanted).assertions]
    assert outcomes == [True, True, True, True, False]
    last = check(wanted, metrics.values(summary.to_dict()))[-1]
    assert str(last) == "workloads.gone.start.p99 < 1h: it has no value (no such pod or pull)"
    shown = text(with_assertions(summary, wanted))
    assert "workloads.two words < 3.notStarted >= 0: holds (" in shown


def text(summary):
    file = io.StringIO()
    Console(file=file, width=80, markup=False).print(render(summary))
    return file.getvalue()


def test_rows_of_the_table(summary):
    lines = text(summary).splitlines()
    begin = next(place for place, line in enumerate(lines) if line.startswith("pod start"))
    rows = lines[begin + 2 : begin + 2 + len(NAMES)]
    assert all(row.startswith("  ") and " (10)" in row for row in rows)
    assert "\x1b" not in "".join(lines)
    assert any("[red]$x$ (10)" in row for row in rows)
    assert max(map(len, lines)) <= 80
    order = slowest(summary.workloads)
    assert [summary.workloads[name].start.p99 for name in order] == sorted(
        (group.start.p99 for group in summary.workloads.values()), reverse=True
    )


def test_a_run_of_one_workload_has_no_rows_and_one_of_many_few():
    assert "\n  " not in text(summarize(make(pods=9))).partition("pod start")[2].partition("queue before")[0]
    many = renamed(
        make(pods=400, nodes=2), [("default", f"w{n}-with-a-very-long-name-of-a-workload") for n in range(200)]
    )
    lines = text(summarize(many)).splitlines()
    begin = next(place for place, line in enumerate(lines) if line.startswith("pod start"))
    rows = [line for line in lines[begin + 1 : begin + 1 + ROWS] if line.startswith("  ")]
    assert len(rows) == ROWS
    assert lines[begin + 1 + ROWS].startswith("queue")
    assert rows[-1].rstrip() == f"  {200 - ROWS + 1} more workloads"
    assert max(map(len, lines)) <= 80


def test_a_thousand_workloads_are_sensible():
    many = renamed(make(pods=3000, nodes=3, images=20), [("default", f"job-{n}") for n in range(1500)])
    summary = summarize(many)
    assert len(summary.workloads) == MOST_GROUPS
    assert summary.warnings == ["of 1,500 workloads the summary has the 1,000 whose pods start latest"]
    assert {*slowest(summary.workloads)[:5]} <= {*summary.workloads}
    assert len(summary_json(summary)) < 1_500_000
    document = summary.to_dict()
    few = metrics.kept(document, {"workloads.job-7.start.p99"} | {"pods.start.p99"})
    assert len(few) < 400
    wanted = metrics.kept(document, {f"workloads.{slowest(summary.workloads)[0]}.start.p99"})
    assert [name for name in wanted if metrics.of_group(name) and name.startswith("work")] == [
        f"workloads.{slowest(summary.workloads)[0]}.start.p99"
    ]


def test_json_is_strict_and_harmless(summary):
    raw = summary_json(summary)
    assert "\x1b" not in raw
    assert json.loads(raw)["workloads"]["\x1b[31mred\x1b[0m"]["total"] == 10


SCENARIO = {
    "nodes": [{"name": "n", "runtime": {"fixed": {"images": {"a:1": {"pull": "1s"}, "b:1": {"pull": "1s"}}}}}],
    "workloads": [{"name": "web", "pods": {"image": "a:1"}}, {"name": "db.main", "pods": {"image": "b:1"}}],
}


def test_a_group_that_a_scenario_has_not_is_refused_at_its_place():
    scenario = from_mapping(SCENARIO | {"assert": ["workloads.wep.start.p99 < 1m"]})
    with pytest.raises(InputError, match=r"no workload 'wep'; did you mean web\? `pullsim metrics SCENARIO` lists all"):
        scenario_assertions(scenario)
    for wrong in ("pools.m.start.p99 < 1s", "images.c:1.total == 1", "pools.n.start.p98 < 1", "pools.x == 1"):
        with pytest.raises(InputError, match="the scenario has no"):
            scenario_assertions(from_mapping(SCENARIO), [wrong])
    good = ["workloads.db.main.start.p99 < 1m", "pools.n == 1", "pools.n.ready.max < 1h", "images.a:1.total == 1"]
    assert len(scenario_assertions(from_mapping(SCENARIO), good)) == 4


def test_the_chart_has_a_line_a_workload_and_one_for_the_others(result):
    axes = charts.plot_start_cdf_by_workload(result)
    labels = axes.get_legend_handles_labels()[1]
    assert len(labels) == len(axes.lines) == 8
    assert labels[-1] == "2 others  (20)"
    assert all(line.get_ydata()[-1] <= 100 for line in axes.lines)
    two = charts.plot_start_cdf_by_workload(renamed(make(pods=20, never=5), [("default", "a"), ("default", "b")]))
    assert sorted(line.get_ydata()[-1] for line in two.lines) == [70, 80]
    charts.plot_start_cdf_by_workload(make(pods=2, never=2))
