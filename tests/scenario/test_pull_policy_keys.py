"""The key ``pullPolicies``: what it takes, refuses and warns of, and that it comes back from the file of a run."""

from __future__ import annotations

import json

import jsonschema
import pytest

import pullsim
from pullsim import InputError
from pullsim.inputs.document import parse_document
from pullsim.scenario import json_schema
from pullsim.scenario.file.reader import from_document
from pullsim.spec import pull_policies as spec

ALL = [
    "coalesce",
    {"priority": {"ageing": "60s"}},
    "shortestMissing",
    {"registryLimit": {"docker.io": 1}},
    "queueQPS",
    "retryAtExpiry",
    {"resetOnRecovery": {"jitter": "5s"}},
    "inPodParallel",
    {"maxBackOff": "60s"},
]
MADE = (
    spec.Coalesce(),
    spec.Priority(60.0),
    spec.ShortestMissing(),
    spec.RegistryLimit(None, {"docker.io": 1}),
    spec.QueueQps(),
    spec.RetryAtExpiry(),
    spec.ResetOnRecovery(5.0),
    spec.InPodParallel(),
    spec.MaxBackOff(60.0),
)


def scenario(policies, **node):
    return pullsim.from_mapping(
        {
            "nodes": [{"name": "n", "pullPolicies": policies, **node}],
            "workloads": [{"name": "w", "pods": {"image": "nginx:1.12", "count": 3}}],
        }
    )


def made(given):
    (pool,) = given.build().pools.values()
    return pool.pull_policies


def test_each_policy_by_its_name_or_with_its_value():
    assert made(scenario(ALL)) == MADE
    assert made(scenario([{"coalesce": True}, {"priority": None}, {"registryLimit": 2}, "resetOnRecovery"])) == (
        spec.Coalesce(),
        spec.Priority(),
        spec.RegistryLimit(2),
        spec.ResetOnRecovery(10.0),
    )
    assert made(scenario([])) == made(scenario(None)) == ()


def test_they_come_back_from_the_file_of_a_run_and_the_schema_takes_both():
    given = scenario(ALL)
    text = pullsim.effective_yaml(given)
    again = from_document(parse_document(text, "effective"), given.directory)
    assert again.nodes[0].pull_policies == given.nodes[0].pull_policies
    assert made(again) == MADE
    written = json.loads(given.model_dump_json(by_alias=True, exclude_none=True))["nodes"][0]["pullPolicies"]
    for policies in (ALL, written):
        jsonschema.validate({"nodes": [{"pullPolicies": policies}]}, json_schema())


REFUSED = [
    (["coalesc"], "nodes[n].pullPolicies[0]: 'coalesc' is no pull policy; did you mean coalesce?"),
    (["lifo"], "'lifo' is no pull policy; one of Python is known in the process that registered it"),
    (["registryLimit"], "registryLimit needs a value: {registryLimit: 2}"),
    (["maxBackOff"], "maxBackOff needs a value: {maxBackOff: 60s}"),
    ([{"registryLimit": 0}], "pullPolicies[0].registryLimit: 0 is no limit: a whole number from 1 on"),
    ([{"registryLimit": {"quay.io": 1, "docker.io": "two"}}], "'docker.io': 'two' is no limit"),
    ([{"registryLimit": {}}], "is no limit"),
    ([{"registryLimit": True}], "true is no limit"),
    ([{"priority": {"ageing": "0s"}}], "'0s' must be greater than 0"),
    ([{"priority": {"age": "9s"}}], "age"),
    ([{"coalesce": False}], "'coalesce': false must be left out, as a policy that is not wanted is"),
    ([{"maxBackOff": False}], "'maxBackOff': false must be left out"),
    ([{"queueQPS": "off"}], "pullPolicies[0].queueQPS: 'off' must be true"),
    ([{"coalesce": 1}], "pullPolicies[0].coalesce: 1 must be true"),
    (False, "pullPolicies: false must be a list; leave it out to go without"),
    ([{"coalesce": True, "queueQPS": True}], "an entry has one policy, not 2"),
    ([{}], "an entry has one policy, not 0"),
    ([7], "pullPolicies[0]"),
    ([{"maxBackOff": None}], "maxBackOff needs a value: {maxBackOff: 60s}"),
    ([{"coalesced": None}], "'coalesced' is no pull policy; did you mean coalesce?"),
    ("coalesce", "nodes[n].pullPolicies"),
    ([{"registered": "nobody"}], "'nobody' is no pull policy that is registered here"),
    (["coalesce", "coalesce"], "nodes[n].pullPolicies: coalesce is there twice"),
    (["shortestMissing", "priority"], "priority after shortestMissing decides nothing"),
]


@pytest.mark.parametrize(("policies", "message"), REFUSED, ids=str)
def test_what_is_refused_in_one_sentence(policies, message):
    with pytest.raises(InputError) as error:
        scenario(policies)
    assert message in str(error.value)
    assert len(getattr(error.value, "errors", [0])) == 1


def test_two_longest_back_offs_are_one_too_many():
    given = {"simulation": {"imageBackoff": {"max": "60s"}}}
    with pytest.raises(InputError, match=r"maxBackOff and simulation\.imageBackoff\.max both are the longest back-off"):
        scenario([{"maxBackOff": "60s"}], **given)
    scenario([{"maxBackOff": "60s"}], simulation={"imageBackoff": {"initial": "5s"}})


@pytest.mark.parametrize(
    ("policies", "kubelet", "why"),
    [
        (["priority"], {"serializeImagePulls": False}, "priority has no effect: no pull waits"),
        (["shortestMissing"], {"serializeImagePulls": False}, "shortestMissing has no effect: no pull waits"),
        (["priority", "queueQPS"], {"serializeImagePulls": False}, None),
        (["priority"], {}, None),
        (
            [{"registryLimit": 2}],
            {"maxParallelImagePulls": 2},
            "registryLimit has no effect: the kubelet pulls at most 2",
        ),
        ([{"registryLimit": {"docker.io": 1}}], {"maxParallelImagePulls": 2}, None),
        (
            [{"registryLimit": {"docker.io": 1, "index.docker.io": 1}}],
            {"maxParallelImagePulls": 2},
            "registryLimit: no image comes from 'index.docker.io'",
        ),
        ([{"registryLimit": 1}], {"serializeImagePulls": False}, None),
        (["queueQPS"], {"registryPullQPS": 0}, "queueQPS has no effect: registryPullQPS: 0 refuses no pull"),
        (["queueQPS"], {}, None),
        (["inPodParallel"], {}, "they come one after the other all the same"),
        (["inPodParallel"], {"maxParallelImagePulls": 2}, None),
    ],
)
def test_what_is_warned_of(policies, kubelet, why):
    warnings = [text for text in scenario(policies, kubelet=kubelet).assemble().warnings if "pullPolicies" in text]
    assert "no kubelet has" in warnings[0]
    assert [text for text in warnings[1:] if why and why in text] == warnings[1:]
    assert len(warnings) == 1 + (why is not None)


def test_without_the_key_nothing_is_said():
    assert not any("pullPolicies" in text for text in scenario([]).assemble().warnings)


class Last:
    """Last come, first served."""

    def key(self, pull, now):
        del now
        return -pull.asked


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setattr(spec, "_registered", {})
    pullsim.register_pull_policy("last", Last())


@pytest.mark.usefixtures("registered")
def test_an_object_of_python_by_its_name():
    workloads = [
        {"name": name, "at": f"{at}00ms", "pods": {"image": f"{name}:1.12" if name == "nginx" else f"{name}:latest"}}
        for at, name in enumerate(("nginx", "redis", "solr"))
    ]
    given = pullsim.from_mapping({"nodes": [{"name": "n"}], "workloads": workloads})
    policies = "nodes[*].pullPolicies=[{}]".format
    orders = [
        [pull.pod.partition("-")[0] for pull in pullsim.run(pullsim.override(given, [policies(names)])).pulls]
        for names in ("", "last")
    ]
    assert orders == [["nginx", "redis", "solr"], ["nginx", "solr", "redis"]]
    found = pullsim.compare(given, set_a=[policies("")], set_b=[policies("last")], seeds=2, metrics=["pods.start.mean"])
    (row,) = found.differences(["pods.start.mean"])
    assert row.verdict == "higher"
    assert found.changes() == [("nodes[n].pullPolicies[0].registered", None, "last")]


@pytest.mark.parametrize(
    ("name", "policy", "message"),
    [
        ("coalesce", Last(), "'coalesce' is no free name"),
        ("", Last(), "'' is no free name"),
        ("mine", object(), "has neither of the methods key(pull, now) and after(error, pull, now)"),
    ],
)
def test_what_cannot_be_registered(name, policy, message):
    with pytest.raises(InputError) as error:
        pullsim.register_pull_policy(name, policy)
    assert message in str(error.value)


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(
    ("policies", "told"), [([], True), (["coalesce"], True), (["priority"], False), (["last"], False)]
)
def test_the_priority_of_a_prepull_is_for_a_policy_that_may_look_at_it(policies, told):
    """Nobody knows what a policy of Python looks at."""
    prepull = {"images": ["nginx:1.12"], "priority": -1}
    given = pullsim.from_mapping(
        {"nodes": [{"name": "n", "pullPolicies": policies}], "workloads": [{"name": "w", "prepull": prepull}]}
    )
    assert any("prepull.priority changes nothing" in text for text in given.assemble().warnings) == told
