"""The site of the documents: its navigation has every document once. `make docs` builds it and finds the rest."""

from __future__ import annotations

import runpy
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SITE = runpy.run_path(str(ROOT / "docs" / "conf.py"))
PAGES = list(chain.from_iterable(SITE["NAVIGATION"].values()))


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_the_navigation_exists(page):
    assert len(list(ROOT.glob(f"{page}.*"))) == 1


def test_every_document_is_in_the_navigation_once():
    documents = chain((ROOT / "docs").glob("*.md"), (ROOT / "docs").glob("*.rst"), (ROOT / "scenarios").glob("*.md"))
    names = sorted(str(path.relative_to(ROOT).with_suffix("")) for path in documents)
    assert sorted(page for page in PAGES if "/" in page) == names


def test_the_navigation_is_appended_to_the_readme_alone():
    navigate = SITE["_navigate"]
    home, other = ["text\n"], ["text\n"]
    navigate(None, "README", home)
    navigate(None, "docs/model", other)
    assert other == ["text\n"]
    assert home[0].startswith("text\n\n```{toctree}\n:caption: How to\n:hidden:\n\n/docs/")
    assert all(f"\n/{page}\n" in home[0] for page in PAGES)


def test_the_page_of_the_commands_is_what_they_say_of_themselves():
    page = runpy.run_path(str(ROOT / "docs/list_commands.py"))["commands"]()
    command = "python docs/list_commands.py > docs/commands.md"
    assert command in page
    assert (ROOT / "docs/commands.md").read_text(encoding="utf-8") == page, f"run: {command}"
    assert page.count("\n## `pullsim ") > 15
