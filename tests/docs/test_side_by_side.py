"""The page of the levers side by side has a row for each variant of its studies, with what that comes to."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MADE = runpy.run_path(str(ROOT / "docs/side_by_side.py"))
PAGE = (ROOT / "docs/levers/side-by-side.md").read_text(encoding="utf-8")
COMMAND = "python docs/side_by_side.py > docs/levers/side-by-side.md"


def rows(text):
    """Return the rows of the tables of a text by their first cell, which may be bold."""
    cells = re.findall(r"^\| \*{0,2}(.+?)\*{0,2} \| (.*) \|$", text, re.MULTILINE)
    return [(name, figures.split(" | ")) for name, figures in cells if name not in ("lever", "---")]


def test_each_variant_has_a_row():
    studies = [MADE["study_of"](name) for name in ("gpu-scaleup", "rolling-update")]
    assert [name for name, _ in rows(PAGE)] == [each.name for study in studies for each in study.named], COMMAND
    assert COMMAND in PAGE


@pytest.mark.parametrize("variant", ["in the node image", "a volume of a snapshot"])
def test_a_row_is_what_the_variant_comes_to(variant):
    """Those of which a run takes little time; the page itself is made by hand."""
    study = MADE["study_of"]("gpu-scaleup")
    named = tuple(each for each in study.named if each.name == variant)
    kept = study.__class__(study.scenario, (), paired=False, seeds=1, metrics=study.metrics, named=named)
    ((_, figures),) = rows(MADE["table"](kept, MADE["run"](kept)))
    assert dict(rows(PAGE))[variant] == figures, COMMAND
