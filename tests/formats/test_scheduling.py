"""What the scheduler reads of the pods of manifests: field by field, mistakes, and what is warned of."""

import pytest

from pullsim.spec.scheduling import (
    NodeSelectorTerm,
    PodTerm,
    PreferredNodes,
    Requirement,
    Scheduling,
    SpreadConstraint,
    Toleration,
)
from tests.support.manifests import pod, read, with_template

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
HOST, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
ANY = "0.0.0.0"  # noqa: S104  # the scheduler's text for every address
APP = {"matchLabels": {"app": "a"}}
IS_APP = (Requirement("app", "In", ("a",)),)


def scheduling(tmp_path, labels=None, **spec):
    given = pod(**spec)
    given["metadata"]["labels"] = labels or {}
    objects = read(tmp_path, given)
    return objects.groups[0].spec.scheduling, objects.warnings


def node_affinity(*terms):
    return {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": list(terms)}}}


@pytest.mark.parametrize(
    "spec, field, value",
    [
        ({"nodeSelector": {"b": "2", "a": "1"}}, "node_selector", (("a", "1"), ("b", "2"))),
        (
            {"tolerations": [{"key": "gpu", "operator": "Exists"}, {"key": "k", "value": "v", "effect": "NoExecute"}]},
            "tolerations",
            (Toleration("gpu", "Exists"), Toleration("k", "Equal", "v", "NoExecute")),
        ),
        ({"tolerations": [{"operator": "Exists"}]}, "tolerations", (Toleration("", "Exists"),)),
        # Every pod has this one: it says how long a pod stays on a lost node.
        (
            {
                "tolerations": [
                    {
                        "key": "node.kubernetes.io/not-ready",
                        "operator": "Exists",
                        "effect": "NoExecute",
                        "tolerationSeconds": 300,
                    }
                ]
            },
            "tolerations",
            (),
        ),
        (
            {
                "affinity": node_affinity(
                    {"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]},
                    {"matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["n"]}]},
                    {"matchExpressions": [{"key": "size", "operator": "Gt", "values": ["3"]}]},
                    {},
                )
            },
            "required_nodes",
            (
                NodeSelectorTerm((Requirement("a", "In", ("1", "2")),)),
                NodeSelectorTerm((), (Requirement("metadata.name", "NotIn", ("n",)),)),
                NodeSelectorTerm((Requirement("size", "Gt", ("3",)),)),
                NodeSelectorTerm(),
            ),
        ),
        (
            {
                "affinity": {
                    "nodeAffinity": {
                        PREFERRED: [
                            {
                                "weight": 7,
                                "preference": {"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]},
                            }
                        ]
                    }
                }
            },
            "preferred_nodes",
            (PreferredNodes(7, NodeSelectorTerm((Requirement("a", "DoesNotExist"),))),),
        ),
        (
            {
                "affinity": {
                    "podAffinity": {
                        REQUIRED: [
                            {"topologyKey": ZONE, "labelSelector": APP, "namespaces": ["x", "y"]},
                            {"topologyKey": ZONE, "labelSelector": APP, "namespaceSelector": {}},
                            {"topologyKey": ZONE},
                            {
                                "topologyKey": ZONE,
                                "labelSelector": {},
                                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "z"}},
                            },
                        ]
                    }
                }
            },
            "affinity",
            (
                PodTerm(ZONE, IS_APP, ("x", "y")),
                PodTerm(ZONE, IS_APP, None),
                PodTerm(ZONE, None),
                PodTerm(ZONE, (), ("z",)),
            ),
        ),
        (
            {
                "affinity": {
                    "podAntiAffinity": {
                        REQUIRED: [
                            {"topologyKey": HOST, "labelSelector": APP, "matchLabelKeys": ["v", "absent"]},
                            {"topologyKey": HOST, "labelSelector": APP, "mismatchLabelKeys": ["v"]},
                        ],
                        PREFERRED: [{"weight": 100, "podAffinityTerm": {"topologyKey": HOST, "labelSelector": APP}}],
                    }
                }
            },
            "anti_affinity",
            (
                PodTerm(HOST, (*IS_APP, Requirement("v", "In", ("1",)))),
                PodTerm(HOST, (*IS_APP, Requirement("v", "NotIn", ("1",)))),
                PodTerm(HOST, IS_APP, (), 100),
            ),
        ),
        (
            {
                "topologySpreadConstraints": [
                    {"maxSkew": 1, "topologyKey": ZONE, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": APP},
                    {
                        "maxSkew": 2,
                        "topologyKey": HOST,
                        "whenUnsatisfiable": "ScheduleAnyway",
                        "nodeAffinityPolicy": "Ignore",
                        "nodeTaintsPolicy": "Honor",
                    },
                    {
                        "maxSkew": 1,
                        "topologyKey": ZONE,
                        "whenUnsatisfiable": "DoNotSchedule",
                        "minDomains": 3,
                        "labelSelector": {},
                        "matchLabelKeys": ["v"],
                    },
                ]
            },
            "spread",
            (
                SpreadConstraint(ZONE, 1, True, IS_APP),
                SpreadConstraint(HOST, 2, False, None, 1, False, True),
                SpreadConstraint(ZONE, 1, True, (Requirement("v", "In", ("1",)),), 3),
            ),
        ),
        (
            {
                "containers": [
                    {
                        "name": "c",
                        "image": "x",
                        "ports": [
                            {"containerPort": 80, "hostPort": 8080},
                            {"containerPort": 53, "hostPort": 53, "protocol": "UDP", "hostIP": "10.0.0.1"},
                            {"containerPort": 9},
                        ],
                    }
                ],
                "initContainers": [
                    {"name": "i", "image": "x", "ports": [{"containerPort": 1, "hostPort": 1}]},
                    {
                        "name": "s",
                        "image": "x",
                        "restartPolicy": "Always",
                        "ports": [{"containerPort": 2, "hostPort": 2}],
                    },
                ],
            },
            "host_ports",
            (("TCP", ANY, 8080), ("UDP", "10.0.0.1", 53), ("TCP", ANY, 2)),
        ),
        (
            {"hostNetwork": True, "containers": [{"name": "c", "image": "x", "ports": [{"containerPort": 80}]}]},
            "host_ports",
            (("TCP", ANY, 80),),
        ),
        (
            {"containers": [{"name": "c", "image": "x", "resources": {"limits": {"cpu": 1}}}]},
            "requests",
            (("cpu", 1000),),
        ),
        ({"containers": [{"name": "c", "image": "x"}, {"name": "d", "image": "x"}]}, "nonzero", (200, 400 * 2**20)),
        (
            {
                "containers": [
                    {"name": "c", "image": "x", "resources": {"requests": {"cpu": 0, "memory": "1Gi"}}},
                    {"name": "d", "image": "x"},
                ]
            },
            "nonzero",
            (100, 2**30 + 200 * 2**20),
        ),
    ],
)
def test_fields(tmp_path, spec, field, value):
    found, warnings = scheduling(tmp_path, {"app": "a", "v": "1"}, **spec)
    assert getattr(found, field) == value
    assert warnings == []


def test_a_pod_without_constraints_has_none(tmp_path):
    found, _ = scheduling(tmp_path)
    assert found == Scheduling(nonzero=(100, 200 * 2**20))


@pytest.mark.parametrize(
    "spec, warning",
    [
        (
            {"schedulerName": "volcano"},
            "Pod p: schedulerName volcano: its pods are placed as the default scheduler would",
        ),
        ({"schedulingGates": [{"name": "g"}]}, "Pod p: schedulingGates (g): nothing opens them here, so its pods wait"),
        ({"resourceClaims": [{"name": "gpu"}]}, "Pod p: resourceClaims are not simulated"),
        (
            {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]},
            "Pod p: volumes do not restrict where its pods go",
        ),
        (
            {"tolerations": [{"key": "k", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}]},
            "Pod p: tolerationSeconds for k is not simulated",
        ),
        ({"tolerations": [{"key": "k", "operator": "Gt", "value": "5"}]}, "Pod p: the operator Gt of a toleration"),
        (
            {
                "affinity": {
                    "podAffinity": {
                        REQUIRED: [{"topologyKey": ZONE, "namespaceSelector": {"matchLabels": {"team": "a"}}}]
                    }
                }
            },
            "Pod p: namespaceSelector: labels of namespaces are not simulated",
        ),
    ],
)
def test_what_is_not_simulated_is_warned_of_once(tmp_path, spec, warning):
    (found,) = scheduling(tmp_path, **spec)[1]
    assert found.startswith(warning)


def test_claims_of_a_stateful_set_are_volumes(tmp_path):
    claims = [{"metadata": {"name": "data"}}]
    (warning,) = read(tmp_path, with_template("StatefulSet", volumeClaimTemplates=claims)).warnings
    assert warning.startswith("StatefulSet d: volumes do not restrict")


@pytest.mark.parametrize("kind", ["ResourceQuota", "LimitRange"])
def test_objects_that_limit_a_namespace_are_warned_of(tmp_path, kind):
    (warning,) = read(tmp_path, pod(), {"kind": kind, "metadata": {"name": "q"}}).warnings
    assert warning == f"{kind} q: this kind is not simulated: it neither refuses pods nor changes them"


def test_nothing_of_a_pod_with_gates_is_placed(tmp_path):
    assert scheduling(tmp_path, schedulingGates=[{"name": "g"}])[0].required_nodes == ()
