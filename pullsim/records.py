"""What happened: the row types that the model writes and the results read.

All times are simulated seconds from the start of the run, all sizes bytes. A row is written once, when it is complete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from pullsim.frozen import dataclass
from pullsim.host_records import CacheRecord as CacheRecord  # noqa: PLC0414  # as STAGES, and what follows
from pullsim.host_records import FaultRecord as FaultRecord  # noqa: PLC0414
from pullsim.host_records import LinkSample as LinkSample  # noqa: PLC0414
from pullsim.host_records import RegistryRecord as RegistryRecord  # noqa: PLC0414
from pullsim.host_records import TrafficRecord as TrafficRecord  # noqa: PLC0414
from pullsim.peer_record import PeerRecord
from pullsim.stages import STAGES as STAGES  # noqa: PLC0414  # its old place, from which other programs import it

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pullsim.reads import ReadRecord

#: Seconds by the name of the stage, see `pullsim.stages`; a stage that is absent took none.
Stages = dict[str, float]

#: A time that a pod spent in one stage, and on what: (stage, begin, end, image, cause), as in `SpanRecord`. One is made
#: for each change of stage; a named tuple takes ten times as long.
Span = tuple[str, float, float, str | None, str | None]


@dataclass(frozen=True, slots=True)
class Guess:
    """A figure of the input that nobody gave, as the scenario says."""

    what: str
    measure: str = ""  # what to do to know it


class SpanRecord(NamedTuple):
    """One span of a pod's time line, which covers its creation to its start, or to the end of the run, without gaps."""

    node: str | None  # None: the pod was never scheduled
    namespace: str
    pod: str
    stage: str
    begin: float
    end: float
    image: str | None  # the image that was being pulled, as written in the pod; None: no pull was under way
    cause: str | None  # what the pod waited for: the digest of a layer, the pull before it in the queue, a failure


class KubeletEvent(NamedTuple):
    """One raw Kubernetes event of the kubelet, as emitted: never merged, aggregated or rate-limited."""

    t: float
    node: str
    pod: str | None  # None for an event about the node
    container: str | None  # init containers by their own name; None for an event about the pod or an image volume
    type: str  # Normal | Warning
    reason: str
    message: str
    image: str | None  # the image as written in the pod; None for an event about its sandbox, or about the node
    namespace: str | None  # None for an event about the node


class PullRecord(NamedTuple):
    """One pull that the kubelet asked for: one Pulling event and its outcome."""

    node: str
    namespace: str
    pod: str
    container: str  # or image volume
    image: str  # the image as written in the pod
    attempt: int  # 1 for the first pull of this image for this pod, then 2, 3, …
    ok: bool
    cause: str | None  # why the pull failed: notFound, unavailable, qps, platform, …; None when ok
    error: str | None  # the runtime's message; None when ok
    image_ref: str | None  # digest of what was pulled; None when the pull failed
    registry: str | None  # host of the registry or mirror that was asked; None for the fixed runtime
    requested: float  # handed to the puller (event Pulling)
    started: float  # the runtime was called (after the queue)
    ended: float
    size: int  # compressed bytes of the image; 0 when it failed
    downloaded: int  # compressed bytes of the layers that this pull fetched, also when the pull failed afterwards
    layers: int  # number of layers of the image
    layers_fetched: int  # number of layers that this pull fetched
    stages: Stages  # the seconds by stage sum to ended - started
    refetched: int = 0  # compressed bytes of fetched layers that had been on the node before
    calls: int = 1  # PullImage calls: one for each credential that was tried; 0 for a pull that registryPullQPS refused
    layers_mounted: int = 0  # number of layers that were mounted before they were there
    mounted: int = 0  # compressed bytes of these


class ImageRemoval(NamedTuple):
    """One image that a kubelet removed."""

    t: float
    node: str
    reason: str  # age | space | eviction; kubelet_image_garbage_collected_total counts the last as space
    image_ref: str  # ID of the image
    images: tuple[str, ...]  # all names of the image, normalised
    handler: str  # runtime handler that the image was pulled for; "" for the default one
    size: int  # bytes that the kubelet counts as freed
    freed: int  # bytes of disk space that became free: unpacked layers too, but no layers that other images share
    unused_for: float | None  # seconds since the image was last seen in use; None: it never was


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
    source: str  # host that served it; "peer": another node; "local": it was on the node or came with another pull
    downloaded: int  # bytes that this pull received: fewer than size where a part was there, or the download was cut
    queued: float  # when the pull asked for the layer
    slot: float  # when it got a download slot
    requested: float  # when it got the lock of the blob as well and the request was sent; slot if the lock was free
    first_byte: float  # when connection, round trips and slow start were done
    fetched: float  # when the last byte came, also of a download that was cut short because the pull failed
    committed: float | None  # when the blob was durable; None: the download was cut short
    unpack_started: float | None  # None: the pull failed before, or another pull unpacked it
    unpack_ended: float | None  # when the snapshot was committed
    egress: float  # seconds of first_byte…fetched limited by the registry's egress
    connection: float  # seconds of the same interval limited by the cap of a connection
    nic: float  # seconds of the same interval limited by the node's NIC
    unpack_limit: str | None  # what limited the unpacking: cpu | disk; None: this pull did not unpack it


class PodRecord(NamedTuple):
    """One pod, when it became ready, when it ended before that, or at the end of the run."""

    namespace: str
    pod: str
    workload: str
    node: str | None  # None: never scheduled
    created: float
    scheduled: float | None
    started: float | None  # all its containers run; None: it never started
    start_seconds: float  # started - created; end of the run - created for a pod that never started
    ready: float | None  # it is Ready; None: it never was
    ready_seconds: float  # ready - created; for a pod that never was ready, its end or that of the run - created
    pulls: int  # attempts, successful ones too
    failures: int  # attempts that failed
    backoffs: int  # looks of the kubelet that found it in back-off (BackOff events)
    reason: str | None  # last waiting reason (ErrImagePull, ImagePullBackOff, …) of a pod that never started
    cause: str | None  # why its last failed pull failed (see PullRecord)
    message: str | None  # why no node was feasible, as the event FailedScheduling says; None: it got a node
    images: tuple[str, ...]  # the images as written: init containers, containers, image volumes
    image_refs: tuple[str | None, ...]  # digest that each container runs and each volume holds; None: not started
    deadline: float | None  # seconds after its creation by which it is to have started; None: it has none
    missed: bool  # whether it has a deadline and had not started by then
    withdrawn: bool  # whether it was not ready and nobody waits for it: it was replaced, its node left, or it completed
    stages: Stages  # the seconds by stage sum to ready_seconds, those but `pullsim.stages.AFTER_START` to start_seconds
    images_ready: float | None = None  # its last image was there; None: not all of them were, or it never started
    requests: tuple[tuple[str, int], ...] = ()  # resources that it holds, see `pullsim.spec.scheduling.Amounts`


class Rollout(NamedTuple):
    """One rolling update of a workload."""

    namespace: str
    workload: str
    kind: str  # Deployment | ReplicaSet | StatefulSet | DaemonSet
    began: float
    completed: float | None  # all replicas are new and available; None: not by the end of the run
    replicas: int  # pods that there should be at the end of the run
    updated: int  # pods from the new template that are available at the end of the run
    created: int  # pods made from the new template, also those that were lost
    peak: int  # most pods at a time during the update that were not being deleted
    lowest: int  # fewest pods available at a time; of a DaemonSet, fewest nodes with an available pod


class Departure(NamedTuple):
    """One node that left, with everything on it."""

    t: float
    node: str
    pool: str
    joined: float
    replaced_by: str  # the node that joins in its place; "": none does
    pods: int  # pods that were on the node and had not completed
    pulls: int  # pulls of these pods that were under way or queued
    reason: str = "left"  # left (churn) | empty | underutilized


class Join(NamedTuple):
    """One node that an autoscaler asked for."""

    node: str
    pool: str
    asked: float
    joined: float | None  # None: it was on its way at the end of the run
    pods: int  # pending pods that it was asked for


class DiskUse(NamedTuple):
    """How full the disk with a node's images was, in bytes. Only nodes whose disk has a size have such a row."""

    node: str
    capacity: int
    peak: int  # most bytes in use at a time, by images and everything else
    used: int  # bytes in use at the end of the run


class StatusRecord(NamedTuple):
    """What the API shows of a pod from a moment on, in the words of `kubectl get pods`."""

    t: float  # rows of different pods are not in order: the API learns that a pod runs at the kubelet's next relist
    node: str | None  # None: not scheduled
    namespace: str
    pod: str
    created: float
    ready: int  # containers that run, sidecars included
    containers: int  # containers of the pod, sidecars included, other init containers not
    status: str  # column STATUS: Pending, ContainerCreating, Init:0/2, ErrImagePull, ImagePullBackOff, Running, …
    message: str | None  # message of the waiting container that the status is about


class ImageRequest(NamedTuple):
    """One call of a kubelet's image manager (EnsureImageExists) for a container or an image volume, and its answer."""

    node: str
    namespace: str
    pod: str
    container: str  # or image volume
    kind: str  # container | init_container | image_volume
    image: str  # the image as written in the pod
    policy: str | None  # Always | IfNotPresent | Never; None: no call, because an image volume of the container failed
    requested: float
    ended: float
    present: bool | None  # whether the image was on the node; None: nobody looked (Always, a name that does not parse)
    pull_required: bool | None  # None: the call ended before that was known
    reason: str | None  # why the container waits; None: it was started
    volumes: int  # image volumes that the container mounts
    check: str | None  # whether the pod may use a present image: credentialPolicyAllowed, credentialRecordFound, …
    pull_intents: int | None  # the kubelet's pull intents after the call; None: it does not verify images (before 1.35)
    pulled_records: int | None


class PluginRun(NamedTuple):
    """One execution of a credential provider plugin."""

    node: str
    plugin: str
    began: float
    ended: float
    failed: bool


class VolumesRecord(NamedTuple):
    """The volumes that a pool's nodes in one zone got from a snapshot with fast restore."""

    pool: str
    zone: str | None
    created: int
    restored: int  # those that had all blocks at once, as the snapshot had a credit


class ClusterOutcome(NamedTuple):
    """The state and the counters of a cluster at the end of a run; the other rows were recorded while it ran."""

    pools: dict[str, str]  # pool by node, also of nodes that joined in place of others
    links: list[LinkSample]  # mean use of the registries' egress over time
    disks: list[DiskUse]  # how full the disks were, of nodes whose disk has a size
    registries: list[RegistryRecord]  # requests and quotas by host, mirrors included
    caches: list[CacheRecord]  # pull-through caches, in order of hosts
    volumes: list[VolumesRecord]  # by pool and zone, of snapshots with fast restore
    faults: list[FaultRecord]  # of registries and mirrors, in order of hosts
    traffic: list[TrafficRecord]  # by receiver, host and class; none if nothing in the scenario asks for classes
    rollouts: list[Rollout]  # in the order in which the updates began
    departures: list[Departure]  # nodes that left, in the order of time
    joins: list[Join]  # nodes that an autoscaler asked for, in the order of time
    prepulls: list[PodRecord]  # pods of prepull jobs, which are not among the pods
    under_way: int  # pulls queued or running
    peers: list[PeerRecord]  # of each node with an agent for its peers, in order of names


class Recorder(Protocol):
    """Takes the rows as they are completed.

    Those of layers, events, pulls and pods come as plain tuples of their fields: there are most of these, and to make
    named tuples takes long. ``layer``, ``status``, ``request`` and ``spans`` are None where nobody asked for these
    rows, so that none is made in vain.
    """

    layer: Callable[[tuple[Any, ...]], None] | None
    status: Callable[[StatusRecord], None] | None
    request: Callable[[ImageRequest], None] | None
    spans: Callable[[str | None, str, str, Sequence[Span]], None] | None  # of a pod: its node, namespace and name

    def event(self, row: tuple[Any, ...]) -> None:
        """Take a kubelet event, see `KubeletEvent`."""

    def pull(self, row: tuple[Any, ...]) -> None:
        """Take a finished pull, see `PullRecord`."""

    def pod(self, row: tuple[Any, ...]) -> None:
        """Take a pod that started or will not, see `PodRecord`."""

    def removal(self, row: ImageRemoval) -> None:
        """Take an image that was removed."""

    def read(self, row: ReadRecord) -> None:
        """Take what a process has read of a layer that comes as it is read."""

    def plugin(self, row: PluginRun) -> None:
        """Take a run of a credential provider plugin."""
