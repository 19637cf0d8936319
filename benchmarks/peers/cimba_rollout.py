"""A workload on Cimba, compiled by Numba: `python -m benchmarks.peers.cimba_rollout W100`.

A process a pod and three a pull, as the ruler has. It needs nothing of pullsim, so it may run in an environment of its
own, and prints JSON: CPU seconds, peak memory in MB, when the last pod was ready and the sum of all ready times. Numba
compiles the model in a small run before. Without a workload it prints the version of cimba.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from itertools import accumulate, chain

import cimba as cb

from benchmarks.peers.cimba_network import Network, make_network
from benchmarks.peers.cimba_node import Node
from benchmarks.workloads.workload import DOWNLOADS, PULLS, Workload, make_w, parse

ABSENT, UNDER_WAY, HERE = range(3)


class Rollout(cb.Model):
    """The layers of all images stand one after the other; what a node has of each is a row of ``fetched``."""

    network: Network
    nodes: list[Node]
    sizes: cb.Array[float]
    layers: cb.Array[int]
    starts: cb.Array[int]  # of each image's layers, and their end
    arrivals: cb.Array[float]
    places: cb.Array[int]  # the pods' nodes
    images: cb.Array[int]
    fetched: cb.Array[int]
    unpacked: cb.Array[int]
    downloads: cb.Param[int]
    last: cb.Output[float] = 0.0
    total: cb.Output[float] = 0.0

    @cb.on_start
    def begin(self):
        for pod in range(len(self.arrivals)):
            cb.spawn(
                Pod,
                rollout=self,
                node=self.nodes[self.places[pod]],
                number=self.places[pod],
                arrival=self.arrivals[pod],
                image=self.images[pod],
            )


class Pod(cb.Model):
    """Waits for a slot, starts the workers of its pull, and unpacks."""

    rollout: cb.Ref[Rollout]
    node: cb.Ref[Node]
    number: int  # of the node
    arrival: float
    image: int
    process: int = 0
    workers: int = 0
    todo: int = 0  # the next layer
    layer: int = 0  # that it unpacks or waits for

    @cb.process
    def run(self):
        rollout, node, me = self.rollout, self.node, cb.this_process().pointer
        cb.hold(self.arrival)
        node.slots.acquire()
        self.process, self.workers, self.todo = me, rollout.downloads, rollout.starts[self.image]
        for _ in range(rollout.downloads):
            cb.spawn(Worker, pod=self)
        cb.suspend()
        for position in range(rollout.starts[self.image], rollout.starts[self.image + 1]):
            size = rollout.sizes[rollout.layers[position]]
            self.layer = self.number * len(rollout.sizes) + rollout.layers[position]
            if rollout.unpacked[self.layer] == ABSENT:
                rollout.unpacked[self.layer] = UNDER_WAY
                node.write(size, me)
                cb.suspend()
                rollout.unpacked[self.layer] = HERE
                node.arrived.signal()
            elif rollout.unpacked[self.layer] == UNDER_WAY:
                node.arrived.wait_until(self.here)
        node.slots.release()
        rollout.last = max(rollout.last, cb.now())
        rollout.total += cb.now()

    @cb.predicate
    def here(self):
        return self.rollout.unpacked[self.layer] == HERE


class Worker(cb.Model):
    """Takes the pull's next layer until there is none; the last one resumes the pod."""

    pod: cb.Ref[Pod]
    layer: int = 0

    @cb.process
    def run(self):
        pod, rollout, me = self.pod, self.pod.rollout, cb.this_process().pointer
        while pod.todo < rollout.starts[pod.image + 1]:
            layer = rollout.layers[pod.todo]
            self.layer = pod.number * len(rollout.sizes) + layer
            pod.todo += 1
            if rollout.fetched[self.layer] == ABSENT:
                rollout.fetched[self.layer] = UNDER_WAY
                rollout.network.start(pod.number, rollout.sizes[layer], me)
                cb.suspend()
                rollout.fetched[self.layer] = HERE
                pod.node.arrived.signal()
            elif rollout.fetched[self.layer] == UNDER_WAY:
                pod.node.arrived.wait_until(self.here)
        pod.workers -= 1
        if pod.workers == 0:
            cb.Process(pod.process).resume()

    @cb.predicate
    def here(self):
        return self.pod.rollout.fetched[self.layer] == HERE


def make_rollout(workload: Workload) -> Rollout:
    """Return the model of a workload."""
    rollout = Rollout()
    rollout.network = make_network(workload.nodes, workload.egress, workload.nic, PULLS * DOWNLOADS)
    rollout.nodes = [Node() for _ in range(workload.nodes)]
    rollout.sizes = cb.Array([float(size) for size in workload.sizes])
    rollout.layers = cb.Array(list(chain(*workload.images)))
    rollout.starts = cb.Array(list(accumulate(map(len, workload.images), initial=0)))
    rollout.places = cb.Array([node for node, pods in enumerate(workload.pods) for _ in pods])
    rollout.arrivals = cb.Array([arrival for arrival, _ in chain(*workload.pods)])
    rollout.images = cb.Array([image for _, image in chain(*workload.pods)])
    rollout.fetched = cb.Array(workload.nodes * len(workload.sizes))
    rollout.unpacked = cb.Array(workload.nodes * len(workload.sizes))
    rollout.downloads = DOWNLOADS
    return rollout


def simulate(workload: Workload) -> tuple[float, float]:
    """Return when the last pod is ready and the sum over all pods, in seconds."""
    rollout = make_rollout(workload)
    outcome = cb.Experiment(rollout).run(workers=1, on_failure="raise")[rollout]
    return float(outcome.last.values[0, 0]), float(outcome.total.values[0, 0])


def main() -> None:
    if not sys.argv[1:]:
        print(cb.__version__)
        return
    workload = parse(sys.argv[1])
    simulate(make_w(3))
    before = time.process_time()
    end, total = simulate(workload)
    cpu = time.process_time() - before
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu": cpu, "rss": memory, "end": end, "sum": total}))


if __name__ == "__main__":
    main()
