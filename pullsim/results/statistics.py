"""Distributions and rates of a run.

Percentiles interpolate linearly between order statistics (Hyndman and Fan's type 7, the default of numpy and pandas).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

PERCENTILE_METHOD: Final = "linear"


@dataclass(frozen=True, slots=True)
class Distribution:
    """Percentiles, mean and maximum of a set of durations, in seconds; all but the count are None for an empty set."""

    count: int
    mean: float | None = None
    p50: float | None = None
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None
    max: float | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """A mean and the peak over a window. None where no time passed."""

    mean: float | None
    peak: float | None
    window: float | None  # length of the window of the peak, seconds; the length of the run where that is shorter


def distribution(seconds: Sequence[float]) -> Distribution:
    """Summarize durations in seconds."""
    if not seconds:
        return Distribution(0)
    values = np.asarray(seconds, dtype=np.float64)
    p50, p90, p95, p99 = (float(p) for p in np.percentile(values, (50, 90, 95, 99), method=PERCENTILE_METHOD))
    return Distribution(len(seconds), math.fsum(seconds) / len(seconds), p50, p90, p95, p99, float(values.max()))


def event_rate(times: Sequence[float], start: float, window: float) -> Rate:
    """Return the rate per second of events from `start` to the last event, and the rate in the fullest window.

    ``times`` and ``window`` are in seconds.
    """
    if not times or max(times) <= start:
        return Rate(None, None, None)
    ordered = np.sort(np.asarray(times, dtype=np.float64))
    span = float(ordered[-1]) - start
    window = min(window, span)
    first_outside = np.searchsorted(ordered, ordered + window, side="right")
    fullest = int((first_outside - np.arange(len(ordered))).max())
    return Rate(len(ordered) / span, fullest / window, window)


def flow_rate(spans: Sequence[tuple[float, float, float]] | NDArray[np.float64], window: float) -> Rate:
    """Return the rate of amounts that arrive evenly over spans (start, end, amount), from first start to last end.

    The amount arrived by a time is piecewise linear, so its steepest window begins or ends at the end of some span.
    """
    starts, ends, amounts = np.asarray(spans, dtype=np.float64).reshape(-1, 3).T
    lasting = (amounts > 0) & (ends > starts)
    starts, ends, amounts = starts[lasting], ends[lasting], amounts[lasting]
    if not len(amounts):
        return Rate(None, None, None)
    slopes = amounts / (ends - starts)
    times, arrived = _accumulate(np.concatenate([starts, ends]), np.concatenate([slopes, -slopes]))
    whole = float(times[-1] - times[0])
    window = min(window, whole)
    begins = (times, times - window)
    peak = max((np.interp(edges + window, times, arrived) - np.interp(edges, times, arrived)).max() for edges in begins)
    return Rate(math.fsum(amounts) / whole, float(peak) / window, window)


def _accumulate(
    times: NDArray[np.float64], changes: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Integrate a step function given by its changes: breakpoints in order and the integral up to each."""
    order = np.argsort(times, kind="stable")
    times = times[order]
    level = np.cumsum(changes[order])
    integral = np.concatenate([[0.0], np.cumsum(level[:-1] * np.diff(times))])
    return times, integral
