"""The whole input of `pullsim.cluster`: `pullsim.scenario` makes it from a file, tests and users make it by hand."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from pullsim.frozen import dataclass
from pullsim.oci.catalog import Catalog
from pullsim.oci.platform import Platform
from pullsim.releases.kubelet import Version
from pullsim.spec.cadence import LoopSpec
from pullsim.spec.credentials import CredentialSources, Secret, ServiceAccount
from pullsim.spec.hardware import CoresSpec, DiskSpec, FilesystemSpec, NicSpec
from pullsim.spec.kubelet import KubeletConfig
from pullsim.spec.peers import PeerSpec
from pullsim.spec.pod import ContainerSpec, Pod, PodSpec
from pullsim.spec.prices import FREE, Prices
from pullsim.spec.registry import RegistrySpec
from pullsim.spec.runtime import ContainerdSpec, RuntimeHandler, RuntimeSpec
from pullsim.spec.scheduling import PLAIN, NodeScheduling
from pullsim.spec.snapshot import SecondaryDiskSpec, SnapshotSpec
from pullsim.spec.startup import AT_ONCE, Startup
from pullsim.spec.variation import NodeVariation

__all__ = [
    "ClusterSpec",
    "ContainerSpec",
    "DaemonSet",
    "Leave",
    "Node",
    "NodeSpec",
    "Owner",
    "Pod",
    "PodSpec",
    "Prepull",
    "RollingUpdate",
]


@dataclass(frozen=True, slots=True)
class RollingUpdate:
    """A change of an owner's pod template, and how its pods are replaced.

    ``max_unavailable`` and ``max_surge`` are numbers of pods or percentages of the replicas, as in the API; None is
    the default of the owner's kind.
    """

    at: float  # seconds
    spec: PodSpec  # the new template
    suffix: str  # ends the new pods' names where a controller generates names; stands for the hash of the template
    max_unavailable: str | None = None
    max_surge: str | None = None
    partition: int = 0  # StatefulSet: ordinals below keep the old template
    recreate: bool = False  # Deployment: strategy Recreate deletes all old pods before it creates new ones


@dataclass(frozen=True, slots=True)
class Owner:
    """A workload with a controller, which replaces pods that are lost with their node and rolls updates out."""

    kind: str  # Deployment | ReplicaSet | StatefulSet | DaemonSet | Job
    name: str
    namespace: str
    replicas: int = 0  # number of pods; for a Job its parallelism, for a DaemonSet 0
    ordered: bool = False  # StatefulSet: podManagementPolicy OrderedReady
    completions: int | None = None  # Job: pods that must complete; None: all of its pods
    update: RollingUpdate | None = None
    min_ready: float = 0.0  # minReadySeconds: how long a pod is ready before controllers count it as available


@dataclass(frozen=True, slots=True)
class Leave:
    """How often nodes of a pool leave, and when each is replaced by a node without any images."""

    rate: float  # departures of one node per second; the time to a departure is exponential
    replace_after: float = 0.0  # seconds from the departure until the new node joins


@dataclass(frozen=True, slots=True)
class DaemonSet:
    """A DaemonSet: one pod on each node, created when the node joins or when the set is created, whichever is later.

    ``pool`` and ``node`` restrict it to the nodes of one pool or to one node; None: no restriction. Times in seconds.
    """

    name: str
    namespace: str
    spec: PodSpec
    created: float = 0.0
    pool: str | None = None
    node: str | None = None
    deadline: float | None = None  # seconds after a pod's creation by which it is to start
    lives: float | None = None  # seconds from a pod's creation to its deletion; None: it is never deleted
    owner: int | None = None  # index in `ClusterSpec.owners`

    def pod(self, node: str, created: float) -> Pod:
        """Return the set's pod on a node, created at ``created`` seconds."""
        return Pod(
            f"{self.name}-{node}",
            self.namespace,
            self.name,
            self.spec,
            created,
            node=node,
            deadline=self.deadline,
            lives=self.lives,
            owner=self.owner,
        )


@dataclass(frozen=True, slots=True)
class Prepull:
    """A job that pulls images ahead of their use, ``parallelism`` nodes at a time.

    It covers the nodes of ``pool``, or the one ``node``; with neither, all nodes. Times are in seconds.
    """

    name: str
    namespace: str
    spec: PodSpec  # one container for each image, which completes at once
    created: float = 0.0
    parallelism: int = 1  # nodes at a time
    timeout: float = 600.0  # seconds after which a node is given up (OpenKruise: pullPolicy.timeoutSeconds)
    pool: str | None = None
    node: str | None = None
    back_off_limit: int | None = None  # failed pulls of an image after which a node is given up, beyond the first


def covers(pods: DaemonSet | Prepull, pool: str, node: str) -> bool:
    """Whether a DaemonSet or a prepull job has a pod on the node of that pool and name."""
    return pods.pool in (None, pool) and pods.node in (None, node)


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """Everything that the nodes of one pool have in common."""

    pool: str
    platform: Platform
    max_pods: int = 110
    nic: NicSpec = field(default_factory=NicSpec)
    disk: DiskSpec = field(default_factory=DiskSpec)
    filesystem: FilesystemSpec | None = None  # where images are stored; None: it never fills up
    cores: CoresSpec = field(default_factory=CoresSpec)
    kubelet: KubeletConfig = field(default_factory=KubeletConfig)
    kubelet_version: Version = (1, 35)  # major, minor and patch
    loop: LoopSpec = field(default_factory=LoopSpec)
    runtime: RuntimeSpec = field(default_factory=ContainerdSpec)
    runtime_handlers: tuple[RuntimeHandler, ...] = ()  # the first is the default; none: the runtime's own
    cached: tuple[str, ...] = ()  # images on the node before time 0, named as in a pod
    snapshot: SnapshotSpec | None = None  # the volume that these lie on, which gets its blocks as they are read
    secondary_disk: SecondaryDiskSpec | None = None  # a disk with layers that are there without a pull
    pinned: tuple[str, ...] = ()  # images that the kubelet never removes, named as in a pod
    address: str | None = None  # the address from which registries see a node's requests come
    credentials: CredentialSources = field(default_factory=CredentialSources)  # those of the node, not of pods
    leave: Leave | None = None  # None: nodes do not leave
    scheduling: NodeScheduling = PLAIN
    startup: Startup = AT_ONCE  # of pods that do not say how long their sandbox and their containers take
    removable: bool = False  # whether an autoscaler may take its nodes away
    #: Those of `pullsim.spec.pull_policies`, and objects with the methods of `pullsim.PullPolicy`, in order.
    pull_policies: tuple[Any, ...] = ()
    peers: PeerSpec | None = None  # how its nodes get blobs from others; None: they do not
    varies: NodeVariation | None = None  # what each node draws; None: all are alike


@dataclass(frozen=True, slots=True)
class Node:
    """One node: its pool's spec, its name and when it joins."""

    name: str
    spec: NodeSpec
    joins: float = 0.0  # seconds
    zone: str | None = None  # value of its label topology.kubernetes.io/zone
    ready_after: float = 0.0  # seconds from its joining on in which it has the taint node.kubernetes.io/not-ready


@dataclass(frozen=True, slots=True)
class AutoscaledPool:
    """A pool that an autoscaler adds nodes to and takes nodes from; the nodes of time 0 are in the cluster's spec."""

    spec: NodeSpec
    maximum: int  # most nodes at a time, those on their way among them
    boot: float  # seconds from the request for a node until it joins
    minimum: int = 0  # nodes that stay although they are empty
    first: int = 0  # number in the name of the first node that is asked for
    zones: tuple[str | None, ...] = (None,)  # node n is in zone n modulo their number, unless its pods need another
    ready_after: float = 0.0  # seconds from its joining on in which a node has the taint node.kubernetes.io/not-ready
    consolidate_after: float | None = None  # seconds that a node stays without need; None: for ever
    underutilized: bool = False  # whether nodes leave too whose pods fit on others

    def node(self, number: int, zone: str | None, joins: float) -> Node:
        """Return the pool's node of that number."""
        return Node(f"{self.spec.pool}-{number:04d}", self.spec, joins, zone, self.ready_after)


@dataclass(frozen=True, slots=True)
class ClusterSpec:
    """Nodes, registries, images and pods of one run."""

    nodes: tuple[Node, ...]
    pods: tuple[Pod, ...] = ()  # in the order of their creation
    daemon_sets: tuple[DaemonSet, ...] = ()
    owners: tuple[Owner, ...] = ()  # the workloads that pods and daemon sets belong to
    prepulls: tuple[Prepull, ...] = ()
    registries: tuple[RegistrySpec, ...] = ()  # mirrors included; a host that is not listed has the default values
    catalog: Catalog = field(default_factory=Catalog)
    secrets: tuple[Secret, ...] = ()
    service_accounts: tuple[ServiceAccount, ...] = ()  # besides the account `default` that every namespace has
    placement: str = "scheduler"  # scheduler | imageLocality (the same) | spread | pack | given
    seed: int = 0
    autoscaled: tuple[AutoscaledPool, ...] = ()  # in the order in which the autoscaler tries them
    scan_interval: float | None = None  # seconds between looks of the autoscaler; None: it looks at batches of pods
    horizon: float | None = None  # seconds, inclusive; None: until nothing can change any more, but at most 24 h
    prices: Prices | None = None  # None: nothing has a price but what registries send (`RegistrySpec.price`)

    @property
    def classed(self) -> bool:
        """Whether bytes are counted by the class of the links that they take: a host says its class or its zone.

        So they are where nodes send bytes to one another.
        """
        stores = (registry.blob_host for registry in self.registries)
        caches = (registry.cache for registry in self.registries)
        return (
            any(each.link != FREE or each.zone is not None for each in self.registries)
            or any(store is not None and store.link is not None for store in stores)
            or any(cache is not None and cache.link not in (None, FREE) for cache in caches)
            or any(spec.peers is not None for spec in self.pools.values())
        )

    @property
    def pools(self) -> dict[str, NodeSpec]:
        """What the nodes of each pool are, by the pool's name; pools of which an autoscaler makes all nodes, too."""
        specs = (*(node.spec for node in self.nodes), *(pool.spec for pool in self.autoscaled))
        return {spec.pool: spec for spec in specs}
