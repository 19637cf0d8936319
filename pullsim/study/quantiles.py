"""Quantiles of the pods of several runs together, with their bootstrap intervals over the runs.

Resamples are of whole runs, the pods of each of which are pooled again, because the pods of one run depend on each
other: they wait for the same registry. To resample pods one by one would make intervals far too narrow.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pullsim.results.statistics import percentile
from pullsim.streams import Streams
from pullsim.study.intervals import ENDS, RESAMPLES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from numpy.typing import NDArray

    from pullsim.results.waits import Waiting


class Quantile(NamedTuple):
    """A quantile of pooled waits in seconds and its interval over the seeds; infinite where pods never came to it."""

    value: float
    low: float | None  # None: there is one seed
    high: float | None


class Quantiles:
    """Quantiles of the pooled waits of several runs, and of resamples of these runs."""

    def __init__(self, runs: Sequence[Waiting]) -> None:
        """Each of the runs has a pod at least."""
        self.runs = len(runs)
        self._sizes = np.array([len(each.seconds) + each.never for each in runs])
        self._parts = [np.asarray(each.seconds, dtype=np.float64) for each in runs]

    def of(self, share: Fraction) -> Quantile:
        """Return the smallest wait that so many pods do not exceed, with its interval over the runs."""
        if self.runs == 1:
            return Quantile(self.value(share), None, None)
        return Quantile(self.value(share), *_ends(self._resampled(share), resamples(self.runs)[1]))

    def value(self, share: Fraction) -> float:
        """Return the smallest wait that so many pods do not exceed, without an interval."""
        return float(self._find(np.ones((1, self.runs), dtype=np.int64), share)[0])

    def difference(self, other: Quantiles, share: Fraction) -> Quantile:
        """Return by how much the quantile of another setting is larger, both with the same seeds in the same order.

        Each resample has the same seeds on both sides, as the difference of a pair of runs varies less than the runs.
        Two quantiles that are both infinite do not differ.
        """
        value = float(_minus(np.array([other.value(share)]), np.array([self.value(share)]))[0])
        if self.runs == 1:
            return Quantile(value, None, None)
        found = _minus(other._resampled(share), self._resampled(share))
        return Quantile(value, *_ends(found, resamples(self.runs)[1]))

    def _resampled(self, share: Fraction) -> NDArray[np.float64]:
        """Return the quantile of each of the `resamples` that differ."""
        return self._find(resamples(self.runs)[0], share)

    def _find(self, weights: NDArray[np.int64], share: Fraction) -> NDArray[np.float64]:
        """Return the quantile of each row of weights, which say how often each run is taken, by bisection."""
        ranks = np.array([_rank(share, int(total)) for total in weights @ self._sizes])
        waits = self._between(share)
        low, high = np.zeros(len(weights), dtype=np.int64), np.full(len(weights), len(waits) - 1)
        while (active := low < high).any():
            middle = (low + high) // 2
            counts = [np.searchsorted(part, waits[middle], side="right") for part in self._parts]
            reached = (weights * np.array(counts).T).sum(axis=1) >= ranks
            low, high = np.where(active & ~reached, middle + 1, low), np.where(active & reached, middle, high)
        return waits[low]

    def _between(self, share: Fraction) -> NDArray[np.float64]:
        """Return the waits from the smallest to the largest of the runs' own quantiles, in order, and infinity.

        That of runs together lies among them, so that of a million pods only few are sorted.
        """
        own = [
            float(part[rank - 1]) if (rank := _rank(share, int(size))) <= len(part) else math.inf
            for part, size in zip(self._parts, self._sizes, strict=True)
        ]
        cuts = (
            part[np.searchsorted(part, min(own)) : np.searchsorted(part, max(own), side="right")]
            for part in self._parts
        )
        return np.append(np.sort(np.concatenate([*cuts])), math.inf)


@cache
def resamples(runs: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return how often each run is taken in the resamples that differ, a row each, and how many are like each row.

    They are the resamples of `pullsim.study.intervals.bootstrap`: of few runs only few differ.
    """
    stream = Streams(0).get("bootstrap", str(runs))
    picks = (np.array([stream.uniform() for _ in range(RESAMPLES * runs)]) * runs).astype(int)
    taken = np.array([np.bincount(each, minlength=runs) for each in picks.reshape(RESAMPLES, runs)])
    weights, like = np.unique(taken, axis=0, return_counts=True)
    return weights, like


def _rank(share: Fraction, count: int) -> int:
    """Return the rank of a quantile, from 1 on.

    Whole numbers keep it exact: 0.999 times 1,000 is 999, but not for all such pairs of floats.
    """
    return -(-share.numerator * count // share.denominator)


def _minus(b: NDArray[np.float64], a: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        return np.where(a == b, 0.0, b - a)


def _ends(found: NDArray[np.float64], like: NDArray[np.int64]) -> tuple[float, float]:
    """Return the ends of the interval: percentiles of the figures of the resamples, each of which occurred."""
    ordered = np.sort(np.repeat(found, like))
    low, high = (percentile(ordered, each) for each in ENDS)
    return low, high
