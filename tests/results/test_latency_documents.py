"""kube-burner's and clusterloader2's documents: exact keys and types, as their Go structs decode them strictly."""

import io
import json
import re

import jsonschema
import pytest

from pullsim import run
from pullsim.records import StatusRecord
from pullsim.results.exports import kube_burner
from pullsim.results.exports.kube_burner import CONDITIONS, percentile
from pullsim.results.exports.perf_data import write_perf_data
from pullsim.results.exports.registry import EXPORTS
from pullsim.scenario import from_mapping
from tests.support.records import empty, make

MS = {"type": "integer", "minimum": 0}
TEXT = {"type": "string"}
STAMP = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}
UUID = {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}


def strict(properties, *, optional=()):
    required = [name for name in properties if name not in optional]
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


#: podMetric of pkg/measurements/pod_latency.go (kube-burner 2.7).
POD = strict(
    {
        "timestamp": STAMP,
        **dict.fromkeys(
            (
                *("schedulingLatency", "initializedLatency", "containersReadyLatency", "podReadyLatency"),
                *("containersStartedLatency", "readyToStartContainersLatency"),
            ),
            MS,
        ),
        "metricName": {"const": "podLatencyMeasurement"},
        "uuid": UUID,
        "jobName": TEXT,
        "jobIteration": {"type": "integer"},
        "replica": {"type": "integer", "minimum": 1},
        **dict.fromkeys(("namespace", "podName", "nodeName"), TEXT),
        "churnMetric": {"type": "boolean"},
        "metadata": {"type": "object"},
    },
    optional=("jobName", "churnMetric", "metadata"),
)
#: LatencyQuantiles of pkg/measurements/metrics/metrics.go.
QUANTILES = strict(
    {
        "quantileName": {"enum": [*CONDITIONS]},
        "uuid": UUID,
        **dict.fromkeys(("P99", "P95", "P50", "min", "max", "avg"), MS),
        "timestamp": STAMP,
        "metricName": {"const": "podLatencyQuantilesMeasurement"},
        "jobName": TEXT,
        "metadata": {"type": "object"},
    },
    optional=("jobName", "metadata"),
)
#: PerfData of clusterloader2/pkg/measurement/util/perftype.go.
NUMBERS = {"type": "object", "additionalProperties": {"type": "number"}}
TEXTS = {"type": "object", "additionalProperties": TEXT}
PERF_DATA = strict(
    {
        "version": TEXT,
        "dataItems": {"type": "array", "items": strict({"data": NUMBERS, "unit": TEXT, "labels": TEXTS})},
        "labels": TEXTS,
    }
)

SCENARIO = {
    "version": 1,
    "images": {"define": [{"image": "example.com/a:v1", "layers": [{"size": "90MB"}]}]},
    "registries": [{"host": "example.com", "faults": [{"image": "none", "status": 404}]}],
    "nodes": [{"name": "workers", "count": 2}],
    "workloads": [
        {
            "name": "web",
            "count": 4,
            "startup": {"sandbox": "2s", "ready": "3s"},
            "at": "1500ms",
            "pod": {
                "initContainers": [{"name": "migrate", "image": "example.com/a:v1", "run": "10s"}],
                "containers": [{"name": "app", "image": "example.com/a:v1"}],
            },
        },
        {"name": "job", "namespace": "team", "pods": {"image": "example.com/a:v1", "count": 3}},
        {"name": "lost", "pods": {"image": "example.com/none:v1"}},
    ],
    "horizon": "90s",
}


@pytest.fixture(scope="module")
def result():
    return run(from_mapping(SCENARIO), status=True, detail="pods")


def text_of(result, write):
    file = io.StringIO()
    write(result, file)
    return file.getvalue()


def documents(result, write, schema):
    found = json.loads(text_of(result, write))
    jsonschema.validate(found, {"type": "array", "items": schema})
    return found


def pods_of(result):
    return documents(result, kube_burner.write_pods, POD)


def test_a_document_of_each_pod_that_became_ready(result):
    found = {(each["namespace"], each["podName"]): each for each in pods_of(result)}
    ready = {(pod.namespace, pod.pod): pod for pod in result.pods if pod.ready is not None}
    assert found.keys() == ready.keys()
    assert {each["jobName"] for each in found.values()} == {"web", "team/job"}
    for name, pod in ready.items():
        each = found[name]
        assert each["podReadyLatency"] == pytest.approx(pod.ready_seconds * 1000, abs=1)
        assert each["containersStartedLatency"] == pytest.approx(pod.start_seconds * 1000, abs=1)
        assert each["schedulingLatency"] == pytest.approx((pod.scheduled - pod.created) * 1000, abs=1)
        assert each["nodeName"] == pod.node
    assert len({each["uuid"] for each in found.values()}) == 1


def test_the_conditions_are_met_in_their_order(result):
    for each in pods_of(result):
        order = [
            *("schedulingLatency", "readyToStartContainersLatency", "initializedLatency"),
            *("containersStartedLatency", "podReadyLatency"),
        ]
        if each["jobName"] != "web":  # without init containers the pod is initialized at once
            order.remove("initializedLatency")
            assert each["initializedLatency"] <= each["readyToStartContainersLatency"]
        times = [each[key] for key in order]
        assert times == sorted(times)
    web = [each for each in pods_of(result) if each["jobName"] == "web"]
    assert {each["readyToStartContainersLatency"] - each["schedulingLatency"] for each in web} == {2000}
    assert {each["podReadyLatency"] - each["containersStartedLatency"] for each in web} <= {2999, 3000, 3001}
    assert all(each["initializedLatency"] >= 12_000 for each in web)
    assert {each["timestamp"] for each in web} == {"2024-01-01T00:00:01Z"}


def test_a_pod_whose_name_comes_again_has_latencies_of_its_own():
    """As of a StatefulSet whose node left: 40 s after its first life the pod is there anew."""
    result = make(pods=1)
    (pod,) = result.pods
    result.pods.append(
        pod._replace(
            created=pod.created + 40, scheduled=pod.scheduled + 40, started=pod.started + 40, ready=pod.ready + 40
        )
    )
    result.statuses = [
        StatusRecord(
            pod.created + life + after, pod.node, pod.namespace, pod.pod, pod.created + life, 0, 1, status, None
        )
        for life in (0, 40)
        for after, status in ((0.5, "Init:0/1"), (2.0, "PodInitializing"))
    ]
    first, second = pods_of(result)
    assert first["initializedLatency"] == second["initializedLatency"] == 2000
    assert first["readyToStartContainersLatency"] == second["readyToStartContainersLatency"] >= 500


def test_quantiles_are_over_the_documents_of_a_job(result):
    pods = pods_of(result)
    found = documents(result, kube_burner.write_quantiles, QUANTILES)
    assert [(each["jobName"], each["quantileName"]) for each in found] == [
        (job, condition) for job in ("team/job", "web") for condition in CONDITIONS
    ]
    for each in found:
        own = sorted(pod[CONDITIONS[each["quantileName"]]] for pod in pods if pod["jobName"] == each["jobName"])
        assert (each["min"], each["max"], each["avg"]) == (own[0], own[-1], sum(own) // len(own))
        assert own[0] <= each["P50"] <= each["P95"] <= each["P99"] <= own[-1]
        assert each["uuid"] == pods[0]["uuid"]


@pytest.mark.parametrize(
    ("count", "percent", "expected"),
    [
        (1, 50, 10),
        (1, 99, 10),
        (2, 50, 10),  # rank 1
        (2, 95, 15),  # between ranks 1 and 2
        (4, 50, 20),
        (5, 50, 25),
        (20, 95, 190),
        (21, 95, 195),
        (100, 99, 990),
        (150, 99, 1485),
    ],
)
def test_percentiles_are_those_of_kube_burner_s_library(count, percent, expected):
    assert percentile([10 * (n + 1) for n in range(count)], percent) == expected


def test_perf_data_has_the_transitions_of_the_measurement(result):
    found = json.loads(text_of(result, write_perf_data))
    jsonschema.validate(found, PERF_DATA)
    assert found["version"] == "1.0"
    items = {item["labels"]["Metric"]: item for item in found["dataItems"]}
    assert items.keys() == {
        *("create_to_schedule", "schedule_to_run", "run_to_watch", "schedule_to_watch", "pod_startup", "create_to_run"),
    }
    assert all(
        item["unit"] == "ms" and item["data"].keys() == {"Perc50", "Perc90", "Perc99"} for item in items.values()
    )
    started = sorted(pod.start_seconds for pod in result.pods if pod.started is not None)
    startup = items["pod_startup"]["data"]
    assert startup["Perc50"] == pytest.approx(started[-(-len(started) * 50 // 100) - 1] * 1000)
    assert startup["Perc99"] == pytest.approx(started[-1] * 1000)
    assert items["run_to_watch"]["data"] == {"Perc50": 0, "Perc90": 0, "Perc99": 0}


def test_perfdash_finds_the_file_by_its_prefix():
    """perfdash/metrics-downloader.go: files of a test are named {{OutputFilePrefix}}_{{Name}}; perfdash/config.go."""
    (name,) = [export.name for export in EXPORTS if export.asked == "perfdata"]
    assert re.fullmatch("exports/PodStartupLatency_PodStartupLatency_[a-z]+[.]json", name)


def test_without_statuses_there_are_documents_too():
    assert len(pods_of(make(pods=7))) == 7


def test_runs_without_pods_have_empty_documents():
    assert pods_of(empty()) == []
    assert documents(empty(), kube_burner.write_quantiles, QUANTILES) == []
    assert json.loads(text_of(empty(), write_perf_data))["dataItems"][0]["data"]["Perc99"] == 0


def test_hostile_names_are_text_and_the_same_run_gives_the_same_bytes():
    name = '\x1b[31m"}]\n\u202e'
    result = make(pods=2, nodes=1)
    result.name = name
    result.pods[:] = [pod._replace(pod=name, node=name, workload=name, namespace=name) for pod in result.pods]
    for write in (kube_burner.write_pods, kube_burner.write_quantiles, write_perf_data):
        text = text_of(result, write)
        assert not {"\x1b", "\u202e"} & {*text}
        assert json.loads(text)
        assert text == text_of(result, write)
