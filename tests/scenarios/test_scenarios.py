"""Every shipped scenario runs, contradicts itself nowhere, draws its charts, and gives the figures in expected.json.

A change of a figure is a change of the model. Look at what changed, then write the file anew and say why in the commit:

    python -m pytest tests/scenarios --update-expected
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import pullsim
from pullsim.results import charts, check
from pullsim.results.exports import registry

if TYPE_CHECKING:
    from pullsim.scenario import Scenario

ROOT = Path(__file__).parents[2]
SCENARIOS = sorted((ROOT / "scenarios").glob("*.yaml"))
MANIFESTS = sorted(path for path in (ROOT / "scenarios" / "k8s").rglob("*") if path.is_file())
EXPECTED = Path(__file__).with_name("expected.json")

#: Between them they have failures, faults, autoscaling, removals, churn and several pools: all that charts can show.
DRAWN = {"quickstart", "registry-outage", "gpu-autoscale", "image-gc-thrash", "spot-churn", "gke-pool"}

scenarios = pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)


@cache
def _load(path: Path) -> Scenario:
    return pullsim.load(path)


@cache
def _run(path: Path) -> pullsim.Result:
    return pullsim.run(_load(path))


def _figures(path: Path) -> dict[str, Any]:
    """Give the headline figures of a scenario."""
    summary = pullsim.summarize(_run(path))
    start = summary.to_dict()["pods"]["start"]
    return {
        "pods": summary.pods.total,
        "started": summary.pods.started,
        "lastReadyAt": summary.pods.last_ready_at,
        "p50": start["p50"],
        "p99": start["p99"],
        "never": start["never"],
        "pulls": summary.pulls.total,
        "failuresByCause": summary.pulls.failures_by_cause,
        "downloaded": summary.bytes.downloaded,
        "bottleneck": summary.bottleneck.resource,
        "end": summary.end,
        "ended": summary.ended,
    }


@scenarios
def test_it_says_what_it_is(path):
    scenario = _load(path)
    assert scenario.name == path.stem
    assert "?" in scenario.description, "a scenario asks a question"
    assert path.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=../pullsim/scenario/")


@scenarios
def test_it_contradicts_itself_nowhere(path):
    assert check(_run(path)) == []


@scenarios
def test_its_figures(path, request):
    expected = json.loads(EXPECTED.read_text(encoding="utf-8")) if EXPECTED.exists() else {}
    figures = _figures(path)
    if request.config.getoption("--update-expected", default=False):
        kept = {scenario.stem: expected[scenario.stem] for scenario in SCENARIOS if scenario.stem in expected}
        text = json.dumps({**kept, path.stem: figures}, indent=2, sort_keys=True) + "\n"
        EXPECTED.write_text(text, encoding="utf-8")
        return
    assert figures.keys() == expected[path.stem].keys()
    for name, value in expected[path.stem].items():
        right = pytest.approx(value, rel=1e-9, abs=0) if isinstance(value, float) else value
        assert figures[name] == right, name


def test_nothing_is_expected_of_scenarios_that_are_gone():
    expected = json.loads(EXPECTED.read_text(encoding="utf-8"))
    assert sorted(expected) == [path.stem for path in SCENARIOS]


@scenarios
def test_the_effective_scenario_is_the_same_run(path, tmp_path):
    effective = tmp_path / "elsewhere" / registry.SCENARIO
    effective.parent.mkdir()
    effective.write_text(pullsim.effective_yaml(_load(path), effective.parent), encoding="utf-8")
    again = pullsim.run(pullsim.load(effective), detail="pods")
    assert again.pods == _run(path).pods
    assert (again.end, again.ended, again.warnings) == (_run(path).end, _run(path).ended, _run(path).warnings)


@pytest.mark.parametrize("path", [each for each in SCENARIOS if each.stem in DRAWN], ids=lambda path: path.stem)
def test_its_charts_can_be_drawn(path, tmp_path):
    for name, chart in charts.CHARTS.items():
        file = tmp_path / f"{name}.png"
        chart.draw(_run(path)).savefig(file, dpi=40)
        assert file.stat().st_size > 1000


@scenarios
def test_what_its_description_suggests_works(path):
    for quoted, plain in re.findall(r"--set (?:'([^']+)'|(\S*\w))", _load(path).description):
        changed = pullsim.override(_load(path), [quoted or plain])
        assert changed.build() != _load(path).build(), "it says something that changes nothing"


def test_there_are_scenarios():
    assert "quickstart" in {path.stem for path in SCENARIOS}


def test_every_manifest_is_used():
    used = {
        (path.parent / workload.manifest).resolve()
        for path in SCENARIOS
        for workload in _load(path).workloads
        if workload.manifest is not None
    }
    assert [path for path in MANIFESTS if path not in used] == []
