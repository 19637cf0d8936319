"""Figures by workload, pool and image of many runs: sweep, compare, solve, gates and their files."""

from __future__ import annotations

import json
import math

import pytest
import yaml

from pullsim.errors import InputError
from pullsim.results import metrics
from pullsim.scenario import from_mapping
from pullsim.study import baseline
from pullsim.study.compare import compare
from pullsim.study.solve import solve
from pullsim.study.sweep import sweep
from tests.support.command import pullsim

#: A quick workload and a slow one of another namespace; their names have dots.
DOCUMENT = {
    "name": "groups",
    "nodes": [{"name": "n", "runtime": {"fixed": {"images": {"a:1": {"pull": "5s"}, "b:1": {"pull": "20s"}}}}}],
    "workloads": [
        {"name": "web.v1", "pods": {"image": "a:1", "count": 3}},
        {"name": "db.v1", "namespace": "shop", "pods": {"image": "b:1", "count": 2}},
    ],
}
KNOB = "kubelet.serializeImagePulls"
QUICK, SLOW = "workloads.web.v1.start.p99", "workloads.shop/db.v1.start.p99"


@pytest.fixture(scope="module")
def scenario():
    return from_mapping(DOCUMENT)


def test_sweep_and_compare(scenario):
    study = sweep(scenario, [f"{KNOB}=true,false"], metrics=[SLOW])
    assert [study.interval(1, name).mean for name in (QUICK, SLOW)] == pytest.approx([5.0, 20.0], abs=1.0)
    comparison = compare(scenario, set=[f"{KNOB}=true,false"])
    assert [each.verdict for each in comparison.differences([SLOW, "images.b:1.start.max", "pools.n.total"])] == [
        "lower",
        "lower",
        "same",
    ]


def test_solve(scenario):
    solution = solve(scenario, "workloads[0].pods.count", "1..4", objective=SLOW, slo="< 30s", seeds=1)
    assert solution.answer.point == (1.0,)


@pytest.mark.parametrize(
    "name", ["workloads.web.start.p99", "workloads.web.v2.total", "pools.m.total", "images.c.total"]
)
def test_what_no_variant_has_is_refused(scenario, name):
    for study in (
        lambda: sweep(scenario, [f"{KNOB}=true,false"], metrics=[name]),
        lambda: compare(scenario, set=[f"{KNOB}=true,false"], metrics=[name]),
        lambda: solve(scenario, "seed", "1..2", objective=name),
    ):
        with pytest.raises(InputError, match="the scenario has no"):
            study()


def test_what_one_variant_has_is_known(scenario):
    study = sweep(scenario, ["workloads[1].pods.image=b:1,a:1"], metrics=["images.b:1.total"])
    assert [study.interval(each, "images.b:1.total").mean for each in (0, 1)] == [2, None]


def many(count):
    workloads = [{"name": f"w{n}", "pods": {"image": "a:1"}} for n in range(count)]
    return from_mapping(DOCUMENT | {"workloads": workloads})


def test_of_many_groups_only_what_is_wanted_is_kept_and_a_resumed_run_that_lacks_it_is_made_again(tmp_path):
    scenario, wanted = many(metrics.FEW + 1), "workloads.w7.start.p99"
    first = sweep(scenario, ["seed=1,2"], out=tmp_path)
    assert first.interval(0, wanted).mean is None
    made = []
    again = sweep(
        scenario, ["seed=1,2"], out=tmp_path, resume=True, metrics=[wanted], progress=lambda d, _: made.append(d)
    )
    assert again.interval(0, wanted).mean > 0
    assert made[0] == 0
    third = sweep(
        scenario, ["seed=1,2"], out=tmp_path, resume=True, metrics=[wanted], progress=lambda d, _: made.append(d)
    )
    assert made[3] == 2
    assert third.outcomes == again.outcomes


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("workloads.web.v1.start.*=2%", True),
        ("workloads.*=2%", True),
        ("*.start.p99=2%", True),
        ("*.p99.9=1s", True),
        ("workloads.shop/*.p99=1s", True),
        ("pools.*.start.p50=1s", True),
        ("workloads.web.v1.start.p98=2%", False),
        ("workloads.web.v1.total=1s", False),
    ],
)
def test_tolerances(text, matches):
    if matches:
        baseline.parse_tolerance(text)
    else:
        with pytest.raises(InputError):
            baseline.parse_tolerance(text)


def test_a_gate_holds_each_workload(scenario, tmp_path):
    now = baseline.measure(scenario, "s", [])
    baseline.write(tmp_path / "b.json", [now], {})
    before = baseline.read(tmp_path / "b.json")["s"]
    assert before[SLOW] == now.metrics[SLOW]
    verdict = baseline.Verdict("s", {**before, SLOW: math.inf, QUICK: 1.0})
    baseline.hold(verdict, before, [])
    assert [(change.metric, change.kind) for change in verdict.changes] == [(SLOW, "worse"), (QUICK, "better")]
    gone = baseline.Verdict("s", {name: each for name, each in before.items() if "shop" not in name})
    baseline.hold(gone, before, [])
    assert {change.kind for change in gone.changes} == {"gone"}
    assert not gone.ok
    new = baseline.Verdict("s", before)
    baseline.hold(new, gone.metrics, [])
    assert {change.kind for change in new.changes} == {"new"}
    assert new.ok


def test_commands(tmp_path):
    file = tmp_path / "s.yaml"
    file.write_text(yaml.safe_dump(DOCUMENT))
    table = pullsim("sweep", file, "-j", "1", "--set", f"{KNOB}=true,false", "-m", SLOW, "-q")
    assert table.returncode == 0, table.stderr
    assert "workloads.shop/db.v1.start.p99" in table.stdout.replace("\n", "")
    wrong = pullsim("sweep", file, "-j", "1", "--set", f"{KNOB}=true,false", "-m", "workloads.wep.start.p99")
    assert (wrong.returncode, "no workload 'wep'" in wrong.stderr) == (2, True)
    compared = pullsim("compare", file, "-j", "1", "--set", f"{KNOB}=true,false", "-m", SLOW, "-o", "json")
    assert json.loads(compared.stdout)[0]["verdict"] == "lower"
    held = pullsim("run", file, "--assert", f"{SLOW} < 1s", "-q")
    assert (held.returncode, SLOW in held.stderr) == (1, True)
    out = tmp_path / "out"
    assert pullsim("run", file, "--out", out, "-q").returncode == 0
    assert json.loads((out / "summary.json").read_text())["workloads"]["shop/db.v1"]["total"] == 2
    assert (out / "charts" / "start-cdf-by-workload.png").exists()
    saved = pullsim("compare", out, "-j", "1", out, "-m", SLOW, "-o", "json")
    assert json.loads(saved.stdout)[0]["verdict"] == "same"
