"""The exported List of Events: what kubectl prints, and what our own `fit` and `init` read back."""

import io
import json
from uuid import UUID

import jsonschema
import pytest
from hypothesis import given, settings

from pullsim import run
from pullsim.importer.draft import Question
from pullsim.importer.importing import import_cluster
from pullsim.records import KubeletEvent, StatusRecord
from pullsim.releases.containerd import CONTAINERD
from pullsim.results.event_correlator import COMBINED
from pullsim.results.exports.event_list import write_events
from pullsim.run import simulate
from pullsim.scenario import from_mapping
from pullsim.study.fit.fit_pulls import fit_pulls
from pullsim.study.fit.kubernetes_events import read_events
from tests.support.random_worlds import worlds
from tests.support.records import empty, make

#: core/v1 Event as the API server writes it (staging/src/k8s.io/api/core/v1/types.go, Event): ``eventTime``,
#: ``firstTimestamp``, ``lastTimestamp``, ``reportingComponent``, ``reportingInstance`` and ``source`` are always there.
SECONDS = {"type": ["string", "null"], "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}
MICRO = {"type": ["string", "null"], "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$"}
TEXT = {"type": "string"}
EVENT = {
    "type": "object",
    "additionalProperties": False,
    "required": [
        *("apiVersion", "kind", "metadata", "involvedObject", "reason", "message", "type", "eventTime"),
        *("firstTimestamp", "lastTimestamp", "reportingComponent", "reportingInstance", "source"),
    ],
    "properties": {
        "action": TEXT,
        "apiVersion": {"const": "v1"},
        "count": {"type": "integer", "minimum": 1},
        "eventTime": MICRO,
        "firstTimestamp": SECONDS,
        "involvedObject": {
            "type": "object",
            "additionalProperties": False,
            "required": ["kind", "name", "uid"],
            "properties": dict.fromkeys(("apiVersion", "fieldPath", "kind", "name", "namespace", "uid"), TEXT),
        },
        "kind": {"const": "Event"},
        "lastTimestamp": SECONDS,
        "message": TEXT,
        "metadata": {
            "type": "object",
            "additionalProperties": False,
            "required": ["creationTimestamp", "name", "namespace", "resourceVersion", "uid"],
            "properties": {
                "creationTimestamp": SECONDS,
                **dict.fromkeys(("name", "namespace", "uid"), TEXT),
                "resourceVersion": {"type": "string", "pattern": "^[1-9][0-9]*$"},
            },
        },
        "reason": {"type": "string", "pattern": "^[A-Z][A-Za-z]*$"},
        "reportingComponent": TEXT,
        "reportingInstance": TEXT,
        "source": {"type": "object", "additionalProperties": False, "properties": {"component": TEXT, "host": TEXT}},
        "type": {"enum": ["Normal", "Warning"]},
    },
}
LIST = {
    "type": "object",
    "additionalProperties": False,
    "required": ["apiVersion", "items", "kind", "metadata"],
    "properties": {
        "apiVersion": {"const": "v1"},
        "kind": {"const": "List"},
        "metadata": {"const": {"resourceVersion": ""}},
        "items": {"type": "array", "items": EVENT},
    },
}

SIZES = (3, 8, 20, 45, 80, 120, 200, 260, 350, 500, 640, 900)
#: Images of six layers, each pulled alone by nodes whose rates are to be found.
FITTING = {
    "version": 1,
    "images": {
        "define": [
            {"image": f"example.com/i{n}:v1", "layers": [{"size": f"{size * (k + 1) * 50}kB"} for k in range(6)]}
            for n, size in enumerate(SIZES)
        ]
    },
    "registries": [{"host": "example.com"}],
    "nodes": [{"name": "workers", "count": 4, "nic": "400Mbit/s"}],
    "workloads": [
        {"name": f"i{n}", "pods": {"image": f"example.com/i{n}:v1", "count": 2}, "at": f"{200 * n}s"}
        for n in range(len(SIZES))
    ],
}


def text_of(result) -> str:
    file = io.StringIO()
    write_events(result, file)
    return file.getvalue()


def items_of(result) -> list:
    document = json.loads(text_of(result))
    jsonschema.validate(document, LIST)
    names = [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in document["items"]]
    assert len({*names}) == len(names), "objects of the API have names of their own"
    return document["items"]


@pytest.fixture(scope="module")
def fitting():
    return from_mapping(FITTING)


@pytest.fixture(scope="module")
def result(fitting):
    return run(fitting, status=True, detail="pulls")


def test_fit_finds_the_rates_that_the_run_had(fitting, result):
    observed = read_events(items_of(result), "events")
    assert len(observed.pulls) == len(result.pulls)
    assert not observed.left_out
    found = {
        each.parameter.name: each.value
        for each in fit_pulls(observed, fitting.build().catalog, CONTAINERD.newest, 0).fitted
    }
    spec = fitting.build().nodes[0].spec
    assert found["nic"] == pytest.approx(50e6, rel=0.02)
    assert found["unpack.gzip"] == pytest.approx(spec.runtime.unpack.gzip, rel=0.03)


def test_init_takes_figures_and_sizes_from_it(result, tmp_path):
    (tmp_path / "events.json").write_text(text_of(result))
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"containers": [{"name": "app", "image": "example.com/i11:v1"}]},
    }
    (tmp_path / "pod.json").write_text(json.dumps(pod))
    text, notes = import_cluster([str(tmp_path)], Question.rollout)
    size = next(pull.size for pull in result.pulls if pull.image == "example.com/i11:v1")
    assert f"size: {size}" in text
    assert " on 24 pulls (events.json)" in text
    assert any("are fitted on 24 pulls" in note for note in notes)


def test_seconds_and_sizes_are_those_of_the_table(result):
    read = sorted((pull.image, pull.node, pull.seconds, pull.size) for pull in read_events(items_of(result), "e").pulls)
    table = sorted((pull.image, pull.node, pull.ended - pull.started, pull.size) for pull in result.pulls)
    assert [(image, node, size) for image, node, _, size in read] == [(i, n, s) for i, n, _, s in table]
    assert [seconds for *_, seconds, _ in read] == pytest.approx([seconds for *_, seconds, _ in table], abs=1e-3)


@pytest.mark.parametrize(
    "release, text",
    [
        ("1.25", 'Successfully pulled image "example.com/a:v1" in '),
        ("1.27", " including waiting)"),
        ("1.29", " including waiting)"),
        ("1.32", " including waiting). Image size: "),
        ("1.36", " including waiting). Image size: "),
    ],
)
def test_texts_are_those_of_the_release(release, text):
    scenario = {
        "version": 1,
        "images": {"define": [{"image": "example.com/a:v1", "layers": [{"size": "30MB"}]}]},
        "nodes": [{"name": "workers", "kubeletVersion": release}],
        "workloads": [{"name": "web", "pods": {"image": "example.com/a:v1"}}],
    }
    items = items_of(run(from_mapping(scenario), status=True))
    assert [item["reason"] for item in items] == ["Scheduled", "Pulling", "Pulled", "Created", "Started"]
    assert text in items[2]["message"]
    ((pull,), scheduled) = (read_events(items, "e").pulls, items[0])
    assert pull.waits == (release == "1.25")
    assert scheduled["message"] == "Successfully assigned default/web to workers-0000"
    assert scheduled["involvedObject"]["uid"] == items[1]["involvedObject"]["uid"]
    assert UUID(scheduled["metadata"]["uid"]).version == 8
    assert items[1]["source"] == {"component": "kubelet", "host": "workers-0000"}
    assert items[1]["involvedObject"]["fieldPath"] == "spec.containers{app}"


def test_init_containers_have_their_path():
    scenario = {
        "version": 1,
        "images": {"define": [{"image": "example.com/a:v1", "layers": [{"size": "30MB"}]}]},
        "nodes": [{"name": "workers"}],
        "workloads": [
            {
                "name": "web",
                "pod": {
                    "initContainers": [{"name": "migrate", "image": "example.com/a:v1"}],
                    "containers": [{"name": "app", "image": "example.com/a:v1"}],
                },
            }
        ],
    }
    items = items_of(run(from_mapping(scenario), status=True))
    paths = {item["involvedObject"].get("fieldPath") for item in items}
    assert paths == {None, "spec.initContainers{migrate}", "spec.containers{app}"}


def event(t, message, *, pod="web", reason="Failed"):
    return KubeletEvent(
        t, "node", pod, "app" if pod else None, "Warning", reason, message, None, "default" if pod else None
    )


def test_equal_and_similar_events_become_one():
    result = empty(["node"], {"node": "pool"})
    result.events += [event(t, "the same") for t in (0.0, 10.0, 20.5)]
    result.events += [event(30.0 + n, f"another {n}") for n in range(12)]
    items = items_of(result)
    first = items[0]
    assert (first["count"], first["message"]) == (3, "the same")
    assert (first["firstTimestamp"], first["lastTimestamp"]) == ("2024-01-01T00:00:00Z", "2024-01-01T00:00:20Z")
    combined = [item for item in items if item["message"].startswith(COMBINED)]
    assert [item["message"] for item in combined] == [COMBINED + "another 11"]
    assert combined[0]["count"] == 4  # those from the tenth message on


def test_events_of_one_instant_have_names_of_their_own():
    result = empty(["node"], {"node": "pool"})
    result.events += [event(1.0, f"text {n}") for n in range(5)]
    assert len(items_of(result)) == 5


def test_a_node_s_event_is_about_the_node():
    result = empty(["node"], {"node": "pool"})
    result.events.append(event(1.0, "failed to garbage collect", pod=None, reason="FreeDiskSpaceFailed"))
    (item,) = items_of(result)
    assert item["involvedObject"] == {"kind": "Node", "name": "node", "uid": "node"}
    assert item["metadata"]["namespace"] == "default"


def test_a_pod_without_a_node_has_the_scheduler_s_warning():
    result = make(pods=1)
    message = "0/2 nodes are available: 2 Insufficient cpu."
    result.pods[0] = result.pods[0]._replace(scheduled=None, node=None, message=message)
    (item,) = [item for item in items_of(result) if item["reason"] == "FailedScheduling"]
    assert (item["type"], item["message"], item["action"]) == ("Warning", message, "Scheduling")
    assert item["eventTime"] == "2024-01-01T00:00:00.000000Z"
    assert "count" not in item


def test_hostile_names_are_text():
    name = '\x1b[31m"}]\u202e\n</script>'
    result = make(pods=1, nodes=1)
    result.events[:] = [each._replace(pod=name, node=name, container=name) for each in result.events]
    result.statuses = [StatusRecord(0.0, name, "default", name, 0.0, 0, 1, "Pending", None)]
    assert not {"\x1b", "\u202e"} & {*text_of(result)}
    assert {item["involvedObject"]["name"] for item in items_of(result)} >= {name}


def test_the_same_run_gives_the_same_bytes(fitting, result):
    assert text_of(result) == text_of(run(fitting, status=True, detail="pulls"))


@settings(max_examples=15)
@given(worlds())
def test_any_run_is_a_list_that_can_be_read(spec):
    items = items_of(simulate(spec))
    pulled = [item for item in items if item["reason"] == "Pulled" and "already present" not in item["message"]]
    observed = read_events(items, "events")
    assert len(observed.pulls) == len(pulled)
    assert not observed.left_out


def test_an_empty_run_has_no_events():
    assert items_of(empty()) == []
