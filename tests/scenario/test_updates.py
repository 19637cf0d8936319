"""Keys ``update`` and ``leave``, and the strategies of Kubernetes objects."""

from __future__ import annotations

import pytest

from pullsim.errors import InputError
from pullsim.scenario import from_mapping
from pullsim.spec.cluster import Leave

FIXED = {"runtime": {"fixed": {"images": {"a:1": {"pull": "1s"}, "a:2": {"pull": "1s"}}}}}
OBJECT = """
apiVersion: apps/v1
kind: {kind}
metadata: {{name: web, namespace: shop}}
spec:
  replicas: 4
  {strategy}
  template:
    spec:
      initContainers: [{{name: init, image: "a:1"}}]
      containers: [{{name: app, image: "a:1", imagePullPolicy: Always}}, {{name: proxy, image: "a:1"}}]
"""


def build(workload, **mapping):
    return from_mapping({"nodes": [FIXED], "workloads": [workload], **mapping}).build()


def manifest(tmp_path, *texts):
    path = tmp_path / "objects.yaml"
    path.write_text("---".join(texts))
    return str(path)


def test_pods_of_the_scenario_are_a_deployment():
    cluster = build({"name": "web", "pods": {"image": "a:1", "count": 3}, "update": {"at": "5m", "image": "a:2"}})
    (owner,) = cluster.owners
    assert (owner.kind, owner.name, owner.namespace, owner.replicas) == ("Deployment", "web", "default", 3)
    assert (owner.update.at, owner.update.max_surge, owner.update.max_unavailable) == (300.0, None, None)
    assert [container.image for container in owner.update.spec.containers] == ["a:2"]
    assert {pod.owner for pod in cluster.pods} == {0}
    assert len(owner.update.suffix) == 10


def test_without_an_image_pods_are_only_replaced():
    (owner,) = build({"pods": {"image": "a:1"}, "update": {"at": "5m"}}).owners
    assert [container.image for container in owner.update.spec.containers] == ["a:1"]


@pytest.mark.parametrize(
    ("kind", "strategy", "update", "surge", "unavailable"),
    [
        ("Deployment", "", {}, None, None),
        ("Deployment", "strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}", {}, "1", "0"),
        ("Deployment", "strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}", {"maxSurge": "50%"}, "50%", "0"),
        ("StatefulSet", "", {}, None, None),
        ("StatefulSet", "updateStrategy: {rollingUpdate: {maxUnavailable: 2}}", {}, None, "2"),
        ("DaemonSet", "updateStrategy: {rollingUpdate: {maxUnavailable: 10%}}", {}, None, "10%"),
        ("DaemonSet", "", {"maxSurge": 1}, "1", "0"),
    ],
)
def test_amounts_are_the_scenarios_or_the_objects(tmp_path, kind, strategy, update, surge, unavailable):
    path = manifest(tmp_path, OBJECT.format(kind=kind, strategy=strategy))
    (owner,) = build({"manifest": path, "update": {"at": "5m", "image": "a:2", **update}}).owners
    assert (owner.kind, owner.namespace) == (kind, "shop")
    assert (owner.update.max_surge, owner.update.max_unavailable) == (surge, unavailable)
    app, proxy = owner.update.spec.containers
    assert (app.image, app.policy, proxy.image) == ("a:2", "Always", "a:1")


def test_strategies_that_are_no_amounts(tmp_path):
    path = manifest(tmp_path, OBJECT.format(kind="Deployment", strategy="strategy: {type: Recreate}"))
    assert build({"manifest": path, "update": {"at": "5m", "image": "a:2"}}).owners[0].update.recreate
    path = manifest(
        tmp_path, OBJECT.format(kind="StatefulSet", strategy="updateStrategy: {rollingUpdate: {partition: 3}}")
    )
    assert build({"manifest": path, "update": {"at": "5m", "image": "a:2"}}).owners[0].update.partition == 3


def test_another_container_and_one_object_of_several(tmp_path):
    path = manifest(tmp_path, *(OBJECT.format(kind=kind, strategy="") for kind in ("Deployment", "StatefulSet")))
    update = {"at": "5m", "image": "a:2", "container": "init", "object": "StatefulSet/web"}
    deployment, stateful_set = build({"manifest": path, "update": update}).owners
    assert deployment.update is None
    assert [each.image for each in stateful_set.update.spec.wants] == ["a:2", "a:1", "a:1"]


@pytest.mark.parametrize(
    ("kind", "strategy", "update", "wrong"),
    [
        ("Deployment", "", {"maxSurge": 0, "maxUnavailable": "0%"}, "maxUnavailable cannot be 0 when maxSurge is 0"),
        ("Deployment", "", {"maxUnavailable": "101%"}, "cannot be more than 100%"),
        ("Deployment", "", {"container": "ap"}, "there is no container 'ap'; did you mean app?"),
        ("Deployment", "", {"object": "wed"}, "there is no 'wed'"),
        ("StatefulSet", "", {"maxSurge": 1}, "a StatefulSet has no maxSurge"),
        ("StatefulSet", "", {"maxUnavailable": 0}, "of a StatefulSet cannot be 0"),
        ("StatefulSet", "updateStrategy: {type: OnDelete}", {}, "nothing happens until pods are deleted"),
        ("DaemonSet", "", {"maxSurge": 1, "maxUnavailable": 1}, "the other must be 0"),
        ("DaemonSet", "", {"maxUnavailable": 0}, "maxUnavailable cannot be 0 when maxSurge is 0"),
        ("ReplicaSet", "", {}, "the manifest has no Deployment, StatefulSet, DaemonSet"),
        ("Deployment", "strategy: {type: Rolling}", {}, "'Rolling' is not one of RollingUpdate, Recreate"),
        ("Deployment", "strategy: {rollingUpdate: {maxSurge: many}}", {}, "must be a number of pods or a percentage"),
    ],
)
def test_what_is_wrong_with_updates(tmp_path, kind, strategy, update, wrong):
    path = manifest(tmp_path, OBJECT.format(kind=kind, strategy=strategy))
    with pytest.raises(InputError, match=r"update|[sS]trategy") as caught:
        build({"manifest": path, "update": {"at": "5m", "image": "a:2", **update}})
    assert wrong in str(caught.value)


@pytest.mark.parametrize(
    ("workload", "wrong"),
    [
        (
            {"pods": {"image": "a:1"}, "at": "10m", "update": {"at": "5m", "image": "a:2"}},
            "before the workload is created",
        ),
        ({"pods": {"image": "a:1"}, "arrivals": {"every": "1s"}, "update": {"at": "5m"}}, "does not go with arrivals"),
        ({"pods": {"image": "a:1"}, "update": {"at": "5m", "object": "x"}}, "object goes with a manifest"),
        ({"pods": {"image": "a:1"}, "update": {"at": "5m", "image": "b:1"}}, "b:1"),
    ],
)
def test_what_is_wrong_with_updates_of_pods(workload, wrong):
    with pytest.raises(InputError) as caught:
        build(workload, nodes=[{}])
    assert wrong in str(caught.value)


def test_nodes_leave():
    cluster = from_mapping({"horizon": "1h", "nodes": [{**FIXED, "leave": {"rate": "0.5/h", "replaceAfter": "90s"}}]})
    assert cluster.build().nodes[0].spec.leave == Leave(0.5 / 3600, 90.0)
    off = from_mapping({"nodes": [{**FIXED, "leave": {"rate": "0/h"}}]})
    assert off.build().nodes[0].spec.leave is None


def test_nodes_that_leave_need_a_horizon():
    with pytest.raises(InputError, match=r"nodes\[0\].leave: .* give it a horizon"):
        from_mapping({"nodes": [{**FIXED, "leave": {"rate": "0.5/h"}}]}).build()
