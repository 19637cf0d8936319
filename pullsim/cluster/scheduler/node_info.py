"""What the scheduler knows of a node."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pullsim.spec.scheduling import ANY_IP, HOSTNAME, ZONE, Taint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pullsim.cluster.scheduler.signature import Signature
    from pullsim.spec.cluster import Node

#: The taint of a node under disk pressure (pkg/controller/nodelifecycle/node_lifecycle_controller.go
#: nodeConditionToTaintKeyStatusMap).
DISK_PRESSURE: Final = Taint("node.kubernetes.io/disk-pressure", "", "NoSchedule")
#: The taint of a node that has joined and is not ready (plugin/pkg/admission/nodetaint/admission.go). The tolerations
#: that the DaemonSet controller adds are for the effect NoExecute alone, so a DaemonSet's pod comes before the node is
#: ready only if its template tolerates this taint, as those of network plug-ins do.
NOT_READY: Final = Taint("node.kubernetes.io/not-ready", "", "NoSchedule")
UNSCHEDULABLE: Final = "node.kubernetes.io/unschedulable"  # the key of the taint of a node that is cordoned


class NodeInfo:
    """A node's labels, taints, resources and images, and what its pods take of it.

    Models pkg/scheduler/framework/types.go NodeInfo. Pods are counted by signature.
    """

    __slots__ = (
        "allocatable",
        "ending",
        "gone",
        "images",
        "labels",
        "max_pods",
        "name",
        "nonzero",
        "order",
        "pods",
        "pool",
        "ports",
        "pressed",
        "requested",
        "scores",
        "signatures",
        "static",
        "taints",
    )

    def __init__(self, node: Node) -> None:
        spec = node.spec
        self.name = node.name
        self.pool = spec.pool
        self.order = 0  # number of nodes that had joined before it
        self.labels: dict[str, str] = {
            "kubernetes.io/os": spec.platform.os,
            "kubernetes.io/arch": spec.platform.architecture,
            **dict(spec.scheduling.labels),
            HOSTNAME: node.name,
        }
        if node.zone is not None:
            self.labels[ZONE] = node.zone
        self.taints = spec.scheduling.taints
        self.allocatable = _amounts(spec.scheduling.allocatable)
        self.max_pods = spec.max_pods
        self.gone = False  # whether it has left
        self.pressed = False  # whether its disk is under pressure, so that its kubelet admits no pods
        self.static = 0  # number of changes of its taints
        self.images: Mapping[str, int] = {}  # bytes of the images in its status, by name
        self.pods = 0
        self.requested: dict[str, int] = {}  # sums of the requests of its pods
        self.scores: dict[int, int] = {}  # what is free of it with one pod more, by the demand of the pod
        self.nonzero = (0, 0)  # the same of cpu and memory with the scheduler's defaults
        self.ports: dict[tuple[str, str, int], int] = {}  # number of pods that use (protocol, address, port)
        self.signatures: dict[Signature, int] = {}  # number of its pods
        self.ending: dict[Signature, int] = {}  # number of these that are being deleted

    def add(self, pod: Signature) -> None:
        """Reserve what a pod asks for."""
        self._change(pod, 1)

    def remove(self, pod: Signature) -> None:
        """Free what a pod that is gone asked for; `end` was called before."""
        self._change(pod, -1)
        self.ending[pod] -= 1

    def end(self, pod: Signature) -> None:
        """Note that a pod is being deleted, or has come to its end."""
        self.ending[pod] = self.ending.get(pod, 0) + 1

    def count(self, pod: Signature, *, live: bool) -> int:
        """Return the number of its pods with a signature; ``live``: without those that are being deleted."""
        count = self.signatures.get(pod, 0)
        return count - self.ending.get(pod, 0) if live else count

    def taint(self, taint: Taint, *, tainted: bool) -> None:
        """Set or remove a taint."""
        others = tuple(each for each in self.taints if each != taint)
        self.taints = (*others, taint) if tainted else others
        self.pressed = tainted if taint is DISK_PRESSURE else self.pressed
        self.static += 1

    def _change(self, pod: Signature, sign: int) -> None:
        self.pods += sign
        self.scores.clear()
        self.signatures[pod] = self.signatures.get(pod, 0) + sign
        requested = self.requested
        for name, amount in pod.requests:
            requested[name] = requested.get(name, 0) + sign * amount
        cpu, memory = pod.nonzero
        self.nonzero = self.nonzero[0] + sign * cpu, self.nonzero[1] + sign * memory
        for port in pod.ports:
            self.ports[port] = self.ports.get(port, 0) + sign

    def has_free(self, port: tuple[str, str, int]) -> bool:
        """Whether a host port is free (pkg/scheduler/framework/types.go HostPortInfo.CheckConflict)."""
        protocol, address, number = port
        return not any(
            used
            for (other, at, where), used in self.ports.items()
            if other == protocol and where == number and (address in (ANY_IP, at) or at == ANY_IP)
        )


@lru_cache(maxsize=1024)
def _amounts(allocatable: tuple[tuple[str, int], ...]) -> Mapping[str, int]:
    """Return what a node can give away, by resource; equal nodes share it, as each choice reads it."""
    return dict(allocatable)
