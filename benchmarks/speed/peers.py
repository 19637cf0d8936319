"""What peers cost: `python -m benchmarks.speed.peers [solves | rollouts] [NODES ...]`; CPU time.

*Solves*: one settle of the general sharing, with so many transfers to each node, each from the uplink of a random other
node: all rates are found anew. *Rollouts*: the full model. Nodes join one after the other within 60 s, each of which
pulls 2 GB in 8 layers; without peers all comes from a registry whose egress they share, with them (Spegel) from one
another.
"""

from __future__ import annotations

import sys
import time

import numpy as np

import pullsim
from pullsim.network.mesh import fill

GBIT = 1e9 / 8
SOLVES = ((100, 4), (1000, 4), (1000, 10), (2600, 10), (5000, 4), (5000, 10))
ROLLOUTS = (30, 100, 300, 1000)
LAYERS = (100, 700, 300, 300, 300, 200, 50, 50)  # MB


def solve(nodes: int, flows: int, *, repeats: int = 10) -> float:
    """Return the CPU seconds of one solve; rates of uplinks and NICs are of three kinds."""
    random = np.random.default_rng(1)
    rates = np.array([1.0, 10.0, 25.0]) * GBIT
    capacity = np.concatenate(([np.inf], rates[random.integers(0, 3, 2 * nodes)]))
    port = np.repeat(np.arange(1, nodes + 1), flows)
    path = np.column_stack((port, random.integers(nodes + 1, 2 * nodes + 1, len(port))))
    number, cap = np.ones(len(port)), np.full(len(port), 500e6)
    start = time.process_time()
    for _ in range(repeats):
        rate = fill(path, number, cap, capacity)
    seconds = (time.process_time() - start) / repeats
    used = np.bincount(path.ravel(), np.repeat(rate, 2), len(capacity))
    full = used >= capacity * (1.0 - 1e-9)
    assert (used <= capacity * (1.0 + 1e-9)).all()
    assert (full[path].any(axis=1) | (rate >= cap * (1.0 - 1e-9))).all()
    return seconds


def rollout(nodes: int, peers: str | None) -> tuple[float, float]:
    """Return the CPU seconds of a run, and the median of the pulls in seconds."""
    scenario = pullsim.from_mapping(
        {
            "images": {"define": [{"image": "r.test/app:1", "layers": [{"size": f"{size}MB"} for size in LAYERS]}]},
            "registries": [{"host": "r.test", "egress": "10Gbit/s"}],
            "nodes": [
                {
                    "name": "n",
                    "count": nodes,
                    "join": {"every": f"{60 / nodes:.3f}s"},
                    "maxPods": 1,
                    **({"peers": peers} if peers else {}),
                }
            ],
            "workloads": [{"name": "app", "pods": {"image": "r.test/app:1", "count": nodes}}],
        }
    )
    start = time.process_time()
    result = pullsim.run(scenario, detail="pulls", force=True)
    seconds = time.process_time() - start
    pulls = sorted(pull.ended - pull.started for pull in result.pulls)
    return seconds, pulls[len(pulls) // 2]


def main(arguments: list[str]) -> None:
    """Measure what is asked for, and print it as Markdown."""
    what = arguments[0] if arguments else "both"
    sizes = [int(each) for each in arguments[1:]]
    if what in ("solves", "both"):
        print("| nodes | transfers to each | transfers | a solve |\n|---|---|---|---|")
        for nodes, flows in SOLVES:
            if not sizes or nodes in sizes:
                print(f"| {nodes} | {flows} | {nodes * flows} | {solve(nodes, flows) * 1e3:.1f} ms |", flush=True)
    if what in ("rollouts", "both"):
        print("\n| nodes | peers | CPU s | ms a layer | median pull |\n|---|---|---|---|---|")
        for nodes in sizes or ROLLOUTS:
            for peers in (None, "spegel"):
                seconds, median = rollout(nodes, peers)
                each = seconds / nodes / len(LAYERS) * 1e3
                print(f"| {nodes} | {peers or 'none'} | {seconds:.2f} | {each:.2f} | {median:.1f} s |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
