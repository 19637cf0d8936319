"""Trying where pods would go if there were more nodes or fewer, as autoscalers do."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from pullsim.cluster.scheduler.node_info import NOT_READY, NodeInfo
from pullsim.spec.scheduling import ZONE, Taint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pullsim.cluster.scheduler.placement import Placement
    from pullsim.cluster.scheduler.signature import Signature
    from pullsim.spec.cluster import Node
    from pullsim.spec.pod import Pod


#: Pool, zone, taints, and the number of pods by signature.
Kind = tuple[str, str | None, tuple[Taint, ...], frozenset[tuple["Signature", int]]]
#: The taint of a node that takes no pods any more, which those that tolerate everything tolerate.
CORDONED: Final = Taint("node.kubernetes.io/unschedulable", "", "NoSchedule")


class Trial:
    """Nodes and pods that are elsewhere than they are, in a placement that is as it was before after `undo`.

    Nodes that have joined and are not ready count as ready, as they soon are: so no other is asked for in their place
    (cluster-autoscaler/core/scaleup/orchestrator/orchestrator.go upcoming nodes; Karpenter, pkg/controllers/state
    StateNode.Taints, which leaves the taints of a node that starts out of account).
    """

    def __init__(self, placement: Placement, not_ready: Iterable[str]) -> None:
        """``not_ready`` are the nodes that have joined and are not ready, and take pods all the same."""
        self._placement = placement
        self._not_ready = tuple(not_ready)
        self._nodes: dict[str, NodeInfo] = {}
        self._pods: list[tuple[str, Pod]] = []
        self._vacated: dict[str, Sequence[Pod]] = {}  # the pods that were on nodes
        for name in self._not_ready:
            placement.taint(name, NOT_READY, tainted=False)

    def join(self, node: Node, daemons: Iterable[Pod]) -> None:
        """Add a node with those pods of DaemonSets that its labels and taints let in."""
        info = NodeInfo(node)
        self._placement.join(info)
        self._nodes[node.name] = info
        for pod in daemons:
            if self._placement.runs_daemon(node.name, pod):
                self.place(pod)

    def foresee(self, node: Node) -> None:
        """Let the domains of a node count where pods are spread, as domains that nodes can come to; no pod fits on it.

        ``node`` is one that never joins, with a name that no other has.
        """
        info = NodeInfo(node)
        info.max_pods = 0
        self._placement.join(info)
        self._nodes[node.name] = info

    def leave(self, name: str) -> None:
        """Take a node away again that only pods of DaemonSets were placed on."""
        while self._pods and self._pods[-1][0] == name:
            self._take(*self._pods.pop())
        self._placement.remove(name)
        del self._nodes[name]

    def vacate(self, name: str, pods: Sequence[Pod]) -> None:
        """Take all these pods from a node, and let it take no others."""
        for pod in pods:
            self._take(name, pod)
        self._vacated[name] = pods
        self._placement.taint(name, CORDONED, tainted=True)

    def place(self, pod: Pod) -> str | None:
        """Place a pod as the scheduler would; return the name of its node, None if none is feasible."""
        node = self._placement.choose(pod)
        if node is None:
            return None
        self._pods.append((node.name, pod))
        return node.name

    def kind(self, name: str, pods: Sequence[Pod]) -> Kind:
        """Return what a node that has these pods is like, without its name: its pool, zone and taints, and the pods."""
        node = self._placement.node(name)
        signatures = Counter(map(self._placement.signature, pods))
        return node.pool, node.labels.get(ZONE), node.taints, frozenset(signatures.items())

    def signature(self, pod: Pod) -> Signature:
        """Return the signature of a pod: those that have the same one need the same."""
        return self._placement.signature(pod)

    def waits_for_pods(self, pod: Signature) -> bool:
        """Whether placing another pod can make a node feasible for the pod."""
        return self._placement.waits_for_pods(pod)

    def undo(self) -> None:
        """Take all pods and nodes away."""
        for name, pod in reversed(self._pods):
            self._take(name, pod)
        for name in reversed(self._nodes):
            self._placement.remove(name)
        for name, pods in self._vacated.items():
            self._placement.taint(name, CORDONED, tainted=False)
            for pod in pods:
                self._placement.reserve(name, pod)
        for name in self._not_ready:
            self._placement.taint(name, NOT_READY, tainted=True)

    def _take(self, name: str, pod: Pod) -> None:
        self._placement.ended(name, pod)
        self._placement.leave(name, pod)
