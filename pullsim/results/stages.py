"""How the stages of `pullsim.records` are called and which resource each of them waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from pullsim.records import STAGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Key = TypeVar("Key")

#: What a reader is shown; short enough for a legend.
LABELS: Final = {
    "scheduling": "scheduling",
    "sync": "kubelet sync",
    "init": "init containers",
    "queue": "pull queue",
    "qps": "pull QPS",
    "backoff": "back-off",
    "credentials": "credentials",
    "resolve": "resolve",
    "request": "request",
    "slot": "layer slot",
    "lock": "shared layer",
    "download_egress": "download: egress",
    "download_connection": "download: connection",
    "download_nic": "download: NIC",
    "stall": "stalled download",
    "unpack_cpu": "unpack: CPU",
    "unpack_disk": "disk",
    "commit": "commit",
    "pull": "pull (fixed)",
    "start": "container start",
}


class Resource(NamedTuple):
    """What a pod waits for, as a verdict names it."""

    key: str  # in summary.json
    stages: tuple[str, ...]
    phrase: str  # completes "61 % of the waiting was …"
    hint: str  # what to turn, in keys of the scenario; empty when no key changes it


#: Every stage belongs to one resource.
RESOURCES: Final = (
    Resource(
        "pullQueue",
        ("queue",),
        "the kubelet's pull queue",
        "kubelet.serializeImagePulls=false with a larger kubelet.maxParallelImagePulls",
    ),
    Resource(
        "registryPullQPS",
        ("qps",),
        "pulls that the kubelet refused (registryPullQPS)",
        "kubelet.registryPullQPS and kubelet.registryBurst",
    ),
    Resource(
        "backOff",
        ("backoff",),
        "image pull back-off after failed pulls",
        "remove the cause of the failures; the back-off itself has no knob",
    ),
    Resource(
        "layerSlots",
        ("slot",),
        "the runtime's layer download slots",
        "max_concurrent_downloads of the runtime (containerd counts it per node from 2.1, per pull before)",
    ),
    Resource(
        "sharedLayers",
        ("lock",),
        "another pull on the node that was fetching or unpacking the same layers",
        "put the shared base on the nodes beforehand (nodes[*].cached or a prepull)",
    ),
    Resource(
        "registryEgress",
        ("download_egress",),
        "the egress of the registry",
        "registries[HOST].egress, a mirror, or fewer nodes at a time",
    ),
    Resource(
        "perConnection",
        ("download_connection",),
        "the rate cap of a single registry connection",
        "registries[HOST].perConnection (or tcp.maxWindow: a window a round trip), or more, smaller layers at a time",
    ),
    Resource(
        "stalledDownloads",
        ("stall",),
        "downloads that had stopped",
        "registries[HOST].faults, or nodes[*].runtime.progressTimeout",
    ),
    Resource("nic", ("download_nic",), "the nodes' NICs", "nodes[*].nic, or smaller images"),
    Resource(
        "unpackCpu",
        ("unpack_cpu",),
        "unpacking layers on the CPU",
        "nodes[*].cores and nodes[*].unpack (zstd layers, a parallel gzip), or smaller layers",
    ),
    Resource("disk", ("unpack_disk",), "writing layers to disk", "nodes[*].disk.write"),
    Resource(
        "commit",
        ("commit",),
        "fsync and metadata writes of the runtime",
        "nodes[*].disk.fsync and nodes[*].metadata.write, or fewer layers",
    ),
    Resource(
        "roundTrips",
        ("resolve", "request"),
        "round trips to the registry",
        "registries[HOST].roundTrip and .firstByte (a nearer registry or mirror), or imagePullPolicy IfNotPresent",
    ),
    Resource(
        "credentials",
        ("credentials",),
        "looking up registry credentials",
        "nodes[*].credentials (a faster or cached credential provider)",
    ),
    Resource(
        "scheduling",
        ("scheduling",),
        "room on a node",
        "nodes[*].count, nodes[*].maxPods or nodes[*].join",
    ),
    Resource("sync", ("sync",), "the kubelet's next look at its pods", ""),
    Resource("initContainers", ("init",), "the pods' own init containers", ""),
    Resource("fixedPull", ("pull",), "pulls of given duration (fixed runtime)", ""),
    Resource("containerStart", ("start",), "creating and starting containers", ""),
)


def total(rows: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Seconds by stage over all rows, in the order of STAGES, stages without any left out."""
    return totals((None, stages) for stages in rows).get(None, {})


def totals(rows: Iterable[tuple[Key, Mapping[str, float]]]) -> dict[Key, dict[str, float]]:
    """Seconds by stage, see `total`, by the key that comes with each row."""
    found: dict[Key, dict[str, float]] = {}
    for key, stages in rows:
        seconds = found.get(key)
        if seconds is None:
            seconds = found[key] = dict.fromkeys(STAGES, 0.0)
        for stage, value in stages.items():
            seconds[stage] += value
    return {key: {stage: value for stage, value in seconds.items() if value > 0} for key, seconds in found.items()}
