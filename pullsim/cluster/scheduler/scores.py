"""The scores that a node gets by itself, and the weights of all scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.cluster.scheduler.topology import TOP
from pullsim.spec.scheduling import CPU, MEMORY
from pullsim.spec.selectors import NOT_PREFERRED, covers, selects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.cluster.scheduler.node_info import NodeInfo
    from pullsim.cluster.scheduler.signature import Signature

MB: Final = 1024 * 1024
LEAST: Final = 23 * MB  # bytes of a pod's images on a node up to which its score is 0 (minThreshold)
MOST: Final = 1000 * MB  # bytes per container from which the score is the highest (maxContainerThreshold)
#: Weights of the default plugins (pkg/scheduler/apis/config/v1/default_plugins.go); the others have 1.
TAINT_TOLERATION, NODE_AFFINITY, TOPOLOGY_SPREAD, POD_AFFINITY = 3, 2, 2, 2


def allocation(node: NodeInfo, pod: Signature) -> int:
    """Return the sum of the scores LeastAllocated and NodeResourcesBalancedAllocation with the pod on the node.

    Where the node's cpu and memory have no limit, LeastAllocated counts the places among its maxPods, and balance is
    the best; where one has none, the other counts alone. Models noderesources/least_allocated.go and
    balanced_allocation.go, 1.35.
    """
    cpu, memory = node.allocatable.get(CPU), node.allocatable.get(MEMORY)
    if cpu is None and memory is None:
        return (node.max_pods - node.pods - 1) * TOP // node.max_pods + (0 if pod.best_effort else TOP)
    shares = []
    if cpu:
        shares.append(_least(cpu, node.nonzero[0] + pod.nonzero[0]))
    if memory:
        shares.append(_least(memory, node.nonzero[1] + pod.nonzero[1]))
    least = sum(shares) // len(shares) if shares else 0
    if pod.best_effort:
        return least
    if not cpu or not memory:
        return least + TOP
    requested = node.requested
    used = min((requested.get(CPU, 0) + pod.cpu) / cpu, 1.0) - min(
        (requested.get(MEMORY, 0) + pod.memory) / memory, 1.0
    )
    return least + int((1 - abs(used / 2)) * TOP)


def _least(limit: int, asked: int) -> int:
    return (limit - asked) * TOP // limit if asked <= limit else 0


def locality(present: int, containers: int) -> int:
    """Return the score of a node with ``present`` bytes of a pod's images (image_locality.go calculatePriority)."""
    most = MOST * containers
    return TOP * (min(max(present, LEAST), most) - LEAST) // (most - LEAST)


def unwanted(node: NodeInfo, pod: Signature) -> int:
    """Return how many taints of the node with PreferNoSchedule the pod does not tolerate."""
    taints = [taint for taint in node.taints if taint.effect == NOT_PREFERRED]
    return sum(not any(covers(toleration, taint) for toleration in pod.tolerations) for taint in taints)


def preference(node: NodeInfo, pod: Signature) -> int:
    """Return the sum of the weights of the pod's preferred node affinity that select the node."""
    return sum(each.weight for each in pod.scheduling.preferred_nodes if selects(each.term, node.name, node.labels))


def normalized(raw: Sequence[int], *, reverse: bool) -> list[int]:
    """Scale scores so that the highest is 100; reverse: that it is 0 (plugins/helper/normalize_score.go)."""
    highest = max(raw)
    if not highest:
        return [TOP if reverse else 0] * len(raw)
    scaled = [TOP * score // highest for score in raw]
    return [TOP - score for score in scaled] if reverse else scaled
