"""``report.html`` as a reader has it: drawn in a browser that has no network."""

import pytest

import pullsim
from pullsim.printable import printable
from pullsim.records import FaultRecord
from pullsim.results.exports.export import Origin, Output
from pullsim.results.metrics import DEFAULT
from pullsim.results.page.run_page import run_page
from pullsim.results.page.writing import html
from pullsim.results.summary.summary import summarize
from pullsim.study.advice.advise import advise
from pullsim.study.compare import compare
from pullsim.study.design import Knob, variants
from pullsim.study.pages.advice_page import advice_page
from pullsim.study.pages.comparison_page import comparison_page
from pullsim.study.pages.parts import Source
from pullsim.study.pages.solution_page import solution_page
from pullsim.study.pages.sweep_page import sweep_page
from pullsim.study.solve import solve
from pullsim.study.variant_runs import run_variants
from tests.support.browser import chromium, opened
from tests.support.hostile import NAMES
from tests.support.records import HOST, make
from tests.support.spans import with_spans

CHARTS = ("ready", "starts", "stages", "node", "at-a-time", "network", "links", "disks")


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


def written(directory, result, description="", scenario="version: 1\n"):
    file = directory / "report.html"
    origin = Origin(description, "pullsim run small.yaml", ("the registry is public",), "pullsim advise small.yaml")
    file.write_text(html(run_page(Output(result, summarize(result), scenario, print, origin))), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    result = with_spans(make(pods=40, nodes=4, never=2))
    result.faults.append(FaultRecord(HOST, 2.0, 4.0, None, {}))
    return written(tmp_path_factory.mktemp("plain"), result, "What is asked?")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A page all of whose names are hostile."""
    result = with_spans(make(pods=22, nodes=2, never=1), {f"app-{i:05d}": name for i, name in enumerate(NAMES)})
    for place, pod in enumerate(result.pods):
        name = NAMES[place % len(NAMES)]
        result.pods[place] = pod._replace(workload=name, images=(name,), reason=name, message=name)
    for place, row in enumerate(result.layers):
        result.layers[place] = row._replace(source=NAMES[place % len(NAMES)], image=NAMES[place % len(NAMES)])
    result.faults += [FaultRecord(name, 1.0, 3.0, name, {}) for name in NAMES]
    result.links = [row._replace(link=NAMES[place % len(NAMES)]) for place, row in enumerate(result.links)]
    result.warnings += NAMES
    result.name = " ".join(NAMES)
    text = " ".join(NAMES)
    return written(tmp_path_factory.mktemp("hostile"), result, f"{text} is it safe?", f"description: {text}\n")


def test_charts_are_drawn_and_nothing_is_asked_for(browser, plain):
    with opened(browser, plain) as seen:
        assert {name: seen.marks(name) > 0 for name in CHARTS} == dict.fromkeys(CHARTS, True)
        assert seen.complaints == []
        assert seen.requests == [plain.as_uri()]
        assert seen.page.locator(".drawing[role='graphics-document'][aria-label]").count() == len(CHARTS)
        assert seen.page.locator(".question").inner_text().endswith("What is asked?")
        labels = seen.page.locator("#chart-ready .role-axis-label text").all_text_contents()
        seen.page.locator("#chart-ready svg").hover()
        assert seen.page.locator(".tip").inner_text().startswith("pods that are ")
        seen.page.keyboard.down("Shift")
        seen.page.mouse.wheel(0, -300)
        seen.page.wait_for_function(
            "before => [...document.querySelectorAll('#chart-ready .role-axis-label text')]"
            ".map((label) => label.textContent).join() !== before",
            arg=",".join(labels),
        )


def test_tables_are_sorted_filtered_and_unfolded(browser, plain):
    with opened(browser, plain) as seen:
        region = seen.page.get_by_role("region", name="All pods, from creation until they were ready")

        def column(number):
            cells = region.locator("tbody tr:not([hidden]) > *").all_inner_texts()
            return cells[number :: region.locator("thead th").count()]

        assert len(column(0)) == 15
        seen.page.get_by_role("button", name="Show all 40").click()
        assert len(column(0)) == 40
        region.get_by_role("button", name="ready after").click()
        up = column(4)
        assert up[-2:] == ["never", "never"]
        assert up[:-2] == sorted(up[:-2], key=lambda text: float(text.split()[0]))
        assert region.locator("th[aria-sort]").get_attribute("aria-sort") == "ascending"
        region.get_by_role("button", name="ready after").click()
        assert column(4)[:3] == ["never", "never", up[-3]]
        region.get_by_role("searchbox").fill("app-00003")
        assert column(0) == ["app-00003"]
        assert seen.complaints == []


def test_another_node_is_drawn_when_it_is_chosen(browser, plain):
    with opened(browser, plain) as seen:
        chosen = seen.page.get_by_role("combobox", name="Node")
        before = seen.page.locator("#chart-node svg").inner_html()
        chosen.fill("node-0003")
        chosen.press("Enter")
        assert seen.page.locator("#chart-node svg").inner_html() != before
        assert chosen.input_value().startswith("node-0003")
        assert not seen.page.locator("#chart-node .chosen").is_visible(), "all lines of the node are there"
        assert seen.complaints == [], "not even where a node has no failed pulls"
        chosen.fill("no such node")
        chosen.press("Enter")
        assert not chosen.evaluate("input => input.checkValidity()")


@pytest.mark.parametrize(("scheme", "width"), [("light", 400), ("dark", 1400)])
def test_hostile_names_are_shown_and_do_nothing(browser, hostile, scheme, width):
    with opened(browser, hostile, color_scheme=scheme, viewport={"width": width, "height": 800}) as seen:
        seen.page.mouse.move(150, 400)
        assert seen.dialogs == []
        assert seen.complaints == []
        assert seen.requests == [hostile.as_uri()]
        assert seen.page.locator("img, script:not([type])").count() == 4, "the page's own four scripts"
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
        shown = seen.page.locator("main").text_content()
        assert [name for name in NAMES if printable(name) not in shown] == []


def test_a_script_that_came_in_would_not_run(browser, plain):
    with opened(browser, plain) as seen:
        make = "const s = document.createElement('script'); s.textContent = 'window.came = 1'; document.body.append(s)"
        seen.page.evaluate(f"() => {{ {make} }}")
        assert seen.page.evaluate("window.came") is None
        assert "Content Security Policy" in seen.complaints[0]


def test_without_scripts_the_words_stand_in_the_place_of_charts(browser, plain):
    with opened(browser, plain, java_script_enabled=False) as seen:
        assert seen.page.locator(".noscript").is_visible()
        told = seen.page.locator("#told-ready")
        assert told.is_visible()
        assert "38 of 40 pods became ready" in told.inner_text()


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """The page of each kind of study, of a scenario, knobs and commands with hostile names, and a chart that it has."""
    directory = tmp_path_factory.mktemp("studies")
    text = " ".join(NAMES)
    images = [{"image": "example.com/app:v1", "layers": [{"size": "30MB"}, {"size": "9MB"}]}]
    scenario = pullsim.from_mapping(
        {
            "name": text,
            "description": text,
            "images": {"define": images},
            "registries": [{"host": "example.com", "egress": "1Gbit/s"}],
            "nodes": [{"name": "node", "count": 2}],
            "workloads": [{"name": "web", "pods": {"image": "example.com/app:v1", "count": 4}}],
        }
    )
    source = Source(f"pullsim {text}", text)
    knobs = [Knob("name", NAMES), Knob("nodes[*].cores", ("1", "2"))]
    swept = run_variants(scenario, knobs, variants(knobs), seeds=2)
    compared = compare(scenario, set_a=[f"name={NAMES[0]}"], set_b=[f"name={NAMES[1]}", "nodes[*].cores=1"])
    solved = solve(scenario, "nodes[*].cores", "1..2", slo="< 1s", seeds=1)
    advised = advise(scenario, seeds=2, max_runs=40)
    pages = {
        "heat": sweep_page(swept, DEFAULT, source),
        "stages": comparison_page(compared, DEFAULT, source),
        "curve": solution_page(solved, source),
        "gains": advice_page(advised, text, [f"name={NAMES[0]}"], source),
    }
    for chart, page in pages.items():
        (directory / f"{chart}.html").write_text(html(page), encoding="utf-8")
    return {chart: directory / f"{chart}.html" for chart in pages}


@pytest.mark.parametrize("chart", ["heat", "stages", "curve", "gains"])
def test_pages_of_studies_are_drawn_and_safe(browser, studies, chart):
    with opened(browser, studies[chart], viewport={"width": 400, "height": 800}) as seen:
        assert (seen.dialogs, seen.complaints) == ([], [])
        assert seen.requests == [studies[chart].as_uri()]
        assert seen.marks(chart) > 0
        assert seen.page.locator("img, script:not([type])").count() == 4
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= 400
        assert printable(NAMES[0]) in seen.page.locator("body").text_content()
