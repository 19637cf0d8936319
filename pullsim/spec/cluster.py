"""What is simulated, without behaviour: the input of `pullsim.cluster`, made by `pullsim.scenario` or by hand."""

from __future__ import annotations

from dataclasses import dataclass, field

from pullsim.oci.catalog import Catalog
from pullsim.oci.platform import Platform
from pullsim.releases.kubelet import Version
from pullsim.spec.cadence import LoopSpec
from pullsim.spec.credentials import CredentialSources, Secret, ServiceAccount
from pullsim.spec.hardware import CoresSpec, DiskSpec, FilesystemSpec, NicSpec
from pullsim.spec.kubelet import KubeletConfig
from pullsim.spec.pod import ContainerSpec, Pod, PodSpec
from pullsim.spec.registry import RegistrySpec
from pullsim.spec.runtime import ContainerdSpec, RuntimeHandler, RuntimeSpec

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

    Amounts are numbers or percentages of the replicas, as in the API; None is the default of the owner's kind.
    """

    at: float
    spec: PodSpec  # what the new pods are
    suffix: str  # of the new pods' names where a controller makes names up: stands for the hash of the template
    max_unavailable: str | None = None
    max_surge: str | None = None
    partition: int = 0  # StatefulSet: ordinals below keep the old template
    recreate: bool = False  # Deployment: strategy Recreate, all old pods go before new ones come


@dataclass(frozen=True, slots=True)
class Owner:
    """What looks after pods: it replaces those that are lost with their node, and rolls updates out."""

    kind: str  # Deployment | ReplicaSet | StatefulSet | DaemonSet | Job
    name: str
    namespace: str
    replicas: int = 0  # number of pods; of a Job its parallelism, of a DaemonSet 0
    ordered: bool = False  # StatefulSet: podManagementPolicy OrderedReady
    completions: int | None = None  # Job: pods that must complete; None: as many as there are
    update: RollingUpdate | None = None


@dataclass(frozen=True, slots=True)
class Leave:
    """How nodes of a pool leave, and when each is replaced by a cold one."""

    rate: float  # departures of one node a second
    replace_after: float = 0.0  # seconds


@dataclass(frozen=True, slots=True)
class DaemonSet:
    """One pod for each node of a pool (None: of every pool), made when the node joins or the set is created."""

    name: str
    namespace: str
    spec: PodSpec
    created: float = 0.0
    pool: str | None = None
    node: str | None = None
    deadline: float | None = None
    lives: float | None = None  # seconds from a pod's creation to its deletion; None: for ever
    owner: int | None = None  # place in the cluster's list of owners

    def pod(self, node: str, created: float) -> Pod:
        """Return its pod on a node, made at that time in seconds."""
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
    """A job that brings images to all nodes, of a pool, or to one, some nodes at a time."""

    name: str
    namespace: str
    spec: PodSpec  # one container for each image, which completes at once
    created: float = 0.0
    parallelism: int = 1  # nodes at a time
    timeout: float = 600.0  # seconds after which a node is given up (OpenKruise: pullPolicy.timeoutSeconds)
    pool: str | None = None
    node: str | None = None


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
    address: str | None = None  # the address that requests of a node come from, as registries see it
    credentials: CredentialSources = field(default_factory=CredentialSources)  # what the kubelet itself has
    leave: Leave | None = None  # None: they stay


@dataclass(frozen=True, slots=True)
class Node:
    """One node: its pool's spec, its name and when it joins."""

    name: str
    spec: NodeSpec
    joins: float = 0.0


@dataclass(frozen=True, slots=True)
class ClusterSpec:
    """Nodes, registries, images and pods of one run."""

    nodes: tuple[Node, ...]
    pods: tuple[Pod, ...] = ()  # in the order of their creation
    daemon_sets: tuple[DaemonSet, ...] = ()
    owners: tuple[Owner, ...] = ()  # the workloads that pods and daemon sets belong to
    prepulls: tuple[Prepull, ...] = ()
    registries: tuple[RegistrySpec, ...] = ()  # mirrors too; hosts not listed get a registry's defaults
    catalog: Catalog = field(default_factory=Catalog)
    secrets: tuple[Secret, ...] = ()
    service_accounts: tuple[ServiceAccount, ...] = ()  # beside every namespace's `default`
    placement: str = "spread"  # spread | pack | given
    seed: int = 0
    horizon: float | None = None  # inclusive; None: until nothing can change any more, 24 h at the most
