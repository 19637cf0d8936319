"""Building what the scheduler reads of a pool's nodes: labels, taints, and what pods may request."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pullsim.errors import shown
from pullsim.scenario.builder.spec_of import spec_of
from pullsim.scenario.model.placement import PODS
from pullsim.spec.scheduling import CPU, HOSTNAME, ZONE, NodeScheduling, Taint

if TYPE_CHECKING:
    from pullsim.formats.kubernetes.kubelet_node import KubeletNode
    from pullsim.inputs.findings import Findings
    from pullsim.scenario.model.nodes import NodePool
    from pullsim.spec.cluster import NodeSpec
    from pullsim.spec.kubelet import KubeletConfig

POOL: Final = "pullsim.io/pool"


def node_scheduling(pool: NodePool, kubelet: KubeletNode, index: int, findings: Findings) -> NodeScheduling:
    """Return what the scheduler reads of the nodes of a pool but their names and zones.

    Labels of a node are those that a kubelet sets (pkg/kubelet/kubelet_node_status.go initialNode), that of the pool,
    and the pool's own. An error is added for a label that says something else than the rest of the pool, and a warning
    where the kubelet keeps a part of the cores, which is not taken off.
    """
    if kubelet.reserves_cpu and pool.allocatable.get(CPU) == pool.cores.count * 1000 and not _says_cpu(index, findings):
        text = "pods may request all cores, although kubeReserved or systemReserved keep some: give allocatable.cpu"
        findings.warnings.append(f"nodes[{pool.name}]: {text}")
    platform = pool.platform
    set_by_kubelet = {
        "kubernetes.io/os": platform.os,
        "kubernetes.io/arch": platform.architecture,
        "beta.kubernetes.io/os": platform.os,
        "beta.kubernetes.io/arch": platform.architecture,
        POOL: pool.name,
    }
    for key, value in pool.labels.items():
        if key == HOSTNAME:
            findings.error("each node has its own name as this label", "nodes", index, "labels", key)
        elif key == ZONE and pool.zones:
            findings.error("zones give each node this label", "nodes", index, "labels", key)
        elif value != set_by_kubelet.get(key, value):
            right = f"is {set_by_kubelet[key]} on nodes of this pool, not {shown(value)}"
            findings.error(right, "nodes", index, "labels", key)
    return NodeScheduling(
        labels=tuple(sorted((set_by_kubelet | pool.labels).items())),
        taints=tuple(dict.fromkeys((*(spec_of(taint, Taint) for taint in pool.taints), *kubelet.taints))),
        allocatable=tuple(
            sorted((name, amount) for name, amount in pool.allocatable.items() if amount is not None and name != PODS)
        ),
    )


def _says_cpu(index: int, findings: Findings) -> bool:
    route = ("nodes", index, "allocatable", CPU)
    return findings.document.own_route(route) == route


def max_pods(pool: NodePool, kubelet: KubeletConfig, node: KubeletNode, findings: Findings) -> int:
    """Return the most pods on a node of a pool: what the pool says, or its kubelets.

    podsPerCore lowers it where the scenario says how much cpu there is, else a warning is added.
    """
    given = (pool.max_pods, pool.allocatable.get(PODS), kubelet.max_pods)
    most = next(number for number in given if number is not None)
    if not node.pods_per_core:
        return most
    cpu = pool.allocatable.get(CPU)
    if cpu is None:
        findings.warnings.append(f"nodes[{pool.name}].kubelet.podsPerCore is left out, as cores is not given")
        return most
    return min(most, node.pods_per_core * math.ceil(cpu / 1000))


def with_resources(spec: NodeSpec, amounts: dict[str, int]) -> NodeSpec:
    """Return the spec of nodes that have these amounts of resources too."""
    allocatable = tuple(sorted((dict(spec.scheduling.allocatable) | amounts).items()))
    return replace(spec, scheduling=replace(spec.scheduling, allocatable=allocatable))
