"""Do intervals hold? `python -m benchmarks.fidelity.coverage` predicts pulls that nothing was fitted on.

Each cluster is judged with spreads that were fitted on the other clusters (`fit_variation`): its own rows told nothing.
How much wider than others a preset is comes from the pulls that it was fitted on.
A cluster's rows are predicted on `DRAWS` nodes and registries, whose figures are drawn evenly from the spreads between
clusters (a Latin hypercube), with layers that unpack to more or less where that is guessed; what the median over nodes
differs by within a cluster and what the model is off by is a distribution around each of them. The quantiles of all
together are the interval. `data/coverage.csv` keeps them.

Simpler predictors get their quantiles from the rows of other clusters, as what measured over predicted time was there.
"""

from __future__ import annotations

import csv
import math
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import stats
from scipy.stats import qmc

from benchmarks.fidelity.cluster_data import data, new_bytes, new_layers, ratios, unpacked
from benchmarks.fidelity.clusters import CHONKS, PERFSTUDY, clusters, judgeable, node
from benchmarks.fidelity.fit_variation import FREEDOM, fit
from benchmarks.fidelity.moved_rows import FACTORS, Moved, moved, predict, rows
from benchmarks.fidelity.node_levels import fit_levels
from benchmarks.fidelity.unpacked_ratio import drawn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

FILE: Final = Path(__file__).parent / "data" / "coverage.csv"
DRAWS: Final = 16
GRID: Final = 40  # quantiles that stand for a distribution
OURS: Final = "pullsim"
ANOTHER: Final = "another cluster"  # a simpler predictor
TARGETS: Final = {0.9: (0.85, 0.95), 0.5: (0.42, 0.58)}
LEAST: Final = 3  # rows of other clusters that a simpler predictor needs


@dataclass(frozen=True, slots=True)
class Judged:
    """A row and what is predicted for it: logarithms of the measured time, and of even quantiles by predictor."""

    source: str
    preset: str
    cluster: str
    image: int
    measured: float
    quantiles: dict[str, Array]  # by predictor; ascending

    def interval(self, level: float, predictor: str = OURS) -> tuple[float, float]:
        """Return the logarithms of the ends of an interval."""
        low, high = np.quantile(self.quantiles[predictor], [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)

    def holds(self, level: float, predictor: str = OURS) -> bool:
        """Whether the measured time is in the interval."""
        low, high = self.interval(level, predictor)
        return low <= self.measured <= high

    def score(self, predictor: str) -> float:
        """Return the continuous ranked probability score of the logarithm of time (Gneiting and Raftery, 2007)."""
        x = self.quantiles[predictor]
        ranks = np.arange(1, len(x) + 1)
        apart = 2 * float((x * (2 * ranks - len(x) - 1)).sum()) / len(x) ** 2
        return float(np.abs(x - self.measured).mean()) - apart / 2


def mixture(centres: Array, normal: float, student: float) -> Array:
    """Return quantiles of draws around these centres, with a normal and a Student's t part each."""
    shares = (np.arange(GRID) + 0.5) / GRID
    rng = np.random.default_rng(0)
    parts = [
        centre + normal * rng.permutation(stats.norm.ppf(shares)) + student * stats.t.ppf(shares, FREEDOM)
        for centre in centres
    ]
    return np.quantile(np.concatenate(parts), shares)


def draws(spreads: dict[str, float], wider: float) -> list[dict[str, float]]:
    """Return logarithms of factors, evenly drawn; the same normal draws for all clusters."""
    even = qmc.LatinHypercube(len(FACTORS), rng=np.random.default_rng(18)).random(DRAWS)
    normal = stats.norm.ppf(even)
    return [{name: wider * spreads[name] * float(z) for name, z in zip(FACTORS, each, strict=True)} for each in normal]


def predicted() -> list[Judged]:
    """Predict all rows that no preset was fitted on."""
    every, levels, guesses = rows(), fit_levels(), drawn(DRAWS)
    found = []
    for group in (*CHONKS, *PERFSTUDY):
        spec, registry = node(group.preset, "{}")
        for cluster in clusters(group):
            own = [row for row in every if row.cluster == cluster]
            if all(row.calibration for row in own):
                continue
            others = [row for row in every if row.cluster != cluster]
            spreads = fit(others, levels)
            runs = np.log(
                [
                    predict(group, cluster, *moved(spec, registry, each), known)
                    for each, known in zip(draws(spreads.of(group.preset), group.wider), guesses, strict=True)
                ]
            )
            for number, (row, pull) in enumerate(zip(own, judgeable(group, cluster), strict=True)):
                assert pull["image"] == row.image
                if not row.calibration:
                    nodes, pull_alone = levels.median_differs(row)
                    student = math.hypot(spreads.model[row.source], pull_alone)
                    quantiles = {OURS: mixture(runs[:, number], nodes, student)}
                    quantiles |= simpler(row, others)
                    found.append(
                        Judged(group.source, group.preset, cluster, row.image, math.log(row.measured), quantiles)
                    )
    return found


def simpler(row: Moved, others: Sequence[Moved]) -> dict[str, Array]:
    """Return the quantiles of simpler predictors, as far as there is one for the row."""
    found = {}
    alike = [each for each in others if each.preset == row.preset and each.image == row.image]
    if alike:
        differ = [
            math.log(a.measured / b.measured)
            for a in others
            for b in others
            if a.source == row.source and a.preset == b.preset and a.image == b.image and a.cluster != b.cluster
        ]
        centre = statistics.median(math.log(each.measured) for each in alike)
        found[ANOTHER] = spread_around(centre, differ)
    same = [each for each in others if each.preset == row.preset] or [
        each for each in others if each.source == row.source
    ]
    for name, work in (("bytes / a rate", one_rate), ("download + unpack", two_rates)):
        predicted_row, predicted_others = work(row, same)
        off = [math.log(each.measured / seconds) for each, seconds in zip(same, predicted_others, strict=True)]
        found[name] = spread_around(math.log(predicted_row), off)
    return found


def spread_around(centre: float, off: Sequence[float]) -> Array:
    """Return quantiles around a centre, as those of what was off elsewhere."""
    shares = (np.arange(GRID) + 0.5) / GRID
    if len(off) < LEAST:
        return np.full(GRID, centre)
    found: Array = centre + np.quantile(np.array(off), shares)
    return found


def amounts(row: Moved) -> tuple[float, float, float]:
    """Return compressed and unpacked bytes that a row's pull brings, and its new layers."""
    pull = next(each for each in data()["clusters"][row.cluster]["pulls"] if each["image"] == row.image)
    _, _, *generated = data()["images"][row.image]
    if generated:
        count, size, content = generated
        return float(count * size), float(count * content), float(count)
    layers = new_layers(pull, pull.get("before", ()))
    known = ratios()
    return (
        float(new_bytes(pull, pull.get("before", ()))),
        float(sum(unpacked(each, known) for each in layers)),
        len(layers),
    )


def one_rate(row: Moved, others: Sequence[Moved]) -> tuple[float, list[float]]:
    """Predict a time as unpacked bytes over one rate: compressed ones are almost none where files are zeros."""
    work = [max(amounts(each)[1], 1e6) for each in others]
    rate = math.exp(statistics.median(math.log(size / each.measured) for size, each in zip(work, others, strict=True)))
    return max(amounts(row)[1], 1e6) / rate, [size / rate for size in work]


def two_rates(row: Moved, others: Sequence[Moved]) -> tuple[float, list[float]]:
    """Predict a time as a constant, a download at one rate and unpacking at another, fitted without negative parts."""
    from scipy.optimize import nnls  # noqa: PLC0415

    def terms(each: Moved) -> list[float]:
        size, content, _ = amounts(each)
        return [1.0, size / 1e8, content / 1e8]

    weights = np.array([1 / each.measured for each in others])
    parts = np.array([terms(each) for each in others])
    found, _ = nnls(parts * weights[:, None], np.ones(len(others)))
    least = 0.01
    return max(float(np.array(terms(row)) @ found), least), [max(float(each), least) for each in parts @ found]


def main() -> None:
    """Predict, and keep what was predicted."""
    with FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["source", "preset", "cluster", "image", "measured", "predictor", *range(GRID)])
        for row in predicted():
            for predictor, quantiles in row.quantiles.items():
                values = [f"{each:.3f}" for each in quantiles]
                writer.writerow(
                    [row.source, row.preset, row.cluster, row.image, f"{row.measured:.4f}", predictor, *values]
                )


if __name__ == "__main__":
    main()
