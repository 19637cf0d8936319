"""The stages that a pod's time is attributed to, and the resources that a pod waits for in them: everything about each.

The tables, charts, summary and reference take the names, labels, meanings and colours from here, so a new stage is a
row of `TABLE`, and of `RESOURCES` if it waits for something new. What helps is in `pullsim.study.advice.levers`.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Resource(NamedTuple):
    """What a pod waits for, as the bottleneck of a run names it."""

    key: str  # the value of `bottleneck.resource` in summary.json
    phrase: str  # completes the sentence "61 % of the waiting was …"

    @property
    def stages(self) -> tuple[str, ...]:
        """The names of the stages in which a pod waits for it."""
        return tuple(stage.name for stage in TABLE if stage.resource == self.key)


class Stage(NamedTuple):
    """One of the stages of which each second from a pod's creation until it is ready belongs to exactly one."""

    name: str  # in tables, where it is a column, and in the model
    label: str  # in charts and on the terminal; short enough for a legend
    meaning: str  # what happened in its seconds, in the reference
    resource: str  # the key of the resource that a pod waits for in it
    colour: str  # in charts
    dark: str  # in its place on dark ground


#: What the bottleneck of a run can be; of several with equal shares of the time the first one is named.
RESOURCES: Final = (
    Resource("pullQueue", "the kubelet's pull queue"),
    Resource("registryPullQPS", "pulls that the kubelet refused (registryPullQPS)"),
    Resource("backOff", "image pull back-off after failed pulls"),
    Resource("layerSlots", "the runtime's layer download slots"),
    Resource("sharedLayers", "another pull on the node that was fetching or unpacking the same layers"),
    Resource("registryEgress", "the egress of the registry"),
    Resource("perConnection", "the rate cap of a single registry connection"),
    Resource("stalledDownloads", "downloads that had stopped"),
    Resource("nic", "the nodes' NICs"),
    Resource("unpackCpu", "unpacking layers on the CPU"),
    Resource("disk", "writing layers to disk"),
    Resource("commit", "fsync and metadata writes of the runtime"),
    Resource("roundTrips", "round trips to the registry"),
    Resource("credentials", "looking up registry credentials"),
    Resource("scheduling", "room on a node"),
    Resource("nodeBoot", "nodes that an autoscaler had asked for"),
    Resource("sync", "the kubelet's next look at its pods"),
    Resource("initContainers", "the pods' own init containers"),
    Resource("fixedPull", "pulls of given duration (fixed runtime)"),
    Resource("containerStart", "creating and starting containers"),
    Resource("sandbox", "creating the pods' sandboxes"),
    Resource("imageFiles", "files of images that were not in memory when they were read"),
    Resource("readiness", "containers that ran and were not ready yet"),
)

#: All stages, in the order in which a pod usually meets them. The colours are fixed, one hue for each family: grey
#: outside of pulls, purple for the kubelet, yellow for requests, green for other pulls, blue for downloads, orange for
#: unpacking. A test checks that any two can be told apart, with normal vision and with each of the colour blindnesses,
#: and that those for dark ground stand out from it.
TABLE: Final = (
    Stage(
        "scheduling", "scheduling", "no node had room, or the node had not joined", "scheduling", "#424242", "#91887b"
    ),
    Stage(
        "node_boot",
        "node boot",
        "a node that an autoscaler had asked for was on its way, or not ready yet",
        "nodeBoot",
        "#fa32be",
        "#ff65dd",
    ),
    Stage(
        "sync",
        "kubelet sync",
        "until the kubelet's worker looked at the pod again, other than after a failure",
        "sync",
        "#a8a8a8",
        "#64696d",
    ),
    Stage("sandbox", "sandbox", "the pod's sandbox was created", "sandbox", "#5c148c", "#724dcd"),
    Stage("init", "init containers", "an init container ran", "initContainers", "#737373", "#bbbab9"),
    Stage(
        "queue",
        "pull queue",
        "in the kubelet's queue for pulls: the serial one, or for one of `maxParallelImagePulls`",
        "pullQueue",
        "#812f74",
        "#975492",
    ),
    Stage(
        "qps",
        "pull QPS",
        "refused by `registryPullQPS`, until the next attempt",
        "registryPullQPS",
        "#f8b1e9",
        "#ffbaf1",
    ),
    Stage("backoff", "back-off", "after a failed attempt, until the next", "backOff", "#320b29", "#b383a2"),
    Stage("credentials", "credentials", "looking up credentials", "credentials", "#f4e236", "#fdea40"),
    Stage(
        "resolve",
        "resolve",
        "from the runtime's call to the first request for a layer: challenge, token, manifest, config",
        "roundTrips",
        "#bf9f00",
        "#c6b31f",
    ),
    Stage(
        "request",
        "request",
        "a layer's request: connection, round trips, first byte, slow start",
        "roundTrips",
        "#634903",
        "#eab369",
    ),
    Stage(
        "slot",
        "layer slot",
        "a layer waited for one of the runtime's download slots",
        "layerSlots",
        "#7deba5",
        "#5ccd8e",
    ),
    Stage(
        "lock",
        "shared layer",
        "another pull was fetching or unpacking the same layer",
        "sharedLayers",
        "#10673a",
        "#a1f5c1",
    ),
    Stage(
        "download_egress",
        "download: egress",
        "bytes came as fast as the registry's egress allows",
        "registryEgress",
        "#00124d",
        "#565fb0",
    ),
    Stage(
        "download_connection",
        "download: connection",
        "bytes came as fast as one connection allows",
        "perConnection",
        "#0f4cca",
        "#8780ff",
    ),
    Stage("download_nic", "download: NIC", "bytes came as fast as the node's NIC allows", "nic", "#89aefd", "#92b4ff"),
    Stage(
        "stall",
        "stalled download",
        "nothing came over a connection, because of a fault of the registry",
        "stalledDownloads",
        "#7800fc",
        "#8d11ff",
    ),
    Stage(
        "unpack_cpu",
        "unpack: CPU",
        "layers were unpacked as fast as the cores allow",
        "unpackCpu",
        "#aa6b15",
        "#c7852f",
    ),
    Stage(
        "unpack_disk",
        "disk",
        "blobs and unpacked layers were written as fast as the disk allows",
        "disk",
        "#fe936f",
        "#dd7758",
    ),
    Stage("commit", "commit", "the runtime's fsyncs and metadata writes", "commit", "#4e1706", "#9d574d"),
    Stage(
        "pull",
        "pull (fixed)",
        "a pull of the fixed runtime, which knows nothing but its duration",
        "fixedPull",
        "#1987b0",
        "#2798c6",
    ),
    Stage("start", "container start", "containers were created and started", "containerStart", "#ededed", "#f2f2f3"),
    Stage(
        "read",
        "reading files",
        "all containers ran, and waited for files of the image that came as they were read",
        "imageFiles",
        "#8c7bff",
        "#b64224",
    ),
    Stage(
        "readiness", "readiness", "all containers ran, and the pod was not ready yet", "readiness", "#bcf874", "#c4ff7a"
    ),
)

READ: Final = "read"
READINESS: Final = "readiness"
#: The stages after the start of a pod: without them the stages sum to the time until the start.
AFTER_START: Final = (READ, READINESS)

#: The names of all stages, in the same order.
STAGES: Final = tuple(stage.name for stage in TABLE)
LABELS: Final = {stage.name: stage.label for stage in TABLE}
COLOURS: Final = {stage.name: stage.colour for stage in TABLE}
DARK_COLOURS: Final = {stage.name: stage.dark for stage in TABLE}
