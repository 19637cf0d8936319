"""The kubelet's traces, replayed through a scenario file and read back from events.jsonl, as a user would.

Times agree within 2 ms, everything else to the letter. Events of different pods at one instant have no order among
themselves; those of a pod keep theirs.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from replay import load, names, scenario

import pullsim.scenario
from pullsim.results.invariants import check
from pullsim.results.tables import write_events_jsonl
from pullsim.run import run

if TYPE_CHECKING:
    from pathlib import Path

TOLERANCE = 2e-3  # seconds
FIELDS = ("container", "type", "reason", "message", "image")

CASES = [pytest.param(name, variant, id=f"{name}-{variant}") for name in names() for variant in load(name)["traces"]]


@pytest.mark.parametrize(("name", "variant"), CASES)
def test_trace(name: str, variant: str, tmp_path: Path) -> None:
    trace = load(name)
    want = [entry for entry in trace["traces"][variant]["entries"] if entry["kind"] == "event"]
    got = _events(scenario(trace, variant), tmp_path)
    if variant.startswith("core_"):  # the image manager's own events only: nothing starts containers there
        got = [event for event in got if not _from_runtime_manager(event)]
    pods = {event["pod"] for event in (*want, *got)}
    for pod in sorted(pods):
        _assert_equal([e for e in want if e["pod"] == pod], [e for e in got if e["pod"] == pod])
    assert [event["t"] for event in got] == sorted(event["t"] for event in got)


def test_all_traces_are_here() -> None:
    variants = [(name, variant) for name in names() for variant in load(name)["traces"]]
    assert len(names()) == 33
    assert sum(variant.startswith("core_") for _, variant in variants) == 49
    assert len(variants) == len(CASES) == 115


def _events(tree: dict[str, Any], tmp_path: Path) -> list[dict[str, Any]]:
    file = tmp_path / "scenario.yaml"
    file.write_text(yaml.safe_dump(tree, sort_keys=False))
    result = run(pullsim.scenario.load(file))
    assert check(result) == []
    lines = io.StringIO()
    write_events_jsonl(result.events, lines)
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def _from_runtime_manager(event: dict[str, Any]) -> bool:
    return event["reason"] in ("Created", "Started") or event["message"].startswith("Error: ")


def _assert_equal(want: list[dict[str, Any]], got: list[dict[str, Any]]) -> None:
    assert [[event.get(field) for field in FIELDS] for event in got] == [
        [event.get(field) for field in FIELDS] for event in want
    ]
    for expected, event in zip(want, got, strict=True):
        assert event["t"] == pytest.approx(expected["t"], abs=TOLERANCE, rel=0)
