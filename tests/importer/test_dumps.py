"""Each dump of a cluster gives what its expected.json says: pools, images, workloads, and a scenario that runs."""

import json
import re
from pathlib import Path

import pytest
import yaml

import pullsim
from pullsim.importer.draft import Question
from pullsim.inputs.document import parse_document
from pullsim.oci.catalog import Catalog
from pullsim.oci.manifest import select
from pullsim.oci.platform import Platform
from pullsim.oci.reference import parse
from pullsim.scenario.file.reader import from_document
from pullsim.scenario.presets.machines import machine_of_type
from pullsim.scenario.presets.nodes import find
from tests.support.cluster_dumps import CASES, DUMPS

NEWEST = ("1.37", "2.4")  # what stands for newer releases


def expected(case):
    return json.loads((DUMPS / case / "expected.json").read_text())


def pool_name(name):
    """``web (m6i.xlarge)`` is ``web-m6i.xlarge`` here."""
    return re.sub(r" \((.*)\)", r"-\1", name)


def machine(instance_type):
    """The preset of a type that had none when the dumps were made."""
    found = machine_of_type(instance_type) if instance_type else None
    return found and found.name


def scenario_of(text, tmp_path):
    return from_document(parse_document(text, "scenario.yaml"), tmp_path)


@pytest.mark.parametrize("case", CASES)
def test_pools(case, imported):
    pools = {pool["name"]: pool for pool in yaml.safe_load(imported(case)[0])["nodes"]}
    assert {*pools} == {pool_name(pool["name"]) for pool in expected(case)["pools"]}
    for right in expected(case)["pools"]:
        pool = pools[pool_name(right["name"])]
        given = find(pool["preset"], Path(), None).tree if "preset" in pool else {}
        for key in ("count", "platform", "maxPods"):
            assert pool[key] == right[key]
        assert pool.get("preset") == (right["preset"] or machine(right["instanceType"]))
        assert pool.get("cores", given.get("cores", {}).get("count")) == right["cores"]
        assert pool["kubeletVersion"] == right["kubeletVersion"].partition(" ")[0] or pool["kubeletVersion"] in NEWEST
        (kind, release) = next(iter(right["runtime"].items()))
        assert pool["runtime"][kind] == release.partition(" ")[0] or pool["runtime"][kind] in NEWEST
        assert pool["runtime"].get("maxConcurrentDownloads") == right.get("maxConcurrentDownloads")
        assert right.get("kubelet", {}).items() <= pool.get("kubelet", {}).items()
        for resource, amount in right["resources"].items():
            of_pods = re.match(r"([1-9]\d*)", amount)  # of a fresh node, where the one of the dump is sick
            assert str(pool["allocatable"][resource]) == of_pods[1]


@pytest.mark.parametrize("case", CASES)
def test_workloads(case, imported):
    made = {
        (each.get("namespace", "default"), each["name"]): each
        for each in yaml.safe_load(imported(case)[0])["workloads"]
    }
    right = {}
    for key, each in expected(case)["workloads"].items():
        _, namespace, name = key.rpartition("|")[2].split("/")
        right[namespace, re.sub(r" \(new ReplicaSet (.*)\)", r"-\1", name)] = each
    assert {*made} == {*right}
    for key, each in right.items():
        pod = made[key]["pod"]
        assert made[key]["count"] == each["replicas"]
        assert [container["image"] for container in pod["containers"]] == each["images"]
        assert [container["image"] for container in pod.get("initContainers", [])] == each["initImages"]
        resources = {
            container["name"]: container["resources"] for container in pod["containers"] if "resources" in container
        }
        assert resources == each["resources"]


def content(image, platform, scenario):
    """Where the layers of an image come from, and its compressed bytes."""
    entries = [each for each in scenario["images"].get("define", []) if parse(each["image"]) == parse(image)]
    if entries:
        (entry,) = [each for each in entries if each.get("platform", "linux/amd64") == platform]
        if "layers" not in entry:
            return "fromSize", entry["size"]
        return "known", sum(layer["size"] for layer in entry["layers"])
    for name in reversed(scenario["images"].get("catalogs", ["official"])):
        found = Catalog.builtin(name).lookup(parse(image), 0.0)
        if found is not None:
            return "known", sum(layer.size for layer in select(found, Platform.parse(platform)).layers)
    return "none", None


@pytest.mark.parametrize("case", CASES)
def test_images(case, imported):
    scenario = yaml.safe_load(imported(case)[0])
    used = json.dumps(scenario["workloads"])
    for image, platforms in expected(case)["images"].items():
        if image not in used and not image.endswith("report:2026.30.2"):  # its CronJob has no pod now
            continue  # the images of static pods
        for platform, right in platforms.items():
            kind, size = content(image, platform, scenario)
            assert kind == right["layers"].replace("estimated", "known"), image
            if size is not None:
                assert size == pytest.approx(right["compressed"], abs=20_000)


@pytest.mark.parametrize("case", CASES)
def test_images_that_are_there_are_those_that_every_node_has(case, imported):
    scenario = yaml.safe_load(imported(case, Question.now)[0])
    pools = {pool["name"]: pool for pool in scenario["nodes"]}
    for right in expected(case)["pools"]:
        named = [each for each in right["cachedProved"] if not each.startswith("sha256:")]
        repositories = sorted(each.partition("@")[0] for each in named)
        assert sorted(parse(each).repository for each in pools[pool_name(right["name"])]["cached"]) == repositories


@pytest.mark.parametrize(
    "case, question", [*((case, Question.rollout) for case in CASES), ("small-kubeadm", Question.cold_node)]
)
def test_it_runs_as_it_is(case, question, imported, tmp_path):
    summary = pullsim.summarize(pullsim.run(scenario_of(imported(case, question)[0], tmp_path)))
    assert summary.pods.started > 0.9 * summary.pods.total
    assert summary.pulls.ok > 0


@pytest.mark.parametrize("case", ["small-k3s", "odd-aks"])
@pytest.mark.parametrize("question", [Question.scale_up, Question.outage, Question.now])
def test_each_question_gives_a_scenario_that_builds(case, question, imported, tmp_path):
    made = scenario_of(imported(case, question)[0], tmp_path)
    cluster = made.build()
    assert {each.name for each in made.nodes} == {node.spec.pool for node in cluster.nodes}
    assert {each.name for each in made.workloads} == {pod.workload for pod in cluster.pods}


def test_the_owners_of_registries_and_mirrors(imported):
    text, told = imported("small-k3s")
    registries = {each["host"]: each for each in yaml.safe_load(text)["registries"]}
    assert registries["docker.io"]["mirrors"] == [{"host": "registry.orchard.example:5000"}]
    assert registries["registry.orchard.example:5000"]["mirrors"] == [{"host": "10.20.0.9:5000"}]
    assert registries["10.20.0.9:5000"]["tls"] is False
    assert any("credentials" in line for line in told)


@pytest.mark.parametrize(
    "case, said",
    [
        (
            "small-kubeadm",
            [
                "4 static pods",
                "1 pods that have Succeeded, of Job/shop/migrate",
                "whose pulls fail in the cluster, and of unknown size: not found here either (nginx:1.12-promo)",
            ],
        ),
        (
            "small-k3s",
            [
                "other content than the nodes, whose size counts (nginx:latest for linux/amd64",
                "rewrite",
            ],
        ),
        (
            "medium-eks",
            [
                "the owner's pool web is 2 pools",
                "end at 50 images",
                "5 of its 11 pods have no node",
                "24 + 4 pods",
                "10 pods that have Succeeded, of CronJob/shop/report",
                "3 pods that were evicted",
                "1 pods that are terminating",
                "cordoned",
                "instance storage",
            ],
        ),
        (
            "odd-aks",
            [
                "left out: a virtual kubelet, which pulls nothing (virtual-node-aci-linux)",
                "kubelet 1.22 is not modelled (1.24 to 1.37 are) (onprem-07)",
                "as one that never reported (aks-sys-31770443-vmss000003)",
                "2 nodes with windows",
                "kubelet 1.38: it runs as 1.37",
                "nvidia.com/gpu is 8 in capacity and 0 in allocatable on aks-v100",
                "scheduling gates",
                "without a name that can be pulled",
            ],
        ),
    ],
)
def test_what_is_said(case, said, imported):
    told = "\n".join(imported(case)[1])
    assert not [each for each in said if each not in told]


def test_a_cold_node_of_a_pool_with_fewer_pods_than_nodes_gets_one(imported, tmp_path):
    """Six of eight GPU nodes have a pod, and four pods wait: the fresh node gets one, and nobody waits for ever."""
    text = imported("medium-eks", Question.cold_node)[0]
    on_gpu = [each for each in yaml.safe_load(text)["workloads"] if each.get("on") == {"pool": "gpu-cold"}]
    wanted = {each["name"]: each["count"] for each in on_gpu}
    assert wanted["summarizer-on-gpu-cold"] == 1
    assert "lammps-on-gpu-cold" not in wanted
    summary = pullsim.summarize(pullsim.run(scenario_of(text, tmp_path)))
    assert summary.pods.not_started == 0
    assert summary.pods_by_pool["gpu-cold"].start.max > 60
