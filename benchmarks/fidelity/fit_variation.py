"""Fit how presets vary: `python -m benchmarks.fidelity.fit_variation` writes `pullsim/scenario/presets/variation.yaml`.

From cluster to cluster: of each row (an image in a cluster) the logarithm of measured over predicted time, and by how
much the logarithm of the predicted time moves with that of each figure (`moved_rows.py`). The spread of a figure
between clusters and the scale of what the model is off by are those under which the rows are likeliest, one by one:
normal, and beside that Student's t of 2 degrees of freedom for the model, as few rows are far off. What is known
beforehand is one more term (`BEFORE`).

Rows on which a preset was fitted tell nothing about another cluster and are left out here; they tell what the preset
has behind it, and by how much more or less than others its own clusters disagree (`disagreement.py`). `coverage.py`
judges each cluster with spreads that are fitted on the other clusters.

Within a cluster: what nodes took for the pulls that presets were fitted on (`node_levels.py`). What layers unpack to
where nobody says it is from such pulls, too (`unpacked_ratio.py`). Both are taken as they are where the rest is fitted,
so that no variance counts twice.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import stats
from scipy.optimize import minimize

from benchmarks.fidelity import priors
from benchmarks.fidelity.clusters import CHONKS, PERFSTUDY, node
from benchmarks.fidelity.correlations import correlations
from benchmarks.fidelity.disagreement import disagreement
from benchmarks.fidelity.moved_rows import FACTORS, rows
from benchmarks.fidelity.node_levels import FREEDOM as PULL_FREEDOM
from benchmarks.fidelity.node_levels import Levels, fit_levels
from benchmarks.fidelity.unpacked_ratio import ratio_spread
from pullsim.scenario.presets.registries import PUBLIC
from pullsim.spec.unpack import UnpackSpec
from pullsim.units import parse_duration, parse_rate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from benchmarks.fidelity.correlations import Told
    from benchmarks.fidelity.moved_rows import Moved

    Array = NDArray[np.float64]

OUT: Final = Path(__file__).parents[2] / "pullsim" / "scenario" / "presets" / "variation.yaml"
REAL: Final = "perfstudy"  # the source with real images
FREEDOM: Final = 2
POINTS: Final = 15  # at which a normal distribution is looked at, to add Student's t to it
#: Spreads before any row is looked at, those between clusters and the scale of the model's error, and how sure that is
#: (standard deviation of a logarithm): vendors promise disks and cores to a tenth or so; connections to object stores
#: and CDNs were seen at 49 to 193 MB/s (containerd PR 13559, S3's pages), which is 0.4 for different clouds together.
BEFORE: Final = {"disk": 0.12, "unpack": 0.08, "registry": 0.25, "latency": 0.2, "model": 0.06}
SURE: Final = 0.25  # rows of a cluster are taken one by one and tell less than as many clusters would
ROUNDS: Final = 4  # until neither the common spreads nor those of presets change


@dataclass(frozen=True, slots=True)
class Spreads:
    """What is fitted: spreads between clusters, and the model's scale; and spreads within a cluster, as given."""

    cluster: dict[str, float]  # between clusters, without what a preset itself is off by (`Group.wider`)
    model: dict[str, float]  # by source: of images of zeros the model knows all, of real ones not how many files
    levels: Levels
    disagree: dict[str, float]  # by preset: how many times as wide as ``cluster`` its own clusters' spreads are

    def of(self, preset: str) -> dict[str, float]:
        """Return the spreads between the clusters of a preset."""
        return {name: self.disagree.get(preset, 1.0) * spread for name, spread in self.cluster.items()}


def fit(found: Sequence[Moved], levels: Levels) -> Spreads:
    """Fit spreads on these rows, with these ones within a cluster.

    Rows that presets were fitted on tell only how much wider or narrower than others a preset is. Each goes by the
    other: presets disagree by more than the common spreads, to which they count as much less then.
    """
    judged = [row for row in found if not row.calibration]
    disagree: dict[str, float] = {}
    for _ in range(ROUNDS):
        best = _likeliest(judged, levels, disagree)
        between = dict(zip(FACTORS, map(float, best[:-2]), strict=True))
        disagree = disagreement(found, between, levels, SURE)
    model = {"chonks": float(best[-2]), REAL: float(best[-1])}
    return Spreads(between, model, levels, disagree)


def _likeliest(judged: Sequence[Moved], levels: Levels, disagree: Mapping[str, float]) -> Array:
    """Return the spreads between clusters and the two scales of the model under which the rows are likeliest.

    What a single pull is off by is t as what the model is off by: the scale of both together is the root of the sum of
    their squares, which is so far out, where most of them is (`mixture` of `coverage.py` has the same).
    """
    by = np.array([[row.by[name] * row.wider * disagree.get(row.preset, 1.0) for name in FACTORS] for row in judged])
    off = np.array([row.off for row in judged])
    nodes, pulls = np.array([levels.median_differs(row) for row in judged]).T
    within = np.hypot(nodes, [row.unpacked for row in judged])
    real = np.array([row.source == REAL for row in judged])
    before = np.log([*BEFORE.values(), BEFORE["model"]])
    points, weights = np.polynomial.hermite_e.hermegauss(POINTS)

    def unlikely(x: Array) -> float:
        normal = np.sqrt(by**2 @ np.exp(2 * x[:-2]) + within**2)
        scale = np.hypot(np.exp(np.where(real, x[-1], x[-2])), pulls)
        far = (off - normal * points[:, None]) / scale
        likely = np.log(weights @ stats.t.pdf(far, FREEDOM) / weights.sum() / scale)
        return float(-likely.sum() + (((x - before) / SURE) ** 2).sum() / 2)

    best: Array = np.exp(minimize(unlikely, before, method="L-BFGS-B").x)
    # Another instance type differs from so few by more than these do: that of a mean is off by the root of 1 + 1/n.
    return best * math.sqrt(1 + 1 / len({row.preset for row in judged}))


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


def main() -> None:
    """Write the spreads and what is known of correlations."""
    found = rows()
    spreads = fit(found, fit_levels())
    judged = [row for row in found if not row.calibration]
    counts = f"{len({row.cluster for row in judged})} clusters of converged-computing (2024), {len(judged)} images"
    lines = [
        "# How presets vary, by `python -m benchmarks.fidelity.fit_variation`: standard deviations of logarithms",
        "# between clusters, between the nodes of one, and of what layers unpack to where it is guessed; scales of",
        "# Student's t, 2 degrees of freedom, from pull to pull (unpacking) and of what the model is off by. A preset",
        "# is fitted on so many clusters and rows; where there are several clusters, spreads between them are wider or",
        "# narrower by what these disagree by.",
        f'source: "fitted on {counts}; within a cluster on what each of its nodes took"',
        "pooled:",
        "  cluster: " + _flow(spreads.cluster),
        *_within(spreads.levels, ""),
        f"  degreesOfFreedom: {{pull: {PULL_FREEDOM}}}",
        f"  unpacked: {ratio_spread():.3f}",
        f"  model: {spreads.model[REAL]:.3f}  # of real images; of images of zeros {spreads.model['chonks']:.3f}",
        *_correlations(correlations(spreads)),
        "# What figures of a type that was fitted differ by from those that vendors' pages and defaults give.",
        "presetless: " + _flow(presetless()),
        "presets:",
    ]
    for group in (*CHONKS, *PERFSTUDY):
        count = sum(row.calibration for row in found if row.preset == group.preset)
        lines += [f"  {group.preset}:", f"    clusters: {len(group.calibration)}", f"    rows: {count}"]
        if group.preset in spreads.disagree:
            lines.append(f"    cluster: {_flow(spreads.of(group.preset))}")
        lines += [f"  {line}" for line in _within(spreads.levels, group.preset)]
    OUT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(OUT.read_text(encoding="utf-8"))


def _within(levels: Levels, preset: str) -> list[str]:
    node = {"disk": levels.disk[preset], "unpack": levels.unpack[preset]}
    return [f"  node: {_flow(node)}", f"  pull: {levels.pull[preset]:.3f}"]


def _correlations(told: Mapping[str, Told]) -> list[str]:
    """Return the correlations that the pulls tell from none, and what they tell of each."""
    sure = {key: each.mean for key, each in told.items() if each.from_none}
    return [
        *([f"  correlations: {_flow(sure)}"] if sure else []),
        "# Correlations as pulls tell them that presets were fitted on; 0, to 0.58, is what no pull tells.",
        "told:",
        *(f"  {key}: {_told(each)}" for key, each in told.items()),
    ]


def _told(found: Told) -> str:
    correlation = round(found.mean, 2) + 0.0  # never -0.0
    return f"{{correlation: {correlation}, error: {found.error:.2f}, presets: {len(found.presets)}}}"


def _flow(values: dict[str, float]) -> str:
    return "{" + ", ".join(f"{name}: {value:.3f}" for name, value in values.items()) + "}"


if __name__ == "__main__":
    main()
