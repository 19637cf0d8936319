"""How a cluster's nodes and pulls vary, by level: `python -m benchmarks.fidelity.node_levels` prints what is told.

Only pulls that presets were fitted on are read (`data/nodes.csv`). The logarithm of what a node took for an image is
what is the image's in its cluster, what the node's disk and unpacking are off by, as far as the image's time moves with
them (`moved_rows.py`), and what the pull is off by. All levels are told together, so that no variance counts twice.

What nodes are off by is normal. What pulls are off by is Student's t, whose degrees of freedom are told too: any part
of a tail is as likely as any other beforehand (1 / degrees of freedom, evenly; 0 is the normal distribution). Presets
have spreads of their own, drawn towards common ones by as many degrees of freedom as these have (`SURE`).

It is a Gibbs sampler (Geman and Geman, 1984; t as a scale mixture of normals: Geweke, 1993) with one seed, so that the
same data give the same figures. What is kept is the median of what is likely afterwards.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy import stats
from scipy.special import gammaln

from benchmarks.fidelity.correlations import node_seconds
from benchmarks.fidelity.moved_rows import GROUPS, SHORT, rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from benchmarks.fidelity.moved_rows import Moved

    Array = NDArray[np.float64]
    Numbers = NDArray[np.int_]

SURE: Final = 0.25  # of a common spread: the standard deviation of its logarithm, as in `fit_variation`
PRIOR: Final = 1 / (2 * SURE**2)  # degrees of freedom of a variance that is known so well
DRAWS: Final = 2500
BURN: Final = 500
FREEDOM: Final = 2  # that are drawn: their quantiles have a closed form
MOST: Final = 1.2  # of 1 / degrees of freedom
SHAPES: Final = np.linspace(0.005, MOST, 240)
FEW: Final = 2  # nodes of which a median is a mean, so that what is far off of a pull stays in it
LEVELS: Final = ("disk", "unpack", "pull")


@dataclass(frozen=True, slots=True)
class Levels:
    """Spreads within a cluster by preset, those of all presets under no name; of logarithms.

    ``disk`` and ``unpack`` are of figures between nodes, ``pull`` is of the speed of unpacking from pull to pull.
    """

    disk: Mapping[str, float]
    unpack: Mapping[str, float]
    pull: Mapping[str, float]  # scale of Student's t

    def median_differs(self, row: Moved) -> tuple[float, float]:
        """Return what the median over nodes differs by: the spread of a normal part, and the scale of one of t.

        Of n nodes' normal differences the variance is pi / 2n; of t with 2 degrees of freedom, whose density in the
        middle is the root of 1/8, it is 2 / n. The mean of two and a single one keep the tails of t.
        """
        preset = row.preset if row.preset in self.pull else ""
        nodes = math.hypot(row.by["disk"] * self.disk[preset], row.by["unpack"] * self.unpack[preset])
        pull = abs(row.by["unpack"]) * self.pull[preset]
        if row.nodes <= FEW:
            return nodes / math.sqrt(row.nodes), pull / math.sqrt(row.nodes)
        return math.hypot(nodes * math.sqrt(math.pi / 2 / row.nodes), pull * math.sqrt(2 / row.nodes)), 0.0


@dataclass(frozen=True, slots=True)
class Told:
    """What the sampler drew: common spreads and those of presets by level (draws by presets), and the shape."""

    common: dict[str, Array]
    own: dict[str, Array]
    freedom: Array

    def median(self, level: str) -> dict[str, float]:
        """Return the medians of a level's spreads, of all presets under no name."""
        own = dict(zip(GROUPS, np.median(self.own[level], axis=0), strict=True))
        return {preset: float(each) for preset, each in {**own, "": np.median(self.common[level])}.items()}


class Pulls(NamedTuple):
    """Pulls as columns: how late they were, what moves their time, and numbers of their images, nodes and presets."""

    late: Array  # logarithm of the seconds, over those of the median node
    by: Array  # parts of the time that the disk has, and unpacking
    image: Numbers
    node: Numbers
    preset: Numbers

    @property
    def of_node(self) -> Numbers:
        """The preset of each node."""
        found = np.zeros(self.node.max() + 1, dtype=int)
        found[self.node] = self.preset
        return found


def calibration_pulls() -> Pulls:
    """Read what each node took for the images that presets were fitted on, if several nodes pulled them."""
    known = {(row.cluster, row.image): row for row in rows()}
    images: dict[tuple[str, int], int] = {}
    nodes: dict[tuple[str, str], int] = {}
    table = []
    for key, seconds in node_seconds().items():
        row = known.get(key)
        if row is None or row.measured < SHORT or len(seconds) == 1:
            continue
        middle = float(np.median(np.log(list(seconds.values()))))
        image = images.setdefault(key, len(images))
        by = max(0.0, -row.by["disk"]), max(0.0, -row.by["unpack"])
        for name, each in seconds.items():
            node = nodes.setdefault((row.cluster, name), len(nodes))
            table.append((math.log(each) - middle, *by, image, node, list(GROUPS).index(row.preset)))
    columns = np.array(table).T
    return Pulls(columns[0], columns[1:3], *columns[3:].astype(int))


def draw(pulls: Pulls, fixed: float | None = None, draws: int = DRAWS) -> Told:
    """Draw what is likely of the levels, with these degrees of freedom; None: they are drawn too."""
    rng = np.random.default_rng(18)
    count, presets, of_node = len(pulls.late), len(GROUPS), pulls.of_node
    weight, off = np.ones(count), np.zeros((2, len(of_node)))
    squares = np.full((len(LEVELS), presets), 0.03**2)
    common = squares[:, 0].copy()
    freedom = FREEDOM if fixed is None else fixed
    kept: list[tuple[Array, Array, float]] = []
    for step in range(BURN + draws):
        sure = weight / squares[2, pulls.preset]
        left = pulls.late - (pulls.by * off[:, pulls.node]).sum(axis=0)
        total = np.bincount(pulls.image, sure)
        image = np.bincount(pulls.image, sure * left) / total + rng.normal(size=len(total)) / np.sqrt(total)
        left = pulls.late - image[pulls.image]
        off = _nodes(pulls, sure, left, squares[:2, of_node], rng)
        left -= (pulls.by * off[:, pulls.node]).sum(axis=0)
        for level, (differences, of) in enumerate(
            [(off[0], of_node), (off[1], of_node), (np.sqrt(weight) * left, pulls.preset)]
        ):
            seen = np.bincount(of, minlength=presets)
            total = np.bincount(of, differences**2, presets) + PRIOR * common[level]
            squares[level] = total / rng.chisquare(seen + PRIOR)
            common[level] = rng.gamma(PRIOR * presets / 2) / (PRIOR / 2 * (1 / squares[level]).sum())
        far = left**2 / squares[2, pulls.preset]
        freedom = _shape(far, rng) if fixed is None else fixed
        weight = rng.gamma((freedom + 1) / 2, size=count) / ((freedom + far) / 2)
        if step >= BURN:
            kept.append((squares.copy(), common.copy(), freedom))
    own, all_presets = (np.sqrt([each[part] for each in kept]) for part in (0, 1))
    return Told(
        {name: all_presets[:, level] for level, name in enumerate(LEVELS)},
        {name: own[:, level] for level, name in enumerate(LEVELS)},
        np.array([each[2] for each in kept]),
    )


def _nodes(pulls: Pulls, sure: Array, left: Array, squares: Array, rng: np.random.Generator) -> Array:
    """Draw what the disk and the unpacking of each node are off by, given what its pulls are."""
    disk, unpack = pulls.by
    sums = [np.bincount(pulls.node, sure * each) for each in (disk * disk, disk * unpack, unpack * unpack)]
    told = np.array([np.bincount(pulls.node, sure * each * left) for each in (disk, unpack)])
    matrix = np.array([[sums[0], sums[1]], [sums[1], sums[2]]])
    matrix[0, 0] += 1 / squares[0]
    matrix[1, 1] += 1 / squares[1]
    spread = np.linalg.inv(np.moveaxis(matrix, 2, 0))
    normal = rng.normal(size=(len(spread), 2, 1))
    drawn = spread @ told.T[..., None] + np.linalg.cholesky(spread) @ normal
    found: Array = drawn[..., 0].T
    return found


def _shape(far: Array, rng: np.random.Generator) -> float:
    """Draw degrees of freedom, given the squares of what pulls are off by in units of their spread."""
    freedom = 1 / SHAPES
    each = gammaln((freedom + 1) / 2) - gammaln(freedom / 2) - np.log(freedom * math.pi) / 2
    likely = len(far) * each - (freedom + 1) / 2 * np.log1p(far / freedom[:, None]).sum(axis=1)
    weights = np.exp(likely - likely.max())
    return float(freedom[rng.choice(len(freedom), p=weights / weights.sum())])


def fit_levels() -> Levels:
    """Return the spreads that are likeliest with the degrees of freedom that are drawn.

    What pulls are off by moves the speed of unpacking alone in the model, and so as much more as it has of the time of
    real images. A preset that is none of these is as likely to have a spread above as below the one under no name.
    """
    told = draw(calibration_pulls(), FREEDOM)
    real = statistics.median(-row.by["unpack"] for row in rows() if row.source == "perfstudy")
    another = math.sqrt(PRIOR / float(stats.chi2.ppf(0.5, PRIOR)))
    disk, unpack, pull = (told.median(level) for level in LEVELS)
    for level in (disk, unpack, pull):
        level[""] *= another
    return Levels(disk, unpack, {preset: each / real for preset, each in pull.items()})


def main() -> None:
    """Print medians and intervals with nine in ten."""
    told = draw(calibration_pulls())
    for name, drawn in {**told.common, "degrees of freedom": told.freedom}.items():
        low, median, high = np.quantile(drawn, [0.05, 0.5, 0.95])
        print(f"{name}: {median:.3g} ({low:.3g} to {high:.3g})")
    for level in LEVELS:
        print(level, {preset: round(each, 4) for preset, each in told.median(level).items()})


if __name__ == "__main__":
    main()
