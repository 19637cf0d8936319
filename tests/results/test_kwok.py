"""Manifests for KWOK, read as the API server reads them, with delays drawn as KWOK draws them."""

import io

import pytest
import yaml

from pullsim import run
from pullsim.formats.kubernetes.objects import read_objects
from pullsim.kernel.clock import nanoseconds
from pullsim.results.exports.kwok import write_pods, write_workloads
from pullsim.scenario import from_mapping
from pullsim.units import parse_duration
from tests.support.records import empty, make

SCENARIO = {
    "version": 1,
    "images": {"define": [{"image": "example.com/a:v1", "layers": [{"size": "90MB"}]}]},
    "nodes": [{"name": "workers", "count": 2}],
    "workloads": [
        {"name": "web", "pods": {"image": "example.com/a:v1", "count": 5}, "startup": {"ready": "3s"}},
        {"name": "late", "namespace": "team", "at": "7s", "pods": {"image": "example.com/a:v1", "count": 2}},
        {"name": "lost", "pods": {"image": "example.com/none:v1", "count": 1}},
    ],
    "registries": [{"host": "example.com", "faults": [{"image": "none", "status": 404}]}],
    "horizon": "60s",
}
STAGES = ("pod-create", "pod-init-container-running", "pod-init-container-completed", "pod-ready")


def text_of(result, write=write_pods):
    file = io.StringIO()
    write(result, file)
    return file.getvalue()


def documents(text):
    return [each for each in yaml.safe_load_all(text) if each]


def drawn(annotations, stage, draw):
    """The delay of a stage, in nanoseconds: KWOK's pkg/utils/lifecycle/lifecycle.go Stage.Delay.

    ``draw``: from 0 to 1, as its random number is.
    """
    delay, jitter = (
        nanoseconds(parse_duration(annotations[f"{stage}.stage.kwok.x-k8s.io/{name}"]))
        for name in ("delay", "jitter-delay")
    )
    return jitter if jitter <= delay else delay + int((jitter - delay) * draw)


@pytest.fixture(scope="module")
def scenario():
    return from_mapping(SCENARIO)


@pytest.fixture(scope="module")
def result(scenario):
    return run(scenario)


@pytest.mark.parametrize("draw", [0, 0.5, 0.999])
def test_each_pod_takes_as_long_as_in_the_run(result, draw):
    pods = {each["metadata"]["name"]: each for each in documents(text_of(result)) if each["kind"] == "Pod"}
    assert pods.keys() == {pod.pod for pod in result.pods}
    for pod in result.pods:
        made = pods[pod.pod]
        assert made["metadata"]["namespace"] == pod.namespace
        assert made["spec"]["nodeName"] == pod.node
        assert [container["image"] for container in made["spec"]["containers"]] == [*pod.images]
        waits = [drawn(made["metadata"]["annotations"], stage, draw) for stage in STAGES]
        if pod.ready is None:
            assert waits[0] == 365 * 86400 * 10**9
        else:
            assert waits[0] == pytest.approx((pod.started - pod.scheduled) * 1e9, abs=1)
            assert sum(waits) == pytest.approx((pod.ready - pod.scheduled) * 1e9, abs=2)
            assert waits[3] == (3 * 10**9 if pod.workload == "web" else 0)


def test_the_manifest_has_what_the_pods_need(result, tmp_path):
    made = documents(text_of(result))
    assert [each["metadata"]["name"] for each in made if each["kind"] == "Node"] == ["workers-0000", "workers-0001"]
    assert [each["metadata"]["name"] for each in made if each["kind"] == "Namespace"] == ["team"]
    assert all(
        each["metadata"]["annotations"] == {"kwok.x-k8s.io/node": "fake"} for each in made if each["kind"] == "Node"
    )
    (tmp_path / "pods.yaml").write_text(text_of(result))
    groups = read_objects(tmp_path / "pods.yaml").groups
    assert {(group.namespace, group.name, group.node) for group in groups} == {
        (pod.namespace, pod.pod, pod.node) for pod in result.pods
    }


def test_a_workload_draws_between_its_percentiles(result):
    text = text_of(result, write_workloads)
    made = {each["metadata"]["name"]: each for each in documents(text)}
    assert made.keys() == {"web", "late"}
    assert '# "lost": none of its pods started' in text
    for name, each in made.items():
        assert (each["apiVersion"], each["kind"]) == ("apps/v1", "Deployment")
        annotations = each["spec"]["template"]["metadata"]["annotations"]
        assert all(isinstance(value, str) for value in annotations.values())
        starts = sorted(pod.started - pod.scheduled for pod in result.pods if pod.workload == name)
        assert drawn(annotations, "pod-create", 0) == nanoseconds(starts[0])
        assert drawn(annotations, "pod-create", 1) == nanoseconds(starts[-1])
        assert drawn(annotations, "pod-ready", 0.5) == (3 * 10**9 if name == "web" else 0)


def test_the_slowest_few_do_not_set_the_delay():
    result = make(pods=100, nodes=100, every=0.0)
    result.controllers = {("default", "app"): "StatefulSet"}
    for index, pod in enumerate(result.pods):
        seconds = 1000.0 if index < 5 else 10.0
        result.pods[index] = pod._replace(started=pod.scheduled + seconds, ready=pod.scheduled + seconds)
    (made,) = documents(text_of(result, write_workloads))
    annotations = made["spec"]["template"]["metadata"]["annotations"]
    assert made["kind"] == "StatefulSet"
    assert drawn(annotations, "pod-create", 1) == 10 * 10**9


@pytest.mark.parametrize("kind, group", [("Job", "batch/v1"), ("DaemonSet", "apps/v1"), ("CronJob", "batch/v1")])
def test_templates_stand_where_the_kind_has_them(kind, group):
    result = make(pods=1)
    result.controllers = {("default", "app"): kind}
    (made,) = documents(text_of(result, write_workloads))
    spec = made["spec"]["jobTemplate"]["spec"] if kind == "CronJob" else made["spec"]
    assert (made["apiVersion"], made["kind"]) == (group, kind)
    assert "pod-create.stage.kwok.x-k8s.io/delay" in spec["template"]["metadata"]["annotations"]


def test_pods_without_a_controller_have_no_template():
    text = text_of(make(pods=1), write_workloads)
    assert documents(text) == []
    assert '# "app": no controller makes its pods' in text


def test_the_jobs_of_a_cron_job_are_its_pods(tmp_path):
    (tmp_path / "cron.yaml").write_text(
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: report}\n"
        "spec: {schedule: '* * * * *', jobTemplate: {spec: {template: {spec: "
        "{containers: [{name: a, image: 'example.com/a:v1'}]}}}}}\n"
    )
    cron = {**SCENARIO, "workloads": [{"manifest": "cron.yaml"}], "horizon": "150s"}
    result = run(from_mapping(cron, directory=tmp_path))
    assert result.controllers == {("default", "report"): "CronJob"}


def test_a_name_that_is_given_again_is_there_once():
    result = make(pods=2, nodes=1)
    result.pods[1] = result.pods[1]._replace(pod=result.pods[0].pod)
    assert sum(each["kind"] == "Pod" for each in documents(text_of(result))) == 1


def test_names_that_are_too_long_for_a_label_are_none():
    short, long = "a" * 63, "b" * 64
    result = make(pods=1, nodes=1)
    result.pools = {long: short}
    result.pods[0] = result.pods[0]._replace(node=long, workload=long)
    node, pod = documents(text_of(result))
    assert node["metadata"]["labels"] == {"type": "kwok", "pool": short}
    assert (pod["metadata"]["labels"], pod["spec"]["nodeName"]) == ({}, long)


def test_hostile_names_are_text():
    name = '\x1b[31m": {a: b}\n---\n# \u202e'
    result = make(pods=1, nodes=1)
    result.pools = {name: name}
    result.pods[0] = result.pods[0]._replace(pod=name, node=name, workload=name, namespace=name, images=(name,))
    for write in (write_pods, write_workloads):
        text = text_of(result, write)
        assert not {"\x1b", "\u202e"} & {*text}
        assert len(documents(text)) == (3 if write is write_pods else 0)


def test_the_same_run_gives_the_same_bytes(scenario, result):
    again = run(scenario)
    for write in (write_pods, write_workloads):
        assert text_of(result, write) == text_of(again, write)
        assert documents(text_of(empty(), write)) == []
