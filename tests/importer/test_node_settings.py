"""What real clusters say of nodes beyond the dumps: mirrors, merged settings, user data, disks, devices, presets."""

import base64
import gzip
import json

import pytest
import yaml

from pullsim.importer.draft import Question
from pullsim.importer.importing import import_cluster
from tests.support.imports import cluster_of_two_pools, node, scenario_of, tree_of

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


def test_a_mirror_of_more_or_less_than_a_registry_is_said(tmp_path):
    rules = [{"source": source, "mirrors": ["m.example.com"]} for source in ("*.example.org", "quay.io/a")]
    rules_of_set = {**MIRROR_SET, "spec": {"imageDigestMirrors": rules}}
    (tmp_path / "all.json").write_text(
        json.dumps({"kind": "List", "items": [rules_of_set, node("n", "cri-o://1.31.0", [])]})
    )
    told = "\n".join(import_cluster([str(tmp_path)], Question.rollout)[1])
    assert "1 mirror rule left out: for all registries of a domain (*.example.org)" in told
    assert "1 mirror rule left out: for a part of a registry only (quay.io/a)" in told


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


@pytest.mark.parametrize(
    "ebs, disk",
    [
        ({"throughput": 250}, {"volume": "gp3:250MiB/s"}),
        ({"volumeType": "gp3", "throughput": 5000}, {"volume": "gp3:2000MiB/s"}),
        ({"volumeType": "io2", "iops": 4000}, {"volume": "io2:1000MiB/s"}),
        ({"volumeType": "io1", "iops": 64_000}, {"volume": "io1:1000MiB/s"}),
        ({"volumeType": "io1"}, {"volume": "io1"}),
        ({"volumeType": "gp2", "volumeSize": "9Gi"}, {"volume": "gp2", "size": "9Gi"}),
        ({"volumeType": "st1", "throughput": 500}, None),
        ({}, None),
    ],
)
def test_volumes_of_karpenter(ebs, disk, tmp_path):
    spec = {"template": {"spec": {"nodeClassRef": {"name": "c"}}}}
    of_type = {"karpenter.sh/nodepool": "web", "node.kubernetes.io/instance-type": "m5.large"}
    objects = [
        node("n", "containerd://1.7.0", [], **of_type),
        {"kind": "NodePool", "metadata": {"name": "web"}, "spec": spec},
        {"kind": "EC2NodeClass", "metadata": {"name": "c"}, "spec": {"blockDeviceMappings": [{"ebs": ebs}]}},
    ]
    (tmp_path / "all.json").write_text(json.dumps({"kind": "List", "items": objects}))
    text, _ = import_cluster([str(tmp_path)], Question.rollout)
    assert yaml.safe_load(text)["nodes"][0].get("disk") == disk
    scenario_of(text).build()


def test_each_field_that_a_kubelet_refuses_is_left_out_for_its_own_reason(tmp_path):
    (tmp_path / "nodes.json").write_text(json.dumps(cluster_of_two_pools()))
    config = {"kubeletconfig": {"registryPullQPS": -5, "maxPods": "x", "registryBurst": 9}}
    (tmp_path / "configz.json").write_text(json.dumps(config))
    told = import_cluster([str(tmp_path)], Question.rollout)[1]
    left = [line.partition(" is left out: ")[::2] for line in told if " is left out: " in line]
    assert {field.rpartition(" ")[2] for field, _ in left} == {"registryPullQPS", "maxPods"}
    assert all(field.rpartition(" ")[2] in reason for field, reason in left)


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
    "content",
    [NODE_CONFIG, SCRIPT, SCRIPT[SCRIPT.index("#!") : SCRIPT.index("--B--")], BOTTLEROCKET],
    ids=["nodeadm", "part of MIME", "bootstrap.sh", "Bottlerocket"],
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


def test_a_number_of_any_length_in_a_flag_is_refused_in_one_line(tmp_path):
    (tmp_path / "nodes.json").write_text(json.dumps(cluster_of_two_pools()))
    (tmp_path / "bootstrap.sh").write_text(
        f"#!/bin/sh\nbootstrap.sh c --registry-burst=9 --registry-qps={'9' * 5000}\n"
    )
    text, told = import_cluster([str(tmp_path)], Question.rollout)
    assert [each["kubelet"] for each in yaml.safe_load(text)["nodes"]] == [{"registryBurst": 9}] * 2
    assert [line for line in told if "registryPullQPS is left out" in line and len(line) < 300]


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
    "given, right", [((8, 8, 0), 8), ((8, 4), 4), ((0, 0), 8)], ids=["one is sick", "shared", "all are sick"]
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
