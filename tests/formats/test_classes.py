"""PriorityClasses and RuntimeClasses, what admission makes of them, and the labels that controllers add."""

import pytest

from pullsim.errors import InputError
from pullsim.spec.scheduling import Requirement, Toleration
from tests.support.manifests import FIXED, assembled, built, pod, read, with_template

HOST = "kubernetes.io/hostname"


def priority_class(name, value, **more):
    return {"kind": "PriorityClass", "metadata": {"name": name}, "value": value, **more}


@pytest.mark.parametrize(
    "spec, priority",
    [
        ({}, 0),
        ({"priorityClassName": "system-node-critical"}, 2_000_001_000),
        ({"priorityClassName": "system-cluster-critical"}, 2_000_000_000),
        ({"priorityClassName": "high"}, 1000),
        ({"priorityClassName": "low", "priority": -5}, -5),
        ({"priority": 7}, 7),
        ({"priorityClassName": "gone", "priority": 9}, 9),  # of a running pod, whose class was not dumped
    ],
)
def test_priorities(tmp_path, spec, priority):
    classes = priority_class("high", 1000), priority_class("low", -5)
    (found,) = built(tmp_path, pod(**spec), *classes).pods
    assert found.spec.scheduling.priority == priority


def test_the_default_class_is_that_of_pods_without_one(tmp_path):
    classes = priority_class("usual", 50, globalDefault=True), priority_class("high", 1000)
    first, second = built(tmp_path, pod(), with_template("Job"), *classes).pods
    assert first.spec.scheduling.priority == second.spec.scheduling.priority == 50


def test_an_unknown_class_is_warned_of(tmp_path):
    (found,) = assembled(tmp_path, pod(priorityClassName="hihg"), priority_class("high", 1000)).warnings
    assert found == "Pod p: no manifest has the PriorityClass hihg, so its pods have the priority 0; did you mean high?"


@pytest.mark.parametrize(
    "given, message",
    [
        (priority_class("big", 2_000_000_000), "value must be a whole number of at most 1000000000"),
        (priority_class("a", "b"), "value must be a whole number"),
        (priority_class("system-node-critical", 5), "value of system-node-critical is 2000001000, not 5"),
        ({"kind": "PriorityClass", "value": 5}, "a PriorityClass needs metadata.name"),
    ],
)
def test_wrong_classes(tmp_path, given, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, pod(), given)


def test_two_classes_of_one_name_must_be_equal(tmp_path):
    read(tmp_path, pod(), priority_class("a", 5), priority_class("a", 5))
    with pytest.raises(InputError, match="PriorityClass a is in the file already, with other values"):
        read(tmp_path, pod(), priority_class("a", 5), priority_class("a", 6))


def test_a_runtime_class_adds_overhead_labels_and_tolerations(tmp_path):
    kata = {
        "kind": "RuntimeClass",
        "metadata": {"name": "kata"},
        "handler": "kata-qemu",
        "overhead": {"podFixed": {"cpu": "250m", "memory": "120Mi"}},
        "scheduling": {
            "nodeSelector": {"kubernetes.io/os": "linux"},
            "tolerations": [{"key": "kata", "operator": "Exists"}],
        },
    }
    containers = [{"name": "c", "image": "x", "resources": {"requests": {"cpu": "1"}}}]
    plain, running = pod(containers, runtimeClassName="kata"), pod(containers, runtimeClassName="kata")
    running["metadata"]["name"] = "q"
    running["spec"]["overhead"] = {"cpu": "250m", "memory": "120Mi"}
    nodes = [{**FIXED, "runtimeHandlers": ["kata-qemu"]}]
    for found in built(tmp_path, plain, running, kata, nodes=nodes).pods:
        scheduling = found.spec.scheduling
        assert found.spec.runtime_handler == "kata-qemu"
        assert scheduling.requests == (("cpu", 1250), ("memory", 120 * 2**20))
        assert scheduling.nonzero == (1250, 320 * 2**20)
        assert scheduling.node_selector == (("kubernetes.io/os", "linux"),)
        assert scheduling.tolerations == (Toleration("kata", "Exists"),)


def spread(key):
    selector = {"matchLabels": {"app": "a"}}
    constraint = {"maxSkew": 1, "topologyKey": HOST, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": selector}
    return [{**constraint, "matchLabelKeys": [key]}]


def test_an_update_has_another_template_hash(tmp_path):
    template = {
        "metadata": {"labels": {"app": "a"}},
        "spec": pod(topologySpreadConstraints=spread("pod-template-hash"))["spec"],
    }
    workload = {"update": {"at": "1m", "image": "x:2"}}
    cluster = built(tmp_path, with_template("Deployment", template=template), workload=workload)
    specs = cluster.pods[0].spec, cluster.owners[0].update.spec
    old, new = (dict(spec.scheduling.labels)["pod-template-hash"] for spec in specs)
    assert old != new
    for spec, value in zip(specs, (old, new), strict=True):
        (constraint,) = spec.scheduling.spread
        assert constraint.selector == (
            Requirement("app", "In", ("a",)),
            Requirement("pod-template-hash", "In", (value,)),
        )


def test_pods_of_a_cron_job_have_the_names_of_their_jobs(tmp_path):
    template = {"metadata": {}, "spec": pod(topologySpreadConstraints=spread("job-name"))["spec"]}
    cron = {
        "kind": "CronJob",
        "metadata": {"name": "c"},
        "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template}}},
    }
    pods = built(tmp_path, cron, horizon="2m").pods
    names = [dict(found.spec.scheduling.labels)["job-name"] for found in pods]
    assert names == [found.name.rpartition("-")[0] for found in pods]
    assert len(set(names)) == 2
    for found, name in zip(pods, names, strict=True):
        assert found.spec.scheduling.spread[0].selector[-1] == Requirement("job-name", "In", (name,))
