"""Pods get the nodes that kube-scheduler gives them: the cases of tests/data/scheduling, run as clusters.

The cases were worked out from kube-scheduler's source; their README says what they leave open.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from pullsim.formats.kubernetes.objects import read_objects
from pullsim.formats.kubernetes.resources import parse_amount
from pullsim.run import simulate
from pullsim.spec.cluster import ClusterSpec, Node, Owner, Pod
from pullsim.spec.runtime import FixedImage
from pullsim.spec.scheduling import HOSTNAME, NodeScheduling, Taint
from tests.support.world import fixed, node

DATA = Path(__file__).parents[1] / "data" / "scheduling"
CASES = [
    case
    for file in sorted(DATA.glob("*.yaml"))
    for case in yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
]
RELEASE = (1, 35)
SPEC = node(fixed({}))


#: Cases that are not modelled, and why.
LEFT_OUT = {
    "namespaces by label": "namespaces have no labels",
    "pods of a Service are spread": "Services are not read",
}


def release(text, otherwise):
    return tuple(map(int, text.split("."))) if text else otherwise


def holds(case):
    given = case.get("releases", {})
    return release(given.get("from"), RELEASE) <= RELEASE <= release(given.get("until"), RELEASE)


def node_of(item, images):
    """A node of the cluster from its object."""
    spec, status = item.get("spec", {}), item.get("status", {})
    allocatable = status.get("allocatable", {})
    labels = {key: value for key, value in item["metadata"].get("labels", {}).items() if key != HOSTNAME}
    taints = [Taint(taint["key"], taint.get("value", ""), taint["effect"]) for taint in spec.get("taints", ())]
    cordon = Taint("node.kubernetes.io/unschedulable", "", "NoSchedule")
    if spec.get("unschedulable") and cordon not in taints:
        taints.insert(0, cordon)
    there = {name: each["sizeBytes"] for each in status.get("images", ()) for name in each["names"]}
    runtime = fixed(images | {name: FixedImage(0.0, size=size, present=True) for name, size in there.items()})
    amounts = tuple((name, parse_amount(name, amount)) for name, amount in allocatable.items() if name != "pods")
    made = node(runtime, pool=item["metadata"]["name"], max_pods=int(allocatable["pods"]))
    scheduling = NodeScheduling(tuple(labels.items()), tuple(taints), amounts)
    return Node(item["metadata"]["name"], replace(made, scheduling=scheduling), float(item.get("joinsAt", 0)))


def run(case, folder):
    """Run a case; its pods by name."""
    objects = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {key: value for key, value in pod["metadata"].items() if key != "ownerReferences"},
            "spec": pod["spec"],
        }
        for pod in case["pods"]
    ]
    path = folder / "pods.yaml"
    path.write_text(yaml.safe_dump_all(objects), encoding="utf-8")
    groups = {(group.namespace or "default", group.name): group for group in read_objects(path).groups}
    owners, pods = {}, []
    for pod in case["pods"]:
        metadata = pod["metadata"]
        namespace, name = metadata.get("namespace", "default"), metadata["name"]
        group = groups[namespace, name]
        (owner,) = metadata.get("ownerReferences", [None])
        index = None
        if owner is not None:
            made = Owner(owner["kind"], owner["name"], namespace)
            index = owners.setdefault(made, len(owners))
        scheduling = replace(group.spec.scheduling, priority=pod["spec"].get("priority", 0))
        template = replace(group.spec, scheduling=scheduling)
        created, deleted = float(pod.get("createdAt", 0)), pod.get("deletedAt")
        lives = None if deleted is None else deleted - created
        pods.append(Pod(name, namespace, name, template, created, group.node, lives=lives, owner=index))
    images = {want.image: FixedImage(0.0) for pod in pods for want in pod.spec.wants}
    images |= {f"{name}:latest": image for name, image in images.items()}
    nodes = tuple(node_of(item, images) for item in case["nodes"])
    spec = ClusterSpec(
        nodes,
        tuple(sorted(pods, key=lambda pod: pod.created)),
        owners=tuple(owners),
        placement="scheduler",
        horizon=1000.0,
    )
    return {row.pod: row for row in simulate(spec).pods}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_pods_get_the_nodes_that_the_scheduler_gives_them(case, tmp_path):
    if not holds(case):
        pytest.skip(f"kube-scheduler 1.35 does otherwise: {case['releases']}")
    if case["name"] in LEFT_OUT:
        pytest.skip(LEFT_OUT[case["name"]])
    rows = run(case, tmp_path)
    for name, right in case["expect"].items():
        assert rows[name].node in (right if isinstance(right, list) else [right]), name
    for names in case.get("distinct", ()):
        assert len({rows[name].node for name in names}) == len(names)
    for name, message in case.get("message", {}).items():
        assert rows[name].message == message
