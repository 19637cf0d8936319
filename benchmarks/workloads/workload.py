"""Reference workloads: what is to be pulled where and when. W and U roll many images out, F and J fan one image out.

Integers and floats come from the standard library's generator alone, so every tool sees the same input.
"""

from __future__ import annotations

import bisect
import itertools
import math
import random
from dataclasses import dataclass, replace

EGRESS = 40e9 / 8  # of the registry, bytes/s
NIC = 10e9 / 8  # of a node, bytes/s
DISK = 200e6  # unpacking of a node, bytes/s
PULLS = 4  # at a time on a node
DOWNLOADS = 3  # at a time in a pull

_IMAGES = 200
_BASES = 10  # image i shares its first layer with image i % 10
_FAN_OUT_LAYERS = [200_000_000] * 10
_ARRIVALS = 10.0  # seconds over which pods arrive


@dataclass(frozen=True, slots=True)
class Workload:
    """`dataclasses.asdict` gives JSON."""

    name: str
    sizes: list[int]  # bytes of each layer
    images: list[list[int]]  # layers of each image, bottom first
    pods: list[list[tuple[float, int]]]  # (arrival in seconds, image) of each node's pods, by time
    egress: float = EGRESS
    nic: float = NIC
    placed: bool = True  # False: a scheduler gives the pods their nodes, and the lists of `pods` mean nothing to it

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return len(self.pods)

    def flows(self) -> int:
        """Number of downloads: each layer once a node."""
        return sum(len({layer for _, image in pods for layer in self.images[image]}) for pods in self.pods)


def make_w(nodes: int, pods: int = 20, layers: int = 5, seed: int = 1) -> Workload:
    """W(nodes, pods, layers): pods a node, their images by Zipf's law out of 200, layers of 1 to 200 MB."""
    rng = random.Random(seed)
    low, high = math.log(1e6), math.log(200e6)
    sizes = [int(math.exp(rng.uniform(low, high))) for _ in range(_IMAGES * layers)]
    images = [[i % _BASES * layers, *range(i * layers + 1, (i + 1) * layers)] for i in range(_IMAGES)]
    weights = list(itertools.accumulate(1 / rank for rank in range(1, _IMAGES + 1)))
    rng = random.Random(seed + 1)
    drawn = [
        sorted(
            (rng.uniform(0, _ARRIVALS), bisect.bisect_left(weights, rng.random() * weights[-1])) for _ in range(pods)
        )
        for _ in range(nodes)
    ]
    return Workload(f"W({nodes},{pods},{layers})", sizes, images, drawn)


def make_u(nodes: int, pods: int = 20, layers: int = 5) -> Workload:
    """U(nodes, pods, layers): the pods and images of W(nodes, pods, layers), which the scheduler places."""
    return replace(make_w(nodes, pods, layers), name=f"U({nodes},{pods},{layers})", placed=False)


def make_f(nodes: int) -> Workload:
    """F(nodes): one image of 10 layers of 200 MB, one pod a node, all at time 0."""
    return Workload(f"F({nodes})", _FAN_OUT_LAYERS, [list(range(10))], [[(0.0, 0)] for _ in range(nodes)])


def make_j(nodes: int) -> Workload:
    """J(nodes): F(nodes) with starts spread over 10 s, so that no two things happen at once."""
    rng = random.Random(1)
    pods = [[(rng.uniform(0, _ARRIVALS), 0)] for _ in range(nodes)]
    return Workload(f"J({nodes})", _FAN_OUT_LAYERS, [list(range(10))], pods)


def parse(text: str) -> Workload:
    """Make the workload of a name such as W100, W100,20,5, U1000, F1000 or J10000."""
    make = {"W": make_w, "U": make_u, "F": make_f, "J": make_j}[text[0]]
    return make(*map(int, text[1:].split(",")))
