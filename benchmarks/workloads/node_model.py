"""The bare node: FIFO slots for pulls, a few downloads at a time in each, then unpacking in order on a shared disk.

No latency, no requests, no eviction: it measures the network, and its results are known from independent solvers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import simpy

from benchmarks.workloads.workload import DISK, DOWNLOADS, PULLS, Workload
from pullsim.kernel.environment import Environment
from pullsim.kernel.locks import Slots
from pullsim.kernel.processor_sharing import ProcessorSharing

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence


class Fetch(Protocol):
    """Start the download of so many bytes to a node."""

    def __call__(self, node: int, size: int) -> simpy.Event: ...


@dataclass(frozen=True, slots=True)
class Times:
    """When things were done, in seconds."""

    ready: list[list[float]]  # of each pod of each node
    layers: dict[tuple[int, int], float]  # download of (node, layer)


class Node:
    """A node with its pulls."""

    def __init__(self, env: Environment, index: int, workload: Workload, fetch: Fetch, times: Times) -> None:
        self._env = env
        self._index = index
        self._workload = workload
        self._fetch = fetch
        self._times = times
        self._slots = Slots(env, PULLS)
        self._disk = ProcessorSharing(env, lambda _: DISK)
        self._fetched: dict[int, simpy.Event | None] = {}  # the download under way, None once the layer is here
        self._unpacked: dict[int, simpy.Event | None] = {}

    def pod(self, number: int, arrival: float, image: int) -> Generator[simpy.Event, None, None]:
        """The process of one pod."""
        env, unpacked = self._env, self._unpacked
        yield env.timeout(arrival)
        if (turn := self._slots.acquire()) is not None:
            yield turn
        layers = self._workload.images[image]
        todo = iter(layers)
        yield simpy.AllOf(env, [env.process(self._download(todo)) for _ in range(DOWNLOADS)])
        for layer in layers:
            if layer not in unpacked:
                job = unpacked[layer] = self._disk.run(self._workload.sizes[layer])
                yield job
                unpacked[layer] = None
            elif (other := unpacked[layer]) is not None:
                yield other
        self._slots.release()
        self._times.ready[self._index][number] = env.now

    def _download(self, todo: Iterator[int]) -> Generator[simpy.Event, None, None]:
        """One of a pull's workers: takes the next layer until there is none."""
        fetched = self._fetched
        for layer in todo:
            if layer not in fetched:
                transfer = fetched[layer] = self._fetch(self._index, self._workload.sizes[layer])
                yield transfer
                fetched[layer] = None
                self._times.layers[self._index, layer] = self._env.now
            elif (other := fetched[layer]) is not None:
                yield other


def simulate(workload: Workload, connect: Callable[[Environment], Fetch]) -> Times:
    """Run a workload over the network that ``connect`` makes."""
    env = Environment()
    fetch = connect(env)
    times = Times([[0.0] * len(pods) for pods in workload.pods], {})
    for index, pods in enumerate(workload.pods):
        node = Node(env, index, workload, fetch, times)
        for number, (arrival, image) in enumerate(pods):
            env.process(node.pod(number, arrival, image))
    env.run()
    return times


def over(network: type, workload: Workload, nics: Sequence[float] | None = None) -> Callable[[Environment], Fetch]:
    """Connect one registry to nodes with given NICs over `Network`, or a class with its interface."""

    def connect(env: Environment) -> Fetch:
        net = network(env)
        link = net.link("registry", workload.egress)
        ports = [net.port(f"node-{i}", nic) for i, nic in enumerate(nics or [workload.nic] * workload.nodes)]
        transfer = net.transfer

        def fetch(node: int, size: int) -> simpy.Event:
            event: simpy.Event = transfer(link, ports[node], size)
            return event

        return fetch

    return connect
