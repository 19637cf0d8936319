"""What happened: the row types that the model writes and the results read.

All times are simulated seconds from the start of the run, all sizes bytes. A row is written once, when it is complete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from pullsim.stages import STAGES as STAGES  # noqa: PLC0414  # its old place, from which other programs import it

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds by the name of the stage, see `pullsim.stages`; a stage that is absent took none.
Stages = dict[str, float]


class Span(NamedTuple):
    """A time that a pod spent in one stage, and on what."""

    stage: str
    begin: float
    end: float
    image: str | None  # that was pulled meanwhile, as written in the pod; None: no pull was under way
    cause: str | None  # what it waited for: a layer by its digest, the pull before it in the queue, a failure


class SpanRecord(NamedTuple):
    """One span of a pod's time line, which covers its creation to its start, or to the end of the run, without gaps."""

    node: str | None  # None: the pod was never scheduled
    namespace: str
    pod: str
    stage: str
    begin: float
    end: float
    image: str | None
    cause: str | None


class KubeletEvent(NamedTuple):
    """One raw Kubernetes event of the kubelet, as emitted: never merged, aggregated or rate-limited."""

    t: float
    node: str
    pod: str | None  # None for an event about the node
    container: str | None  # init containers by their own name; None for an event about the pod or an image volume
    type: str  # Normal | Warning
    reason: str
    message: str
    image: str | None  # as written in the pod; None for an event about its sandbox, or about the node
    namespace: str | None  # None for an event about the node


class PullRecord(NamedTuple):
    """One pull that the kubelet asked for: one Pulling event and its outcome."""

    node: str
    namespace: str
    pod: str
    container: str  # or image volume
    image: str  # as written in the pod
    attempt: int  # 1, 2, … of this pod and image
    ok: bool
    cause: str | None  # why it failed: notFound, unavailable, qps, platform, …; None when ok
    error: str | None  # the runtime's message; None when ok
    image_ref: str | None  # digest of what was pulled; None when it failed
    registry: str | None  # host that was asked; None for the fixed runtime
    requested: float  # handed to the puller (event Pulling)
    started: float  # the runtime was called (after the queue)
    ended: float
    size: int  # compressed bytes of the image; 0 when it failed
    downloaded: int  # compressed bytes of the layers that this pull fetched, also if it failed afterwards
    layers: int  # of the image
    layers_fetched: int  # by this pull
    stages: Stages  # of ended - started; sums to it
    refetched: int = 0  # compressed bytes of the layers fetched that the node had before
    calls: int = 1  # of the runtime: one for each credential that was tried; none for a pull that was refused


class ImageRemoval(NamedTuple):
    """One image that a kubelet removed."""

    t: float
    node: str
    reason: str  # age | space | eviction; kubelet_image_garbage_collected_total counts the last as space
    image_ref: str  # its ID
    images: tuple[str, ...]  # all its names, normalised
    handler: str  # runtime handler that it was pulled for; "" for the default one
    size: int  # bytes that the kubelet counts as freed
    freed: int  # bytes that came back, of the disk: shared layers stay, unpacked ones come back too
    unused_for: float | None  # seconds since it was last seen in use; None: never


class LayerRecord(NamedTuple):
    """One layer that a pull fetched, or unpacked with a blob that was on the node or came with another pull."""

    node: str
    namespace: str
    pod: str
    image: str
    position: int  # 0 is the bottom
    digest: str
    size: int  # compressed bytes
    unpacked: int  # bytes
    source: str  # host that served it, registry or mirror; "local" when it was there or came with another pull
    downloaded: int  # bytes that this pull got of it: size less what was there before, or less what was to come
    queued: float  # the fetch was asked for
    slot: float  # it had its slot
    requested: float  # it had the blob's lock too: the request went out (equals slot where it was first)
    first_byte: float  # connection, round trips and slow start done
    fetched: float  # last byte, also of a download that the failure of the pull cut short
    committed: float | None  # blob durable; None: it was cut short
    unpack_started: float | None  # None: the pull failed before, or another pull unpacked it
    unpack_ended: float | None  # snapshot committed
    egress: float  # seconds of first_byte…fetched limited by the registry's egress
    connection: float  # … by the cap of a connection
    nic: float  # … by the node's NIC
    unpack_limit: str | None  # cpu | disk


class PodRecord(NamedTuple):
    """One pod, at its start or at the end of the run."""

    namespace: str
    pod: str
    workload: str
    node: str | None  # None: never scheduled
    created: float
    scheduled: float | None
    started: float | None  # all its containers run; None: it never started
    start_seconds: float  # started - created; end of the run - created for a pod that never started
    pulls: int  # attempts, successful ones too
    failures: int  # attempts that failed
    backoffs: int  # looks of the kubelet that found it in back-off (BackOff events)
    reason: str | None  # last waiting reason (ErrImagePull, ImagePullBackOff, …) of a pod that never started
    cause: str | None  # of its last failure (see PullRecord)
    images: tuple[str, ...]  # as written: init containers, containers, image volumes
    image_refs: tuple[str | None, ...]  # what each container runs and each volume holds; None: not started, not there
    deadline: float | None  # seconds after creation
    missed: bool  # it has a deadline and was not started by then
    stages: Stages  # of start_seconds; sums to it


class Rollout(NamedTuple):
    """One rolling update of a workload."""

    namespace: str
    workload: str
    kind: str  # Deployment | ReplicaSet | StatefulSet | DaemonSet
    began: float
    completed: float | None  # all replicas are new and available; None: not by the end of the run
    replicas: int  # that there should be at the end of the run
    updated: int  # new ones that are available, at the end of the run
    created: int  # pods from the new template, those too that were lost
    peak: int  # most pods at a time that were not being deleted, while it went on
    lowest: int  # fewest pods available at a time; of a DaemonSet, nodes with one


class Departure(NamedTuple):
    """One node that left, with everything on it."""

    t: float
    node: str
    pool: str
    joined: float
    replaced_by: str  # the node that joins in its place
    pods: int  # that were on it and had not completed
    pulls: int  # of them that were under way or queued


class LinkSample(NamedTuple):
    """Mean use of one shared link over an interval."""

    link: str
    t0: float
    t1: float
    bytes_per_second: float
    capacity: float


class DiskUse(NamedTuple):
    """How full the disk of a node's images was, in bytes; of nodes whose disk has a size."""

    node: str
    capacity: int
    peak: int  # most that was used, by images and others
    used: int  # at the end of the run


class StatusRecord(NamedTuple):
    """What the API shows of a pod from a moment on, in the words of `kubectl get pods`."""

    t: float  # not in order over pods: a pod whose containers all run is shown so at the kubelet's next look
    node: str | None  # None: not scheduled
    namespace: str
    pod: str
    created: float
    ready: int  # containers that run, sidecars too
    containers: int  # of the pod, sidecars too, other init containers not
    status: str  # column STATUS: Pending, ContainerCreating, Init:0/2, ErrImagePull, ImagePullBackOff, Running, …
    message: str | None  # of the waiting container that the status is about


class ImageRequest(NamedTuple):
    """One container that a kubelet was about to start, or one image volume, and had to have the image for.

    A question to the image manager (EnsureImageExists), once it is answered.
    """

    node: str
    namespace: str
    pod: str
    container: str  # or image volume
    kind: str  # container | init_container | image_volume
    image: str  # as written in the pod
    policy: str | None  # Always | IfNotPresent | Never; None: not asked, as an image volume that it mounts has failed
    requested: float
    ended: float
    present: bool | None  # on the node when it was asked for; None: nobody looked (Always, a name that does not parse)
    pull_required: bool | None  # None: given up before that was known
    reason: str | None  # why the container waits; None: it was started
    volumes: int  # image volumes that the container mounts
    check: str | None  # of a present image whose use is verified: credentialPolicyAllowed, credentialRecordFound, …
    pull_intents: int | None  # of the kubelet, when this has ended; None: it does not verify (before 1.35)
    pulled_records: int | None


class PluginRun(NamedTuple):
    """One execution of a credential provider plugin."""

    node: str
    plugin: str
    began: float
    ended: float
    failed: bool


class RegistryRecord(NamedTuple):
    """What one registry host or mirror was asked for over the run, and its quotas."""

    host: str
    heads: int  # HEADs of manifests
    manifests: int  # GETs
    blobs: int  # GETs
    challenges: int  # requests answered 401
    tokens: int  # requests to its token server
    limited: int  # requests that a quota refused
    exhausted: int  # quotas (of an address, an account or all) that ran out at least once
    exhausted_at: float | None  # when the first of them refused its first request; None: none did
    refilled_at: float | None  # when that one had room again; inf: never
    sent: int  # bytes of all bodies, manifests and broken ones too
    price: float  # money per byte


class ClusterOutcome(NamedTuple):
    """What a cluster has come to at the end of a run, beside the rows that it wrote meanwhile."""

    pools: dict[str, str]  # node: its pool; nodes too that joined in place of others
    links: list[LinkSample]  # mean use of the registries' egress over time
    disks: list[DiskUse]  # of nodes whose disk has a size
    registries: list[RegistryRecord]  # requests and quotas by host, mirrors too
    rollouts: list[Rollout]  # by the begin of the update
    departures: list[Departure]  # nodes that left, by time
    prepulls: list[PodRecord]  # pods of prepull jobs, which are not among the pods
    under_way: int  # pulls queued or running


class Recorder(Protocol):
    """Takes the rows as they are completed.

    ``status``, ``request`` and ``span`` are None where nobody asked for these rows, so that none is made in vain.
    """

    status: Callable[[StatusRecord], None] | None
    request: Callable[[ImageRequest], None] | None
    span: Callable[[SpanRecord], None] | None

    def event(self, row: KubeletEvent) -> None:
        """Take a kubelet event."""

    def pull(self, row: PullRecord) -> None:
        """Take a finished pull."""

    def layer(self, row: LayerRecord) -> None:
        """Take a finished layer."""

    def pod(self, row: PodRecord) -> None:
        """Take a pod that started or will not."""

    def removal(self, row: ImageRemoval) -> None:
        """Take an image that was removed."""

    def plugin(self, row: PluginRun) -> None:
        """Take a run of a credential provider plugin."""
