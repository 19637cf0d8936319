"""Do the figures of a cluster, or of a node, go together? `fit_variation` writes what is found here.

Only pulls that presets were fitted on are read, and only of presets of which both figures bind in some of them, as a
figure that moves no pull time goes with anything. Every correlation is as likely as any other beforehand; what is told
is the mean of what is likely afterwards and its standard deviation, which is 0.58 where the pulls tell nothing.

Between clusters: images that several clusters of a preset pulled (`disagreement.py`), with the spreads of
`variation.yaml`. Between nodes: what the nodes of a cluster differ by in each image (`data/nodes.csv`), which is what a
node's disk and cores are off by, as far as the image's time moves with them, and noise. What lies far from the median
of an image's nodes counts as three of its ordinary differences.
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import stats
from scipy.optimize import minimize

from benchmarks.fidelity.disagreement import pulled_by_several
from benchmarks.fidelity.moved_rows import FACTORS, GROUPS, SHORT, rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from benchmarks.fidelity.fit_variation import Spreads
    from benchmarks.fidelity.moved_rows import Moved

    Array = NDArray[np.float64]

NODES: Final = Path(__file__).parent / "data" / "nodes.csv"
BINDS: Final = 0.5  # the least part of some pull's time that a figure must have
GRID: Final = np.linspace(-0.95, 0.95, 20)
FEW: Final = 3  # nodes of which a median says little
FAR: Final = 3.0  # of the ordinary differences of an image's nodes
LEAST: Final = 0.01  # the least of these
#: Spreads of disks and of unpacking between nodes before any pull is looked at, and how sure that is.
BEFORE: Final = 0.03
UNSURE: Final = 0.7
SURELY: Final = 2.0  # standard deviations
#: The variance of what is the same in all clusters, of which nothing is known.
ANY: Final = 100.0


@dataclass(frozen=True, slots=True)
class Told:
    """A correlation as the pulls of these presets tell it."""

    presets: tuple[str, ...]
    mean: float
    error: float  # standard deviation

    @property
    def from_none(self) -> bool:
        """Whether it can be told from no correlation."""
        return abs(self.mean) > SURELY * self.error


def between_clusters(spreads: Spreads, first: str, second: str) -> Told:
    """Return the correlation of two figures between clusters."""
    likely = np.zeros(len(GRID))
    presets = []
    for preset, images in pulled_by_several(rows()).items():
        if _bind([row for own in images.values() for row in own], first, second):
            presets.append(preset)
            likely += [_likely(list(images.values()), spreads, (first, second), float(each)) for each in GRID]
    return _told(presets, likely)


def between_nodes() -> Told:
    """Return the correlation of disk and unpacking between a cluster's nodes; each preset has spreads of its own."""
    found = _differences()
    return _told(list(found), sum((nodes.profile() for nodes in found.values()), np.zeros(len(GRID))))


def _told(presets: Sequence[str], likely: Array) -> Told:
    weights = np.exp(likely - likely.max())
    weights /= weights.sum()
    mean = float(weights @ GRID)
    error = math.sqrt(float(weights @ (GRID - mean) ** 2))
    return Told(tuple(presets), mean, error)


def _bind(pulls: Sequence[Moved], *figures: str) -> bool:
    return all(max(-row.by[name] for row in pulls) >= BINDS for name in figures)


def _likely(images: Sequence[Sequence[Moved]], spreads: Spreads, figures: tuple[str, str], correlation: float) -> float:
    """Return the log likelihood of pulls of the same images by several clusters."""
    pulls = [(number, row) for number, own in enumerate(images) for row in own]
    preset = pulls[0][1].preset
    drawn = np.diag([(spreads.disagree.get(preset, 1.0) * spreads.cluster[name]) ** 2 for name in FACTORS])
    first, second = (FACTORS.index(name) for name in figures)
    drawn[first, second] = drawn[second, first] = correlation * math.sqrt(drawn[first, first] * drawn[second, second])
    # A latency is a time: what makes it better makes it less.
    by = np.array([[(-1 if name == "latency" else 1) * row.by[name] for name in FACTORS] for _, row in pulls])
    same_cluster = np.array([[a.cluster == b.cluster for _, b in pulls] for _, a in pulls])
    same_image = np.array([[a == b for b, _ in pulls] for a, _ in pulls])
    noise = [
        sum(part**2 for part in spreads.levels.median_differs(row)) + spreads.model[row.source] ** 2 for _, row in pulls
    ]
    covariance = (by @ drawn @ by.T) * same_cluster + ANY * same_image + np.diag(noise)
    off = np.array([row.off for _, row in pulls])
    return float(stats.multivariate_normal.logpdf(off, cov=covariance))


class Differences:
    """What nodes differ by: for each the sums that the likelihood needs, of all its images."""

    def __init__(self, nodes: Sequence[Sequence[tuple[float, float, float]]]) -> None:
        parts = [np.array(node) for node in nodes]
        self._squares = np.array([part[:, :2].T @ part[:, :2] for part in parts])
        self._products = np.array([part[:, :2].T @ part[:, 2] for part in parts])
        self._off = float(sum(part[:, 2] @ part[:, 2] for part in parts))
        self._count = sum(len(part) for part in parts)

    def profile(self) -> Array:
        """Return the log likelihood of each correlation, with the spreads that are likeliest with it."""
        begin, found = np.full(3, math.log(BEFORE)), []
        for correlation in GRID:
            best = minimize(self._unlikely, begin, args=(correlation,), method="L-BFGS-B")
            begin = best.x
            found.append(-float(best.fun))
        return np.array(found)

    def _unlikely(self, x: Array, correlation: float) -> float:
        disk, unpack, noise = np.exp(x)
        both = correlation * disk * unpack
        drawn = np.array([[disk**2, both], [both, unpack**2]])
        matrix = np.eye(2) + drawn @ self._squares / noise**2
        product = self._products / noise**2
        explained = (product * np.linalg.solve(matrix, (product @ drawn)[..., None])[..., 0]).sum()
        likely = -np.log(np.linalg.det(matrix)).sum() / 2 - self._count * math.log(noise)
        likely -= (self._off / noise**2 - explained) / 2
        return float(-likely + (((x[:2] - math.log(BEFORE)) / UNSURE) ** 2).sum() / 2)


def _differences() -> dict[str, Differences]:
    """Return by preset what its nodes differ by, of presets of which both the disk and unpacking bind."""
    seconds = node_seconds()
    found: dict[str, Differences] = {}
    for preset in GROUPS:
        pulls = [row for row in rows() if row.preset == preset and (row.cluster, row.image) in seconds]
        pulls = [row for row in pulls if row.measured >= SHORT and len(seconds[row.cluster, row.image]) >= FEW]
        if not _bind(pulls, "disk", "unpack"):
            continue
        nodes: dict[tuple[str, str], list[tuple[float, float, float]]] = defaultdict(list)
        for row in pulls:
            for node, off in ordinary(seconds[row.cluster, row.image]).items():
                nodes[row.cluster, node].append((-row.by["disk"], -row.by["unpack"], off))
        found[preset] = Differences(list(nodes.values()))
    return found


def ordinary(seconds: Mapping[str, float]) -> dict[str, float]:
    """Return by node by how much faster than the median it was, as a logarithm; what is far off counts less."""
    logarithms = {node: math.log(each) for node, each in seconds.items()}
    middle = float(np.median(list(logarithms.values())))
    usual = float(stats.median_abs_deviation(list(logarithms.values()), scale="normal"))
    most = FAR * max(usual, LEAST)
    return {node: max(-most, min(most, middle - each)) for node, each in logarithms.items()}


def node_seconds() -> dict[tuple[str, int], dict[str, float]]:
    """Read the seconds of each node, by cluster and image: of pulls that presets were fitted on."""
    found: dict[tuple[str, int], dict[str, float]] = defaultdict(dict)
    with NODES.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found[row["cluster"], int(row["image"])][row["node"]] = float(row["seconds"])
    return dict(found)


def correlations(spreads: Spreads) -> dict[str, Told]:
    """Return what is told of each correlation that a scenario may have, by its key."""
    return {
        "diskUnpack": between_clusters(spreads, "disk", "unpack"),
        "registryLatency": between_clusters(spreads, "registry", "latency"),
        "nodeDiskUnpack": between_nodes(),
    }
