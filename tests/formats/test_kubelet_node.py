"""What a KubeletConfiguration says of its node to the scheduler: taints, pods by core, what it keeps for itself."""

import json

import pytest

from pullsim.errors import InputError
from pullsim.inputs.document import parse_document
from pullsim.scenario import effective_yaml, from_mapping
from pullsim.spec.scheduling import Taint

GPU = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}


def built(directory="", **pool):
    return from_mapping({"nodes": [{"name": "n", **pool}]}, directory=directory).assemble()


def spec(directory="", **pool):
    return built(directory, **pool).cluster.nodes[0].spec


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("as_file", [False, True])
def test_taints_that_the_kubelet_registers(tmp_path, as_file, wrapped):
    written = {"registerWithTaints": [GPU, {"key": "a", "effect": "NoExecute"}]}
    mapping = {"kubeletconfig": written} if wrapped else written
    (tmp_path / "kubelet.json").write_text(json.dumps(mapping))
    pool = {"kubelet": "kubelet.json" if as_file else mapping, "taints": ["b:NoSchedule", "a:NoExecute"]}
    taints = (Taint("b"), Taint("a", "", "NoExecute"), Taint("nvidia.com/gpu", "present"))
    assert spec(tmp_path, **pool).scheduling.taints == taints
    assert built(tmp_path, **pool).ignored == ()


@pytest.mark.parametrize(
    "pool, most, warned",
    [
        ({"cores": 4, "kubelet": {"podsPerCore": 10}}, 40, False),
        ({"cores": 40, "kubelet": {"podsPerCore": 10}}, 110, False),
        ({"cores": 4, "kubelet": {"podsPerCore": 0}}, 110, False),
        ({"cores": 4, "maxPods": 20, "kubelet": {"podsPerCore": 10}}, 20, False),
        ({"allocatable": {"cpu": "3920m"}, "kubelet": {"podsPerCore": 10}}, 40, False),
        ({"kubelet": {"podsPerCore": 10}}, 110, True),  # a default number of cores limits nothing
    ],
)
def test_pods_by_core(pool, most, warned):
    assert spec(**pool).max_pods == most
    left_out = [text for text in built(**pool).warnings if "podsPerCore is left out" in text]
    assert len(left_out) == warned


@pytest.mark.parametrize(
    "pool, warned",
    [
        ({"cores": 4, "kubelet": {"kubeReserved": {"cpu": "80m"}}}, True),
        ({"cores": 4, "kubelet": {"systemReserved": {"cpu": "80m"}}}, True),
        ({"cores": 4, "kubelet": {"kubeReserved": {"memory": "1Gi"}}}, False),
        ({"cores": 4, "allocatable": {"cpu": "3920m"}, "kubelet": {"kubeReserved": {"cpu": "80m"}}}, False),
        ({"kubelet": {"kubeReserved": {"cpu": "80m"}}}, False),  # nothing limits cpu
        ({"preset": "aws/m6i.large-gp3", "kubelet": {"kubeReserved": {"cpu": "70m"}}}, False),
    ],
)
def test_cores_that_the_kubelet_keeps_are_warned_of(pool, warned):
    found = [text for text in built(**pool).warnings if "pods may request all cores, although kubeReserved" in text]
    assert len(found) == warned


@pytest.mark.parametrize(
    "kubelet, message",
    [
        ({"podsPerCore": -1}, "podsPerCore: -1 must be a whole number that is not negative"),
        ({"podsPerCore": "ten"}, "podsPerCore: 'ten' must be"),
        ({"registerWithTaints": "gpu:NoSchedule"}, "registerWithTaints: must be a list of taints"),
        ({"registerWithTaints": [{"effect": "NoSchedule"}]}, "registerWithTaints: key '' of a taint must be text"),
        ({"registerWithTaints": [{"key": "a", "effect": "No"}]}, "registerWithTaints: effect 'No' is not one of"),
    ],
)
def test_what_the_kubelet_refuses(kubelet, message):
    with pytest.raises(InputError) as caught:
        built(kubelet=kubelet)
    assert message in str(caught.value)


def test_the_effective_scenario_has_the_same_nodes():
    for pool in ({"kubelet": {"podsPerCore": 10}}, {"cores": 4, "kubelet": {"podsPerCore": 10}}):
        scenario = from_mapping({"nodes": [pool]})
        again = from_mapping(parse_document(effective_yaml(scenario), "effective").tree)
        assert again.build().nodes[0].spec.max_pods == scenario.build().nodes[0].spec.max_pods
