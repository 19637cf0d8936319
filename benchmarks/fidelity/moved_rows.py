"""Pulls that tell how clusters vary: measured times, and by how much predicted ones move with each figure.

`data/sensitivities.csv` has the latter, as runs of the simulator tell: `python -m benchmarks.fidelity.moved_rows`.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.fidelity.cluster_data import catalog_of, data
from benchmarks.fidelity.clusters import CHONKS, PERFSTUDY, clusters, history, judgeable, node, single
from benchmarks.fidelity.unpacked_ratio import apart
from pullsim.spec.draws import better_node, better_registry
from pullsim.spec.variation import ClusterSpread

if TYPE_CHECKING:
    from benchmarks.fidelity.cluster_data import Ratios
    from benchmarks.fidelity.clusters import Group
    from pullsim.spec.cluster import NodeSpec
    from pullsim.spec.registry import RegistrySpec

SENSITIVITIES: Final = Path(__file__).parent / "data" / "sensitivities.csv"
GROUPS: Final = {group.preset: group for group in (*CHONKS, *PERFSTUDY)}
FACTORS: Final = tuple(each.name for each in fields(ClusterSpread))
STEP: Final = -0.15  # of a logarithm, for sensitivities: what is slower binds, and so has more of the time
SHORT: Final = 1.0  # seconds; shorter pulls are left out of spreads within a cluster


@dataclass(frozen=True, slots=True)
class Moved:
    """A row with its sensitivities: what a figure that is better by a factor of e adds to the logarithm of the time."""

    source: str
    preset: str
    cluster: str
    image: int
    calibration: bool
    predicted: float  # seconds
    measured: float  # seconds, median over nodes
    nodes: int
    by: dict[str, float]
    wider: float = math.sqrt(2)  # how much wider other clusters differ from the preset than clusters do (`Group.wider`)
    unpacked: float = 0.0  # spread of the logarithm of its time, as layers unpack to more or less than is guessed

    @property
    def off(self) -> float:
        """The logarithm of measured over predicted time."""
        return math.log(self.measured / self.predicted)


def predict(
    group: Group, cluster: str, spec: NodeSpec, registry: RegistrySpec, known: Ratios | None = None
) -> list[float]:
    """Predict the pulls of a cluster with this node and registry; ``known``: ratios of layers, if not the fitted ones.

    What generated images unpack to is known.
    """
    pulls = judgeable(group, cluster)
    if group.source == "chonks":
        return history(spec, registry, pulls)
    images = [None if known is None else catalog_of({pull["image"], *pull["before"]}, known) for pull in pulls]
    return [single(spec, registry, cluster, pull, own) for pull, own in zip(pulls, images, strict=True)]


def moved(spec: NodeSpec, registry: RegistrySpec, by: dict[str, float]) -> tuple[NodeSpec, RegistrySpec]:
    """Return a node and its registry with figures better by these logarithms."""
    better = {name: math.exp(by.get(name, 0.0)) for name in FACTORS}
    return (
        better_node(spec, better["disk"], better["unpack"]),
        better_registry(registry, better["registry"], 1 / better["latency"]),
    )


def write_sensitivities() -> None:
    """Predict every row with each figure moved, and write the sensitivities."""
    with SENSITIVITIES.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["preset", "cluster", "image", "predicted_s", *FACTORS])
        for group in (*CHONKS, *PERFSTUDY):
            spec, registry = node(group.preset, "{}")
            for cluster in clusters(group):
                base = predict(group, cluster, spec, registry)
                apart = [predict(group, cluster, *moved(spec, registry, {name: STEP})) for name in FACTORS]
                for pull, seconds, *others in zip(judgeable(group, cluster), base, *apart, strict=True):
                    by = [f"{math.log(each / seconds) / STEP:.4f}" for each in others]
                    writer.writerow([group.preset, cluster, pull["image"], f"{seconds:.5g}", *by])


@lru_cache(maxsize=1)
def rows() -> tuple[Moved, ...]:
    """Read the rows with their sensitivities."""
    pulls = {(name, pull["image"]): pull for name, cluster in data()["clusters"].items() for pull in cluster["pulls"]}
    found = []
    with SENSITIVITIES.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            group, image = GROUPS[row["preset"]], int(row["image"])
            pull = pulls[row["cluster"], image]
            by = {name: float(row[name]) for name in FACTORS}
            found.append(
                Moved(
                    group.source,
                    group.preset,
                    row["cluster"],
                    image,
                    group.calibrates(row["cluster"], data()["images"][image][0]),
                    float(row["predicted_s"]),
                    pull["p50"],
                    pull["nodes"],
                    by,
                    group.wider,
                    apart(pull, -by["disk"] - by["unpack"]),
                )
            )
    return tuple(found)


if __name__ == "__main__":
    write_sensitivities()
