import json
import math

import numpy as np
import pytest

from pullsim.results.summary.start_time import slowest_pods
from pullsim.results.summary.summary import summarize
from pullsim.stages import RESOURCES, STAGES, TABLE
from tests.support.records import HOST, empty, make

RUN = {"pods": 40, "nodes": 4, "fail_first": 5, "never": 3}


def test_every_stage_belongs_to_one_resource_and_every_resource_has_stages():
    assert len(set(STAGES)) == len(TABLE)
    assert {stage.resource for stage in TABLE} == {resource.key for resource in RESOURCES}
    assert sorted(stage for resource in RESOURCES for stage in resource.stages) == sorted(STAGES)


def test_pods():
    result = make(**RUN)
    pods = summarize(result).pods
    assert (pods.total, pods.started, pods.not_started) == (40, 37, 3)
    assert pods.not_started_by_reason == {"ImagePullBackOff": 3}
    seconds = sorted(pod.start_seconds for pod in result.pods if pod.started is not None)
    assert (pods.start.count, pods.start.never, pods.start.p99, pods.start.max) == (40, 3, math.inf, math.inf)
    assert (pods.start.p50, pods.start.p90) == (seconds[19], seconds[35])
    assert (pods.start_of_started.count, pods.start_of_started.max) == (37, seconds[-1])
    assert pods.start_of_started.p99 == np.percentile(seconds, 99, method="inverted_cdf")
    assert pods.last_ready_at == max(pod.started for pod in result.pods if pod.started is not None)
    assert pods.missed_deadlines == sum(pod.missed for pod in result.pods) > 3
    assert pods.per_minute.mean == pytest.approx(37 / pods.last_ready_at * 60)


def test_waiting_reasons_of_pods_that_the_kubelet_has_said_nothing_about():
    result = make(pods=3, never=3)
    result.pods[0] = result.pods[0]._replace(reason=None)
    result.pods[1] = result.pods[1]._replace(reason=None, scheduled=None, node=None)
    assert summarize(result).pods.not_started_by_reason == {"ContainerCreating": 1, "ImagePullBackOff": 1, "Pending": 1}


def test_pulls():
    result = make(**RUN)
    pulls = summarize(result).pulls
    assert (pulls.total, pulls.ok, pulls.failed) == (len(result.pulls), 37, len(result.pulls) - 37)
    assert pulls.failures_by_cause == {"unavailable": pulls.failed}
    assert pulls.backoffs == pulls.failed
    assert pulls.including_waiting.max <= pulls.queue.max + pulls.pull.max
    assert pulls.queue.count == 37


def test_bytes_and_layers():
    result = make(pods=12, nodes=2, images=3, size=40_000_000)
    summary = summarize(result)
    assert summary.bytes.downloaded == 6 * 30_000_000  # 3 images on 2 nodes, one layer of each was there
    assert summary.bytes.by_source == {HOST: 6 * 30_000_000}
    assert summary.bytes.local == 12 * 40_000_000 - 6 * 30_000_000
    assert (summary.layers.fetched, summary.layers.reused) == (12, 24)
    assert summary.bytes.per_second.window == 10


def test_bytes_by_source_without_layers_are_those_of_the_pulls():
    result = make()
    with_layers = summarize(result).bytes
    result.detail = "pulls"
    result.layers.clear()
    without = summarize(result).bytes
    assert (without.downloaded, without.by_source) == (with_layers.downloaded, with_layers.by_source)


def test_bytes_of_a_mirror_are_its_own():
    result = make(pods=1)
    result.layers[0] = result.layers[0]._replace(source="mirror.example.com")
    assert summarize(result).bytes.by_source == {"mirror.example.com": 20_000_000, HOST: 10_000_000}


def test_bytes_of_a_failed_pull_are_those_of_the_registry_in_its_name():
    result = make(pods=1, fail_first=1)
    result.detail = "pulls"
    result.pulls[0] = result.pulls[0]._replace(downloaded=7, registry=None, image="app")
    fetched = summarize(result).bytes
    assert fetched.by_source == {HOST: 30_000_000, "docker.io": 7}
    assert fetched.downloaded == sum(fetched.by_source.values())


def test_time_is_all_of_it():
    result = make(**RUN)
    time = summarize(result).time
    assert time.seconds == pytest.approx(sum(pod.start_seconds for pod in result.pods))
    assert sum(stage.share for stage in time.stages.values()) == pytest.approx(1)
    assert sum(stage.share for stage in time.slowest_stages.values()) == pytest.approx(1)
    assert time.slowest_pods == 1


def test_slowest_pods_are_a_hundredth_and_pods_that_never_started_come_first():
    result = make(pods=250, nodes=10, never=1)
    slowest = slowest_pods(result.pods)
    assert len(slowest) == 3
    assert slowest[0].started is None
    started = sorted((pod.start_seconds for pod in result.pods if pod.started is not None), reverse=True)
    assert [pod.start_seconds for pod in slowest[1:]] == started[:2]


def test_numbers_that_cannot_be_had_are_none():
    pods = summarize(make(pods=4, never=4)).pods
    assert pods.start_of_started.p50 is pods.start_of_started.max is pods.last_ready_at is pods.per_minute.mean is None
    assert pods.start.p50 == pods.start.mean == math.inf
    assert summarize(empty()).pods.start.p50 is None
    assert summarize(make(pods=4, never=4)).pulls.pull.p99 is None


@pytest.mark.parametrize(
    ("detail", "missing"),
    [
        ("none", {"pods", "pulls", "bytes", "layers", "time", "bottleneck"}),
        ("pods", {"pulls", "bytes", "layers"}),
        ("pulls", set()),
    ],
)
def test_what_was_not_recorded_is_none_and_not_zero(detail, missing):
    result = make()
    keeps = ["none", "pods", "pulls", "layers"].index(detail)
    result.layers.clear()
    if keeps < 2:
        result.pulls.clear()
    if keeps < 1:
        result.pods.clear()
    result.detail = detail
    content = summarize(result).to_dict()
    assert {
        key for key in ("pods", "pulls", "bytes", "layers", "time", "bottleneck") if content[key] is None
    } == missing


@pytest.mark.parametrize("result", [empty(), make(), make(**RUN), make(pods=3, never=3)])
def test_it_is_strict_json(result):
    content = summarize(result).to_dict()
    assert next(iter(content)) == "schemaVersion"
    assert content["schemaVersion"] == 1
    text = json.dumps(content, allow_nan=False)
    assert json.loads(text) == content


def test_keys_of_the_json_are_frozen():
    content = summarize(make()).to_dict()
    assert list(content) == [
        "schemaVersion", "name", "seed", "version", "detail", "end", "ended", "nodes", "pools", "percentiles", "pods",
        "workloads", "podsByPool", "images", "pulls", "bytes", "layers", "housekeeping", "registries", "outages",
        "rollouts", "churn", "prepulls", "time", "timeInStatus", "bottleneck", "mixedVersions", "warnings",
        "assertions", "modelError", "autoscaling", "caches", "splits", "guesses", "neverStarted",
        "bytesByClass",
        "idleAcceleratorMinutes", "idleAccelerators", "cost", "costs", "unusedImages",
    ]  # fmt: skip
    assert list(content["pods"]) == [
        "total", "started", "notStarted", "notStartedByReason", "withdrawn", "deadlines", "missedDeadlines", "start",
        "startOfStarted", "ready", "readyOfReady", "notReady", "lastReadyAt", "perMinute",
    ]  # fmt: skip
    figures = ["count", "mean", "p50", "p90", "p95", "p99", "p99.9", "max"]
    assert list(content["pods"]["start"]) == [*figures, "never"]
    assert list(content["pods"]["startOfStarted"]) == list(content["pulls"]["pull"]) == figures
    assert list(content["pulls"]) == [
        "total", "ok", "failed", "failuresByCause", "underWay", "backoffs", "pull", "queue", "includingWaiting",
    ]  # fmt: skip
    assert list(content["bytes"]) == ["downloaded", "bySource", "local", "perSecond"]
    assert list(content["housekeeping"]) == ["removed", "refetched", "refetchedShare", "evictedPods", "disks"]
    assert list(content["time"]) == ["seconds", "stages", "slowestPods", "slowestStages"]
    assert list(content["bottleneck"]) == [
        "resource", "seconds", "share", "sentence", "hint", "shares", "sharesOfPulls",
    ]  # fmt: skip


def test_names_of_hosts_and_stages_are_no_json_keys_to_be_changed():
    result = make()
    result.layers = [layer._replace(source="my_host.example.com") for layer in result.layers]
    content = summarize(result).to_dict()
    assert "my_host.example.com" in content["bytes"]["bySource"]
    assert "download_egress" in content["time"]["stages"]


def test_a_tag_that_moved():
    result = make(pods=4, images=1)
    assert summarize(result).mixed_versions == []
    result.pods[0] = result.pods[0]._replace(image_refs=("sha256:old",))
    result.pods[1] = result.pods[1]._replace(image_refs=(None,))
    (tag,) = summarize(result).mixed_versions
    assert tag.containers == {"sha256:0:v1": 2, "sha256:old": 1}
    (warning,) = summarize(result).warnings
    assert warning == (
        f"containers with the image {HOST}/team/app-0:v1 run different digests: "
        "2 run sha256:0:v1 on 2 nodes (app-00002, app-00003), 1 run sha256:old on 1 node (app-00000)"
    )
    assert tag.nodes == {"sha256:0:v1": 2, "sha256:old": 1}
    assert tag.pods == {"sha256:0:v1": ["default/app-00002", "default/app-00003"], "sha256:old": ["default/app-00000"]}


def test_one_image_has_a_digest_for_each_platform():
    result = make(pods=4, images=1, pools=2)
    result.platforms = {"pool-0": "linux/amd64", "pool-1": "linux/arm64"}
    for index in (1, 3):  # on node-0001, of pool-1
        result.pods[index] = result.pods[index]._replace(image_refs=("sha256:arm",))
    assert summarize(result).mixed_versions == []
    result.pods[3] = result.pods[3]._replace(image_refs=("sha256:new",))
    (tag,) = summarize(result).mixed_versions
    assert (tag.platform, tag.containers) == ("linux/arm64", {"sha256:arm": 1, "sha256:new": 1})
    assert " run different digests on linux/arm64: " in str(tag)


def test_numbers_have_no_noise():
    result = make(pods=3)
    result.end = 0.1 + 0.2
    assert summarize(result).to_dict()["end"] == 0.3
    result.end = math.inf
    assert summarize(result).to_dict()["end"] is None
