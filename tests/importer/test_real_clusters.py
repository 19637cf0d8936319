"""What real clusters have of workloads beyond the dumps: DaemonSets of a pool, ports, images that nobody pulls."""

import json

import pytest
import yaml

import pullsim
from pullsim.importer.draft import Question
from pullsim.importer.importing import import_cluster
from tests.support.imports import cluster_of_two_pools, node, scenario_of, tree_of


def daemon_pod(on, **spec):
    owner = {"kind": "DaemonSet", "name": "agent", "controller": True}
    spec = {"nodeName": on, "containers": [{"name": "c", "image": "nginx:1.12", **spec}]}
    return {"kind": "Pod", "metadata": {"name": f"agent-{on}", "ownerReferences": [owner]}, "spec": spec}


@pytest.mark.parametrize("question", [Question.rollout, Question.cold_node])
def test_a_daemon_set_of_some_pools_stays_in_them(question, tmp_path):
    pods = [daemon_pod("b-0", ports=[{"hostPort": 80}, {"containerPort": 81}]), daemon_pod("b-1")]
    (tmp_path / "all.json").write_text(json.dumps(cluster_of_two_pools(*pods)))
    text, _ = import_cluster([str(tmp_path)], question)
    result = pullsim.run(scenario_of(text))
    assert pullsim.summarize(result).pods.started == 2 + (question is Question.cold_node)
    assert {each.node.split("-")[0] for each in result.pods} == {"b"}
    assert yaml.safe_load(text)["workloads"][0]["pod"]["containers"][0].get("ports", []) in ([], [{"hostPort": 80}])


def test_ports_of_the_node_are_those_with_a_host_port_or_all_with_its_network(tmp_path):
    ports = [{"containerPort": 80, "protocol": "UDP"}, {"containerPort": 81, "hostPort": 8081}]
    for name, network in (("a", True), ("b", False)):
        spec = {"hostNetwork": network, "containers": [{"name": "c", "image": "nginx:1.12", "ports": ports}]}
        (tmp_path / f"{name}.json").write_text(json.dumps({"kind": "Pod", "metadata": {"name": name}, "spec": spec}))
    made = {each["name"]: each["pod"]["containers"][0]["ports"] for each in tree_of(tmp_path)["workloads"]}
    assert made == {"a": [{"hostPort": 80, "protocol": "UDP"}, {"hostPort": 8081}], "b": [{"hostPort": 8081}]}


def test_a_daemon_set_whose_pods_wait_for_nodes_of_another_pool_is_for_both(tmp_path):
    pods = [daemon_pod("a-0"), daemon_pod("a-1"), daemon_pod(""), daemon_pod(None)]
    for number, pod in enumerate(pods):
        pod["metadata"]["name"] = f"agent-{number}"
    (tmp_path / "all.json").write_text(json.dumps(cluster_of_two_pools(*pods)))
    text, _ = import_cluster([str(tmp_path)], Question.rollout)
    assert pullsim.summarize(pullsim.run(scenario_of(text))).pods.started == 4


def test_a_rollout_may_refer_to_the_template_of_a_deployment_that_is_scaled_down(tmp_path):
    template = {"spec": {"containers": [{"name": "c", "image": "nginx:1.12"}]}}
    deployment = {"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 0, "template": template}}
    reference = {"kind": "Deployment", "name": "web"}
    rollout = {"kind": "Rollout", "metadata": {"name": "ro"}, "spec": {"replicas": 5, "workloadRef": reference}}
    (tmp_path / "all.json").write_text(json.dumps({"kind": "List", "items": [deployment, rollout]}))
    assert [(each["name"], each["count"]) for each in tree_of(tmp_path)["workloads"]] == [("ro", 5)]


def test_images_that_are_never_pulled_are_on_the_nodes_in_every_question(tmp_path):
    containers = [{"name": "c", "image": "localhost/a:dev", "imagePullPolicy": "Never"}]
    pod = {"kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": containers}}
    (tmp_path / "pod.json").write_text(json.dumps(pod))
    text, _ = import_cluster([str(tmp_path)], Question.rollout)
    assert pullsim.summarize(pullsim.run(scenario_of(text))).pods.started == 1


@pytest.mark.parametrize(
    "image, size",
    [
        ("gke.gcr.io/nvidia-gpu-device-plugin:1", 250_000_000),
        ("nvcr.io/nvidia/cloud-native/gpu-operator:v24", 250_000_000),
        ("a.example.com/team/vllm-server:2", 5_000_000_000),
        ("a.example.com/team/shop:2", 250_000_000),
    ],
)
def test_what_serves_gpus_is_no_stack_of_libraries(image, size, tmp_path):
    pod = {"kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [{"name": "c", "image": image}]}}
    (tmp_path / "pod.json").write_text(json.dumps(pod))
    assert tree_of(tmp_path)["images"]["define"][0]["size"] == size


def test_images_that_were_loaded_by_hand_are_said(tmp_path):
    images = [([f"docker.io/library/import-2025-08-01@sha256:{'a' * 64}", "docker.io/library/mine:dev"], 5_000_000)]
    spec = {"nodeName": "n", "containers": [{"name": "c", "image": "mine:dev"}]}
    items = [node("n", "containerd://2.1.0", images), {"kind": "Pod", "metadata": {"name": "a"}, "spec": spec}]
    (tmp_path / "all.json").write_text(json.dumps({"kind": "List", "items": items}))
    text, told = import_cluster([str(tmp_path)], Question.now)
    assert yaml.safe_load(text)["nodes"][0]["cached"] == ["mine:dev"]
    assert any("1 image loaded into nodes by hand" in line and "mine:dev" in line for line in told)


def test_docker_is_simulated_as_containerd_and_its_sizes_are_unpacked(tmp_path):
    images = [(["a.example.com/b:1"], 100_000_000)]
    pod = {
        "kind": "Pod",
        "metadata": {"name": "a"},
        "spec": {"containers": [{"name": "c", "image": "a.example.com/b:1"}]},
    }
    items = [node("n", "docker://28.0.4", images), pod]
    (tmp_path / "all.json").write_text(json.dumps({"kind": "List", "items": items}))
    tree = tree_of(tmp_path)
    assert tree["nodes"][0]["runtime"] == {"containerd": "1.7"}
    assert tree["images"]["define"][0]["unpacked"] == 100_000_000
