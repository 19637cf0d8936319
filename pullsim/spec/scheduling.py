"""What decides the node of a pod: the pod's constraints as the API has them, and the taints and resources of nodes.

Labels, selectors and resources are tuples of pairs, so that equal constraints are equal and can be keys. Amounts of
resources are integers in the scheduler's units: ``cpu`` in thousandths of a core, ``memory`` and ``ephemeral-storage``
in bytes, extended resources such as ``nvidia.com/gpu`` in pieces (pkg/scheduler/framework/types.go Resource).
"""

from __future__ import annotations

from typing import Final

from pullsim.frozen import dataclass

Labels = tuple[tuple[str, str], ...]
Amounts = tuple[tuple[str, int], ...]

HOSTNAME = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"

CPU: Final = "cpu"
MEMORY: Final = "memory"
STORAGE: Final = "ephemeral-storage"
#: The resources that have no domain in their names (pkg/apis/core/helper/helpers.go IsStandardContainerResourceName).
#: Of these a node has no limit that says nothing of them, of all others it has none.
STANDARD: Final = (CPU, MEMORY, STORAGE)
#: What a container counts as in scores that requests none (pkg/scheduler/util/pod_resources.go).
LITTLE: Final = {CPU: 100, MEMORY: 200 * 2**20}
ANY_IP: Final = "0.0.0.0"  # noqa: S104  # the address of a host port that has none


@dataclass(frozen=True, slots=True)
class Taint:
    """A taint of a node."""

    key: str
    value: str = ""
    effect: str = "NoSchedule"  # NoSchedule | PreferNoSchedule | NoExecute


@dataclass(frozen=True, slots=True)
class Toleration:
    """A toleration of a pod."""

    key: str = ""  # "": every key, with the operator Exists
    operator: str = "Equal"  # Equal | Exists
    value: str = ""
    effect: str = ""  # "": every effect


@dataclass(frozen=True, slots=True)
class Requirement:
    """One expression of a selector of labels."""

    key: str
    operator: str  # In | NotIn | Exists | DoesNotExist; for nodes also Gt | Lt
    values: tuple[str, ...] = ()


Selector = tuple[Requirement, ...]  # all must hold; matchLabels are requirements with In and one value


@dataclass(frozen=True, slots=True)
class NodeSelectorTerm:
    """A term of node affinity: all its requirements must hold; a term without any selects no node."""

    expressions: Selector = ()  # on the labels of the node
    fields: Selector = ()  # on metadata.name, the only field that the API knows


@dataclass(frozen=True, slots=True)
class PreferredNodes:
    """A term of preferredDuringSchedulingIgnoredDuringExecution of node affinity."""

    weight: int  # 1 to 100
    term: NodeSelectorTerm


@dataclass(frozen=True, slots=True)
class PodTerm:
    """A term of inter-pod affinity or anti-affinity."""

    topology_key: str
    selector: Selector | None  # of the labels of other pods; None selects no pod, an empty one all
    namespaces: tuple[str, ...] | None = ()  # (): the pod's own; None: all
    weight: int | None = None  # 1 to 100 of a preferred term; None: the term is required


@dataclass(frozen=True, slots=True)
class SpreadConstraint:
    """One of a pod's topologySpreadConstraints; defaults are those of the API."""

    topology_key: str
    max_skew: int
    hard: bool  # whenUnsatisfiable: DoNotSchedule, else ScheduleAnyway
    selector: Selector | None  # None selects no pod; matchLabelKeys are already requirements of it
    min_domains: int = 1
    honor_affinity: bool = True  # nodeAffinityPolicy: Honor
    honor_taints: bool = False  # nodeTaintsPolicy: Honor


@dataclass(frozen=True, slots=True)
class Scheduling:
    """All that the scheduler reads of a pod but its images, node name and owner."""

    labels: Labels = ()
    requests: Amounts = ()  # of the whole pod, as resourcehelper.PodRequests sums them, overhead included
    #: The same sum of cpu and memory where each container that requests none counts as 100m or 200 MiB, which scores
    #: use (pkg/scheduler/util/pod_resources.go). None: derived from ``requests`` and the number of containers.
    nonzero: tuple[int, int] | None = None
    priority: int = 0
    preempts: bool = True  # preemptionPolicy: whether it may evict pods of a lower priority, which is not simulated
    node_selector: Labels = ()
    required_nodes: tuple[NodeSelectorTerm, ...] | None = None  # one of them must hold; None: no required node affinity
    preferred_nodes: tuple[PreferredNodes, ...] = ()
    tolerations: tuple[Toleration, ...] = ()
    affinity: tuple[PodTerm, ...] = ()  # required and preferred
    anti_affinity: tuple[PodTerm, ...] = ()  # required and preferred
    spread: tuple[SpreadConstraint, ...] = ()
    host_ports: tuple[tuple[str, str, int], ...] = ()  # (protocol, host IP, port)


@dataclass(frozen=True, slots=True)
class NodeScheduling:
    """What the scheduler reads of a node of a pool but its images, its name and its maxPods."""

    labels: Labels = ()  # without the hostname, which each node has of its own
    taints: tuple[Taint, ...] = ()
    #: What pods may request in all. cpu, memory and ephemeral-storage are without limit where they are not given; of
    #: any other resource that is not given the node has none.
    allocatable: Amounts = ()


ANYWHERE = Scheduling()  # of a pod that has no constraints and requests nothing
PLAIN = NodeScheduling()  # of a node without labels, taints and limits
