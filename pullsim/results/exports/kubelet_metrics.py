"""The kubelet's metrics about pulls, and the records of a run from which each of them is computed.

Names, labels and buckets are those of release 1.35 (pkg/kubelet/metrics/metrics.go, pkg/kubelet/images/metrics.go). All
metrics are written, also for nodes of releases that do not have them.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim.kernel.clock import nanoseconds
from pullsim.kubelet.images.image_manager import IMAGE_INSPECT_ERROR
from pullsim.rows import values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pullsim.run import Result

MILLISECOND: Final = 1_000_000  # nanoseconds
_POD: Final = ("namespace", "pod")  # the two fields that name a pod

PULL_BUCKETS: Final = tuple(
    map(float, (1, 5, 10, 20, 30, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800, 2700, 3600))
)
START_BUCKETS: Final = (
    *(0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 20.0, 30.0, 45.0, 60.0, 120.0, 180.0, 240.0, 300.0),
    *(360.0, 480.0, 600.0, 900.0, 1200.0, 1800.0, 2700.0, 3600.0),
)
#: prometheus.DefBuckets
PLUGIN_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
OPERATION_BUCKETS: Final = tuple(float(f"{0.005 * 2.5**n:.12g}") for n in range(14))

_MIB: Final = 2**20
#: The label of sizes above a bound; a size that equals the bound belongs to the label below.
SIZES: Final = (
    (100 * 1024 * _MIB, "GT100GB"),
    (60 * 1024 * _MIB, "60GB-100GB"),
    (40 * 1024 * _MIB, "40GB-60GB"),
    (30 * 1024 * _MIB, "30GB-40GB"),
    (20 * 1024 * _MIB, "20GB-30GB"),
    (10 * 1024 * _MIB, "10GB-20GB"),
    (5 * 1024 * _MIB, "5GB-10GB"),
    (1024 * _MIB, "1GB-5GB"),
    (500 * _MIB, "500MB-1GB"),
    (100 * _MIB, "100MB-500MB"),
    (10 * _MIB, "10MB-100MB"),
    (0, "0-10MB"),
)


class Observation(NamedTuple):
    """A change of a metric: by how much a counter grows or a gauge changes, or a value for a histogram."""

    t: float
    node: str
    labels: tuple[str, ...]
    value: float = 1.0


class Metric(NamedTuple):
    """A family of metrics; ``name`` of a counter is without ``_total``."""

    name: str
    type: str  # counter | gauge | histogram
    help: str
    labels: tuple[str, ...]
    observe: Callable[[Result], Iterator[Observation]]
    buckets: tuple[float, ...] = ()


def size_label(size: int) -> str:
    """Return the label ``image_size_in_bytes``; MB and GB are binary (GetImageSizeBucket)."""
    return next((label for above, label in SIZES if size > above), "N/A")


def _pull_durations(result: Result) -> Iterator[Observation]:
    """Yield the seconds of successful pulls including the wait in the queue, truncated to ms as in the event."""
    for ok, requested, ended, node, size in values(result.pulls, "ok", "requested", "ended", "node", "size"):
        if ok:
            waiting = nanoseconds(ended) - nanoseconds(requested)
            yield Observation(ended, node, (size_label(size),), (waiting - waiting % MILLISECOND) / 1e9)


def _ensured(result: Result) -> Iterator[Observation]:
    for ended, node, policy, present, required in values(
        result.requests, "ended", "node", "policy", "present", "pull_required"
    ):
        if policy is not None:
            yield Observation(ended, node, (policy.lower(), _known(present), _known(required)))


def _checks(result: Result) -> Iterator[Observation]:
    """Yield the checks whether a pod may use a present image, on kubelets that verify credentials."""
    for ended, node, outcome in values(result.requests, "ended", "node", "check"):
        if outcome is not None:
            yield Observation(ended, node, (outcome,))


def _intents(result: Result) -> Iterator[Observation]:
    yield from _changes(values(result.requests, "ended", "node", "pull_intents"))


def _records(result: Result) -> Iterator[Observation]:
    """Yield the number of pull records; the kubelet notices a removed record when it next looks for the image."""
    yield from _changes(values(result.requests, "ended", "node", "pulled_records"))


def _changes(levels: Iterator[tuple[float, str, int | None]]) -> Iterator[Observation]:
    """Yield each change of a node's level, as the difference to the level before."""
    last: dict[str, int] = {}
    for t, node, level in levels:
        if level is not None:
            yield Observation(t, node, (), level - last.get(node, 0))
            last[node] = level


def _plugin_runs(result: Result) -> Iterator[Observation]:
    for run in result.plugin_runs:
        yield Observation(run.ended, run.node, (run.plugin,), run.ended - run.began)


def _plugin_errors(result: Result) -> Iterator[Observation]:
    for run in result.plugin_runs:
        if run.failed:
            yield Observation(run.ended, run.node, (run.plugin,))


def _known(value: bool | None) -> str:
    return "unknown" if value is None else str(value).lower()


def _starts(result: Result) -> Iterator[Observation]:
    """Yield the attempts to start a container, failed ones included, each at the time at which it ended."""
    for ended, node, kind in values(result.requests, "ended", "node", "kind"):
        if kind != "image_volume":
            yield Observation(ended, node, (kind,))


def _start_errors(result: Result) -> Iterator[Observation]:
    """Yield the failed attempts by reason, except those that fail because of an image volume."""
    for ended, node, kind, policy, reason in values(result.requests, "ended", "node", "kind", "policy", "reason"):
        if kind != "image_volume" and policy is not None and reason is not None:
            yield Observation(ended, node, (kind, reason))


def _removals(result: Result) -> Iterator[Observation]:
    """Yield the removed images; those removed by an eviction count with the reason space (image_gc_manager.go)."""
    for removal in result.removals:
        yield Observation(removal.t, removal.node, ("age" if removal.reason == "age" else "space",))


def _volumes(result: Result) -> Iterator[Observation]:
    """Yield the image volumes of containers that the kubelet tried to start."""
    for ended, node, volumes, policy in values(result.requests, "ended", "node", "volumes", "policy"):
        if volumes and policy is not None:
            yield Observation(ended, node, (), volumes)


def _mounted(result: Result) -> Iterator[Observation]:
    for ended, node, volumes, reason in values(result.requests, "ended", "node", "volumes", "reason"):
        if volumes and reason is None:
            yield Observation(ended, node, (), volumes)


def _operations(result: Result) -> Iterator[Observation]:
    """Yield the CRI calls: PullImage for each credential, ImageStatus before a pull and, for the size, after it."""
    for ended, node, calls, ok in values(result.pulls, "ended", "node", "calls", "ok"):
        if calls:
            yield Observation(ended, node, ("pull_image",), calls)
        if ok:
            yield Observation(ended, node, ("image_status",))
    for requested, node, present, reason, policy in values(
        result.requests, "requested", "node", "present", "reason", "policy"
    ):
        if present is not None or _inspect_failed(reason, policy):
            yield Observation(requested, node, ("image_status",))


def _operation_errors(result: Result) -> Iterator[Observation]:
    for ended, node, calls, ok in values(result.pulls, "ended", "node", "calls", "ok"):
        if failed := calls - ok:
            yield Observation(ended, node, ("pull_image",), failed)
    for requested, node, reason, policy in values(result.requests, "requested", "node", "reason", "policy"):
        if _inspect_failed(reason, policy):
            yield Observation(requested, node, ("image_status",))


def _inspect_failed(reason: str | None, policy: str | None) -> bool:
    return reason == IMAGE_INSPECT_ERROR and policy is not None


def _operation_durations(result: Result) -> Iterator[Observation]:
    """Yield the seconds of PullImage calls; other calls take no time. The calls of one pull share its time equally."""
    for started, ended, node, calls in values(result.pulls, "started", "ended", "node", "calls"):
        for _ in range(calls):
            yield Observation(ended, node, ("pull_image",), (ended - started) / calls)


def _pod_starts(result: Result) -> Iterator[Observation]:
    for created, started, node in values(result.pods, "created", "started", "node"):
        if started is not None and node is not None:
            yield Observation(started, node, (), started - created)


def _pod_starts_without_pulls(result: Result) -> Iterator[Observation]:
    """Yield the time to each pod's start, without that from its first Pulling to its last Pulled, back-off included.

    Source: pkg/kubelet/util/pod_startup_latency_tracker.go, up to 1.35; later patches subtract each pull and the run
    time of init containers instead. The kubelet's end is a watch event; here it is the start of the last container.
    """
    first: dict[tuple[str, str], float] = {}
    last: defaultdict[tuple[str, str], float] = defaultdict(float)
    for namespace, name, requested, ended, ok in values(result.pulls, *_POD, "requested", "ended", "ok"):
        pod = namespace, name
        first[pod] = min(first.get(pod, requested), requested)
        if ok:
            last[pod] = max(last[pod], ended)
    for namespace, name, created, started, node in values(result.pods, *_POD, "created", "started", "node"):
        if started is not None and node is not None:
            pod = namespace, name
            pulling = last[pod] - first[pod] if pod in last and pod in first else 0.0
            yield Observation(started, node, (), started - created - pulling)


METRICS: Final = (
    Metric(
        "kubelet_image_pull_duration_seconds",
        "histogram",
        "Duration of successful image pulls, waiting included.",
        ("image_size_in_bytes",),
        _pull_durations,
        PULL_BUCKETS,
    ),
    Metric(
        "kubelet_image_manager_ensure_image_requests",
        "counter",
        "Times that an image was made sure of.",
        ("pull_policy", "present_locally", "pull_required"),
        _ensured,
    ),
    Metric(
        "kubelet_imagemanager_image_mustpull_checks",
        "counter",
        "Checks whether the credentials of a pod must be verified to use a present image.",
        ("result",),
        _checks,
    ),
    Metric("kubelet_imagemanager_ondisk_pullintents", "gauge", "Pull intents on disk.", (), _intents),
    Metric("kubelet_imagemanager_ondisk_pulledrecords", "gauge", "Pulled records on disk.", (), _records),
    Metric(
        "kubelet_credential_provider_plugin_duration",
        "histogram",
        "Duration of the runs of credential provider plugins, seconds.",
        ("plugin_name",),
        _plugin_runs,
        PLUGIN_BUCKETS,
    ),
    Metric(
        "kubelet_credential_provider_plugin_errors",
        "counter",
        "Failed runs of credential provider plugins.",
        ("plugin_name",),
        _plugin_errors,
    ),
    Metric("kubelet_image_garbage_collected", "counter", "Images removed from nodes.", ("reason",), _removals),
    Metric("kubelet_image_volume_requested", "counter", "Image volumes asked for by containers.", (), _volumes),
    Metric("kubelet_image_volume_mounted_succeed", "counter", "Image volumes mounted by containers.", (), _mounted),
    Metric("kubelet_started_containers", "counter", "Attempts to start a container.", ("container_type",), _starts),
    Metric(
        "kubelet_started_containers_errors",
        "counter",
        "Failed attempts to start a container.",
        ("container_type", "code"),
        _start_errors,
    ),
    Metric("kubelet_runtime_operations", "counter", "Calls of the runtime.", ("operation_type",), _operations),
    Metric(
        "kubelet_runtime_operations_errors",
        "counter",
        "Failed calls of the runtime.",
        ("operation_type",),
        _operation_errors,
    ),
    Metric(
        "kubelet_runtime_operations_duration_seconds",
        "histogram",
        "Duration of calls of the runtime.",
        ("operation_type",),
        _operation_durations,
        OPERATION_BUCKETS,
    ),
    Metric(
        "kubelet_pod_start_sli_duration_seconds",
        "histogram",
        "From the creation of a pod to its start, image pulls excluded.",
        (),
        _pod_starts_without_pulls,
        START_BUCKETS,
    ),
    Metric(
        "kubelet_pod_start_total_duration_seconds",
        "histogram",
        "From the creation of a pod to its start.",
        (),
        _pod_starts,
        START_BUCKETS,
    ),
)
