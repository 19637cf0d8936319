"""The tables of docs/levers/pull-policies.md are those that its script makes."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(ROOT / "docs/pull_policies.py"))


@pytest.mark.examples
def test_the_tables_are_made_by_the_script():
    made = SCRIPT["page"](SCRIPT["evidence"]())
    assert SCRIPT["PAGE"].read_text(encoding="utf-8") == made, "run: python docs/pull_policies.py"


def test_the_page_has_a_place_for_them_and_every_policy_in_it():
    text = SCRIPT["PAGE"].read_text(encoding="utf-8")
    evidence = text.split(SCRIPT["MARKS"][0])[1].split(SCRIPT["MARKS"][1])[0]
    for case in SCRIPT["CASES"]:
        assert all(f"| `{policy}` |" in evidence for policy in case.policies)
