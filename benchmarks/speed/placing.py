"""What placing pods costs: `python -m benchmarks.speed.placing [NODES ...]`; CPU time of the scheduler alone.

Twenty pods a node come one after the other, from workloads that take turns, to nodes of three zones with room for 110.
*One* is a single Deployment, *twenty* are twenty of them with requests. In *images* every fourth node lists the image.
*Hard* must be spread over zones and keeps two pods of a workload apart by anti-affinity on hosts: one pod a node, from
twenty workloads. *Waiting* are the pods of twenty Deployments that wait when all nodes join at once. *Leaving* is
*twenty* with a pod gone for each that comes, from the second half on.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from dataclasses import replace

from pullsim.cluster.scheduler.node_info import NodeInfo
from pullsim.cluster.scheduler.placement import Placement
from pullsim.cluster.scheduler.scheduling_queue import SchedulingQueue
from pullsim.kubelet.pod_status import PodStatus, Watcher
from pullsim.oci.platform import Platform
from pullsim.spec.cluster import ContainerSpec, Node, NodeSpec, Owner, Pod, PodSpec
from pullsim.spec.scheduling import (
    HOSTNAME,
    ZONE,
    NodeScheduling,
    PodTerm,
    Requirement,
    Scheduling,
    SpreadConstraint,
)

KINDS = ("one", "twenty", "images", "hard", "waiting", "leaving")
PODS, ZONES, WORKLOADS = 20, 3, 20  # pods a node
ALLOCATABLE = (("cpu", 15_890), ("memory", 60 * 2**30))
REQUESTS = (("cpu", 100), ("memory", 128 * 2**20))


class Nobody(Watcher):
    """Hears what pods report."""


def template(number: int, kind: str) -> PodSpec:
    """Return the pods of a workload."""
    app = (("app", str(number)),)
    mates = (Requirement("app", "In", (str(number),)),)
    scheduling = Scheduling(labels=app, requests=REQUESTS)
    if kind == "hard":
        spread = (SpreadConstraint(ZONE, 1, hard=True, selector=mates),)
        scheduling = replace(scheduling, spread=spread, anti_affinity=(PodTerm(HOSTNAME, mates),))
    return PodSpec(
        (ContainerSpec("main", f"registry.example.com/app{number}:1", "IfNotPresent"),), scheduling=scheduling
    )


def run(count: int, kind: str) -> tuple[float, int]:
    """Place the pods; return the CPU seconds and how many got a node."""
    workloads = 1 if kind == "one" else WORKLOADS
    owners = tuple(Owner("Deployment", f"app{number}", "default") for number in range(workloads))
    templates = [template(number, kind) for number in range(workloads)]
    number = count * (1 if kind == "hard" else PODS)
    pods = [Pod(f"p{n}", "default", "w", templates[n % workloads], owner=n % workloads) for n in range(number)]
    spec = NodeSpec("pool", Platform.parse("linux/amd64"), scheduling=NodeScheduling(allocatable=ALLOCATABLE))
    nodes = [NodeInfo(Node(f"node-{n:05}", spec, zone=f"zone-{n % ZONES}")) for n in range(count)]
    placement = Placement("scheduler", owners)
    placed = 0
    start = time.process_time()
    if kind == "waiting":
        queue = SchedulingQueue(lambda pod: placement.choose(pod.pod) is not None)
        for pod in pods:
            queue.add(PodStatus(pod, 0.0, Nobody()), placement.signature(pod), waits_for_pods=False)
    for n, node in enumerate(nodes):
        placement.join(node)
        if kind == "images" and n % 4 == 0:
            placement.listed(node, {f"registry.example.com/app{m}:1": 10**9 for m in range(workloads)})
    if kind == "waiting":
        queue.retry()
        return time.process_time() - start, number - len(queue.pods())
    there: deque[tuple[str, Pod]] = deque()
    for pod in pods:
        if kind == "leaving" and len(there) > number // 2:
            name, gone = there.popleft()
            placement.ended(name, gone)
            placement.leave(name, gone)
        chosen = placement.choose(pod)
        if chosen is not None:
            placed += 1
            there.append((chosen.name, pod))
    return time.process_time() - start, placed


def main(sizes: list[int]) -> None:
    print("| nodes | pods | kind | CPU s | us a pod | got a node |\n|---|---|---|---|---|---|")
    for count in sizes:
        for kind in KINDS:
            seconds, placed = run(count, kind)
            number = count * (1 if kind == "hard" else PODS)
            print(
                f"| {count} | {number} | {kind} | {seconds:.3g} | {seconds / number * 1e6:.0f} | {placed} |", flush=True
            )


if __name__ == "__main__":
    main([int(arg) for arg in sys.argv[1:]] or [100, 1000, 5000])
