"""What a page is made of, without a browser: questions and answers, data of charts, and what is safe as HTML."""

import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pullsim
from pullsim.printable import printable
from pullsim.results.exports.export import Origin, Output
from pullsim.results.levels import flow
from pullsim.results.page.node_pulls import WORST, node_pulls
from pullsim.results.page.page import Cell, Chart, Choice, Column, Page, Rows, Section, Table, Text
from pullsim.results.page.run_page import run_page
from pullsim.results.page.stage_time import stage_bars
from pullsim.results.page.trust import LEFT_OUT
from pullsim.results.page.writing import html
from pullsim.results.summary.splits import Interval, SplitEffect
from pullsim.results.summary.summary import summarize
from pullsim.span_rows import SpanRows
from tests.support.hostile import NAMES
from tests.support.records import make
from tests.support.spans import with_spans

ROOT = Path(__file__).parents[2]
ASSETS = ROOT / "pullsim" / "results" / "page" / "assets"


def page_of(result, origin=Origin()):  # noqa: B008
    return run_page(Output(result, summarize(result), "version: 1\n", print, origin))


def test_what_the_model_leaves_out_is_what_the_documents_say():
    said = (ROOT / "docs" / "model.md").read_text(encoding="utf-8").partition("## What it leaves out")[2].casefold()
    words = ("packet loss", "inside a registry", "contents of files", "preemption")
    assert [word for word in words if word not in " ".join(said.split())] == []
    assert [
        word for word in words if word not in " ".join(LEFT_OUT).casefold().replace("the contents", "contents")
    ] == []


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 1.0, 2.5]), st.sampled_from([0.0, 0.5, 4.0]), st.integers(0, 5)), max_size=8
    )
)
def test_nothing_of_what_flows_is_lost(spans):
    edges = np.linspace(0.0, 8.0, 17)
    starts, lengths, amounts = zip(*spans, strict=True) if spans else ((), (), ())
    rates = flow(starts, [a + b for a, b in zip(starts, lengths, strict=True)], amounts, edges)
    whole = sum(amount for _, length, amount in spans if length)
    assert float((rates * np.diff(edges)).sum()) == pytest.approx(whole)
    assert (rates >= -1e-9).all()


def test_the_notice_names_every_program_of_others_with_its_version():
    notice = (ASSETS / "NOTICE.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w.-]+\.js)` \| [\w-]+ \(.*\) \| ([\d.]+) \| BSD-3-Clause \|$", notice, re.MULTILINE)
    assert {name for name, _ in rows} == {file.name for file in ASSETS.glob("*.min.js")}
    for name, version in rows:
        text = (ASSETS / name).read_text(encoding="utf-8")
        assert version in text or "version" not in text


class Parsed(HTMLParser):
    """The elements of a document, and the content of its scripts."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self.attributes = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.tags and self.tags[-1] == "script" and self.cdata_elem == "script":
            self.scripts[-1] += data


def page_with(text):
    """A page that has a text in every place that a text can be in."""
    rows = Rows(("name", "value"), [(text, 1.0), (text, 2.0)])
    chart = Chart("one", text, text, {"mark": "bar"}, {"rows": rows}, text)
    table = Table(
        text, (Column(text, help=text), Column(text, number=True)), [(Cell(text), Cell(text, 1.0))], text, filtered=True
    )
    choice = Choice(text, Chart("two", text, text, {"mark": "bar"}, {}, text), {text: {"rows": rows}})
    parts = (Text((text,), (text,), text, text), table, chart, choice)
    return Page(text, text, (text, text), text, (), (Section(text, parts),), text, (), text)


SAFE = Parsed(html(page_with("plain")))


@pytest.mark.parametrize("name", NAMES)
def test_hostile_texts_make_no_elements(name):
    document = Parsed(html(page_with(name)))
    assert document.tags == SAFE.tags
    assert document.attributes == SAFE.attributes
    assert document.scripts[1:] == SAFE.scripts[1:]
    names = json.loads(document.scripts[0])["charts"][0]["data"]["rows"]["name"]
    inherited = "\u00a0" * (name in ("__proto__", "constructor"))  # objects of JavaScript have these already
    assert names == {"texts": [f"{printable(name)}{inherited}"], "codes": [0, 0]}


@settings(max_examples=30)
@given(st.text(st.sampled_from("</script>!-\u2028&'\"{%"), max_size=12))
def test_no_text_ends_the_data(text):
    document = Parsed(html(page_with(text)))
    assert len(document.scripts) == len(SAFE.scripts)
    assert json.loads(document.scripts[0])["charts"][1]["options"][0][0] == printable(text)


def test_the_page_of_the_quickstart_is_whole_and_small():
    scenario = pullsim.load(ROOT / "scenarios" / "quickstart.yaml")
    text = html(page_of(pullsim.run(scenario), Origin(scenario.description, "pullsim run x")))
    assert len(text.encode()) < 3_000_000
    document = Parsed(text)
    assert document.tags.count("caption") == document.tags.count("table") >= 3
    assert text.count('scope="row"') > text.count('scope="col"') > 0
    assert "http-equiv" in document.attributes
    assert "src" not in document.attributes
    assert "84 of 86 pods started" in text


def test_of_many_nodes_the_worst_and_a_typical_one_are_there(monkeypatch):
    monkeypatch.setattr("pullsim.results.page.node_pulls._BARS", 10)
    result = with_spans(make(pods=200, nodes=100, never=1, every=0.1))
    choice = node_pulls(result)
    assert len(choice.options) == WORST + 1
    assert next(iter(choice.options)) == f"{result.pods[-1].node} (latest)"
    assert list(choice.options)[-1].endswith("(typical)")
    assert "21 of 100 nodes" in choice.chart.note


def test_of_a_node_with_many_lines_it_says_how_many_there_are():
    few, many = (node_pulls(with_spans(make(pods=pods, nodes=1))) for pods in (3, 300))
    assert few.notes == {}
    ((name, note),) = many.notes.items()
    lines = {row[0] for row in many.options[name]["bars"].rows}
    whole = with_spans(make(pods=300, nodes=1))
    there = len(whole.pods) + sum(layer.fetched is not None or layer.unpack_ended is not None for layer in whole.layers)
    assert note.startswith(f"Of this node's {there} lines the chart has {len(lines)}: ")
    assert len(lines) < there


def test_layers_are_counted_from_the_bottom_of_the_image_up_and_from_1():
    (rows,) = node_pulls(with_spans(make(pods=1, nodes=1))).options.values()
    names = [row[5] for row in rows["bars"].rows if row[4] == "layer"]
    assert names[0].startswith("layer 1 of ")
    assert not any(name.startswith("layer 0") for name in names)


def test_failed_pulls_are_crosses_and_a_stage_that_goes_on_is_one_bar():
    result = with_spans(make(pods=4, nodes=1, fail_first=2))
    (rows,) = node_pulls(result).options.values()
    crosses = [dict(zip(rows["failures"].columns, row, strict=True)) for row in rows["failures"].rows]
    failed = [pull for pull in result.pulls if not pull.ok]
    assert [(row["row"][4:], row["begin"]) for row in crosses] == [(pull.pod, round(pull.ended, 4)) for pull in failed]
    assert crosses[0]["of"] == f"{failed[0].image}: pull 1 failed, unavailable"
    twice = SpanRows()
    for pod in result.pods:
        spans = [
            ("queue", pod.created, pod.created + 1.0, None, "a"),
            ("queue", pod.created + 1.0, pod.started, None, "b"),
        ]
        twice.add(pod.node, pod.namespace, pod.pod, spans)
    result.spans = twice
    (rows,) = node_pulls(result).options.values()
    assert sum(row[4] == "pod" for row in rows["bars"].rows) == len(result.pods)


def test_a_run_without_pulls_and_one_without_anything_have_pages():
    for result in (make(pods=0), make(pods=3)):
        result.detail = "pods"
        for rows in (result.layers, result.pulls):
            rows.clear()
        assert html(page_of(result)).startswith("<!DOCTYPE html>")


def test_a_run_whose_pulls_take_no_time_has_a_page():
    node = {"name": "node", "runtime": {"fixed": {"images": {"r.test/app:v1": {"pull": "0s"}}}}}
    result = pullsim.run(
        pullsim.from_mapping({"nodes": [node], "workloads": [{"name": "web", "pods": {"image": "r.test/app:v1"}}]})
    )
    assert [pull.ended for pull in result.pulls] == [0.0]
    assert "chart-at-a-time" not in html(page_of(result))


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (12.0, 75.0, "99 of 100 pods would have started within 12.0 s to 75.0 s"),
        (12.0, 12.01, "99 of 100 pods would have started within 12.0 s"),
        (12.0, math.inf, "99 of 100 pods would have started within 12.0 s to never"),
        (math.inf, math.inf, "half of the pods would have started within 1.00 s to 2.00 s"),
    ],
)
def test_the_page_says_what_guessed_layers_change(low, high, said):
    result = make(pods=3)
    effect = SplitEffect(["r.test/app:v1"], 7, Interval(1.0, 2.0), Interval(low, high), Interval(low, high))
    page = run_page(Output(result, replace(summarize(result), splits=effect), "version: 1\n", print, Origin()))
    (inputs,) = [section for section in page.sections if section.title == "What went in"]
    assert inputs.parts[0].points == [f"cut in 7 other typical ways, {said}"]


def test_names_with_percent_signs_are_left_as_they_are():
    chart = stage_bars("stages", "Where the time went", {"cut-by-50%": {"queue": 2.0}}, "pod", "")
    assert chart.description == "Stacked bars. cut-by-50%: 2.00 s, most of it pull queue (100 %)."


def test_the_same_run_gives_the_same_page():
    pages = {html(page_of(with_spans(make(fail_first=3)))) for _ in range(2)}
    assert len(pages) == 1
