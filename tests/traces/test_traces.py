"""The kubelet's traces, replayed through a scenario file and read back from events.jsonl, as a user would.

A trace that came out differently when it was recorded again is one valid run: it is matched up to the order of what
happens to a pod at one instant, and by a test of its own. `python tests/traces/report.py` prints all of them.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from replay import SETS, deterministic, load, mismatch, names, replay, variants

import pullsim

if TYPE_CHECKING:
    from pathlib import Path

ALL = [(name, variant) for name in names() for variant in variants(load(name))]
CERTAIN = [each for each in ALL if deterministic(load(each[0]), each[1])]
ONE_RUN = [each for each in ALL if each not in CERTAIN]


@pytest.mark.parametrize(("name", "variant"), CERTAIN, ids="-".join)
def test_trace(name: str, variant: str, tmp_path: Path) -> None:
    events = _run(name, variant, tmp_path)
    assert mismatch(load(name), variant, events, strict=True) is None
    assert [event["t"] for event in events] == sorted(event["t"] for event in events)


@pytest.mark.parametrize(("name", "variant"), ONE_RUN, ids="-".join)
def test_trace_of_one_valid_run(name: str, variant: str, tmp_path: Path) -> None:
    assert mismatch(load(name), variant, _run(name, variant, tmp_path), strict=False) is None


def test_all_traces_are_here() -> None:
    assert len(names()) == 33
    assert len(ALL) == 115
    kinds = {
        of: Counter(next(each for each in SETS if v.startswith(each)) for _, v in of_set)
        for of, of_set in {"certain": CERTAIN, "one run": ONE_RUN}.items()
    }
    assert kinds["certain"] == {"core_": 49, "kubelet_nojitter": 33, "kubelet_jitter_": 24}
    assert kinds["one run"] == {"kubelet_nojitter": 1, "kubelet_jitter_": 8}


def test_a_difference_is_found() -> None:
    """In a text, a time, an event too few, an order; the last one is allowed in one of several valid runs."""
    trace = load("serial_3pods")
    events = replay(trace, "kubelet_nojitter")
    assert mismatch(trace, "kubelet_nojitter", events, strict=True) is None
    changed = [{**event, "message": event["message"].replace("4s", "5s")} for event in events]
    late = [{**event, "t": event["t"] + 0.003} for event in events]
    for wrong in (changed, late, events[:-1]):
        for strict in (True, False):
            assert mismatch(trace, "kubelet_nojitter", wrong, strict=strict) is not None
    reordered = sorted(events, key=lambda event: (event["t"], event["reason"]), reverse=False)
    assert [event["reason"] for event in reordered] != [event["reason"] for event in events]
    assert mismatch(trace, "kubelet_nojitter", reordered, strict=True) is not None
    assert mismatch(trace, "kubelet_nojitter", reordered, strict=False) is None


def _run(name: str, variant: str, tmp_path: Path) -> list[dict[str, Any]]:
    def through_a_file(tree: dict[str, Any]) -> pullsim.Scenario:
        file = tmp_path / "scenario.yaml"
        file.write_text(yaml.safe_dump(tree, sort_keys=False))
        return pullsim.load(file)

    return replay(load(name), variant, through_a_file)
