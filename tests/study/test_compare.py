from __future__ import annotations

import json

import pytest

import pullsim
from pullsim.errors import InputError
from pullsim.results.exports.files import write
from pullsim.study.compare import compare
from pullsim.study.compare_text import changes, markdown, moved, notes, plot_moved
from pullsim.study.saved_sides import paired, saved

METRICS = ["pods.start.p50", "pods.start.mean", "pulls.failed"]


def test_differences_are_paired_by_seed(small):
    comparison = compare(small, set=["kubelet.maxParallelImagePulls=1,3"], seeds=6)
    runs = [
        [
            pullsim.summarize(pullsim.run(pullsim.override(small, [f"kubelet.maxParallelImagePulls={n}", f"seed={s}"])))
            for s in range(3, 9)
        ]
        for n in (1, 3)
    ]
    (p50, mean, failed) = comparison.differences(METRICS)
    pairs = [b.pods.start.mean - a.pods.start.mean for a, b in zip(*runs, strict=True)]
    assert mean.difference.mean == pytest.approx(sum(pairs) / 6)
    assert p50.verdict == mean.verdict == "lower"
    assert failed.verdict == "same"
    table = comparison.table(METRICS)
    assert list(table["metric"]) == METRICS


def test_what_changed_in_the_inputs_and_where_the_time_moved(small):
    comparison = compare(small, set_a=["nodes[node].cores=1"], set_b=["nodes[node].cores=4"])
    cores = ["nodes[node].cores.count: 1 → 4", "nodes[node].allocatable.cpu: 1 → 4"]  # pods may request what is there
    assert sorted(changes(comparison)) == sorted(cores)
    serial = compare(small, set=["kubelet.maxParallelImagePulls=1,3"])
    assert moved(serial)[0].startswith("pull queue: -")
    text = markdown(serial, METRICS)
    assert "| `pods.start.p50` |" in text
    assert plot_moved(serial).get_xlabel() == "mean time of a pod (s)"


def test_the_same_twice_is_the_same(small):
    comparison = compare(small, small, set_b=["nodes[node].cores=4"], set_a=["nodes[node].cores=4"], seeds=2)
    assert {each.verdict for each in comparison.differences(METRICS)} == {"same"}
    assert comparison.moved() == []


def test_a_difference_below_the_models_error_is_called_so(small):
    comparison = compare(small, set=["nodes[node].metadata.write=2.1ms,2.2ms"], seeds=2)
    (difference,) = comparison.differences(["pods.start.max"])
    assert abs(difference.relative) < 0.02
    assert difference.verdict == "within model error"
    (note,) = notes(comparison, ["pods.start.max"])
    assert "smaller than the model's own error" in note


def test_nodes_that_an_autoscaler_makes_are_of_the_models_error_too():
    """All nodes are the autoscaler's: there are none at time 0."""
    made = pullsim.from_mapping(
        {
            "images": {"define": [{"image": "a.test/a:v1", "layers": [{"size": "10MB"}]}]},
            "nodes": [{"name": "a", "count": 0, "autoscale": {"max": 1, "boot": "30s"}}],
            "workloads": [{"pods": {"image": "a.test/a:v1"}}],
        }
    )
    assert made.assemble().cluster.nodes == ()
    comparison = compare(made, set=["nodes[a].metadata.write=2.1ms,2.2ms"])
    assert comparison.a.error == comparison.b.error == pullsim.summarize(pullsim.run(made)).model_error is not None


def test_saved_results_compare_like_their_runs(small, tmp_path):
    for name, limit in (("a", 1), ("b", 3)):
        variant = pullsim.override(small, [f"kubelet.maxParallelImagePulls={limit}"])
        write(pullsim.run(variant), pullsim.effective_yaml(variant), tmp_path / name)
    from_files = paired(saved(tmp_path / "a"), saved(tmp_path / "b"))
    from_runs = compare(small, set=["kubelet.maxParallelImagePulls=1,3"])
    assert from_files.table(METRICS).equals(from_runs.table(METRICS))
    assert changes(from_files) == changes(from_runs)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no such file"), ("{", "no JSON"), (json.dumps({"schemaVersion": 99}), "is newer than 1")],
)
def test_results_that_are_none_are_refused(tmp_path, content, message):
    if content is not None:
        (tmp_path / "summary.json").write_text(content)
    with pytest.raises(InputError, match=message):
        saved(tmp_path)


def test_one_side_alone_and_three_values_are_refused(small):
    with pytest.raises(InputError, match="one side only"):
        compare(small)
    with pytest.raises(InputError, match="two sides"):
        compare(small, set=["nodes[node].cores=1,2,3"])
