"""Some of the fuzzer's inputs in the ordinary tests; ``python -m tests.fuzz`` runs as many as one likes."""

from __future__ import annotations

import pytest

from tests.fuzz import trial as trials
from tests.fuzz.case import Case, make
from tests.fuzz.doors import doors
from tests.fuzz.mutations import Thing

INPUTS = 300
PARTS = 10


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.filterwarnings("default")  # of a process that is not tests': a warning is no error there
def test_inputs(part):
    numbers = range(part * INPUTS // PARTS, (part + 1) * INPUTS // PARTS)
    found = {number: wrong for number in numbers if (wrong := trials.trial(make(20, number), memory=False))}
    assert not found, "python -m tests.fuzz --seed 20 --only N runs one of them again"


@pytest.mark.long
def test_doors_are_open_as_they_are():
    """What is not changed is right: else its changes would find the same mistake for ever."""
    for arguments, files in {door.arguments: door.files for door in doors() if door.changed}.items():
        assert trials.trial(Case(arguments, dict(files)), memory=False) == [], arguments


def test_the_same_number_makes_the_same_input():
    assert [make(3, number) for number in range(50)] == [make(3, number) for number in range(50)]
    assert make(3, 1) != make(4, 1)


@pytest.mark.parametrize("thing", Thing)
def test_things_in_the_place_of_a_file_are_refused(thing):
    assert trials.trial(Case(("validate", "a.yaml"), {"a.yaml": thing}), memory=False) == []


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("raise ValueError('x')", "ValueError: x"),
        ("sys.exit(70)", "exit code 70"),
        ("sys.exit(3)", "exit code 3"),
        ("print('\\x1b[31m')", "raw characters on standard output"),
        ("print('x' * 3000, file=sys.stderr)", "3,001 letters"),
        ("print('x\\n' * 21, file=sys.stderr)", "22 lines"),
        ("open('.pullsim-x', 'w')", ".pullsim-x is left"),
        ("open('a', 'w'); sys.exit(2)", "exit code 2, but changed: ['a']"),
        ("time.sleep(9)", "hang: "),
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_it_finds(monkeypatch, body, text):
    def main():
        exec(f"import sys, time\n{body}")  # noqa: S102

    monkeypatch.setattr("pullsim.cli.main", main)
    found = trials.trial(Case(("run",), {"a": b"content"}), seconds=0.1, memory=False)
    assert any(text in each for each in found), found
