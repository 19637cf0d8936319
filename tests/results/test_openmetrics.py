"""Metrics: read by the parser of prometheus-client, and counted again from the records."""

from __future__ import annotations

import io
import math
import re
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from pullsim import from_mapping, load, run
from pullsim.records import ImageRemoval
from pullsim.results.exports.kubelet_metrics import METRICS, size_label
from pullsim.results.exports.openmetrics import write_openmetrics

SCENARIO = {
    "seed": 5,
    "horizon": "4m",
    "images": {"define": [{"image": "team/app:v1", "layers": [{"size": "30MB"}]}]},
    "registries": [{"host": "docker.io", "faults": [{"at": "20s", "for": "60s", "status": 503}]}],
    "nodes": [
        {"name": "a", "count": 2, "kubelet": {"maxParallelImagePulls": 3}},
        {"name": "b", "count": 1, "runtime": {"fixed": {"images": {
            "team/app:v1": {"pull": "7s", "size": 5},
            "bad:1": {"pull": "1s", "fail": {"after": "2s", "error": "boom", "times": -1}},
        }}}},
    ],
    "workloads": [
        {"name": "web", "pods": {"image": "team/app:v1", "count": 24}, "arrivals": {"every": "4s"}},
        {"name": "init", "on": {"pool": "b"}, "pod": {
            "initContainers": [{"name": "i", "image": "team/app:v1", "run": "1s"}],
            "containers": [{"name": "c", "image": "team/app:v1", "imagePullPolicy": "Always"},
                           {"name": "d", "image": "bad:1"}, {"name": "e", "image": "bad:1", "imagePullPolicy": "Never"},
                           {"name": "f", "image": "no:"}]}},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def result():
    return run(from_mapping(SCENARIO), status=True)


def text(result, **options):
    file = io.StringIO()
    write_openmetrics(result, file, **options)
    return file.getvalue()


def samples(result, **options):
    """Values by name, labels and timestamp, as the parser reads them; it checks buckets, grouping and the end itself.

    Of histograms that have several timestamps the parser of prometheus-client keeps one line each for all but the
    first, against its own check of their buckets: so each timestamp is read alone.
    """
    found = {}
    for exposition in by_timestamp(text(result, **options)):
        for family in text_string_to_metric_families(exposition):
            for sample in family.samples:
                stamp = None if sample.timestamp is None else float(sample.timestamp)
                key = (sample.name, tuple(sorted(sample.labels.items())), stamp)
                assert key not in found
                found[key] = sample.value
    return found


def by_timestamp(exposition):
    lines = exposition.splitlines()
    stamps = {stamp(line) for line in lines if not line.startswith("#")}
    for each in stamps:
        yield "".join(f"{line}\n" for line in lines if line.startswith("#") or stamp(line) == each)


def stamp(line):
    """What follows the value of a sample; labels here have no blanks."""
    return line.partition(" ")[2].partition(" ")[2]


def value(found, name, time=None, **labels):
    """The sum over the series that have these labels."""
    return sum(
        value
        for (each, of, stamp), value in found.items()
        if each == name and stamp == time and labels.items() <= dict(of).items()
    )


def test_every_metric_is_there(result):
    names = {family.name for family in text_string_to_metric_families(text(result))}
    assert names == {
        metric.name
        for metric in METRICS
        if not metric.name.startswith(("kubelet_image_volume", "kubelet_image_garbage", "kubelet_credential_provider"))
    }


@pytest.mark.parametrize("by", ["node", "pool"])
def test_counters_agree_with_the_records(result, by):
    found = samples(result, by=by)
    pulls, requests = result.pulls, result.requests
    assert any(not pull.ok for pull in pulls)
    for place in result.nodes if by == "node" else set(result.pools.values()):
        here = [node for node in result.nodes if place in (node, result.pools[node])]
        at = {by: place}
        own = [pull for pull in pulls if pull.node in here]
        asked = [row for row in requests if row.node in here]
        count = "kubelet_image_pull_duration_seconds_count"
        assert value(found, count, **at) == sum(pull.ok for pull in own)
        calls = "kubelet_runtime_operations_total"
        assert value(found, calls, operation_type="pull_image", **at) == len(own)
        assert value(found, "kubelet_runtime_operations_errors_total", **at) == sum(not pull.ok for pull in own)
        assert value(found, "kubelet_image_manager_ensure_image_requests_total", **at) == len(asked)
        assert value(found, "kubelet_started_containers_total", **at) == len(asked)
        failed = [row for row in asked if row.reason is not None]
        assert value(found, "kubelet_started_containers_errors_total", **at) == len(failed)
        for code in {row.reason for row in failed}:
            expected = sum(row.reason == code for row in failed)
            assert value(found, "kubelet_started_containers_errors_total", code=code, **at) == expected
        started = [pod for pod in result.pods if pod.started is not None and pod.node in here]
        total = "kubelet_pod_start_total_duration_seconds"
        assert value(found, f"{total}_count", **at) == len(started)
        assert value(found, f"{total}_sum", **at) == pytest.approx(sum(pod.start_seconds for pod in started))


def test_events_tell_the_same(result):
    found = samples(result)
    errors = [event.message for event in result.events if event.message.startswith("Error: ")]
    started = [event for event in result.events if event.reason == "Started"]
    assert value(found, "kubelet_started_containers_errors_total") == len(errors)
    assert value(found, "kubelet_started_containers_total") == len(errors) + len(started)
    back_offs = sum(event.reason == "BackOff" for event in result.events)
    assert value(found, "kubelet_started_containers_errors_total", code="ImagePullBackOff") == back_offs


def test_buckets_are_exact_and_inclusive(result):
    found = samples(result)
    name = "kubelet_image_pull_duration_seconds"
    (metric,) = (each for each in METRICS if each.name == name)
    for node in result.nodes:
        waits = [
            math.floor((p.ended - p.requested) * 1000 + 1e-6) / 1000 for p in result.pulls if p.ok and p.node == node
        ]
        for bound in (*metric.buckets, math.inf):
            le = "+Inf" if bound == math.inf else str(bound)
            assert value(found, f"{name}_bucket", node=node, le=le) == sum(wait <= bound for wait in waits)


def test_a_series_over_time_counts_what_had_happened(result):
    found = samples(result, interval=30.0)
    times = {stamp for _, _, stamp in found}
    assert times == {30.0 * n for n in range(1, 9)}
    for t in times:
        assert value(found, "kubelet_image_pull_duration_seconds_count", t) == sum(
            pull.ok and pull.ended <= t for pull in result.pulls
        )
        assert value(found, "kubelet_runtime_operations_total", t, operation_type="pull_image") == sum(
            pull.ended <= t for pull in result.pulls
        )
    at_the_end = {key[:2]: each for key, each in found.items() if key[2] == result.end}
    assert at_the_end == {key[:2]: each for key, each in samples(result).items()}


def test_the_order_of_a_time_series(result):
    """Families together, in them each metric, its points by time, the lines of a point together."""
    lines = [line for line in text(result, interval=30.0).splitlines() if not line.startswith("#")]
    points = []
    for line in lines:
        name, labels = re.fullmatch(r"(\w+?)(?:_bucket|_count|_sum|_total)?\{(.*?)(?:,le=.*)?\} .*", line).groups()
        point = name, labels, float(stamp(line))
        if not points or points[-1] != point:
            points.append(point)
    assert len(points) == len(set(points))
    metrics = [key for key, _ in groupby(point[:2] for point in points)]
    assert len(metrics) == len(set(metrics))
    for _, own in groupby(points, lambda point: point[:2]):
        times = [time for *_, time in own]
        assert times == sorted(times)


def test_the_end_is_the_last_sample_of_a_series(result):
    assert {stamp for _, _, stamp in samples(result, interval=100.0)} == {100.0, 200.0, 240.0}


def test_the_time_of_pulls_is_left_out_of_the_start_of_a_pod():
    """From the first Pulling to the last Pulled, 7 s, a refusal and its back-off included."""
    given = {
        "nodes": [{"runtime": {"fixed": {"images": {"app:1": {"pull": "7s"}, "app:2": {"pull": "2s"}}}}, "simulation": {
            "loop": "minimal"}}],
        "workloads": [{"name": "p", "pod": {
            "initContainers": [{"name": "i", "image": "app:1", "run": "5s"}],
            "containers": [{"name": "c", "image": "app:2"}]}}],
    }  # fmt: skip
    found = samples(run(from_mapping(given), status=True))
    assert value(found, "kubelet_pod_start_total_duration_seconds_sum") == pytest.approx(14.0)
    assert value(found, "kubelet_pod_start_sli_duration_seconds_sum") == pytest.approx(0.0)


def test_a_refused_pull_is_no_call_of_the_runtime():
    given = {
        "horizon": "5s",
        "nodes": [{
            "kubelet": {"serializeImagePulls": False, "registryPullQPS": 1, "registryBurst": 2},
            "runtime": {"fixed": {"images": {f"app:{n}": {"pull": "1s"} for n in range(5)}}},
        }],
        "workloads": [{"name": f"p{n}", "pods": {"image": f"app:{n}"}} for n in range(5)],
    }  # fmt: skip
    result = run(from_mapping(given), status=True)
    found = samples(result)
    refused = sum(pull.cause == "qps" for pull in result.pulls)
    assert refused >= 3
    calls = value(found, "kubelet_runtime_operations_total", operation_type="pull_image")
    assert calls == len(result.pulls) - refused
    assert value(found, "kubelet_runtime_operations_errors_total") == 0
    assert value(found, "kubelet_started_containers_errors_total", code="ErrImagePull") == refused


MIB = 2**20


@pytest.mark.parametrize(
    ("size", "label"),
    [
        (0, "N/A"),
        (1, "0-10MB"),
        (10 * MIB, "0-10MB"),
        (10 * MIB + 1, "10MB-100MB"),
        (100 * MIB, "10MB-100MB"),
        (500 * MIB, "100MB-500MB"),
        (1024 * MIB, "500MB-1GB"),
        (1024 * MIB + 1, "1GB-5GB"),
        (5 * 1024 * MIB, "1GB-5GB"),
        (10 * 1024 * MIB, "5GB-10GB"),
        (20 * 1024 * MIB, "10GB-20GB"),
        (30 * 1024 * MIB, "20GB-30GB"),
        (40 * 1024 * MIB, "30GB-40GB"),
        (60 * 1024 * MIB, "40GB-60GB"),
        (100 * 1024 * MIB, "60GB-100GB"),
        (100 * 1024 * MIB + 1, "GT100GB"),
    ],
)
def test_labels_of_sizes(size, label):
    assert size_label(size) == label


def test_an_empty_run():
    empty = run(from_mapping({"nodes": [{}]}), status=True)
    assert text(empty) == "# EOF\n"
    assert list(text_string_to_metric_families(text(empty))) == []


def test_removed_images(result):
    removal = ImageRemoval(1.0, result.nodes[0], "age", "sha256:1", ("a:1",), "", 1, 1, None)
    reasons = ["age", "space", "eviction", "space"]
    result = replace(result, removals=[removal._replace(reason=reason) for reason in reasons])
    found = samples(result)
    name = "kubelet_image_garbage_collected_total"
    assert [value(found, name, reason=reason) for reason in ("age", "space", "eviction")] == [1, 3, 0]


CREDENTIALS = {
    "horizon": "10m",
    "images": {"define": [{"image": "r.test/app:v1", "layers": [{"size": "30MB"}]}]},
    "registries": [{"host": "r.test", "credentials": [{"username": "u", "password": "p"}]}],
    "secrets": [
        {"name": "mine", "auths": {"r.test": {"username": "u", "password": "p"}}},
    ],
    "nodes": [{"name": "n"}],
    "workloads": [
        {"name": "a", "pods": {"image": "r.test/app:v1", "imagePullSecrets": ["mine"]}},
        {"name": "b", "at": "1m", "pods": {"image": "r.test/app:v1", "imagePullSecrets": ["mine"]}},
        {"name": "c", "at": "2m", "pods": {"image": "r.test/app:v1"}},
    ],
}  # fmt: skip


def test_checks_and_records_of_verified_images():
    """The first pod pulls with its secret, the second proves its right with the record, the third must authenticate."""
    result = run(from_mapping(CREDENTIALS), status=True)
    found = samples(result)
    checks = "kubelet_imagemanager_image_mustpull_checks_total"
    assert value(found, checks, result="credentialRecordFound", node="n-0000") == 1
    assert value(found, checks, result="mustAuthenticate", node="n-0000") == sum(
        row.check == "mustAuthenticate" for row in result.requests
    )
    assert value(found, "kubelet_imagemanager_ondisk_pulledrecords", node="n-0000") == 1
    assert value(found, "kubelet_imagemanager_ondisk_pullintents", node="n-0000") == 0
    old = run(from_mapping(CREDENTIALS, ["nodes[n].kubeletVersion=1.34"]), status=True)
    assert "imagemanager" not in text(old)


def test_runs_of_credential_provider_plugins():
    scenario = load(Path(__file__).parents[2] / "scenarios" / "expiring-token.yaml", ["horizon=10m"])
    result = run(scenario, status=True)
    found = samples(result, by="pool")
    runs = value(found, "kubelet_credential_provider_plugin_duration_count", plugin_name="registry-token")
    assert runs == len(result.plugin_runs) > 0
    total = value(found, "kubelet_credential_provider_plugin_duration_sum", plugin_name="registry-token")
    assert total == pytest.approx(0.4 * runs)
    assert value(found, "kubelet_credential_provider_plugin_errors_total") == 0
