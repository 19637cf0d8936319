"""What the built-in presets say of pods: maxPods, allocatable cpu and memory by the providers' formulas, and GPUs."""

import json

import pytest

from pullsim.errors import InputError
from pullsim.inputs.document import parse_document
from pullsim.scenario import effective_yaml, from_mapping
from pullsim.scenario.presets.nodes import builtin

KI, GI = 2**10, 2**30
#: By preset: the memory that the kubelet or the provider's page says (KiB), the machine's memory (GiB), cores, and ENIs
#: with their addresses.
TYPES = {
    "aws/c5a.4xlarge-gp2": (32497124, 32, 16, (8, 30)),
    "aws/hpc6a.48xlarge-gp2": (392033014, 384, 96, (2, 50)),
    "aws/p3dn.24xlarge-gp2": (784066028, 768, 96, (15, 50)),
    "aws/m6i.large-gp3": (7982004, 8, 2, (3, 10)),
    "aws/m6i.xlarge-gp3": (2 * 7982004, 16, 4, (4, 15)),
    "aws/c7g.xlarge-gp3": (7982004, 8, 4, (4, 15)),
    "gcp/n1-standard-16-pd-balanced": (61727200, 60, 8, None),
    "gcp/n1-standard-16-local-ssd": (61727200, 60, 8, None),
    "gcp/c2d-standard-112-pd-balanced": (462302536, 448, 56, None),
    "gcp/n1-standard-32-pd-balanced": (123656692, 120, 16, None),
    "gcp/e2-standard-4-pd-balanced": (16460587, 16, 4, None),
    "gcp/n2-standard-8-pd-balanced": (32921173, 32, 8, None),
    "azure/HB120-96rs_v3": (470535040, 448, 96, None),
    "azure/ND40rs_v2": (693505084, 672, 40, None),
    "azure/D4s_v5": (16512026, 16, 4, None),
}
GPUS = {"aws/p3dn.24xlarge-gp2": 8, "gcp/n1-standard-32-pd-balanced": 8, "azure/ND40rs_v2": 8}


def node(name, **pool):
    return from_mapping({"nodes": [{"preset": name, **pool}]}).build().nodes[0].spec


def kept(amount, *steps):
    """Sum what is kept of each step of an amount; ``steps`` are (upper end, share)."""
    total, lower = 0.0, 0
    for upper, share in steps:
        total += share * max(min(amount, upper) - lower, 0)
        lower = upper
    return total


def cpu(provider, cores):
    if provider == "azure":
        table = [(1, 60), (2, 100), (4, 140), (8, 180), (16, 260), (32, 420), (64, 740)]
        lower = max(row for row in table if row[0] <= cores)
        return cores * 1000 - (lower[1] + (cores - lower[0]) * 10)
    return int(cores * 1000 - kept(cores, (1, 60), (2, 10), (4, 5), (10**6, 2.5)))


def memory(provider, capacity, machine, pods):
    if provider == "aws":
        return capacity - (11 * pods + 255 + 100) * KI
    if provider == "azure":
        return capacity - min(20 * pods + 50, capacity // KI // 4) * KI - 100 * KI
    shares = kept(machine, (4, 0.25), (8, 0.2), (16, 0.1), (128, 0.06), (10**6, 0.02))
    return capacity - shares * KI * KI - 100 * KI


@pytest.mark.parametrize("name", builtin())
def test_every_preset_says_what_its_nodes_have(name):
    capacity, machine, cores, addresses = TYPES[name]
    provider = name.partition("/")[0]
    spec = node(name)
    enis, each = addresses or (0, 0)
    assert spec.max_pods == (enis * (each - 1) + 2 if addresses else 110)
    allocatable = dict(spec.scheduling.allocatable)
    assert allocatable.pop("cpu") == cpu(provider, cores)
    assert allocatable.pop("memory") == pytest.approx(
        memory(provider, capacity, machine, spec.max_pods) * KI, abs=2 * KI
    )
    assert allocatable.pop("nvidia.com/gpu", None) == GPUS.get(name)
    assert allocatable == {}
    assert 0.8 * machine * GI < dict(spec.scheduling.allocatable)["memory"] < 1.01 * machine * GI
    kind = dict(spec.scheduling.labels)["node.kubernetes.io/instance-type"]
    assert kind.removeprefix("Standard_") in name


M6I = "aws/m6i.large-gp3"


@pytest.mark.parametrize(
    "pool, most",
    [
        ({}, 29),
        ({"maxPods": 110}, 110),
        ({"kubelet": {"maxPods": 17}}, 17),
        ({"kubelet": {"kubeletconfig": {"maxPods": 17}}}, 17),
        ({"kubelet": {"serializeImagePulls": False}}, 29),
        ({"allocatable": {"pods": 12}}, 12),
    ],
)
def test_what_the_pool_says_of_pods_stands(pool, most):
    assert node(M6I, **pool).max_pods == most


def test_a_file_of_the_kubelet_says_how_many_pods(tmp_path):
    (tmp_path / "kubelet.json").write_text(json.dumps({"maxPods": 17}))
    scenario = from_mapping({"nodes": [{"preset": M6I, "kubelet": "kubelet.json"}]}, directory=tmp_path)
    assert scenario.build().nodes[0].spec.max_pods == 17


@pytest.mark.parametrize(
    "pool, cpu, gpus",
    [
        ({}, 95690, 8),
        ({"cores": 8}, 8000, 8),
        ({"cores": {"count": 8, "efficiency": 0.5}}, 8000, 8),
        ({"allocatable": {"cpu": "4"}}, 4000, 8),
        ({"allocatable": {"nvidia.com/gpu": 4}}, 95690, 4),
    ],
)
def test_what_the_pool_says_of_resources_stands(pool, cpu, gpus):
    allocatable = dict(node("aws/p3dn.24xlarge-gp2", **pool).scheduling.allocatable)
    assert (allocatable["cpu"], allocatable["nvidia.com/gpu"]) == (cpu, gpus)


def test_labels_of_pool_and_preset_come_together():
    labels = dict(node(M6I, labels={"team": "a"}).scheduling.labels)
    assert (labels["team"], labels["node.kubernetes.io/instance-type"]) == ("a", "m6i.large")


def test_the_effective_scenario_has_the_same_nodes():
    scenario = from_mapping({"nodes": [{"preset": "aws/p3dn.24xlarge-gp2", "cores": 8}]})
    again = from_mapping(parse_document(effective_yaml(scenario), "effective").tree)
    assert again.build().nodes == scenario.build().nodes


def test_a_wrong_number_in_a_file_is_told_there(tmp_path):
    (tmp_path / "p.yaml").write_text("maxPods: many\n")
    with pytest.raises(InputError, match=r"p\.yaml:1:10: maxPods: 'many' must be a whole number"):
        from_mapping({"nodes": [{"preset": "p.yaml"}]}, directory=tmp_path)
