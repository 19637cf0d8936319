"""Means over seeds, with their bootstrap confidence intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from pullsim.results.statistics import percentile
from pullsim.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVEL: Final = 0.95
RESAMPLES: Final = 2000
ENDS: Final = tuple(round(500 * each) for each in (1 - LEVEL, 1 + LEVEL))  # of the resamples, in thousandths


class Interval(NamedTuple):
    """A mean over runs, or a percentile of their pods together, and its bootstrap interval.

    The ends are None if fewer than two runs have a value. Infinite where pods never started.
    """

    mean: float | None
    low: float | None
    high: float | None
    runs: int


def bootstrap(values: Sequence[float | None]) -> Interval:
    """Return the mean of the values that are not None, with its percentile bootstrap interval of the level LEVEL.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13. The resamples are the same for
    equally many values, so that equal values give equal intervals.
    """
    there = np.array([value for value in values if value is not None], dtype=float)
    if len(there) == 0:
        return Interval(None, None, None, 0)
    if {-np.inf, np.inf} <= {*there}:  # differences of runs in which pods never started, on one side or the other
        return Interval(None, -np.inf, np.inf, len(there))
    mean = float(there.mean())
    if len(there) == 1:
        return Interval(mean, None, None, 1)
    if (there == there[0]).all():
        return Interval(float(there[0]), float(there[0]), float(there[0]), len(there))
    stream = Streams(0).get("bootstrap", str(len(there)))
    picks = np.array([stream.uniform() for _ in range(RESAMPLES * len(there))]).reshape(RESAMPLES, len(there))
    means = there[(picks * len(there)).astype(int)].mean(axis=1)
    if np.isfinite(mean):
        low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return Interval(mean, float(low), float(high), len(there))
    means.sort()  # nothing lies between a number and infinity
    low, high = (percentile(means, each) for each in ENDS)
    return Interval(mean, low, high, len(there))
