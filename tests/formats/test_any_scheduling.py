"""Whatever stands in a pod's spec, reading what the scheduler gets ends well or with one error that has its place."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.errors import InputError
from pullsim.formats.kubernetes.classes import read_class_names
from pullsim.formats.kubernetes.item import Item
from pullsim.formats.kubernetes.scheduling import read_scheduling
from pullsim.inputs.document import Document
from pullsim.spec.scheduling import Scheduling

APP = {"matchLabels": {"app": "a"}, "matchExpressions": [{"key": "b", "operator": "In", "values": ["c"]}]}
TERM = {
    "topologyKey": "zone",
    "labelSelector": APP,
    "namespaces": ["n"],
    "namespaceSelector": {},
    "matchLabelKeys": ["app"],
}
NODES = {
    "matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1"]}],
    "matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}],
}
REQUIRED, PREFERRED = (f"{how}DuringSchedulingIgnoredDuringExecution" for how in ("required", "preferred"))
POD: dict[str, Any] = {
    "nodeSelector": {"a": "b"},
    "priority": 5,
    "priorityClassName": "high",
    "preemptionPolicy": "Never",
    "schedulerName": "s",
    "hostNetwork": True,
    "overhead": {"cpu": "1m"},
    "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}},
    "tolerations": [{"key": "a", "operator": "Equal", "value": "b", "effect": "NoExecute", "tolerationSeconds": 3}],
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": "zone",
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": APP,
            "minDomains": 2,
            "nodeAffinityPolicy": "Honor",
            "nodeTaintsPolicy": "Ignore",
            "matchLabelKeys": ["app"],
        }
    ],
    "affinity": {
        "nodeAffinity": {
            REQUIRED: {"nodeSelectorTerms": [NODES]},
            PREFERRED: [{"weight": 5, "preference": NODES}],
        },
        "podAffinity": {REQUIRED: [TERM]},
        "podAntiAffinity": {PREFERRED: [{"weight": 5, "podAffinityTerm": TERM}]},
    },
    "containers": [
        {
            "name": "c",
            "image": "x",
            "resources": {"requests": {"cpu": "500m", "nvidia.com/gpu": 1}, "limits": {"nvidia.com/gpu": 1}},
            "ports": [{"containerPort": 80, "hostPort": 8080, "protocol": "TCP", "hostIP": "10.0.0.1"}],
        }
    ],
    "initContainers": [{"name": "i", "image": "x", "restartPolicy": "Always", "resources": {"limits": {"cpu": 1}}}],
}


def routes(value, route=()):
    yield route
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from routes(inner, (*route, key))


def with_value(tree, route, value):
    tree = copy.deepcopy(tree)
    node = tree
    for key in route[:-1]:
        node = node[key]
    node[route[-1]] = value
    return tree


ROUTES = [route for route in routes(POD) if route]
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["In", "1Gi", ""])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.text(max_size=3) | st.sampled_from(["key", "operator", "values", "cpu"]), inner, max_size=2
        )
    ),
    max_leaves=5,
)


def reading(tree):
    item, warnings = Item(tree, Document("pod", tree), ()), []
    read_class_names(item)
    return read_scheduling(item, (("app", "a"),), warnings.append), warnings


def test_the_whole_spec_is_read():
    scheduling, warnings = reading(POD)
    assert scheduling.spread
    assert scheduling.affinity
    assert scheduling.requests == (("cpu", 1001), ("memory", 2**30), ("nvidia.com/gpu", 1))
    assert len(warnings) == 2  # the scheduler's name and tolerationSeconds


@given(st.sampled_from(ROUTES), values)
def test_any_value_anywhere(route, value):
    tree = with_value(POD, route, value)
    try:
        scheduling, warnings = reading(tree)
    except InputError:
        with pytest.raises(InputError) as caught:
            reading(tree)
        assert caught.value.location is not None
        assert len(str(caught.value).splitlines()) == 1
        return
    assert isinstance(scheduling, Scheduling)
    assert hash(scheduling) is not None  # equal constraints are keys
    assert all(isinstance(text, str) for text in warnings)
