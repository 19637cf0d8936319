"""What is said of figures that a knob did not make: knobs that move nothing, horizons, nodes that never join."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pullsim
from pullsim.study.charts import plot_knee, write_charts
from pullsim.study.ending import notes, unmoved
from pullsim.study.solve import solve
from pullsim.study.solve_text import sentence, warnings
from pullsim.study.sweep import sweep
from tests.study.conftest import SMALL
from tests.support.command import pullsim as command

PULLS = "kubelet.maxParallelImagePulls"
CORES = "nodes[node].cores"
P99 = "pods.start.p99"


def test_solve_says_that_a_knob_changes_nothing(small):
    """Serial pulls unpack on one core, however many there are."""
    found = solve(small, CORES, "1..16", seeds=2)
    assert sentence(found).startswith(f"None of 1..16 moves {P99} by more than 0.1 %: {P99} is ")
    assert "What binds there is the kubelet's pull queue" in sentence(found)
    met = solve(small, CORES, "1..4", slo="< 1h", seeds=1)
    assert met.answer is not None
    assert f"with every {CORES}, and each meets < 1h." in sentence(met).replace(f"{P99} < 1h", "< 1h")
    missed = solve(small, CORES, "1..4", slo="< 1ms", seeds=1)
    assert missed.answer is None
    assert ", and none meets" in sentence(missed)
    assert not sentence(solve(small, PULLS, "1..4", seeds=1)).startswith("None")


def test_solve_says_what_the_horizon_and_the_nodes_made(small):
    cut = solve(pullsim.override(small, ["horizon=2s"]), PULLS, "1..2", objective="pulls.ok", slo="> 0", seeds=1)
    (text,) = warnings(cut, None)
    assert text.startswith(f"With {PULLS}=1: ")
    assert text.endswith(" of 9 pods never start until the horizon (2.00 s).")
    late = pullsim.override(small, ["horizon=20s", "nodes[node].join.at=1h"])
    none = solve(late, PULLS, "1..2", slo="< 1s", seeds=1)
    assert none.answer is None
    assert warnings(none, None) == [
        "Whatever is set, 12 of 12 pods never start until the horizon (20.0 s).",
        "Whatever is set, 1 node would join only after the end (20.0 s).",
    ]
    assert "nodes that join after the end of the run, and took no pods: 1" in pullsim.run(late).warnings


def test_solve_names_the_figure_of_the_pods_that_start(small):
    """One pod of thirteen asks for an image that there is not: no knob brings it, and the last pod is never there."""
    lost = {"name": "lost", "pods": {"image": "r.test/none:v1"}}
    document = {**SMALL, "workloads": [*SMALL["workloads"], lost], "horizon": "10m"}
    document["images"] = {**SMALL["images"], "unknown": "notFound"}
    found = solve(pullsim.from_mapping(document), PULLS, "1..2", objective="pods.start.max", seeds=1)
    assert sentence(found).startswith("None of 1..2 moves pods.start.max by more than 0.1 %: pods.start.max is never")
    told = "pods.start.max is never, whatever is set: pods.startOfStarted.max is that of the pods that come to it."
    assert told in warnings(found, None)
    assert told not in warnings(solve(small, PULLS, "1..2", objective="pods.start.max", seeds=1), None)


def test_equal_to_nothing_is_a_limit():
    """Eight pods at once on a node that lets five pulls begin, then one a second: the others are refused."""
    images = [{"image": f"r.test/a{n}:v1", "layers": [{"size": "1MB"}]} for n in range(8)]
    scenario = pullsim.from_mapping(
        {
            "images": {"define": images},
            "nodes": [{"kubelet": {"serializeImagePulls": False, "registryPullQPS": 1}}],
            "workloads": [{"name": f"a{n}", "pods": {"image": f"r.test/a{n}:v1"}} for n in range(8)],
        }
    )
    found = solve(scenario, "kubelet.registryBurst", "1..20", slo="pulls.failed == 0", seeds=2)
    assert found.goal.metric == "pulls.failed"
    assert found.settings(found.answer.point) == ["kubelet.registryBurst=8"]
    assert "is the smallest that meets pulls.failed == 0" in sentence(found)


def test_sweep_says_which_knob_moves_nothing(small):
    study = sweep(small, [f"{PULLS}=1,3", f"{CORES}=2,4", "horizon=1h"])
    assert notes(study, [P99, "pods.start.p50"]) == [
        f"None of {CORES}=2,4 moves any of these figures by more than 0.1 %. What binds is the kubelet's pull queue."
    ]
    assert notes(sweep(small, [f"{PULLS}=1,3"]), [P99, "bytes.downloaded"]) == []
    paired = sweep(small, [f"{PULLS}=1,3", f"{CORES}=2,4"], paired=True)
    assert notes(paired, [P99]) == []


def test_sweep_says_where_pods_never_start(small):
    found = notes(sweep(small, ["horizon=2s,1h", f"{CORES}=4"]), ["pulls.ok"])
    (text,) = found
    assert text.startswith("With horizon=2s: ")
    assert text.endswith(" of 9 pods never start until the horizon (2.00 s).")


def test_the_command_prints_it(small_file):
    done = command("sweep", small_file, "-j", "1", "--set", f"{CORES}=2,4", "-m", P99)
    assert f"None of {CORES}=2,4 moves {P99} by more than 0.1 %." in " ".join(done.stdout.split())
    assert "None of" not in command("sweep", small_file, "-j", "1", "--set", f"{CORES}=2,4", "-m", P99, "-q").stdout


@pytest.mark.parametrize("knobs", [["horizon=1h", f"{PULLS}=1,3"], [f"{PULLS}=1,3", "horizon=1h"]])
def test_a_constant_is_no_axis_of_a_chart(small, tmp_path, knobs):
    study = sweep(small, knobs)
    axes = plot_knee(study, [P99])
    assert axes.get_xlabel() == PULLS
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "3"]
    assert len(axes.get_lines()) == 1
    assert write_charts(study, [P99], tmp_path) == ["knee"]
    three = sweep(small, [*knobs, f"{CORES}=2,4"])
    assert write_charts(three, [P99], tmp_path) == ["knee", "heat"]


def test_a_constant_names_no_side_of_a_comparison(small):
    made = pullsim.compare(small, set=["horizon=1h", f"{PULLS}=1,3"])
    assert (made.a.name, made.b.name) == (f"{PULLS}=1", f"{PULLS}=3")
    made = pullsim.compare(small, set=["horizon=1h"], set_b=[f"{PULLS}=3"])
    assert (made.a.name, made.b.name) == ("small", f"{PULLS}=3")


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e9)), min_size=1))
def test_what_is_unmoved_differs_by_a_thousandth_at_most(values):
    there = [value for value in values if value is not None]
    if unmoved(values) and there:
        assert len(there) == len(values)
        assert min(there) >= max(there) * 0.999
    if len(set(values)) == 1:
        assert unmoved(values)
