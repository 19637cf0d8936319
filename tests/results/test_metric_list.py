"""The list of a scenario's metrics: all of them, with the names that its runs have, and what each means."""

from __future__ import annotations

import json

import pytest
import yaml

from pullsim.results import metrics
from pullsim.results.metric_list import listed
from pullsim.results.metric_meanings import meaning
from pullsim.results.summary.summary import summarize
from pullsim.run import run
from pullsim.scenario import from_mapping
from tests.support.command import pullsim

DOCUMENT = {
    "nodes": [{"name": "one", "count": 2}, {"name": "two"}],
    "registries": [{"host": "r.example", "mirrors": [{"host": "m.example"}]}],
    "images": {"define": [{"image": f"r.example/{name}:1", "layers": [{"size": "1MB"}]} for name in "abc"]},
    "workloads": [
        {"name": "web", "pods": {"image": "r.example/a:1", "count": 3}},
        {"name": "db.main", "namespace": "shop", "pods": {"image": "r.example/b:1"}},
        {"name": "warm", "prepull": {"images": ["r.example/c:1"]}},
    ],
}


@pytest.fixture(scope="module")
def scenario():
    return from_mapping(DOCUMENT)


def test_every_metric_has_a_meaning_and_a_unit():
    rows = list(listed())
    assert sorted(row.path for row in rows) == sorted(metrics.names())
    for row in rows:
        assert row.meaning, row.path
        assert row.unit in ("seconds", "bytes", "bytes/s", "share", "money", "count")
    assert meaning("no.such") == ""


def test_a_run_has_only_metrics_that_were_listed(scenario):
    paths = {row.path for row in listed(scenario)}
    found = metrics.values(summarize(run(scenario)).to_dict())
    open_ended = ("timeInStatus.", "pods.notStartedByReason.", "pulls.failuresByCause.", "housekeeping.removed.")
    sections = {"housekeeping", "churn", "timeInStatus", "costs", "unusedImages"}  # null where a run has none
    assert {name for name in found if name not in paths and not name.startswith(open_ended)} <= sections
    assert {
        "workloads.web.start.p99.9",
        "workloads.shop/db.main.ready.never",
        "pools.two.notStarted",
        "pools.two",
        "images.r.example/a:1.start.max",
        "bytes.bySource.r.example",
        "bytes.bySource.m.example",
        "prepulls.warm.seconds.p99",
    } <= paths
    assert not any(path.startswith("images.r.example/c") for path in paths)  # prepull pods are no pods of a workload


def test_figures_of_one_name_stand_together(scenario):
    heads = [row.path.split(".start")[0] for row in listed(scenario) if ".start." in row.path and "workl" in row.path]
    assert heads == sorted(heads)


def test_the_command(tmp_path):
    file = tmp_path / "s.yaml"
    file.write_text(yaml.safe_dump(DOCUMENT))
    table = pullsim("metrics", file)
    assert table.returncode == 0, table.stderr
    assert table.stdout.splitlines()[0].split() == ["metric", "unit", "meaning"]
    assert max(map(len, table.stdout.splitlines())) <= 80
    paths = pullsim("metrics", file, "-o", "paths").stdout.splitlines()
    rows = json.loads(pullsim("metrics", file, "-o", "json").stdout)
    assert [row["path"] for row in rows] == paths
    assert "workloads.web.start.p99" in paths
    assert "workloads.*.start.p99" in pullsim("metrics", "-o", "paths").stdout.splitlines()
    assert pullsim("metrics", "--set", "seed=1").returncode == 2
    assert pullsim("metrics", tmp_path / "none.yaml").returncode == 2
