"""A time line: stages that sum, spans without gaps, and what is given to whom where two things go on side by side."""

from __future__ import annotations

import pytest

import pullsim
from pullsim.oci.manifest import Layer
from pullsim.results.invariants import check
from pullsim.runtime.fetch_stages import LayerStages
from pullsim.time_line import TimeLine


def fetch():
    """A layer's fetch that asks for its blob at 1 s, and gets nothing from 3 s on."""
    stages = LayerStages(Layer("sha256:blob", 100, 260, 1, "gzip", "sha256:tar"), 1.0)
    stages.enter("request", 1.0)
    stages.enter("stall", 3.0)
    return stages


REQUEST = ("request", 1.0, 3.0, None, "sha256:blob")
STALL = ("stall", 3.0, 5.0, None, "sha256:blob")


def test_spans_are_what_was_entered_with_what_it_waited_for():
    line = TimeLine(1.0, "sync", spans=True, image="app:1")
    line.enter("queue", 3.0)
    line.explain("other:1")
    line.enter("pull", 4.0, "layer")
    assert line.close(6.0) == {"sync": 2.0, "queue": 1.0, "pull": 2.0}
    assert line.spans == [
        ("sync", 1.0, 3.0, "app:1", None),
        ("queue", 3.0, 4.0, "app:1", "other:1"),
        ("pull", 4.0, 6.0, "app:1", "layer"),
    ]


def test_what_is_waited_for_divides_an_interval_when_it_is_over():
    line = TimeLine(0.0, "sync", spans=True)
    line.split(fetch(), 1.0)
    assert line.close(5.0) == {"sync": 1.0, "request": 2.0, "stall": 2.0}
    assert line.spans == [("sync", 0.0, 1.0, None, None), REQUEST, STALL]


def forked():
    """A time line that unpacks from 1 s on, and waits from 3 s on for a fetch that has run since 1 s."""
    line = TimeLine(0.0, "resolve", spans=True)
    fork = line.fork(1.0)
    line.enter("unpack_cpu", 1.0)
    line.split_from(fork, fetch(), 3.0)
    return line


def test_the_time_since_a_fork_can_be_given_to_another():
    line = forked()
    assert line.close(5.0) == {"resolve": 1.0, "request": 2.0, "stall": 2.0}
    assert line.spans == [("resolve", 0.0, 1.0, None, None), REQUEST, STALL]


def test_the_time_since_a_fork_is_kept_if_what_was_waited_for_ended_first():
    line = forked()
    line.restore("commit")
    assert line.close(6.0) == {"resolve": 1.0, "unpack_cpu": 2.0, "commit": 3.0}
    assert [span[:3] for span in line.spans] == [
        ("resolve", 0.0, 1.0),
        ("unpack_cpu", 1.0, 3.0),
        ("commit", 3.0, 6.0),
    ]


def test_without_spans_only_sums_are_kept():
    line = TimeLine(0.0, "sync")
    line.split(TimeLine(1.0, "pull"), 1.0)
    assert line.close(2.0) == {"sync": 1.0, "pull": 1.0}
    assert line.spans is None


def shop(detail="layers", **kubelet):
    images = [
        {"image": "app:1", "layers": [{"size": "50MB"}, {"size": "20MB"}]},
        {"image": "log:1", "layers": [{"size": "80MB"}]},
    ]
    scenario = pullsim.from_mapping(
        {
            "images": {"define": images},
            "nodes": [{"name": "n", "kubelet": kubelet}],
            "workloads": [{"name": name, "pods": {"image": f"{name}:1"}} for name in ("log", "app")],
        }
    )
    result = pullsim.run(scenario, detail=detail)
    assert check(result) == []
    return result


def test_a_pod_in_the_serial_queue_says_whose_pull_it_waited_for():
    result = shop()
    queue = next(span for span in result.spans if span.pod.startswith("app") and span.stage == "queue")
    ahead = next(pull for pull in result.pulls if pull.image == "log:1")
    assert (queue.begin, queue.end, queue.cause) == (0.0, ahead.ended, "log:1")


def test_spans_of_a_pull_name_its_image_and_its_layers():
    result = shop()
    spans = [span for span in result.spans if span.pod.startswith("app") and span.image is not None]
    assert {span.image for span in spans} == {"app:1"}
    layers = {layer.digest for layer in result.layers if layer.image == "app:1"}
    assert {span.cause for span in spans if span.stage.startswith("unpack")} == layers


@pytest.mark.parametrize("detail", ["none", "pods", "pulls"])
def test_time_lines_are_kept_with_the_layers_only(detail):
    assert not shop(detail).spans


def test_the_sums_do_not_depend_on_whether_spans_are_kept():
    assert [pod.stages for pod in shop("pods").pods] == [pod.stages for pod in shop("layers").pods]


def test_a_gap_in_a_time_line_is_found():
    result = shop()
    spans = [*result.spans]
    spans[1] = spans[1]._replace(end=spans[1].end + 1e-3)
    result.spans = spans
    assert any("begins at" in problem for problem in check(result))
