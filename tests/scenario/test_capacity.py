"""Resources that no pool declares, labels that no node has, and priorities that would matter."""

import pytest

from pullsim.scenario import from_mapping
from tests.support.manifests import FIXED, assembled, pod, with_template

GPU = "nvidia.com/gpu"
ZONE = "topology.kubernetes.io/zone"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def workload(name="w", **pods):
    keys = {key: pods.pop(key) for key in ("at", "update") if key in pods}
    return {"name": name, "pods": {"image": "x:1", **pods}, **keys}


def scenario(pools, *workloads, **more):
    nodes = [{"name": f"p{n}", "runtime": {"fixed": {}}, **pool} for n, pool in enumerate(pools)]
    return from_mapping({"nodes": nodes, "workloads": list(workloads), **more}).assemble()


@pytest.mark.parametrize(
    "pools, requests, amounts",
    [
        ([{}], [1], [1]),
        ([{}, {}], [1, 4, 2], [4, 4]),  # the largest request of one pod, on each node
        ([{"allocatable": {GPU: 8}}, {}], [1], [8, None]),  # who declares none has none
        ([{"allocatable": {GPU: 0}}, {}], [1], [0, None]),
        ([{}], [0], [None]),
        ([{"allocatable": {"memory": "1GiB"}, "cores": 4}], [2], [2]),
    ],
)
def test_what_no_pool_declares_is_guessed(pools, requests, amounts):
    made = scenario(pools, *(workload(f"w{n}", requests={GPU: count}) for n, count in enumerate(requests)))
    assert [dict(node.spec.scheduling.allocatable).get(GPU) for node in made.cluster.nodes] == amounts
    guessed = [text for text in made.warnings if text.startswith(f"no pool says what it has of {GPU}")]
    assert len(guessed) == (
        amounts[-1] is not None and not any("allocatable" in pool and GPU in pool["allocatable"] for pool in pools)
    )
    for text in guessed:
        assert f"each node is given {max(requests)} of {GPU}" in text
        assert "nodes[].allocatable" in text


def test_several_resources_are_one_warning():
    made = scenario([{}], workload(requests={GPU: 2, "example.com/fpga": 1}))
    (warning,) = made.warnings
    assert "1 of example.com/fpga and 2 of nvidia.com/gpu" in warning


def test_what_is_declared_somewhere_and_too_little_is_warned_of():
    (warning,) = scenario([{"allocatable": {GPU: 1}}, {}], workload(requests={GPU: 2})).warnings
    assert warning == f"w: its pods start nowhere: they request more {GPU} than any node has (1 of 2)"


@pytest.mark.parametrize(
    "spec, pool, warning",
    [
        ({"nodeSelector": {"pool": "web"}}, {}, "nodeSelector pool: web: no node has such a label (nodes[].labels)"),
        ({"nodeSelector": {"pool": "web"}}, {"labels": {"pool": "web"}}, None),
        (
            {"nodeSelector": {"pool": "web"}},
            {"labels": {"pool": "db"}},
            "its pods start nowhere: no node has the labels",
        ),
        (
            {
                "topologySpreadConstraints": [
                    {"maxSkew": 1, "topologyKey": ZONE, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}
                ]
            },
            {},
            f"topologySpreadConstraints {ZONE}: no node has such a label (nodes[].zones), so it is left out",
        ),
        (
            {"affinity": {"podAntiAffinity": {REQUIRED: [{"topologyKey": "rack", "labelSelector": {}}]}}},
            {},
            "podAntiAffinity rack: no node has such a label (nodes[].labels), so it is left out",
        ),
        (
            {
                "affinity": {
                    "nodeAffinity": {
                        REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [{"key": "gpu", "operator": "Exists"}]}]}
                    }
                }
            },
            {},
            "nodeAffinity gpu: no node has such a label (nodes[].labels), so it is left out",
        ),
        # The other term can be judged, so this one selects nothing, as for the scheduler.
        (
            {
                "affinity": {
                    "nodeAffinity": {
                        REQUIRED: {
                            "nodeSelectorTerms": [
                                {"matchExpressions": [{"key": "gpu", "operator": "Exists"}]},
                                {
                                    "matchExpressions": [
                                        {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}
                                    ]
                                },
                            ]
                        }
                    }
                }
            },
            {},
            None,
        ),
        # Nodes without the label satisfy this one.
        (
            {
                "affinity": {
                    "nodeAffinity": {
                        REQUIRED: {
                            "nodeSelectorTerms": [{"matchExpressions": [{"key": "gpu", "operator": "DoesNotExist"}]}]
                        }
                    }
                }
            },
            {},
            None,
        ),
    ],
)
def test_labels_of_manifests_that_no_node_has_are_left_out(tmp_path, spec, pool, warning):
    made = assembled(tmp_path, pod(**spec), nodes=[{**FIXED, **pool}])
    assert [text.startswith(f"Pod p: {warning}") for text in made.warnings] == ([] if warning is None else [True])
    scheduling = made.cluster.pods[0].spec.scheduling
    if warning and "left out" in warning:
        assert (scheduling.node_selector, scheduling.required_nodes) == ((), None)
        assert (scheduling.spread, scheduling.anti_affinity) == ((), ())


def test_on_overrules_selectors_but_no_gate(tmp_path):
    gated = pod(nodeSelector={"kubernetes.io/os": "windows"}, schedulingGates=[{"name": "g"}])
    plain = pod(nodeSelector={"kubernetes.io/os": "windows"})
    plain["metadata"]["name"] = "q"
    first, second = assembled(tmp_path, gated, plain, workload={"on": {"pool": "n"}}).cluster.pods
    assert (first.spec.scheduling.required_nodes, second.spec.scheduling.required_nodes) == ((), None)
    assert second.spec.scheduling.node_selector == ()


PREEMPTION = "preemption is not simulated: "


@pytest.mark.parametrize(
    "pool, workloads, warned",
    [
        ({"maxPods": 1}, [workload("a"), workload("b", priority=5, at="1s")], True),
        ({"maxPods": 2}, [workload("a"), workload("b", priority=5, at="1s")], False),  # there is room for both
        ({"maxPods": 1}, [workload("a"), workload("b", priority=5)], False),  # the higher one is placed first
        ({"maxPods": 1}, [workload("a", priority=5), workload("b", priority=5, at="1s")], False),
        ({"maxPods": 1}, [workload("a", priority=5), workload("b", at="1s")], False),
        (
            {"cores": 4},
            [workload("a", requests={"cpu": 3}), workload("b", priority=1, requests={"cpu": 2}, at="1s")],
            True,
        ),
        ({}, [workload("a", requests={"cpu": 3}), workload("b", priority=1, requests={"cpu": 2}, at="1s")], False),
    ],
)
def test_preemption_is_warned_of_where_it_would_matter(pool, workloads, warned):
    made = scenario([pool], *workloads)
    assert [text.startswith(PREEMPTION) for text in made.warnings] == [True] * warned


@pytest.mark.parametrize(("policy", "warned"), [("PreemptLowerPriority", True), ("Never", False)])
@pytest.mark.parametrize("of_class", [True, False])
def test_pods_that_never_preempt(tmp_path, policy, warned, of_class):
    high = {"kind": "PriorityClass", "metadata": {"name": "high"}, "value": 9}
    spec = {"priorityClassName": "high", "preemptionPolicy": policy}
    if of_class:
        high["preemptionPolicy"] = spec.pop("preemptionPolicy")
    early = workload("early")
    manifest = {"manifest": "objects.yaml", "at": "1s"}
    template = with_template("Deployment", template={"spec": pod(**spec)["spec"]})
    pool = {**FIXED, "count": 1, "maxPods": 1}
    made = assembled(tmp_path, template, high, nodes=[pool], workload=manifest, more=[early])
    assert [text.startswith(PREEMPTION) for text in made.warnings] == [True] * warned


@pytest.mark.parametrize("taints", [["old:NoSchedule"], []])
def test_what_nodes_lack_matters_where_pods_can_go(taints):
    """A taint keeps the pods from the nodes whose kubelet knows no image volumes."""
    volume = {"name": "v", "image": {"reference": "y:1"}}
    pod_of_two = {"containers": [{"name": "c", "image": "x:1", "volumeMounts": [{"name": "v"}]}], "volumes": [volume]}
    pools = [{}, {"kubeletVersion": "1.30", "taints": taints}]
    warnings = scenario(pools, {"name": "w", "pod": pod_of_two}).warnings
    assert any("image volumes are dropped from its pods on nodes of p1" in text for text in warnings) == (not taints)
