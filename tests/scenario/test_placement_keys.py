"""The keys of a scenario that decide where pods go: of pools, of pods in short, and of pods written out."""

import pytest

from pullsim.errors import InputError
from pullsim.inputs.document import parse_document
from pullsim.scenario import effective_yaml, from_mapping
from pullsim.spec.scheduling import PodTerm, Requirement, SpreadConstraint, Taint, Toleration

ZONE = "topology.kubernetes.io/zone"
FIXED = {"runtime": {"fixed": {}}}


def nodes(**pool):
    return from_mapping({"nodes": [{"name": "n", **pool}]}).build().nodes


def scheduling(**pool):
    return nodes(**pool)[0].spec.scheduling


@pytest.mark.parametrize(
    "pool, allocatable",
    [
        ({}, {}),
        ({"cores": 8}, {"cpu": 8000}),
        ({"cores": {"efficiency": 0.5}}, {}),  # a default number of cores limits nothing
        ({"cores": 8, "allocatable": {"memory": "60GiB"}}, {"cpu": 8000, "memory": 60 * 2**30}),
        ({"cores": 8, "allocatable": {"cpu": "7910m"}}, {"cpu": 7910}),
        ({"cores": 8, "allocatable": {"cpu": "unlimited"}}, {}),
        ({"cores": 8, "allocatable": {"cpu": None}}, {"cpu": 8000}),  # a key with null counts as absent
        ({"allocatable": {"cpu": 1.5, "memory": "15896988Ki"}}, {"cpu": 1500, "memory": 15_896_988 * 1024}),
        ({"allocatable": {"nvidia.com/gpu": "8"}}, {"nvidia.com/gpu": 8}),
        (
            {"allocatable": {"nvidia.com/gpu": 0, "ephemeral-storage": "95GB"}},
            {"nvidia.com/gpu": 0, "ephemeral-storage": 95 * 10**9},
        ),
        ({"allocatable": {"pods": "29", "hugepages-1Gi": 0}}, {"hugepages-1Gi": 0}),
    ],
)
def test_allocatable(pool, allocatable):
    assert dict(scheduling(**pool).allocatable) == allocatable


@pytest.mark.parametrize(
    "pool, most",
    [
        ({}, 110),
        ({"maxPods": 5}, 5),
        ({"kubelet": {"maxPods": 30}}, 30),
        ({"kubelet": {"maxPods": 30}, "allocatable": {"pods": 29}}, 29),
        ({"maxPods": 29, "allocatable": {"pods": "29"}}, 29),
    ],
)
def test_the_most_pods_on_a_node(pool, most):
    assert nodes(**pool)[0].spec.max_pods == most


@pytest.mark.parametrize(
    "taint, read",
    [
        ("gpu=yes:NoSchedule", Taint("gpu", "yes", "NoSchedule")),
        ("example.com/gpu:NoExecute", Taint("example.com/gpu", "", "NoExecute")),
        ("a=:PreferNoSchedule", Taint("a", "", "PreferNoSchedule")),
        ({"key": "a", "effect": "NoSchedule"}, Taint("a", "", "NoSchedule")),
        ({"key": "a", "value": "b", "effect": "NoExecute"}, Taint("a", "b", "NoExecute")),
    ],
)
def test_taints_as_kubectl_and_as_the_api_write_them(taint, read):
    assert scheduling(taints=[taint]).taints == (read,)


def test_labels_of_nodes():
    labels = dict(scheduling(platform="linux/arm64", labels={"disktype": "ssd"}).labels)
    assert labels == {
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "arm64",
        "beta.kubernetes.io/os": "linux",
        "beta.kubernetes.io/arch": "arm64",
        "pullsim.io/pool": "n",
        "disktype": "ssd",
    }
    assert "zone-a" in dict(scheduling(labels={ZONE: "zone-a", "kubernetes.io/arch": "amd64"}).labels).values()


def test_nodes_are_in_zones_in_turn_and_get_ready_later():
    made = nodes(count=5, zones=["a", "b"], join={"at": "10s", "every": "2s", "ready": "30s"})
    assert [node.zone for node in made] == ["a", "b", "a", "b", "a"]
    assert [(node.joins, node.ready_after) for node in made[:2]] == [(10.0, 30.0), (12.0, 30.0)]
    assert (nodes()[0].zone, nodes()[0].ready_after) == (None, 0.0)


@pytest.mark.parametrize(
    "pool, message",
    [
        ({"allocatable": {"cpu": "4 cores"}}, "nodes[n].allocatable.cpu: quantity '4 cores': unknown suffix"),
        ({"allocatable": {"gpu": 1}}, "'gpu' is no resource; a resource is cpu, memory, ephemeral-storage"),
        ({"allocatable": {"memory": "-1Gi"}}, "nodes[n].allocatable.memory: quantity '-1Gi' is negative"),
        ({"allocatable": {"nvidia.com/gpu": 0.5}}, "of nvidia.com/gpu must be a whole number"),
        ({"allocatable": 4}, "4 must be a mapping of resources to amounts: {cpu: 4, memory: 16GiB}"),
        ({"allocatable": {"pods": 5}, "maxPods": 6}, "maxPods is 6 and allocatable has 5 pods: one of them is enough"),
        ({"taints": ["gpu"]}, "nodes[n].taints[0]: 'gpu' is no taint; a taint is key=value:EFFECT or key:EFFECT"),
        ({"taints": ["gpu:NoSchedul"]}, "effect 'NoSchedul' is not one of NoSchedule, PreferNoSchedule, NoExecute"),
        ({"taints": [{"key": "a"}]}, "effect is missing"),
        ({"taints": [{"key": "a", "effect": "No"}]}, "'No' is not one of NoSchedule"),
        ({"labels": {"a": True}}, "nodes[n].labels.a: true must be text"),
        ({"labels": {"a b": "x"}}, "'a b' is no key of a label"),
        ({"labels": {"a": "x y"}}, "'x y' is no value of a label"),
        ({"labels": {"kubernetes.io/hostname": "x"}}, "each node has its own name as this label"),
        ({"labels": {ZONE: "a"}, "zones": ["a"]}, "zones give each node this label"),
        ({"labels": {"kubernetes.io/arch": "arm64"}}, "is amd64 on nodes of this pool, not 'arm64'"),
        ({"zones": [""]}, "nodes[n].zones[0]"),
        ({"zones": ["a b"]}, "nodes[n].zones[0]: topology.kubernetes.io/zone: 'a b' is no value of a label"),
        ({"taints": ["a/b/c:NoSchedule"]}, "nodes[n].taints[0]: 'a/b/c' is no key of a label"),
        ({"taints": ["a=1:NoSchedule", "a=2:NoSchedule"]}, "a:NoSchedule is there twice"),
        ({"join": {"ready": "soon"}}, "nodes[n].join.ready: duration 'soon'"),
        ({"taint": ["a:NoSchedule"]}, "unknown key 'taint'; did you mean taints?"),
    ],
)
def test_mistakes_in_a_pool(pool, message):
    with pytest.raises(InputError) as caught:
        nodes(**pool)
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


POOL = {
    "name": "n",
    "count": 3,
    "cores": 8,
    "allocatable": {"memory": "60GiB", "nvidia.com/gpu": 1},
    "labels": {"a": "b"},
    "taints": ["gpu:NoSchedule"],
    "zones": ["a", "b"],
    "join": {"ready": "5s"},
}
ANTI = {
    "podAntiAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "web"}}}
        ]
    }
}
SPREAD = {
    "maxSkew": 1,
    "topologyKey": ZONE,
    "whenUnsatisfiable": "DoNotSchedule",
    "labelSelector": {"matchLabels": {"app": "web"}},
}
PLACED = {
    "labels": {"app": "web"},
    "nodeSelector": {"a": "b"},
    "affinity": ANTI,
    "tolerations": [{"key": "gpu", "operator": "Exists"}],
    "topologySpreadConstraints": [SPREAD],
    "priority": 5,
}


def scenario(workload, pool=POOL, **more):
    return from_mapping({"nodes": [{**pool, **FIXED}], "workloads": [{"name": "w", **workload}], **more})


@pytest.mark.parametrize(
    "workload",
    [
        {"pods": {"image": "x:1", "requests": {"cpu": "500m", "memory": "1GiB"}, **PLACED}},
        {
            "pod": {
                "containers": [
                    {
                        "name": "c",
                        "image": "x:1",
                        "resources": {"requests": {"cpu": "500m"}, "limits": {"memory": "1Gi"}},
                    }
                ],
                **PLACED,
            }
        },
    ],
)
def test_pods_say_it_as_the_api_does(workload):
    found = scenario(workload).build().pods[0].spec.scheduling
    labels = dict(found.labels)
    assert labels.pop("pod-template-hash")
    assert labels == {"app": "web"}
    assert found.requests == (("cpu", 500), ("memory", 2**30))
    assert found.nonzero == (500, 2**30)
    assert found.node_selector == (("a", "b"),)
    assert found.tolerations == (Toleration("gpu", "Exists"),)
    web = (Requirement("app", "In", ("web",)),)
    assert found.anti_affinity == (PodTerm("kubernetes.io/hostname", web),)
    assert found.spread == (SpreadConstraint(ZONE, 1, True, web),)
    assert found.priority == 5


def test_a_class_gives_the_priority():
    found = scenario({"pods": {"image": "x:1", "priorityClassName": "system-node-critical"}}).build().pods[0]
    assert found.spec.scheduling.priority == 2_000_001_000


@pytest.mark.parametrize(
    "pods, message",
    [
        (
            {"requests": {"cpu": "fast"}},
            "workloads[w].pods.requests.cpu: quantity 'fast' does not start with a number",
        ),
        ({"requests": {"gpu": 1}}, "'gpu' is no resource"),
        ({"labels": {"a": 1}}, "workloads[w].pods.labels.a: 1 must be text; write it in quotes"),
        ({"nodeSelector": {"a": False}}, "workloads[w].pods.nodeSelector.a: false must be text"),
        (
            {"tolerations": [{"key": "a", "effect": "No"}]},
            "workloads[w].pods.tolerations[0].effect: effect 'No' is not one of NoSchedule",
        ),
        ({"affinity": {"podAffinty": {}}}, "unknown field 'podAffinty'; did you mean podAffinity?"),
        ({"topologySpreadConstraints": [{"maxSkew": 1}]}, "whenUnsatisfiable None is not one of"),
        ({"toleration": []}, "unknown key 'toleration'; did you mean tolerations?"),
        ({"priority": 2**31}, "workloads[w].pods.priority: "),
    ],
)
def test_mistakes_in_pods(pods, message):
    with pytest.raises(InputError) as caught:
        scenario({"pods": {"image": "x:1", **pods}}).build()
    assert message in str(caught.value)


def test_the_effective_scenario_is_the_same_one():
    written = scenario({"pods": {"image": "x:1", "requests": {"cpu": 0.5}, **PLACED}})
    again = from_mapping(parse_document(effective_yaml(written), "effective").tree)
    assert again.build().nodes == written.build().nodes
    assert again.build().pods == written.build().pods
    default = from_mapping({"nodes": [FIXED]})
    again = from_mapping(parse_document(effective_yaml(default), "effective").tree)
    assert again.build().nodes == default.build().nodes


NOWHERE = "w: its pods start nowhere: "


@pytest.mark.parametrize(
    "pods, pool, warnings",
    [
        ({"tolerations": PLACED["tolerations"]}, POOL, []),
        ({}, POOL, [NOWHERE + "all nodes for them have taints: gpu:NoSchedule"]),
        (
            {"nodeSelector": {"a": "c"}},
            {"labels": {"a": "b"}},
            [NOWHERE + "no node has the labels that nodeSelector and"],
        ),
        ({"nodeSelector": {"z": "c"}}, {}, [NOWHERE + "no node has the labels"]),
        ({"nodeSelector": {"kubernetes.io/hostname": "n-0002"}}, {"name": "n", "count": 3}, []),
        ({"nodeSelector": {"kubernetes.io/hostname": "n-0003"}}, {"name": "n", "count": 3}, [NOWHERE + "no node has"]),
        ({"nodeSelector": {ZONE: "b"}}, {"count": 2, "zones": ["a", "b"]}, []),
        ({"nodeSelector": {ZONE: "c"}}, {"count": 2, "zones": ["a", "b"]}, [NOWHERE + "no node has"]),
        ({"requests": {"cpu": 8}}, {"cores": 8}, []),
        (
            {"requests": {"cpu": "8001m"}},
            {"cores": 8},
            [NOWHERE + "they request more cpu than any node has (8 of 8001m)"],
        ),
        ({"requests": {"memory": "1TiB"}}, {}, []),
        (
            {"requests": {"memory": "1TiB"}},
            {"allocatable": {"memory": "512GiB"}},
            [NOWHERE + "they request more memory than any node has (512GiB of 1TiB)"],
        ),
        (
            {"topologySpreadConstraints": [SPREAD]},
            {},
            [NOWHERE + f"no node has the label {ZONE}, over"],
        ),
        ({"topologySpreadConstraints": [SPREAD]}, {"zones": ["a"]}, []),
        (
            {"requests": {"a.b/c": 2}},
            {"allocatable": {"a.b/c": 1}},
            [NOWHERE + "they request more a.b/c than"],
        ),
    ],
)
def test_pods_that_start_nowhere_are_warned_of(pods, pool, warnings):
    found = scenario({"pods": {"image": "x:1", **pods}}, pool).assemble().warnings
    assert len(found) == len(warnings)
    for text, start in zip(found, warnings, strict=True):
        assert text.startswith(start)


def test_a_resource_is_set_in_brackets_as_its_name_has_dots():
    mapping = {"nodes": [{"name": "n", "allocatable": {"nvidia.com/gpu": 1}}]}
    scenario = from_mapping(mapping, ["nodes[*].allocatable[nvidia.com/gpu]=2", "nodes[n].allocatable.cpu=1500m"])
    assert scenario.nodes[0].allocatable == {"nvidia.com/gpu": 2, "cpu": 1500}
