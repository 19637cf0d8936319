"""Manifests of real clusters from file to node: where their pods run, how many bytes that takes, what is warned of."""

from collections import Counter

import pytest

import pullsim
from pullsim.scenario import from_mapping
from tests.support.manifests import pod, read, with_template

MB = 10**6
IMAGES = {
    "define": [
        {"image": "web:1", "layers": [{"size": "20MB"}, {"size": "5MB"}]},
        {"image": "agent:1", "layers": [{"size": "3MB"}]},
    ]
}


def run(tmp_path, *objects, nodes, workloads=(), **scenario):
    manifests = []
    if objects:
        read(tmp_path, *objects)
        manifests = [{"manifest": "objects.yaml"}]
    mapping = {"images": IMAGES, "nodes": nodes, "workloads": [*manifests, *workloads], **scenario}
    return pullsim.run(from_mapping(mapping, directory=tmp_path))


def deployment(replicas, image="web:1", labels=None, container=None, **spec):
    containers = [{"name": "c", "image": image, **(container or {})}]
    template = {"metadata": {"labels": labels or {"app": "a"}}, "spec": pod(containers, **spec)["spec"]}
    return with_template("Deployment", "web", template=template, replicas=replicas)


def nodes_of(result, workload="web"):
    return Counter(entry.node for entry in result.pods if entry.workload == workload)


def bytes_of(result):
    return pullsim.summarize(result).bytes.downloaded


def test_nodes_that_join_together_share_the_pods(tmp_path):
    result = run(
        tmp_path,
        nodes=[{"name": "n", "count": 3, "join": {"at": "20s"}}],
        workloads=[{"name": "web", "pods": {"image": "web:1", "count": 3}}],
    )
    assert set(nodes_of(result).values()) == {1}
    assert len(nodes_of(result)) == 3


GPU = {"resources": {"limits": {"nvidia.com/gpu": "1"}}}
GPU_POOL = {"name": "gpu", "count": 4, "join": {"at": "60s", "every": "5s"}}


def test_each_pod_with_a_gpu_gets_a_node_of_its_own(tmp_path):
    """Four nodes of which nobody says how many GPUs they have: each pulls the image."""
    taint = [{"key": "nvidia.com/gpu", "operator": "Exists"}]
    objects = (
        deployment(4, container=GPU, tolerations=taint),
        with_template("DaemonSet", "agent", template={"spec": pod([{"name": "c", "image": "agent:1"}])["spec"]}),
    )
    result = run(tmp_path, *objects, nodes=[{**GPU_POOL, "taints": ["nvidia.com/gpu:NoExecute"]}])
    assert set(nodes_of(result).values()) == {1}
    assert len(nodes_of(result)) == 4
    assert nodes_of(result, "agent") == {}  # a DaemonSet that does not tolerate the taint has no pods
    assert bytes_of(result) == pytest.approx(4 * 25 * MB, rel=0.01)
    assert [text[:50] for text in result.warnings] == ["no pool says what it has of nvidia.com/gpu: each n"]


def test_declared_gpus_are_shared_as_they_are(tmp_path):
    nodes = [{"name": "gpu", "count": 4, "allocatable": {"nvidia.com/gpu": 3}}, {"name": "cpu", "count": 3}]
    result = run(tmp_path, deployment(12, container=GPU), nodes=nodes)
    assert all(name.startswith("gpu") for name in nodes_of(result))
    assert set(nodes_of(result).values()) == {3}
    assert result.warnings == []


@pytest.mark.parametrize("autoscaled", [False, True])
def test_a_resource_that_is_guessed_is_there_on_nodes_that_come_later(tmp_path, autoscaled):
    pool = {"name": "n", "autoscale": {"max": 3, "boot": "30s"}} if autoscaled else {"name": "n", "count": 3}
    result = run(tmp_path, deployment(3, container=GPU), nodes=[pool])
    assert sorted(nodes_of(result).values()) == [1, 1, 1]


def shop(**more):
    labels = {"app.kubernetes.io/name": "shop"}
    selector = {"matchLabels": labels}
    return deployment(
        6,
        labels=labels,
        container={"resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}}},
        nodeSelector={"karpenter.sh/nodepool": "web", "kubernetes.io/os": "linux"},
        tolerations=[{"key": "dedicated", "operator": "Equal", "value": "web", "effect": "NoSchedule"}],
        topologySpreadConstraints=[
            {
                "maxSkew": 1,
                "topologyKey": "topology.kubernetes.io/zone",
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": selector,
            }
        ],
        **more,
    )


def test_a_manifest_of_another_cluster_starts_and_what_it_asks_in_vain_is_said(tmp_path):
    result = run(tmp_path, shop(), nodes=[{"name": "n", "count": 3, "preset": "aws/m6i.xlarge-gp3"}])
    assert sorted(nodes_of(result).values()) == [2, 2, 2]
    assert [text.partition(": no node has such a label")[0] for text in result.warnings] == [
        "Deployment web: nodeSelector karpenter.sh/nodepool: web",
        "Deployment web: topologySpreadConstraints topology.kubernetes.io/zone",
    ]


def test_labels_taints_and_zones_of_the_scenario_decide(tmp_path):
    web = {
        "name": "web",
        "count": 4,
        "zones": ["a", "a", "a", "b"],
        "labels": {"karpenter.sh/nodepool": "web"},
        "taints": ["dedicated=web:NoSchedule"],
    }
    other = {"name": "other", "count": 4, "zones": ["a", "b"], "labels": {"karpenter.sh/nodepool": "other"}}
    result = run(tmp_path, shop(), nodes=[other, web])
    found = nodes_of(result)
    assert all(name.startswith("web") for name in found)
    assert found["web-0003"] == 3  # one of four nodes, and half of the pods: those of zone b
    assert result.warnings == []


def test_pods_that_fit_nowhere_never_start_and_are_told(tmp_path):
    pool = {"name": "n", "count": 2, "labels": {"karpenter.sh/nodepool": "db"}}
    result = run(tmp_path, shop(), nodes=[pool], horizon="10m")
    assert [entry.started for entry in result.pods] == [None] * 6
    assert any("Deployment web: its pods start nowhere: no node has the labels" in text for text in result.warnings)


def test_a_higher_priority_is_placed_first(tmp_path):
    """Both wait for a node with room for one pod."""
    classes = {"kind": "PriorityClass", "metadata": {"name": "high"}, "value": 100}
    low = with_template("Deployment", "low", template={"spec": pod([{"name": "c", "image": "agent:1"}])["spec"]})
    pool = {"name": "n", "join": {"at": "5s"}, "maxPods": 1}
    result = run(tmp_path, low, deployment(1, priorityClassName="high"), classes, nodes=[pool], horizon="10m")
    assert [entry.workload for entry in result.pods if entry.started is not None] == ["web"]


def test_gates_hold_a_pod_for_ever(tmp_path):
    result = run(tmp_path, deployment(1, schedulingGates=[{"name": "kueue"}]), nodes=[{}], horizon="10m")
    assert [entry.node for entry in result.pods] == [None]
    assert "schedulingGates (kueue)" in result.warnings[0]
