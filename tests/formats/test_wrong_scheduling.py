"""Mistakes in what the scheduler reads of the pods of manifests, as the API server refuses them."""

import pytest

from pullsim.errors import InputError
from tests.support.manifests import pod, read

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
ZONE = "topology.kubernetes.io/zone"
APP = {"matchLabels": {"app": "a"}}


def node_affinity(*terms):
    return {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": list(terms)}}}


def affinity(kind, **term):
    return {"affinity": {kind: {REQUIRED: [term]}}}


@pytest.mark.parametrize(
    "spec, message",
    [
        ({"nodeSelector": {"a": True}}, "nodeSelector.a: a must be text, not true; write it in quotes"),
        ({"nodeSelector": ["a"]}, "nodeSelector must be a mapping"),
        ({"nodeSelectors": {"a": "b"}}, "unknown field 'nodeSelectors'; did you mean nodeSelector?"),
        ({"affinity": {"podAntiAfinity": {}}}, "unknown field 'podAntiAfinity'; did you mean podAntiAffinity?"),
        ({"affinity": {"nodes": {}}}, "unknown field 'nodes'; known are nodeAffinity, podAffinity, podAntiAffinity"),
        ({"affinity": {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": []}}}}, "at least one node selector term"),
        (
            {"affinity": node_affinity({"matchExpressions": [{"key": "a", "operator": "in", "values": ["b"]}]})},
            "operator 'in' is not one of In, NotIn, Exists, DoesNotExist, Gt, Lt",
        ),
        (
            {"affinity": node_affinity({"matchExpressions": [{"key": "a", "operator": "In"}]})},
            "values must be specified when operator is In",
        ),
        (
            {"affinity": node_affinity({"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]})},
            "values may not be specified when operator is Exists",
        ),
        (
            {"affinity": node_affinity({"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["x"]}]})},
            "values must be one whole number, in quotes, when operator is Gt",
        ),
        (
            {"affinity": node_affinity({"matchFields": [{"key": "spec.x", "operator": "In", "values": ["b"]}]})},
            "'spec.x' is no field of a node selector",
        ),
        (
            {"affinity": {"nodeAffinity": {PREFERRED: [{"weight": 101, "preference": {}}]}}},
            "weight must be a whole number from 1 to 100, not 101",
        ),
        (affinity("podAffinity", labelSelector=APP), "topologyKey: Required value"),
        (affinity("podAffinity", topologyKey=ZONE, matchLabelKeys=["a"]), "matchLabelKeys must not be given without"),
        ({"tolerations": [{"key": "a", "operator": "exists"}]}, "operator 'exists' is not one of Equal, Exists"),
        ({"tolerations": [{"effect": "NoSchedule"}]}, "operator must be Exists when key is empty"),
        (
            {"tolerations": [{"key": "a", "operator": "Exists", "value": "b"}]},
            "value must be empty when operator is Exists",
        ),
        ({"tolerations": [{"key": "a", "effect": "Never"}]}, "effect 'Never' is not one of NoSchedule"),
        (
            {"tolerations": [{"key": "a", "effect": "NoSchedule", "tolerationSeconds": 3}]},
            "effect must be NoExecute when tolerationSeconds is set",
        ),
        ({"tolerations": [{"key": "a", "operators": "Exists"}]}, "unknown field 'operators'; did you mean operator?"),
        (
            {"topologySpreadConstraints": [{"maxSkew": 0, "topologyKey": ZONE, "whenUnsatisfiable": "DoNotSchedule"}]},
            "maxSkew must be a whole number above 0, not 0",
        ),
        (
            {"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": ZONE}]},
            "whenUnsatisfiable None is not one of DoNotSchedule, ScheduleAnyway",
        ),
        (
            {
                "topologySpreadConstraints": [
                    {"maxSkew": 1, "topologyKey": ZONE, "whenUnsatisfiable": "ScheduleAnyway", "minDomains": 2}
                ]
            },
            "minDomains can only be given with whenUnsatisfiable DoNotSchedule",
        ),
        ({"priority": "high"}, "priority must be a whole number of 32 bits, not 'high'"),
        (
            {"containers": [{"name": "c", "image": "x", "ports": [{"hostPort": 70000}]}]},
            "hostPort must be a whole number from 1 to 65535, not 70000",
        ),
        (
            {"containers": [{"name": "c", "image": "x", "ports": [{"hostPort": 7, "protocol": "tcp"}]}]},
            "protocol 'tcp' is not one of TCP, UDP, SCTP",
        ),
        (
            {"containers": [{"name": "c", "image": "x", "resources": {"requests": {"cpu": "1 core"}}}]},
            "spec.containers[c].resources.requests.cpu: quantity '1 core': unknown suffix 'core'",
        ),
    ],
)
def test_what_the_api_server_refuses(tmp_path, spec, message):
    with pytest.raises(InputError) as caught:
        read(tmp_path, pod(**spec))
    assert str(caught.value).startswith(f"{tmp_path}/objects.yaml:1:")
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
