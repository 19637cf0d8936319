"""The filters that look at one node alone, and the texts with which they refuse it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.cluster.scheduler.node_info import UNSCHEDULABLE
from pullsim.cluster.scheduler.signature import CRITICAL
from pullsim.spec.scheduling import STANDARD
from pullsim.spec.selectors import requires, untolerated

if TYPE_CHECKING:
    from pullsim.cluster.scheduler.node_info import NodeInfo
    from pullsim.cluster.scheduler.signature import Signature
    from pullsim.spec.scheduling import NodeSelectorTerm

CORDONED: Final = "node(s) were unschedulable"
OTHER_NODE: Final = "node(s) didn't match the requested node name"
TAINTED: Final = "node(s) had untolerated taint(s)"
NOT_SELECTED: Final = "node(s) didn't match Pod's node affinity/selector"
NOT_NAMED: Final = "node(s) didn't satisfy plugin(s) [NodeAffinity]"
CONFLICT: Final = "pod affinity terms conflict"
NO_PORT: Final = "node(s) didn't have free ports for the requested pod ports"
FULL: Final = "Too many pods"


def named_nodes(terms: tuple[NodeSelectorTerm, ...] | None) -> frozenset[str] | None:
    """Return the nodes that required node affinity names, where all its terms name some; None: one does not.

    Models the PreFilter of pkg/scheduler/framework/plugins/nodeaffinity/node_affinity.go.
    """
    names: frozenset[str] | None = None
    for term in terms or ():
        chosen = [frozenset(each.values) for each in term.fields if each.operator == "In"]
        if not chosen:
            return None
        names = (names or frozenset()) | frozenset.intersection(*chosen)
    return names


def refuses_always(node: NodeInfo, pod: Signature) -> str | None:
    """Return why the labels and taints of a node keep the pod out; None: they do not.

    Models the filters NodeUnschedulable, TaintToleration and NodeAffinity. A pool that a pod names is a nodeSelector.
    Under disk pressure only critical pods are let in, whatever others tolerate: the kubelet would refuse them
    (pkg/kubelet/eviction/eviction_manager.go Admit), and a DaemonSet's controller would create them again and again.
    """
    if (taint := untolerated(node.taints, pod.tolerations)) is not None:
        return CORDONED if taint.key == UNSCHEDULABLE else TAINTED
    if node.pressed and pod.priority < CRITICAL:
        return TAINTED
    if pod.pool not in (None, node.pool) or not requires(pod.scheduling, node.name, node.labels):
        return NOT_SELECTED
    return None


def admits(node: NodeInfo, pod: Signature) -> bool:
    """Whether the kubelet of a node admits a pod that came with nodeName, as far as labels and taints decide it.

    Such a pod passes the scheduler by. The kubelet refuses those that its labels do not select or that do not tolerate
    a taint with NoExecute (pkg/kubelet/lifecycle/predicate.go Admit), and so it does under disk pressure.
    """
    if node.taints:
        taints = [taint for taint in node.taints if taint.effect == "NoExecute"]
        if untolerated(taints, pod.tolerations) or (node.pressed and pod.priority < CRITICAL):
            return False
    return requires(pod.scheduling, node.name, node.labels)


def fits(node: NodeInfo, pod: Signature) -> bool:
    """Whether a node has the place, the resources and the host ports that a pod asks for."""
    if node.pods >= node.max_pods:
        return False
    for name, amount in pod.requests:
        limit = node.allocatable.get(name)
        if limit is None:
            if name not in STANDARD:
                return False
        elif amount > limit - node.requested.get(name, 0):
            return False
    return not pod.ports or all(map(node.has_free, pod.ports))


def refuses_now(node: NodeInfo, pod: Signature) -> list[str]:
    """Return why a pod does not fit on a node: the reasons of NodePorts, or all those of NodeResourcesFit.

    Models pkg/scheduler/framework/plugins/nodeports/node_ports.go and noderesources/fit.go fitsRequest.
    """
    if not all(map(node.has_free, pod.ports)):
        return [NO_PORT]
    reasons = [FULL] if node.pods >= node.max_pods else []
    for name, amount in pod.requests:
        limit = node.allocatable.get(name, None if name in STANDARD else 0)
        if limit is not None and amount > limit - node.requested.get(name, 0):
            reasons.append(f"Insufficient {name}")
    return reasons
