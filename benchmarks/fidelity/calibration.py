"""The pulls on which the presets of clusters are fitted, and the layers that they bring."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from benchmarks.fidelity import priors
from benchmarks.fidelity.cluster_data import data, new_layers, rebuilt
from benchmarks.fidelity.clusters import clusters, judgeable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.fidelity.clusters import Group

#: Compressed bytes below which layers keep the usual ratio: their unpacking takes less than what differs between pulls.
SMALL: Final = 5_000_000


@dataclass(frozen=True, slots=True)
class Pull:
    """A calibration pull."""

    group: Group
    cluster: str
    pull: dict[str, Any]

    @property
    def case(self) -> str:
        """Its cluster and image, as the report has them."""
        return f"{self.cluster} {data()['images'][self.pull['image']][0]}"

    def brings(self) -> set[int]:
        """Return its new layers of which only the compressed size is known, the first of those built again."""
        new = new_layers(self.pull, self.pull["before"])
        return {rebuilt()[layer] for layer in new if data()["layers"][layer][1] is None}


def calibration(group: Group) -> list[Pull]:
    """Return the pulls on which a preset is fitted."""
    return [
        Pull(group, cluster, pull)
        for cluster in clusters(group)
        for pull in judgeable(group, cluster)
        if group.calibrates(cluster, data()["images"][pull["image"]][0])
    ]


def classes(pulls: Sequence[Pull]) -> list[tuple[int, ...]]:
    """Return the layers whose unpacked size is not known, together where the same pulls brought them."""
    brought: dict[int, list[int]] = defaultdict(list)
    for number, pull in enumerate(pulls):
        for layer in sorted(pull.brings()):
            brought[layer].append(number)
    together: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for layer, numbers in sorted(brought.items()):
        together[tuple(numbers)].append(layer)
    return [tuple(layers) for layers in together.values() if compressed(layers) >= SMALL]


def spread(layers: Sequence[int]) -> float:
    """Return the standard deviation of the logarithm of their ratio: of many, large and small, it is less."""
    sizes = [data()["layers"][layer][0] for layer in layers]
    return priors.RATIO * math.sqrt(sum(size**2 for size in sizes)) / sum(sizes)


def compressed(layers: Iterable[int]) -> int:
    """Return the compressed bytes of layers."""
    return sum(data()["layers"][layer][0] for layer in layers)
