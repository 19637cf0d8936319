"""The columns of every table that pullsim writes: name, type, unit, meaning, and how a value is read from a record.

Instants end in ``_at`` and are seconds since the start of the run; durations end in ``_s``; sizes are bytes. The stage
columns of a pod sum to its ``until_ready_s``, and without ``read_s`` and ``readiness_s`` to its ``until_start_s``;
those of a pull sum to its ``duration_s``.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from pullsim.spec.prices import accelerators
from pullsim.stages import STAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Kind = Literal["str", "float", "int", "bool"]


class Column(NamedTuple):
    """One column of a table; `value` takes the record, and None is a missing value."""

    name: str
    kind: Kind
    unit: str  # "" when it has none
    meaning: str
    value: Callable[[Any], Any]


def bound(columns: tuple[Column, ...], pools: Mapping[str, str]) -> tuple[Column, ...]:
    """Return the columns with the column ``pool`` filled from ``pools``, since records have only the node's name."""
    pool = POOL._replace(value=lambda row: pools.get(row.node))
    return tuple(pool if column is POOL else column for column in columns)


def _field(name: str, kind: Kind, unit: str, meaning: str, field: str | None = None) -> Column:
    return Column(name, kind, unit, meaning, attrgetter(field or name))


def _stages(of: str) -> tuple[Column, ...]:
    def column(stage: str) -> Column:
        meaning = f"part of {of} that belongs to the stage {stage}"
        return Column(f"{stage}_s", "float", "s", meaning, lambda row: row.stages.get(stage, 0.0))

    return tuple(column(stage) for stage in STAGES)


def _between(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else end - start


POOL: Final = Column("pool", "str", "", "pool of the node", attrgetter("node"))

PODS: Final = (
    _field("namespace", "str", "", "namespace of the pod"),
    _field("pod", "str", "", "name of the pod"),
    _field("workload", "str", "", "workload that made it; of a CronJob's Jobs the CronJob"),
    POOL,
    _field("node", "str", "", "node it was bound to; empty: never scheduled"),
    Column("images", "str", "", "images as written, init containers first, joined by ;", lambda r: ";".join(r.images)),
    Column(
        "image_refs",
        "str",
        "",
        "digest that each container runs, joined by ;, empty where it did not start",
        lambda r: ";".join(ref or "" for ref in r.image_refs),
    ),
    Column("started", "bool", "", "whether all its containers run", lambda r: r.started is not None),
    _field("created_at", "float", "s", "it was created", "created"),
    _field("scheduled_at", "float", "s", "it was bound to its node", "scheduled"),
    _field("started_at", "float", "s", "all its containers ran", "started"),
    _field(
        "until_start_s",
        "float",
        "s",
        "from its creation to its start; to the end of the run when it never started",
        "start_seconds",
    ),
    _field("pulls", "int", "", "pull attempts, successful ones too"),
    _field("failures", "int", "", "failed pull attempts"),
    _field("backoffs", "int", "", "looks of the kubelet that found it in back-off (BackOff events)"),
    _field("reason", "str", "", "last waiting reason of a pod that never started"),
    _field("cause", "str", "", "cause of its last failed pull"),
    _field("deadline_s", "float", "s", "time it was given to start, from its creation", "deadline"),
    _field("missed", "bool", "", "whether it has a deadline and was not started by then"),
    _field("ready_at", "float", "s", "it was Ready; empty: never", "ready"),
    _field(
        "until_ready_s",
        "float",
        "s",
        "from its creation until it was Ready; to its end or the end of the run when it never was",
        "ready_seconds",
    ),
    _field(
        "withdrawn",
        "bool",
        "",
        "whether nobody waits for it although it was never ready: it was replaced, its node left, or it completed",
    ),
    _field("message", "str", "", "why it got no node, as the event FailedScheduling says"),
    _field("images_ready_at", "float", "s", "its last image was there; empty: it never started", "images_ready"),
    Column(
        "accelerators",
        "str",
        "",
        "accelerators that it holds, as nvidia.com/gpu=1, joined by ;",
        lambda r: ";".join(f"{name}={amount}" for name, amount in accelerators(r.requests)),
    ),
    *_stages("until_ready_s"),
)

PULLS: Final = (
    POOL,
    _field("node", "str", "", "node that pulls"),
    _field("namespace", "str", "", "namespace of the pod"),
    _field("pod", "str", "", "pod that the pull is for"),
    _field("container", "str", "", "container that the pull is for"),
    _field("image", "str", "", "image as written"),
    _field("attempt", "int", "", "1, 2, … of this pod and image"),
    _field("ok", "bool", "", "whether it succeeded"),
    _field("cause", "str", "", "why it failed"),
    _field("error", "str", "", "message of the runtime"),
    _field("image_ref", "str", "", "digest of what was pulled"),
    _field("registry", "str", "", "host that was asked"),
    _field("requested_at", "float", "s", "handed to the kubelet's puller (event Pulling)", "requested"),
    _field("started_at", "float", "s", "the runtime was called", "started"),
    _field("ended_at", "float", "s", "the runtime answered", "ended"),
    Column(
        "wait_s", "float", "s", "in the kubelet's queue: started_at - requested_at", lambda r: r.started - r.requested
    ),
    Column("duration_s", "float", "s", "the pull itself: ended_at - started_at", lambda r: r.ended - r.started),
    Column("including_waiting_s", "float", "s", "both: ended_at - requested_at", lambda r: r.ended - r.requested),
    _field("size", "int", "B", "compressed size of the image; 0 when it failed"),
    _field("downloaded", "int", "B", "fetched by this pull, compressed"),
    _field("layers", "int", "", "layers of the image"),
    _field("layers_fetched", "int", "", "layers fetched by this pull"),
    _field("refetched", "int", "B", "part of downloaded that the node had once: removed, or left by a failed pull"),
    _field("calls", "int", "", "calls of the runtime: one for each credential that was tried"),
    *_stages("duration_s"),
)

LAYERS: Final = (
    POOL,
    _field("node", "str", "", "node that pulls"),
    _field("namespace", "str", "", "namespace of the pod"),
    _field("pod", "str", "", "pod that the pull is for"),
    _field("image", "str", "", "image as written"),
    _field("position", "int", "", "place in the image; 0 is the bottom"),
    _field("digest", "str", "", "digest of the layer"),
    _field("size", "int", "B", "compressed size"),
    _field("unpacked", "int", "B", "size unpacked"),
    _field(
        "source",
        "str",
        "",
        "registry or mirror that served it; peer: another node; local: on the node or fetched by another pull",
    ),
    _field("downloaded", "int", "B", "fetched by this pull: less where a part was there, or where the pull failed"),
    _field("queued_at", "float", "s", "the fetch was asked for", "queued"),
    _field("slot_at", "float", "s", "it had a download slot", "slot"),
    _field("requested_at", "float", "s", "the request went out", "requested"),
    _field("first_byte_at", "float", "s", "connection, round trips and slow start were done", "first_byte"),
    _field("fetched_at", "float", "s", "last byte", "fetched"),
    _field("committed_at", "float", "s", "the blob was durable; empty: the pull failed before", "committed"),
    _field(
        "unpack_started_at",
        "float",
        "s",
        "unpacking began; empty: the pull failed before, or another pull unpacked it",
        "unpack_started",
    ),
    _field("unpack_ended_at", "float", "s", "the snapshot was committed; empty as before", "unpack_ended"),
    Column("slot_s", "float", "s", "waited for a slot: slot_at - queued_at", lambda r: r.slot - r.queued),
    Column(
        "lock_s", "float", "s", "waited for the blob's lock: requested_at - slot_at", lambda r: r.requested - r.slot
    ),
    Column("request_s", "float", "s", "first_byte_at - requested_at", lambda r: r.first_byte - r.requested),
    Column("download_s", "float", "s", "fetched_at - first_byte_at", lambda r: r.fetched - r.first_byte),
    _field("download_egress_s", "float", "s", "part of download_s limited by the registry's egress", "egress"),
    _field("download_connection_s", "float", "s", "part of download_s limited by the connection's cap", "connection"),
    _field("download_nic_s", "float", "s", "part of download_s limited by the node's NIC", "nic"),
    Column("commit_s", "float", "s", "committed_at - fetched_at", lambda r: _between(r.fetched, r.committed)),
    Column(
        "unpack_wait_s",
        "float",
        "s",
        "waited for the layer below: unpack_started_at - committed_at",
        lambda r: _between(r.committed, r.unpack_started),
    ),
    Column(
        "unpack_s",
        "float",
        "s",
        "unpack_ended_at - unpack_started_at",
        lambda r: _between(r.unpack_started, r.unpack_ended),
    ),
    _field("unpack_limit", "str", "", "what limited the unpacking: cpu or disk"),
)

STATUSES: Final = (
    _field("namespace", "str", "", "namespace of the pod"),
    _field("pod", "str", "", "name of the pod"),
    POOL,
    _field("node", "str", "", "node it was bound to; empty: not scheduled"),
    _field("shown_at", "float", "s", "from then on the API shows it", "t"),
    Column("age_s", "float", "s", "since its creation: column AGE of `kubectl get pods`", lambda r: r.t - r.created),
    _field("ready", "int", "", "containers that run, sidecars too: column READY"),
    _field("containers", "int", "", "containers, sidecars too"),
    _field("status", "str", "", "column STATUS"),
    _field("message", "str", "", "message of the waiting container that the status is about"),
)

EVENTS: Final = (
    _field("t", "float", "s", "emitted at"),
    _field("node", "str", "", "node of the kubelet"),
    _field("pod", "str", "", "name of the pod; empty: the node"),
    _field("container", "str", "", "container; empty: the whole pod"),
    _field("type", "str", "", "Normal or Warning"),
    _field("reason", "str", "", "reason, as the kubelet has it"),
    _field("message", "str", "", "message, as the kubelet has it"),
    _field("image", "str", "", "image as written"),
    _field("namespace", "str", "", "namespace of the pod; empty: the node"),
)

REMOVALS: Final = (
    _field("t", "float", "s", "removed at"),
    POOL,
    _field("node", "str", "", "node that had it"),
    _field(
        "reason",
        "str",
        "",
        "age: unused for longer than imageMaximumGCAge; space: the disk was used beyond imageGCHighThresholdPercent; "
        "eviction: disk pressure",
    ),
    _field("image_ref", "str", "", "ID of the image"),
    Column("images", "str", "", "its names, joined by ;", lambda r: ";".join(r.images)),
    _field("handler", "str", "", "runtime handler that it was pulled for; empty: the default one"),
    _field("size", "int", "B", "size that the kubelet counted as freed"),
    _field("freed", "int", "B", "space that came back: other images keep shared layers, unpacked bytes come back too"),
    _field("unused_s", "float", "s", "since it was last seen in use; empty: never", "unused_for"),
)

ROLLOUTS: Final = (
    _field("namespace", "str", "", "namespace of the workload"),
    _field("workload", "str", "", "name of the workload"),
    _field("kind", "str", "", "Deployment, StatefulSet or DaemonSet"),
    _field("began_at", "float", "s", "the update was made", "began"),
    _field("completed_at", "float", "s", "all pods were new and available; empty: not by the end", "completed"),
    _field("replicas", "int", "", "pods that there should be at the end of the run"),
    _field("updated", "int", "", "new ones that are available at the end of the run"),
    _field("created", "int", "", "pods made from the new template, lost ones too"),
    _field("peak", "int", "", "most pods at a time that were not being deleted"),
    _field("lowest", "int", "", "fewest available at a time; of a DaemonSet, nodes with one"),
)

DEPARTURES: Final = (
    POOL,
    _field("node", "str", "", "node that left"),
    _field("joined_at", "float", "s", "it joined", "joined"),
    _field("left_at", "float", "s", "it left", "t"),
    _field("replaced_by", "str", "", "node that joins in its place; empty: none"),
    _field("pods", "int", "", "pods that it took along"),
    _field("pulls", "int", "", "of them with a pull under way or queued"),
    _field("reason", "str", "", "left: churn; by the autoscaler: empty, or underutilized"),
)

JOINS: Final = (
    POOL,
    _field("node", "str", "", "node that an autoscaler asked for"),
    _field("asked_at", "float", "s", "it was asked for", "asked"),
    _field("joined_at", "float", "s", "it joined; empty: not by the end of the run", "joined"),
    _field("pods", "int", "", "pending pods that it was asked for"),
)

READS: Final = (
    POOL,
    _field("node", "str", "", "node"),
    _field("digest", "str", "", "layer"),
    _field("began_at", "float", "s", "a process began to read the layer", "began"),
    _field("ended_at", "float", "s", "it had all that it wanted, or a read failed", "ended"),
    _field("ok", "bool", "", "whether it read all"),
    _field("read", "int", "B", "unpacked bytes that it read"),
    _field("fetched", "int", "B", "compressed bytes that its reads waited for, from the registry"),
    _field("requests", "int", "", "GETs of these"),
)

TRAFFIC: Final = (
    _field("receiver", "str", "", "node, or host that filled itself from another one"),
    _field("host", "str", "", "host that sent"),
    _field("link", "str", "", "class of the path: free, nat, crossZone, egress, peer or internet"),
    _field("cross_zone", "bool", "", "whether they are in different zones, which is crossZone too"),
    _field("bytes", "int", "B", "bytes of all bodies, manifests and broken ones too"),
)

CACHES: Final = (
    _field("host", "str", "", "host of the cache"),
    _field("replicas", "int", "", "hosts behind that name"),
    _field("received", "int", "B", "from upstream: all bodies, manifests and broken ones too"),
    _field("sent", "int", "B", "to nodes, and to caches behind it"),
    _field("hits", "int", "", "GETs of what it had, or was getting for another request"),
    _field("misses", "int", "", "GETs that went upstream"),
    _field("evictions", "int", "", "manifests and blobs that went to make room"),
    _field("stored", "int", "B", "what it had at the end of the run"),
)

PEERS: Final = (
    POOL,
    _field("node", "str", "", "node with peers"),
    _field("zone", "str", "", "its zone"),
    _field("sent", "int", "B", "sent to other nodes: blobs, manifests, and what broke off"),
    _field("received", "int", "B", "received from other nodes"),
    _field("requests", "int", "", "requests of its runtime to its agent"),
    _field("misses", "int", "", "of them, those that no peer answered, so that the registry's hosts were asked"),
)

DISKS: Final = (
    POOL,
    _field("node", "str", "", "node"),
    _field("capacity", "int", "B", "size of the filesystem"),
    _field("peak", "int", "B", "most that was used, by images and others"),
    _field("used", "int", "B", "used at the end of the run"),
)

LINKS: Final = (
    _field("link", "str", "", "name of the link"),
    _field("t0", "float", "s", "start of the interval"),
    _field("t1", "float", "s", "end of the interval"),
    _field("bytes_per_second", "float", "B/s", "mean use"),
    _field("capacity", "float", "B/s", "what it can carry"),
    Column(
        "utilization",
        "float",
        "",
        "use over capacity; 0 for a link without limit",
        lambda r: r.bytes_per_second / r.capacity if r.capacity > 0 else None,
    ),
)
