"""Fit how presets vary: `python -m benchmarks.fidelity.fit_variation` writes `pullsim/scenario/presets/variation.yaml`.

From cluster to cluster: of each row (an image in a cluster) the logarithm of measured over predicted time, and by how
much the logarithm of the predicted time moves with that of each figure (`data/sensitivities.csv`, made by
`--sensitivities`), as runs of the simulator tell. The spread of a figure between clusters and the scale of what the
model is off by are those under which the rows are likeliest, one by one: normal, and beside that Student's t of 2
degrees of freedom for the model, as few rows are far off. What is known beforehand is one more term (`BEFORE`).

Rows on which a preset was fitted tell nothing about another cluster and are left out here; they tell what the preset
has behind it. `coverage.py` judges each cluster with spreads that are fitted on the other clusters.

Within a cluster: of each image, the range of its pull times over nodes, divided by the range that so many draws from
the standard normal distribution have on average. A tenth of that variance is the node's (analysis of variance of 53
clusters' events), the rest is from pull to pull.
"""

from __future__ import annotations

import csv
import math
import statistics
import sys
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import stats
from scipy.optimize import minimize

from benchmarks.fidelity import priors
from benchmarks.fidelity.cluster_data import data
from benchmarks.fidelity.clusters import CHONKS, PERFSTUDY, clusters, history, judgeable, node, single
from pullsim.scenario.presets.registries import PUBLIC
from pullsim.spec.draws import better_node, better_registry
from pullsim.spec.unpack import UnpackSpec
from pullsim.spec.variation import ClusterSpread
from pullsim.units import parse_duration, parse_rate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from benchmarks.fidelity.clusters import Group
    from pullsim.spec.cluster import NodeSpec
    from pullsim.spec.registry import RegistrySpec

    Array = NDArray[np.float64]

SENSITIVITIES: Final = Path(__file__).parent / "data" / "sensitivities.csv"
OUT: Final = Path(__file__).parents[2] / "pullsim" / "scenario" / "presets" / "variation.yaml"
GROUPS: Final = {group.preset: group for group in (*CHONKS, *PERFSTUDY)}
FACTORS: Final = tuple(each.name for each in fields(ClusterSpread))
STEP: Final = -0.15  # of a logarithm, for sensitivities: what is slower binds, and so has more of the time
REAL: Final = "perfstudy"  # the source with real images
FREEDOM: Final = 2
POINTS: Final = 15  # at which a normal distribution is looked at, to add Student's t to it
#: Spreads before any row is looked at, those between clusters and the scale of the model's error, and how sure that is
#: (standard deviation of a logarithm): vendors promise disks and cores to a tenth or so; connections to object stores
#: and CDNs were seen at 49 to 193 MB/s (containerd PR 13559, S3's pages), which is 0.4 for different clouds together.
BEFORE: Final = {"disk": 0.12, "unpack": 0.08, "registry": 0.25, "latency": 0.2, "model": 0.06}
SURE: Final = 0.25  # rows of a cluster are taken one by one and tell less than as many clusters would
NODE_SHARE: Final = 0.1  # of the variance within a cluster
SHORT: Final = 1.0  # seconds; shorter pulls are left out of spreads within a cluster


@dataclass(frozen=True, slots=True)
class Moved:
    """A row with its sensitivities: what a figure that is better by a factor of e adds to the logarithm of the time."""

    source: str
    preset: str
    cluster: str
    image: int
    calibration: bool
    predicted: float
    measured: float
    nodes: int
    within: float | None  # spread of the pull times over nodes; None: it is not known, or the pull is short
    by: dict[str, float]
    wider: float = math.sqrt(2)  # how much wider other clusters differ from the preset than clusters do (`Group.wider`)

    @property
    def off(self) -> float:
        """The logarithm of measured over predicted time."""
        return math.log(self.measured / self.predicted)


@dataclass(frozen=True, slots=True)
class Spreads:
    """What is fitted: spreads between clusters, the model's scale, and spreads of pull times over nodes by preset."""

    cluster: dict[str, float]  # between clusters, without what a preset itself is off by (`Group.wider`)
    model: dict[str, float]  # by source: of images of zeros the model knows all, of real ones not what layers unpack to
    within: dict[str, float]  # by preset


def predict(group: Group, cluster: str, spec: NodeSpec, registry: RegistrySpec) -> list[float]:
    """Predict the pulls of a cluster with this node and registry."""
    pulls = judgeable(group, cluster)
    if group.source == "chonks":
        return history(spec, registry, pulls)
    return [single(spec, registry, cluster, pull) for pull in pulls]


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
                    within(pull),
                    {name: float(row[name]) for name in FACTORS},
                    group.wider,
                )
            )
    return tuple(found)


def within(pull: dict[str, Any]) -> float | None:
    """Return the spread of an image's pull times over the nodes of a cluster; None: too few nodes, or too short."""
    if pull["nodes"] < 3 or pull["p50"] < SHORT:
        return None
    return math.log(pull["max"] / pull["min"]) / _mean_range(pull["nodes"])


@lru_cache(maxsize=256)
def _mean_range(count: int) -> float:
    """Return the mean range of so many draws from the standard normal distribution (Tippett, 1925)."""
    x = np.linspace(-8.0, 8.0, 4001)
    below = stats.norm.cdf(x)
    return float(np.trapezoid(1 - below**count - (1 - below) ** count, x))


def fit(found: Sequence[Moved]) -> Spreads:
    """Fit spreads on these rows, of which those that a preset was fitted on are left out."""
    spread = _spread_within(found)
    judged = [row for row in found if not row.calibration]
    off = np.array([row.off for row in judged])
    by = np.array([[row.by[name] * row.wider for name in FACTORS] for row in judged])
    within = np.array([median_differs(spread.get(row.preset, spread[""]), row.nodes) for row in judged])
    real = np.array([row.source == REAL for row in judged])
    before = np.log([*BEFORE.values(), BEFORE["model"]])
    points, weights = np.polynomial.hermite_e.hermegauss(POINTS)

    def unlikely(x: Array) -> float:
        normal = np.sqrt(by**2 @ np.exp(2 * x[:-2]) + within**2)
        model = np.exp(np.where(real, x[-1], x[-2]))
        apart = (off - normal * points[:, None]) / model
        likely = np.log(weights @ stats.t.pdf(apart, FREEDOM) / weights.sum() / model)
        return float(-likely.sum() + (((x - before) / SURE) ** 2).sum() / 2)

    best = np.exp(minimize(unlikely, before, method="L-BFGS-B").x)
    # Another instance type differs from so few by more than these do: that of a mean is off by the root of 1 + 1/n.
    best *= math.sqrt(1 + 1 / len({row.preset for row in judged}))
    model = {"chonks": float(best[-2]), REAL: float(best[-1])}
    return Spreads(dict(zip(FACTORS, map(float, best[:-2]), strict=True)), model, spread)


def median_differs(spread: float, nodes: int) -> float:
    """Return what the median of normal draws differs by, of as many as there are nodes: pi / 2 times the variance."""
    return spread * math.sqrt(math.pi / 2 / nodes) if nodes > 1 else spread


def _spread_within(found: Sequence[Moved]) -> dict[str, float]:
    """Return the median spread of pull times over nodes, by preset, and of all under no name."""
    every = [row.within for row in found if row.within is not None]
    ranges = {
        preset: [row.within for row in found if row.preset == preset and row.within is not None]
        for preset in {row.preset for row in found}
    }
    spread = {preset: statistics.median(own) for preset, own in ranges.items() if own}
    return spread | {"": statistics.median(every)}


def node_and_pull(found: Iterable[Moved], spread: float) -> tuple[float, float]:
    """Return the spreads of figures between nodes, and of unpacking from pull to pull, for one of pull times.

    What a pull time moves by with these figures is that of real images on all instance types.
    """
    real = [row for row in found if row.source == "perfstudy"]
    both = statistics.median(-row.by["disk"] - row.by["unpack"] for row in real)
    alone = statistics.median(-row.by["unpack"] for row in real)
    return math.sqrt(NODE_SHARE) * spread / both, math.sqrt(1 - NODE_SHARE) * spread / alone


def presetless() -> dict[str, float]:
    """Return by how much fitted figures differ from what is known without a pull: roots of mean squares of logarithms.

    That is for disks the vendor's page, for cores the default, and for registries the figures of a public one.
    """
    built = {group.preset: node(group.preset, "{}") for group in (*CHONKS, *PERFSTUDY)}
    found: dict[str, list[float]] = {name: [] for name in FACTORS}
    for preset, (spec, registry) in built.items():
        runtime: Any = spec.runtime
        assert spec.disk.write is not None
        found["disk"].append(spec.disk.write / priors.NODES[preset][0])
        if preset not in priors.ZEROS:  # files of zeros unpack at another rate
            found["unpack"].append(runtime.unpack.gzip / UnpackSpec().gzip)
            found["registry"].append(registry.per_connection / parse_rate(PUBLIC["perConnection"]))
        times = parse_duration(PUBLIC["roundTrip"]) + parse_duration(PUBLIC["firstByte"])
        found["latency"].append(times / (registry.round_trip + registry.first_byte))
    return {name: math.sqrt(statistics.fmean(math.log(each) ** 2 for each in own)) for name, own in found.items()}


def main(arguments: Sequence[str]) -> None:
    """Write the sensitivities, where they are asked for, and the spreads."""
    if "--sensitivities" in arguments:
        write_sensitivities()
    found = rows()
    spreads = fit(found)
    judged = [row for row in found if not row.calibration]
    counts = f"{len({row.cluster for row in judged})} clusters of converged-computing (2024), {len(judged)} images"
    lines = [
        "# How presets vary, by `python -m benchmarks.fidelity.fit_variation`: standard deviations of logarithms",
        "# between clusters, between the nodes of one and from pull to pull (unpacking), and the scale of what the",
        "# model is off by (Student's t, 2 degrees of freedom). A preset is fitted on so many clusters and rows.",
        f'source: "fitted on {counts}; within a cluster on the range over its nodes"',
        "pooled:",
        "  cluster: " + _flow(spreads.cluster),
        *_within(found, spreads.within[""]),
        f"  model: {spreads.model[REAL]:.3f}  # of real images; of images of zeros {spreads.model['chonks']:.3f}",
        "# What figures of a type that was fitted differ by from those that vendors' pages and defaults give.",
        "presetless: " + _flow(presetless()),
        "presets:",
    ]
    for group in (*CHONKS, *PERFSTUDY):
        count = sum(row.calibration for row in found if row.preset == group.preset)
        lines += [f"  {group.preset}:", f"    clusters: {len(group.calibration)}", f"    rows: {count}"]
        lines += [f"  {line}" for line in _within(found, spreads.within[group.preset])]
    OUT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(OUT.read_text(encoding="utf-8"))


def _within(found: Iterable[Moved], spread: float) -> list[str]:
    nodes, pull = node_and_pull(found, spread)
    return [f"  node: {_flow({'disk': nodes, 'unpack': nodes})}", f"  pull: {pull:.3f}"]


def _flow(values: dict[str, float]) -> str:
    return "{" + ", ".join(f"{name}: {value:.3f}" for name, value in values.items()) + "}"


if __name__ == "__main__":
    main(sys.argv[1:])
