"""The site of the documents: its navigation has every document once. `make docs` builds it and finds the rest."""

from __future__ import annotations

import csv
import json
import re
import runpy
import statistics
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SITE = runpy.run_path(str(ROOT / "docs" / "conf.py"))
PAGES = list(chain.from_iterable(SITE["NAVIGATION"].values()))


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_the_navigation_exists(page):
    assert sum((ROOT / f"{page}{suffix}").is_file() for suffix in (".md", ".rst", ".ipynb")) == 1


def test_every_document_is_in_the_navigation_once():
    patterns = ("docs/*.md", "docs/levers/*.md", "docs/*.rst", "scenarios/*.md", "notebooks/*.ipynb")
    documents = chain.from_iterable(ROOT.glob(pattern) for pattern in patterns)
    names = sorted(str(path.relative_to(ROOT).with_suffix("")) for path in documents)
    assert sorted(page for page in PAGES if "/" in page) == names


def test_the_navigation_is_appended_to_the_readme_alone():
    navigate = SITE["_navigate"]
    home, other = ["text\n"], ["text\n"]
    navigate(None, "README", home)
    navigate(None, "docs/model", other)
    assert other == ["text\n"]
    assert home[0].startswith("text\n\n```{toctree}\n:caption: Learn\n:hidden:\n\n/docs/")
    assert all(f"\n/{page}\n" in home[0] for page in PAGES)


def test_the_page_of_the_commands_is_what_they_say_of_themselves():
    page = runpy.run_path(str(ROOT / "docs/list_commands.py"))["commands"]()
    command = "python docs/list_commands.py > docs/commands.md"
    assert command in page
    assert (ROOT / "docs/commands.md").read_text(encoding="utf-8") == page, f"run: {command}"
    assert page.count("\n## `pullsim ") > 15


MODEL = (ROOT / "docs/model.md").read_text(encoding="utf-8")
MECHANISMS = MODEL.split("## Mechanism by mechanism")[1].split("\n## ")[0]


@pytest.mark.parametrize("group, median, worst", re.findall(r"<!-- lab (\w) -->(\d+) % \(worst (\d+) %\)", MECHANISMS))
def test_the_errors_by_mechanism_are_those_of_the_report(group, median, worst):
    """Of the lab's quiet cases of 0.2 s or more; its groups of cases are named by a letter."""
    cases = json.loads((ROOT / "tests/data/lab/cases.json").read_text(encoding="utf-8"))["cases"]
    letters = {case["id"]: case["group"] for case in cases}
    with (ROOT / "benchmarks/fidelity/data/predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["source"] == "lab" and row["group"] != "noisy"]
    errors = [
        100 * float(row["error"]) for row in rows if letters[row["case"]] == group and float(row["measured_s"]) >= 0.2
    ]
    assert (f"{statistics.median(errors):.0f}", f"{max(errors):.0f}") == (median, worst)


def test_the_tests_that_hold_the_mechanisms_exist():
    named = re.findall(r"`(\w+/test_\w+)`", MECHANISMS)
    assert len(named) > 12
    assert [name for name in named if not (ROOT / f"tests/{name}.py").is_file()] == []
