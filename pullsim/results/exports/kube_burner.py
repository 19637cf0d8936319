"""The latencies of pods as kube-burner's measurement podLatency has them, for its dashboards.

Each file is what its local indexer writes, a JSON array of documents (go-commons, indexers/local.go): one of each pod
that became ready (pkg/measurements/pod_latency.go, podMetric), and one of each job and condition
(pkg/measurements/metrics/metrics.go, LatencyQuantiles). All latencies are whole milliseconds from the pod's creation.
A job is a workload here.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from pullsim.kernel.clock import nanoseconds
from pullsim.printable import json_text
from pullsim.results.exports.api_values import time, uid
from pullsim.results.summary.groups import workload_name
from pullsim.rows import values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TextIO

    from pullsim.records import PodRecord
    from pullsim.run import Result

_MILLISECOND: Final = 1_000_000  # nanoseconds
#: The conditions of a pod, and the key of its latency in a pod's document.
CONDITIONS: Final = {
    "PodScheduled": "schedulingLatency",
    "Initialized": "initializedLatency",
    "ContainersReady": "containersReadyLatency",
    "Ready": "podReadyLatency",
    "ContainersStarted": "containersStartedLatency",
    "PodReadyToStartContainers": "readyToStartContainersLatency",
}

Pod = tuple[str, str, float]  # namespace, name, and when it was created: a StatefulSet gives names again


def write_pods(result: Result, file: TextIO) -> None:
    """Write a document of each pod that became ready. The run must have kept pods, and statuses for two latencies."""
    _write(_pods(result), file)


def write_quantiles(result: Result, file: TextIO) -> None:
    """Write a document of each workload and condition."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for document in _pods(result):
        found[document["jobName"]].append(document)
    _write(
        (
            {
                "quantileName": condition,
                "uuid": _uuid(result),
                **_quantiles(sorted(document[key] for document in documents)),
                "timestamp": time(result.end),
                "metricName": "podLatencyQuantilesMeasurement",
                "jobName": job,
                "metadata": {"simulator": f"pullsim {result.version}"},
            }
            for job, documents in found.items()
            for condition, key in CONDITIONS.items()
        ),
        file,
    )


def _write(documents: Iterable[dict[str, Any]], file: TextIO) -> None:
    separator = "["
    for document in documents:
        file.write(f"{separator}\n{json_text(document)}")
        separator = ","
    file.write("[]\n" if separator == "[" else "\n]\n")


def _pods(result: Result) -> Iterator[dict[str, Any]]:
    """Yield the documents of the pods that became ready, in the order of their creation."""
    synced, initialized = _first_statuses(result)
    uuid = _uuid(result)
    replicas: defaultdict[str, int] = defaultdict(int)
    for pod in sorted(result.pods, key=lambda pod: pod.created):
        job = workload_name(pod.namespace, pod.workload)
        replicas[job] += 1
        if pod.ready is None or pod.scheduled is None or pod.started is None:
            continue
        name = pod.namespace, pod.pod, pod.created
        sandboxed = synced.get(name, pod.scheduled) + pod.stages.get("sandbox", 0.0)
        yield {
            "timestamp": time(pod.created),
            "schedulingLatency": _latency(pod, pod.scheduled),
            "initializedLatency": _latency(pod, initialized.get(name, pod.scheduled)),
            "containersReadyLatency": _latency(pod, pod.ready),
            "podReadyLatency": _latency(pod, pod.ready),
            "containersStartedLatency": _latency(pod, pod.started),
            "readyToStartContainersLatency": _latency(pod, sandboxed),
            "metricName": "podLatencyMeasurement",
            "uuid": uuid,
            "jobName": job,
            "jobIteration": 0,
            "replica": replicas[job],
            "namespace": pod.namespace,
            "podName": pod.pod,
            "nodeName": pod.node,
            "metadata": {"simulator": f"pullsim {result.version}", "pool": result.pools.get(pod.node or "")},
        }


def _first_statuses(result: Result) -> tuple[dict[Pod, float], dict[Pod, float]]:
    """Return when the kubelet first told of each pod, and when its init containers were done, in seconds."""
    synced: dict[Pod, float] = {}
    initialized: dict[Pod, float] = {}
    for at, status, *pod in values(result.statuses, "t", "status", "namespace", "pod", "created"):
        if status != "Pending":
            synced.setdefault(tuple(pod), at)
            if not status.startswith("Init:"):
                initialized.setdefault(tuple(pod), at)
    return synced, initialized


def _latency(pod: PodRecord, at: float) -> int:
    return max(nanoseconds(at) - nanoseconds(pod.created), 0) // _MILLISECOND


def _quantiles(ordered: Sequence[int]) -> dict[str, int]:
    return {
        **{f"P{percent}": percentile(ordered, percent) for percent in (99, 95, 50)},
        "min": ordered[0],
        "max": ordered[-1],
        "avg": sum(ordered) // len(ordered),
    }


def percentile(ordered: Sequence[int], percent: int) -> int:
    """Return a percentile of at least one number in ascending order, as the library of kube-burner 2 computes it.

    That is the value at its rank, or the mean of the two around a rank that is not whole, cut to a whole number
    (montanaflynn/stats 0.7.1, percentile.go).
    """
    if len(ordered) == 1:
        return ordered[0]
    index = percent / 100 * len(ordered)
    rank = int(index)
    return ordered[rank - 1] if index == rank else (ordered[rank - 1] + ordered[rank]) // 2


def _uuid(result: Result) -> str:
    return uid("run", result.name, str(result.seed), result.version)
