"""What the scheduler reads of a pod, which all pods that it cannot tell apart share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.spec.scheduling import ANY_IP, CPU, LITTLE, MEMORY, Toleration

if TYPE_CHECKING:
    from collections.abc import Hashable

    from pullsim.spec.cluster import Owner
    from pullsim.spec.pod import Pod, PodSpec
    from pullsim.spec.scheduling import PodTerm

#: Owners whose pods the default constraints spread (pkg/scheduler/framework/plugins/helper/spread.go DefaultSelector).
SPREAD_KINDS: Final = ("Deployment", "ReplicaSet", "StatefulSet")
_PRESSURES: Final = ("disk-pressure", "memory-pressure", "pid-pressure", "unschedulable")
#: What the DaemonSet controller adds (pkg/controller/daemon/util/daemonset_util.go AddOrUpdateDaemonPodTolerations).
#: The one of network-unavailable, which it adds with hostNetwork, concerns a taint that no node here ever gets.
DAEMON: Final = (
    *(Toleration(f"node.kubernetes.io/{key}", "Exists", "", "NoExecute") for key in ("not-ready", "unreachable")),
    *(Toleration(f"node.kubernetes.io/{key}", "Exists", "", "NoSchedule") for key in _PRESSURES),
)
EVERYTHING: Final = (Toleration(operator="Exists"),)  # of prepull jobs, whose pods stand for a daemon on each node
#: The lowest priority of pods that the kubelet admits under disk pressure (pkg/apis/scheduling/types.go
#: SystemCriticalPriority).
CRITICAL: Final = 2_000_000_000


class Signature:
    """All that decides where a pod goes, but the node that it names.

    Upstream forms signatures for the same purpose (SignPod of plugins, from 1.35). Objects are compared by identity;
    `Signatures` makes one for all pods that are equal.
    """

    __slots__ = (
        "best_effort",
        "cpu",
        "daemon",
        "demand",
        "group",
        "images",
        "labels",
        "memory",
        "namespace",
        "nonzero",
        "pool",
        "ports",
        "requests",
        "same_fit",
        "scheduling",
        "tolerations",
    )

    def __init__(self, pod: Pod, group: Hashable, tolerations: tuple[Toleration, ...]) -> None:
        """``group`` is equal for the pods that the default constraints spread among each other; None: none do.

        ``tolerations`` are those that a controller adds; only controllers that put a pod on each node add any.
        """
        spec = pod.spec
        self.scheduling = scheduling = spec.scheduling
        self.labels = dict(scheduling.labels)
        self.namespace = pod.namespace
        self.pool = pod.pool
        self.group = group
        self.daemon = bool(tolerations)  # whether a pod that names a node does so for a controller
        self.tolerations = (*scheduling.tolerations, *tolerations)
        self.images = tuple(normalized(container.image) for container in (*spec.init_containers, *spec.containers))
        self.requests = tuple((name, amount) for name, amount in scheduling.requests if amount > 0)
        requests = dict(self.requests)
        self.cpu, self.memory = requests.get(CPU, 0), requests.get(MEMORY, 0)
        self.best_effort = not self.cpu and not self.memory
        self.nonzero = scheduling.nonzero or _nonzero(spec, self.cpu, self.memory)
        self.demand = 0  # equal for signatures that request and count as the same of cpu and memory
        #: Equal for signatures to which the same nodes are feasible by themselves and have the same free.
        self.same_fit: Hashable = None
        self.ports = tuple(
            dict.fromkeys(
                (protocol or "TCP", address or ANY_IP, port) for protocol, address, port in scheduling.host_ports
            )
        )

    @property
    def has_terms(self) -> bool:
        """Whether the pods have inter-pod affinity, which concerns other pods, too."""
        return bool(self.scheduling.affinity or self.scheduling.anti_affinity)

    @property
    def priority(self) -> int:
        """The priority of the pods."""
        return self.scheduling.priority

    def terms(self) -> tuple[tuple[str, PodTerm, int], ...]:
        """Return the terms of inter-pod affinity: (what, term, weight).

        ``what`` is affinity, anti (both required, with weight 0) or preferred, of which anti-affinity has a negative
        weight.
        """
        scheduling = self.scheduling
        return (
            *(
                ("affinity", term, 0) if term.weight is None else ("preferred", term, term.weight)
                for term in scheduling.affinity
            ),
            *(
                ("anti", term, 0) if term.weight is None else ("preferred", term, -term.weight)
                for term in scheduling.anti_affinity
            ),
        )


class Signatures:
    """Gives each pod its signature."""

    def __init__(self, owners: tuple[Owner, ...]) -> None:
        self._owners = owners
        self._demands: dict[tuple[int, int, tuple[int, int]], int] = {}
        self._known: dict[Hashable, Signature] = {}  # by all that a signature is made of
        #: The same by the identity of the pod's spec, which is kept so that its identity stays its own.
        self._quick: dict[tuple[int, int | None, str | None, str, bool], tuple[PodSpec, Signature]] = {}

    def of(self, pod: Pod) -> Signature:
        """Return the signature of a pod."""
        quick = id(pod.spec), pod.owner, pod.pool, pod.namespace, pod.prepull
        known = self._quick.get(quick)
        if known is None:
            known = self._quick[quick] = pod.spec, self._make(pod)
        return known[1]

    def _make(self, pod: Pod) -> Signature:
        owner = None if pod.owner is None else self._owners[pod.owner]
        group: Hashable = None
        if owner is not None and owner.kind in SPREAD_KINDS:
            # The selector of a ReplicaSet has the hash of its template, so that those of an update do not count.
            new = owner.kind == "Deployment" and owner.update is not None and pod.spec == owner.update.spec
            group = pod.owner, new
        tolerations = EVERYTHING if pod.prepull else DAEMON if owner is not None and owner.kind == "DaemonSet" else ()
        images = tuple(each.image for each in (*pod.spec.init_containers, *pod.spec.containers))
        count = len(pod.spec.containers)
        key = pod.spec.scheduling, images, count, group, tolerations, pod.namespace, pod.pool
        made = self._known.setdefault(key, Signature(pod, group, tolerations))
        made.same_fit = _same_fit(made)
        made.demand = self._demands.setdefault((made.cpu, made.memory, made.nonzero), len(self._demands))
        return made


def normalized(image: str) -> str:
    """Return the name that the scheduler looks up in a node's status (image_locality.go normalizedImageName)."""
    return image if image.rfind(":") > image.rfind("/") else f"{image}:latest"


def _same_fit(pod: Signature) -> Hashable:
    scheduling = pod.scheduling
    return (
        (pod.requests, pod.nonzero, pod.ports, pod.pool, pod.priority >= CRITICAL, pod.tolerations),
        (scheduling.node_selector, scheduling.required_nodes, scheduling.preferred_nodes),
    )


def _nonzero(spec: PodSpec, cpu: int, memory: int) -> tuple[int, int]:
    """Derive what a pod counts as where none of its containers, or each of them, requests the resource."""
    count = max(len(spec.containers), 1)
    return cpu or count * LITTLE[CPU], memory or count * LITTLE[MEMORY]
