"""What CONTRIBUTING.md says of the house is so: its files exist, and its picture is the one that the imports give."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def section(title):
    return TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("file", re.findall(r"\| `(pullsim/[^`]+)` \|", section("Where do I change …")))
def test_a_place_to_change_exists(file):
    assert (ROOT / file).is_file()


def test_twenty_tasks_have_a_place():
    assert section("Where do I change …").count("| `pullsim/") >= 20


def test_the_files_on_the_way_of_a_pull_exist():
    files = re.findall(r"`([\w/]+\.py)`", section("The way of one pull"))
    assert len(files) > 15
    assert [file for file in files if not (ROOT / "pullsim" / file).is_file()] == []


def test_the_tests_of_the_rules_exist():
    files = re.findall(r"`(\w+/test_\w+)`", section("Rules of the kubelet and their tests"))
    assert len(files) > 40
    assert [file for file in files if not (ROOT / "tests" / f"{file}.py").is_file()] == []


def test_the_picture_is_that_of_the_imports():
    (drawn,) = re.findall(r"```mermaid\n(.*?)\n```", TEXT, re.DOTALL)
    assert drawn == runpy.run_path(str(ROOT / "docs" / "house.py"))["diagram"]()
