"""How notebooks and consoles show runs and studies: HTML without scripts, and one line of text."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

import pullsim
from pullsim.printable import printable
from pullsim.results.page.drawing import drawing
from pullsim.results.page.start_times import start_times
from pullsim.results.summary.summary import summarize
from pullsim.study.compare import Comparison, Side
from pullsim.study.design import Knob, variants
from pullsim.study.intervals import Interval
from pullsim.study.pages.parts import Point, curve
from pullsim.study.solve import solve
from pullsim.study.variant_runs import run_variants
from tests.support.hostile import NAMES
from tests.support.records import make
from tests.support.spans import with_spans

TEXT = " ".join(NAMES)


def hostile_result():
    result = with_spans(make(pods=22, never=1))
    for place, pod in enumerate(result.pods):
        result.pods[place] = pod._replace(workload=NAMES[place % len(NAMES)])
    result.name = TEXT
    return result


@pytest.fixture(scope="module")
def shown():
    """One of each of the values that are shown, with hostile names."""
    images = [{"image": "example.com/app:v1", "layers": [{"size": "30MB"}]}]
    workloads = [{"name": "web", "pods": {"image": "example.com/app:v1", "count": 2}}]
    tree = {"name": TEXT, "nodes": [{"name": "node"}], "images": {"define": images}, "workloads": workloads}
    scenario = pullsim.from_mapping(tree)
    knobs = [Knob("name", NAMES[:3]), Knob("nodes[*].cores", ("1", "2"))]
    sides = [Side(name, {name: name}, {1: {"pods.start.p99": 3.0}}, name, None) for name in NAMES[:2]]
    result = hostile_result()
    return {
        "Result": result,
        "Summary": summarize(result),
        "Sweep": run_variants(scenario, knobs, variants(knobs)),
        "Comparison": Comparison(*sides),
        "Solution": solve(scenario, "nodes[*].cores", "1..2", slo="< 1s", seeds=1),
    }


KINDS = ("Result", "Summary", "Sweep", "Comparison", "Solution")


@pytest.mark.parametrize("kind", KINDS)
def test_the_text_is_one_short_line(shown, kind):
    text = repr(shown[kind])
    assert text.startswith(f"{kind}(")
    assert text == printable(text)
    assert len(text) < 900
    assert "\n" not in text


@pytest.mark.parametrize("kind", KINDS)
def test_the_html_is_well_formed_and_has_no_scripts(shown, kind):
    html = shown[kind]._repr_html_()
    tree = ET.fromstring(html.replace(" hidden>", ' hidden="">').replace("<br>", "<br/>"))  # noqa: S314  # our own
    tags = {element.tag.rpartition("}")[2] for element in tree.iter()}
    assert tags <= {"div", "p", "strong", "em", "span", "svg", "title", "text", "rect", "path"} | {
        "table", "caption", "thead", "tbody", "tr", "th", "td", "bdi",
    }  # fmt: skip
    assert not [name for element in tree.iter() for name in element.attrib if name.startswith("on")]


def test_a_run_is_told_with_its_answer_and_pictures(shown):
    html = shown["Result"]._repr_html_()
    assert "21 of 22 pods started" in html
    assert html.count("<svg") == 2
    assert printable(NAMES[3]) in html


def test_the_line_of_a_run():
    result = make(pods=10, never=2)
    assert repr(result) == f"Result(by hand: 8 of 10 pods started, 10 pulls, 2 nodes; settled at {result.end:.1f} s)"
    half = summarize(result).pods.start.p50
    assert repr(summarize(result)) == (
        f"Summary(by hand: 8 of 10 pods started, half within {half:.2f} s; ended at {result.end:.1f} s)"
    )
    assert repr(replace(summarize(result), pods=None)).startswith("Summary(by hand: no pods kept; ")


def line(chart):
    """The path of the only line of a chart's picture."""
    tree = ET.fromstring(drawing(chart))  # noqa: S314  # our own
    (path,) = [element.attrib["d"] for element in tree.iter() if element.attrib.get("fill") == "none"]
    return path


def test_lines_begin_and_end_where_their_data_do():
    path = line(start_times(make(pods=4)))
    assert path.startswith("M46.0 ")
    assert path.endswith("H700.0V10.0"), "all pods had started by the right end"


@pytest.mark.parametrize("means", [(-5.0, -3.0), (-5.0, 3.0), (0.0, 0.0), (2.0, 4.0)])
def test_values_below_zero_have_a_place(means):
    """The last pod that a fault hit may be up before its end: ``outages.HOST.lastUpAfter`` is below 0 then."""
    points = [Point("", str(number), Interval(mean, mean - 1, mean + 1, 2)) for number, mean in enumerate(means)]
    chart = curve("curve", "curve", "outages.r.test.lastUpAfter", points, "knob")
    low, high = chart.spec["layer"][0]["encoding"]["y"]["scale"]["domain"]
    assert low <= min(0.0, means[0] - 1) < max(0.0, means[1] + 1) <= high
    heights = [float(point.split()[1]) for point in line(chart)[1:].split("L")]
    assert all(10 <= height <= 164 for height in heights)
    assert (heights[0] > heights[1]) == (means[0] < means[1])
