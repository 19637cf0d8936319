"""The ruler that the full model's time is measured with: pulls of textbook SimPy processes over `network`.

A process a pod, three worker processes a pull, FIFO slots, layers downloaded once a node and unpacked in order on a
shared disk. It has no latency, request, lock, record, stage, back-off or kubelet: the least that a simulator of these
workloads has to do. Its finishing times are those that independent solvers give (`tests/data`, `benchmarks/peers`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import simpy

from benchmarks.speed.network import Disk, Network
from benchmarks.workloads.workload import DISK, DOWNLOADS, PULLS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from benchmarks.workloads.workload import Workload

    Steps = Generator[simpy.Event, None, None]


class Fetches(Protocol):
    """A network."""

    def fetch(self, node: int, size: float) -> simpy.Event: ...


class Writes(Protocol):
    """A disk."""

    def write(self, size: float) -> simpy.Event: ...


class Node:
    """A node with its pulls."""

    __slots__ = ("disk", "fetched", "index", "slots", "unpacked")

    def __init__(self, env: simpy.Environment, index: int, disk: Writes) -> None:
        self.index = index
        self.slots = simpy.Resource(env, PULLS)
        self.disk = disk
        self.fetched: dict[int, simpy.Event | None] = {}  # the download under way, None once the layer is here
        self.unpacked: dict[int, simpy.Event | None] = {}


def simulate(
    workload: Workload,
    connect: Callable[[simpy.Environment, float, Sequence[float]], Fetches] = Network,
    disk: Callable[[simpy.Environment, float], Writes] = Disk,
) -> list[list[float]]:
    """Return when each pod of each node is ready, in seconds, over another network and other disks if wanted."""
    env = simpy.Environment()
    network = connect(env, workload.egress, [workload.nic] * workload.nodes)
    ready = [[0.0] * len(pods) for pods in workload.pods]
    sizes, images = workload.sizes, workload.images

    def worker(node: Node, todo: Iterator[int]) -> Steps:
        fetched = node.fetched
        for layer in todo:
            if layer not in fetched:
                download = fetched[layer] = network.fetch(node.index, sizes[layer])
                yield download
                fetched[layer] = None
            elif (other := fetched[layer]) is not None:
                yield other

    def pod(node: Node, number: int, arrival: float, image: int) -> Steps:
        yield env.timeout(arrival)
        with node.slots.request() as slot:
            yield slot
            todo = iter(images[image])
            yield simpy.AllOf(env, [env.process(worker(node, todo)) for _ in range(DOWNLOADS)])
            unpacked = node.unpacked
            for layer in images[image]:
                if layer not in unpacked:
                    job = unpacked[layer] = node.disk.write(sizes[layer])
                    yield job
                    unpacked[layer] = None
                elif (other := unpacked[layer]) is not None:
                    yield other
        ready[node.index][number] = env.now

    for index, pods in enumerate(workload.pods):
        node = Node(env, index, disk(env, DISK))
        for number, (arrival, image) in enumerate(pods):
            env.process(pod(node, number, arrival, image))
    env.run()
    return ready
