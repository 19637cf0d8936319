"""What variants of a study came to in the clusters that seeds draw: figures of one cluster, and differences.

All variants meet the same clusters, so that a difference is that within each of them, and not between two sets of
clusters.
"""

from __future__ import annotations

import math
from dataclasses import fields
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from pullsim.frozen import dataclass
from pullsim.results import direction
from pullsim.results.statistics import percentile
from pullsim.results.summary.prediction import PredictedFigure
from pullsim.spec.draws import student

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pullsim.study.estimates import Run

HALF, MOST = 500, 900  # of the clusters, in thousandths: what is enough in half, and in nine of ten
_ENDS: Final = (50, 250, 500, 750, 950)  # of the draws, in thousandths
_EQUAL: Final = 1e-9  # relative difference up to which two figures are the same

Columns = dict[str, float | None]


class Paired(NamedTuple):
    """By how much a metric differs between two variants in the same clusters."""

    difference: PredictedFigure  # the parts of the variance are those of `relative`
    relative: PredictedFigure | None  # as a share of the first; None where that is 0 or never comes
    lower: int  # in how many clusters it is lower in the second
    higher: int

    def better(self, metric: str) -> int | None:
        """Return in how many clusters the second is better; None: neither less nor more of it is."""
        return {direction.UP: self.lower, direction.DOWN: self.higher}.get(direction.direction(metric))


class ClusterRuns(NamedTuple):
    """The runs of one variant by seed: each in a cluster of its own, and some of the seeds without variation."""

    drawn: Mapping[int, Run]
    still: Mapping[int, Run]

    def values(self, metric: str) -> NDArray[np.float64] | None:
        """Return a metric in each cluster, in the order of the seeds; None: some run has no value."""
        return _values(self.drawn, metric)

    def figure(self, metric: str) -> PredictedFigure | None:
        """Return a metric of one cluster; None: some draw has no value."""
        values = self.values(metric)
        return None if values is None else _figure(values, *self._parts(values, _values(self.still, metric)))

    def paired(self, other: ClusterRuns, metric: str) -> Paired | None:
        """Return by how much a metric of another variant is larger; None: some draw of either has no value."""
        before, after = self.values(metric), other.values(metric)
        if before is None or after is None:
            return None
        apart = _apart(before, after)
        ratio, still = _ratio(before, after), _ratio(_values(self.still, metric), _values(other.still, metric))
        parts = (None, None) if ratio is None else self._parts(ratio, still)
        return Paired(
            _figure(apart, *parts),
            None if ratio is None else _figure(ratio - 1.0, *parts),
            int((apart < 0).sum()),
            int((apart > 0).sum()),
        )

    def _parts(
        self, values: NDArray[np.float64], still: NDArray[np.float64] | None
    ) -> tuple[float | None, float | None]:
        """Return which parts of the variance of the logarithm are sampling, and what the model is off by.

        The latter is drawn by the seed alone, so that the part is the squared correlation with it.
        """
        if still is None or len(still) < 2 or not all((np.isfinite(v) & (v > 0)).all() for v in (values, still)):
            return None, None
        logarithms = np.log(values)
        whole = float(logarithms.var(ddof=1))
        if math.isclose(whole, 0.0, abs_tol=1e-12):
            return None, None
        sampling = min(1.0, float(np.log(still).var(ddof=1)) / whole)
        off = np.array([student(seed, "model") for seed in self.drawn])
        model = float(np.corrcoef(logarithms, off)[0, 1]) ** 2
        return sampling, min(model, 1.0 - sampling)


@dataclass(frozen=True, slots=True)
class Clusters:
    """What the variants of a study came to in the clusters that seeds drew."""

    draws: int
    spreads: str  # whose spreads: preset, or own for those of the scenario
    behind: dict[str, int | None]  # by pool: clusters behind its figures; None: spreads are taken as they are
    runs: tuple[ClusterRuns, ...]  # by variant

    def beside(self, other: Clusters) -> Clusters:
        """Return the variants of two scenarios, in the same draws, together."""
        pools = self.behind | other.behind
        for name in {*self.behind} & {*other.behind}:  # the less sure of both
            known = [each for each in (self.behind[name], other.behind[name]) if each is not None]
            pools[name] = min(known, default=None)
        spreads = "own" if "own" in (self.spreads, other.spreads) else self.spreads
        return Clusters(self.draws, spreads, pools, (*self.runs, *other.runs))

    def best(self, metric: str) -> list[int | None]:
        """Return in how many clusters each variant is the best; where several are, each counts. None: see `ranks`."""
        return [None if ranks is None else int((ranks == 1).sum()) for ranks in self.ranks(metric)]

    def ranks(self, metric: str, first: int = 0) -> list[NDArray[np.int64] | None]:
        """Return the ranks of each variant from ``first`` on among them in the clusters; those that are equal share it.

        None: the variant has no value in some cluster, or neither more nor less of the metric is better.
        """
        way = direction.direction(metric)
        every = [runs.values(metric) if way else None for runs in self.runs[first:]]
        there = np.array([values * way for values in every if values is not None])
        return [
            None if values is None else 1 + (_apart(values * way, there) < 0).sum(axis=0, dtype=np.int64)
            for values in every
        ]

    def columns(self, metric: str, variant: int | None, name: str = "") -> Columns:
        """Return the columns of a table about one variant, ``name`` before each; of None they are empty."""
        return _columns(name, None if variant is None else self.runs[variant].figure(metric))

    def columns_apart(self, metric: str, first: int, second: int | None) -> Columns:
        """Return the columns of a table about the difference between two variants; empty without a second one."""
        paired = None if second is None else self.runs[first].paired(self.runs[second], metric)
        return {
            **_columns("difference_", None if paired is None else paired.difference),
            **_columns("relative_", None if paired is None else paired.relative),
            "lower_in": None if paired is None else paired.lower,
            "higher_in": None if paired is None else paired.higher,
        }


def _values(runs: Mapping[int, Run], metric: str) -> NDArray[np.float64] | None:
    found = [run.value(metric) for run in runs.values()]
    return None if None in found or not found else np.array(found, dtype=np.float64)


def _apart(before: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by how much values are larger; 0 where they are the same but for rounding, or both never come."""
    finite = np.isfinite(before) & np.isfinite(after)
    near = _EQUAL * np.where(finite, np.maximum(np.abs(before), np.abs(after)), 0.0)
    apart = np.subtract(after, before, out=np.zeros(near.shape), where=before != after)
    return np.where(np.abs(apart) <= near, 0.0, apart)


def _ratio(before: NDArray[np.float64] | None, after: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
    """Return how many times as large the values are; None where that means nothing."""
    if before is None or after is None or not np.isfinite([*before, *after]).all() or not (before > 0).all():
        return None
    found: NDArray[np.float64] = after / before
    return found


def _figure(values: NDArray[np.float64], sampling: float | None, model: float | None) -> PredictedFigure:
    ordered = np.sort(values)
    low90, low50, median, high50, high90 = (percentile(ordered, each) for each in _ENDS)
    return PredictedFigure(median, low50, high50, low90, high90, sampling, model)


def _columns(name: str, figure: PredictedFigure | None) -> Columns:
    names = [each.name for each in fields(PredictedFigure)]
    return {f"{name}{each}": None if figure is None else getattr(figure, each) for each in names}
