"""What the nodes of a scenario have in all, and autoscalers bring, against what its pods ask for."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from pullsim.scenario.builder.fitting import preferences
from pullsim.scenario.model.placement import PODS
from pullsim.spec.scheduling import STANDARD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullsim.scenario.builder.nodes import Nodes
    from pullsim.scenario.builder.workloads import Workloads
    from pullsim.spec.pod import PodSpec

NAMED: Final = 5  # how many workloads a warning names


def undeclared(nodes: Nodes, workloads: Workloads) -> dict[str, int]:
    """Return the most that one pod requests of each resource, such as GPUs, of which no pool says what it has."""
    declared = {name for spec, _ in nodes.most() for name, _ in spec.scheduling.allocatable}
    most: dict[str, int] = {}
    for pod in _pods(workloads):
        for name, amount in pod.scheduling.requests:
            if name not in declared and name not in STANDARD:
                most[name] = max(most.get(name, 0), amount)
    return most


def warnings(nodes: Nodes, workloads: Workloads, guessed: dict[str, int]) -> Iterator[str]:
    """Yield a text about amounts that nodes were given unasked, one if pods would evict others, one about wishes."""
    if guessed:
        names = ", ".join(sorted(guessed))
        given = " and ".join(f"{amount:,} of {name}" for name, amount in sorted(guessed.items()))
        yield (
            f"no pool says what it has of {names}: each node is given {given}, as much as one pod requests at the "
            "most (nodes[].allocatable)"
        )
    if _may_preempt(nodes, workloads) and _scarce(nodes, workloads):
        yield (
            "preemption is not simulated: pods of a higher priority wait for room, where a cluster evicts pods of a "
            "lower one for them"
        )
    if nodes.autoscaled and nodes.scan_interval is None:
        specs = {pod.workload: pod.spec.scheduling for pod in workloads.pods if pod.node is None}
        if wishing := [name for name, scheduling in specs.items() if preferences(scheduling)]:
            more = f" and {len(wishing) - NAMED:,} more" if len(wishing) > NAMED else ""
            yield (
                f"what pods of {', '.join(wishing[:NAMED])}{more} only prefer asks for no nodes, where Karpenter takes "
                "it as required at first: write it so to see these nodes"
            )


def _may_preempt(nodes: Nodes, workloads: Workloads) -> bool:
    """Whether a pod may be created when pods of a lower priority have their nodes already."""
    created = [(pod.created, pod.spec.scheduling) for pod in workloads.pods]
    created += [(each.created, each.spec.scheduling) for each in workloads.daemon_sets]
    if any(spec.leave for spec, _ in nodes.most()) or any(owner.update for owner in workloads.owners):
        return len({scheduling.priority for _, scheduling in created}) > 1
    lowest: int | None = None
    earlier: int | None = None  # the lowest priority of pods that were created before this time
    now = -1.0
    for at, scheduling in sorted(created, key=lambda each: each[0]):
        if at > now:
            now, earlier = at, lowest
        if earlier is not None and earlier < scheduling.priority and scheduling.preempts:
            return True
        lowest = scheduling.priority if lowest is None else min(lowest, scheduling.priority)
    return False


def _scarce(nodes: Nodes, workloads: Workloads) -> bool:
    """Whether all pods together request more of something than all nodes have."""
    wanted: Counter[str] = Counter()
    for pod in workloads.pods:
        wanted.update({PODS: 1, **dict(pod.spec.scheduling.requests)})
    had: Counter[str] = Counter()
    unlimited: set[str] = set()
    for spec, count in nodes.most():
        have = dict(spec.scheduling.allocatable)
        unlimited.update(name for name in STANDARD if name not in have)
        had.update(_times(count, {PODS: spec.max_pods, **have}))
        for each in workloads.daemon_sets:
            if each.pool in (None, spec.pool) and each.node is None:
                wanted.update(_times(count, {PODS: 1, **dict(each.spec.scheduling.requests)}))
    return any(amount > had[name] for name, amount in wanted.items() if name not in unlimited)


def _times(count: int, amounts: dict[str, int]) -> dict[str, int]:
    return {name: count * amount for name, amount in amounts.items()}


def _pods(workloads: Workloads) -> Iterator[PodSpec]:
    yield from {id(pod.spec): pod.spec for pod in workloads.pods}.values()
    yield from (each.spec for each in workloads.daemon_sets)
    yield from (owner.update.spec for owner in workloads.owners if owner.update is not None)
