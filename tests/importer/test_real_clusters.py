"""What real clusters have beyond the dumps: mirrors, merged settings, disks, devices, ports, DaemonSets of a pool."""

import base64
import gzip
import json

import pytest
import yaml

import pullsim
from pullsim.importer.draft import Question
from pullsim.importer.importing import import_cluster
from tests.support.imports import node, scenario_of, tree_of

MIRROR_SET = {
    "apiVersion": "config.openshift.io/v1",
    "kind": "ImageDigestMirrorSet",
    "metadata": {"name": "m"},
    "spec": {
        "imageDigestMirrors": [
            {"source": "docker.io", "mirrors": ["m.example.com"]},
            {"source": "quay.io/a", "mirrors": ["b.example.com"]},
        ]
    },
}


def mirrors(tree):
    return {each["host"]: [one["host"] for one in each.get("mirrors", [])] for each in tree["registries"]}


@pytest.mark.parametrize(
    "name, content, right",
    [
        ("certs.d/docker.io/hosts.toml", '[host."https://m.example.com"]\n', {"docker.io": ["m.example.com"]}),
        (
            "certs.d/docker.io/hosts.toml",
            'server = "https://all.example.com"\n[host."https://m.example.com"]\n',
            {"docker.io": ["m.example.com", "all.example.com"]},
        ),
        ("certs.d/docker.io/hosts.toml", 'server = "https://registry-1.docker.io"\n', {"docker.io": []}),
        ("certs.d/_default/hosts.toml", '[host."https://m.example.com"]\n', {"docker.io": ["m.example.com"]}),
        (
            "certs.d/r.example.com_5443_/hosts.toml",
            'server = "https://r.example.com:5443"\n[host."https://m.example.com"]\n',
            {"r.example.com:5443": ["m.example.com"]},
        ),
        (
            "registries.conf",
            '[[registry]]\nlocation = "docker.io"\n[[registry.mirror]]\nlocation = "m.example.com/hub"\n',
            {"docker.io": ["m.example.com"]},
        ),
        (
            "set.json",
            json.dumps(MIRROR_SET),
            {"docker.io": ["m.example.com"]},
        ),
    ],
)
def test_mirrors_of_every_form(name, content, right, tmp_path):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(content)
    containers = [{"name": f"c{n}", "image": each} for n, each in enumerate(("nginx:1.12", "r.example.com:5443/a:1"))]
    (tmp_path / "pod.json").write_text(
        json.dumps({"kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": containers}})
    )
    assert right.items() <= mirrors(tree_of(tmp_path)).items()


@pytest.mark.parametrize("name", ["configz-b-0.json", "b-0.json", "b-0/configz.json", "configz-b.json", "b/x.json"])
def test_settings_are_for_the_node_or_pool_that_a_file_is_named_after(name, tmp_path):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(json.dumps({"kubeletconfig": {"registryPullQPS": 7, "registryBurst": 10}}))
    (tmp_path / "nodes.json").write_text(json.dumps(cluster_of_two_pools()))
    pools = {each["name"]: each for each in tree_of(tmp_path)["nodes"]}
    assert pools["b"]["kubelet"]["registryPullQPS"] == 7
    assert "kubelet" not in pools["a"]


def machine_config(name, config, *, packed=False):
    data = yaml.safe_dump({"kind": "KubeletConfiguration", **config}).encode()
    source = "data:;base64," + base64.b64encode(gzip.compress(data) if packed else data).decode()
    contents = {"source": source, "compression": "gzip" if packed else ""}
    return {
        "apiVersion": "machineconfiguration.openshift.io/v1",
        "kind": "MachineConfig",
        "metadata": {"name": name, "labels": {"machineconfiguration.openshift.io/role": "worker"}},
        "spec": {"config": {"storage": {"files": [{"path": "/etc/kubernetes/kubelet.conf", "contents": contents}]}}},
    }


@pytest.mark.parametrize(
    "current, right", [("", {"registryPullQPS": 7, "registryBurst": 9}), ("rendered-2", {"registryPullQPS": 2})]
)
def test_settings_of_a_role_add_up_and_a_rendered_configuration_is_all_of_them(current, right, tmp_path):
    each = node("n", "cri-o://1.31.1", [], **{"node-role.kubernetes.io/worker": ""})
    each["metadata"]["annotations"] = {"machineconfiguration.openshift.io/currentConfig": current}
    kubelet_config = {
        "apiVersion": "machineconfiguration.openshift.io/v1",
        "kind": "KubeletConfig",
        "metadata": {"name": "big"},
        "spec": {
            "machineConfigPoolSelector": {
                "matchLabels": {"pools.operator.machineconfiguration.openshift.io/worker": ""}
            },
            "kubeletConfig": {"registryPullQPS": 7},
        },
    }
    made = [
        machine_config("01-worker-kubelet", {"registryPullQPS": 4, "registryBurst": 9}, packed=True),
        machine_config("rendered-1", {"registryPullQPS": 1}),
        machine_config("rendered-2", {"registryPullQPS": 2}),
    ]
    (tmp_path / "all.json").write_text(json.dumps({"kind": "List", "items": [each, kubelet_config, *made]}))
    (pool,) = tree_of(tmp_path)["nodes"]
    assert pool["kubelet"] == right


def test_a_node_pool_gives_disk_and_kubelet_settings_and_what_the_machine_sends_to_disks_bounds_the_rate(tmp_path):
    labels = {"karpenter.sh/nodepool": "web", "node.kubernetes.io/instance-type": "m6i.xlarge"}
    objects = [
        node("n", "containerd://1.7.0", [], **labels),
        {
            "kind": "NodePool",
            "metadata": {"name": "web"},
            "spec": {"template": {"spec": {"nodeClassRef": {"name": "class"}}}},
        },
        {
            "kind": "EC2NodeClass",
            "metadata": {"name": "class"},
            "spec": {
                "kubelet": {"imageGCHighThresholdPercent": 70, "imageGCLowThresholdPercent": 60},
                "blockDeviceMappings": [
                    {"deviceName": "/dev/xvda", "ebs": {"volumeSize": "4Gi", "volumeType": "gp3"}},
                    {"deviceName": "/dev/xvdb", "ebs": {"volumeSize": "80Gi", "volumeType": "gp3", "throughput": 700}},
                ],
            },
        },
    ]
    (tmp_path / "all.json").write_text(json.dumps({"kind": "List", "items": objects}))
    text, _ = import_cluster([str(tmp_path)], Question.rollout)
    (pool,) = yaml.safe_load(text)["nodes"]
    assert pool["disk"] == {"volume": "gp3:700MiB/s", "size": "80Gi"}
    assert pool["kubelet"] == {"imageGCHighThresholdPercent": 70, "imageGCLowThresholdPercent": 60}
    (built,) = scenario_of(text).build().nodes
    assert built.spec.disk.write == pytest.approx(156.25e6)  # what an m6i.xlarge sends to EBS all the time


NODE_CONFIG = """MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="B"

--B
Content-Type: application/node.eks.aws

apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec: {kubelet: {config: {registryPullQPS: 7}, flags: ["--registry-burst=9"]}}
--B--
"""
SCRIPT = """MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="B"

--B
Content-Type: text/x-shellscript

#!/bin/bash
/etc/eks/bootstrap.sh c --kubelet-extra-args '--node-labels=a=b --registry-qps=7 --registry-burst=9 --max-pods=50'
--B--
"""
BOTTLEROCKET = """[settings.kubernetes]
registry-qps = 7
registry-burst = 9
[[settings.container-registry.mirrors]]
registry = "docker.io"
endpoint = ["https://m.example.com"]
[[settings.container-registry.credentials]]
registry = "m.example.com"
password = "hunter2"
"""


@pytest.mark.parametrize(
    "content", [NODE_CONFIG, SCRIPT, BOTTLEROCKET], ids=["nodeadm", "bootstrap.sh", "Bottlerocket"]
)
@pytest.mark.parametrize("inside", [True, False], ids=["in the class", "alone"])
def test_user_data_set_kubelets(content, inside, tmp_path):
    spec = {"userData": content} if inside else {}
    objects = [
        node("n", "containerd://1.7.0", [], **{"karpenter.sh/nodepool": "web"}),
        {
            "kind": "NodePool",
            "metadata": {"name": "web"},
            "spec": {"template": {"spec": {"nodeClassRef": {"name": "c"}}}},
        },
        {"kind": "EC2NodeClass", "metadata": {"name": "c"}, "spec": spec},
    ]
    (tmp_path / "all.json").write_text(json.dumps({"kind": "List", "items": objects}))
    if not inside:
        (tmp_path / "user-data.txt").write_text(content)
    text, _ = import_cluster([str(tmp_path)], Question.rollout)
    (pool,) = yaml.safe_load(text)["nodes"]
    assert pool["kubelet"] == {"registryPullQPS": 7, "registryBurst": 9}
    assert "hunter2" not in text


@pytest.mark.parametrize(
    "kind, preset",
    [
        ("n2-highmem-8", "gcp/n2-standard-8"),
        ("e2-custom-6-8192", "gcp/e2-standard-4"),
        ("custom-4-5120", "gcp/n1-standard-4"),
        ("c6g.xlarge", "aws/c6g.xlarge"),
        ("Standard_D4ads_v5", "azure/D4ads_v5"),
        ("ek-standard-8", None),
        ("z9-highmem-8", None),
    ],
)
def test_presets_by_instance_type(kind, preset, tmp_path):
    each = node("n", "containerd://1.7.0", [], **{"node.kubernetes.io/instance-type": kind})
    (tmp_path / "node.json").write_text(json.dumps(each))
    text, _ = import_cluster([str(tmp_path)], Question.rollout)
    assert yaml.safe_load(text)["nodes"][0].get("preset") == preset
    scenario_of(text).build()


@pytest.mark.parametrize(
    "labels, disk",
    [
        ({"node.kubernetes.io/instance-type": "n2-standard-4", "cloud.google.com/gke-boot-disk": "pd-ssd"}, "pd-ssd"),
        ({"node.kubernetes.io/instance-type": "n2-standard-4", "cloud.google.com/gke-boot-disk": "pd-balanced"}, None),
        (
            {
                "node.kubernetes.io/instance-type": "Standard_D8s_v5",
                "kubernetes.azure.com/storagetier": "Premium_LRS",
                "kubernetes.azure.com/storageprofile": "managed",
            },
            "P10",
        ),
        (
            {
                "node.kubernetes.io/instance-type": "Standard_D8ds_v5",
                "kubernetes.azure.com/storageprofile": "ephemeral",
            },
            None,
        ),
    ],
)
def test_the_disk_that_labels_tell(labels, disk, tmp_path):
    each = node("n", "containerd://1.7.0", [], **labels)
    each["status"]["capacity"] = {"cpu": "8", "ephemeral-storage": "129886128Ki"}
    (tmp_path / "node.json").write_text(json.dumps(each))
    text, _ = import_cluster([str(tmp_path)], Question.rollout)
    assert yaml.safe_load(text)["nodes"][0].get("disk") == (disk and {"volume": disk})
    scenario_of(text).build()


@pytest.mark.parametrize(
    "given, right", [((8, 8, 0), 8), ((8, 4), 4), ((0, 0), 0)], ids=["one is sick", "shared", "all are sick"]
)
def test_devices_are_those_for_pods(given, right, tmp_path):
    nodes = [node(f"n{n}", "containerd://1.7.0", [], pool="gpu") for n in range(len(given))]
    for each, amount in zip(nodes, given, strict=True):
        each["status"]["capacity"] = {"cpu": "8", "nvidia.com/gpu": "8"}
        each["status"]["allocatable"] = {"cpu": "8", "nvidia.com/gpu": str(amount)}
    (tmp_path / "nodes.json").write_text(json.dumps({"kind": "List", "items": nodes}))
    text, told = import_cluster([str(tmp_path)], Question.rollout)
    (pool,) = yaml.safe_load(text)["nodes"]
    assert pool["allocatable"]["nvidia.com/gpu"] == right
    assert any("nvidia.com/gpu" in line for line in told)


def cluster_of_two_pools(*pods):
    nodes = [node(f"{pool}-{n}", "containerd://1.7.0", [], pool=pool) for pool in "ab" for n in range(2)]
    return {"kind": "List", "items": [*nodes, *pods]}


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
