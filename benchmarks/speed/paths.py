"""What transfers between nodes cost: `python -m benchmarks.speed.paths [NODES ...]`; CPU time of the bare network.

Each node has an uplink and a downlink of 10 Gbit/s, and fetches 20 blobs of 1 to 64 MB, four at a time: one in ten from
a registry of 40 Gbit/s, the others from other nodes, by their uplinks. *Star* lets all come from the registry. *Two
links* lets each blob cross a link of the sender's zone as well, of 100 Gbit/s; there are four zones.
"""

from __future__ import annotations

import random
import sys
import time
from typing import TYPE_CHECKING, Any

from pullsim.kernel.environment import Environment
from pullsim.network.network import Network

if TYPE_CHECKING:
    from collections.abc import Generator

GBIT = 1e9 / 8
BLOBS, AT_ONCE, ZONES = 20, 4, 4


def run(nodes: int, kind: str) -> tuple[float, int]:
    """Simulate; return the CPU seconds and the settles."""
    rng = random.Random(1)
    env = Environment()
    network = Network(env)
    registry = network.link("registry", 40 * GBIT)
    ups = [network.link(f"up-{i}", 10 * GBIT) for i in range(nodes)]
    zones = [network.link(f"zone-{i}", 100 * GBIT) for i in range(ZONES)]
    ports = [network.port(f"down-{i}", 10 * GBIT) for i in range(nodes)]

    def fetch(node: int, todo: list[int]) -> Generator[Any, Any, None]:
        while todo:
            size = todo.pop()
            peer = rng.randrange(nodes)
            path: Any = registry if kind == "star" or rng.random() < 0.1 else ups[peer]
            if kind == "two links" and path is not registry:
                path = (path, zones[peer % ZONES])
            yield network.transfer(path, ports[node], size)

    for node in range(nodes):
        todo = [rng.randint(1_000_000, 64_000_000) for _ in range(BLOBS)]
        for _ in range(AT_ONCE):
            env.process(fetch(node, todo))
    start = time.process_time()
    env.run()
    return time.process_time() - start, network.settles


def main(sizes: list[int]) -> None:
    print("| nodes | paths | CPU s | us a transfer | settles |\n|---|---|---|---|---|")
    for nodes in sizes:
        for kind in ("star", "peers", "two links"):
            seconds, settles = run(nodes, kind)
            print(f"| {nodes} | {kind} | {seconds:.3g} | {seconds / nodes / BLOBS * 1e6:.0f} | {settles} |", flush=True)


if __name__ == "__main__":
    main([int(text) for text in sys.argv[1:]] or [10, 30, 100, 300, 1000])
