"""Distributions and rates of a run.

A percentile is one of the values, the smallest that so many of them do not exceed (the inverse of the empirical
distribution function, Hyndman and Fan's type 1, numpy's ``inverted_cdf``), and not a number between two of them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from pullsim.frozen import dataclass

if TYPE_CHECKING:
    from array import array
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

_AT_A_TIME: Final = 1 << 12  # ends of spans for which a rate is computed at a time
PERCENTILE_METHOD: Final = "inverted_cdf"
#: The percentiles of a distribution, in thousandths, by their field; all values are at most the maximum.
THOUSANDTHS: Final = {"p50": 500, "p90": 900, "p95": 950, "p99": 990, "p99_9": 999, "max": 1000}


@dataclass(frozen=True, slots=True)
class Distribution:
    """Percentiles, mean and maximum of a set of durations, in seconds; all but the count are None for an empty set."""

    count: int
    mean: float | None = None
    p50: float | None = None
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None
    p99_9: float | None = None
    max: float | None = None


@dataclass(frozen=True, slots=True)
class Waits(Distribution):
    """A distribution of waits of which some did not end.

    These are later than all others: what falls to them, and the mean, is infinite, which JSON has as null beside a
    count above 0. So a percentile is an upper bound of what it would have been had the run gone on.
    """

    never: int = 0  # how many did not end; they are in the count


@dataclass(frozen=True, slots=True)
class Rate:
    """A mean and the peak over a window. None where no time passed."""

    mean: float | None
    peak: float | None
    window: float | None  # length of the window of the peak, seconds; the length of the run where that is shorter


def distribution(seconds: Sequence[float]) -> Distribution:
    """Summarize durations in seconds."""
    return Distribution(len(seconds), **_figures(seconds, 0))


def waits(seconds: Sequence[float], never: int) -> Waits:
    """Summarize waits: the ``seconds`` of those that ended, and how many did not."""
    return Waits(len(seconds) + never, **_figures(seconds, never), never=never)


def percentile(ordered: Sequence[float] | NDArray[np.float64], thousandths: int, never: int = 0) -> float:
    """Return a percentile of values in ascending order, followed by ``never`` infinite ones; at least one in all.

    The rank is computed in whole numbers: 0.999 times 1,000 is 999, but not for all such pairs of floats.
    """
    rank = max(-(-thousandths * (len(ordered) + never) // 1000), 1)
    return float(ordered[rank - 1]) if rank <= len(ordered) else math.inf


def _figures(seconds: Sequence[float], never: int) -> dict[str, float]:
    """Return mean, percentiles and maximum by the field of a distribution; nothing where there are no values."""
    count = len(seconds) + never
    if not count:
        return {}
    import numpy as np  # noqa: PLC0415  a tenth of the start of a command that makes no summary

    ordered = np.sort(np.asarray(seconds, dtype=np.float64))
    mean = math.inf if never else math.fsum(seconds) / count
    return {"mean": mean} | {name: percentile(ordered, each, never) for name, each in THOUSANDTHS.items()}


def event_rate(times: Sequence[float], start: float, window: float) -> Rate:
    """Return the rate per second of events from `start` to the last event, and the rate in the fullest window.

    ``times`` and ``window`` are in seconds.
    """
    if not times or max(times) <= start:
        return Rate(None, None, None)
    import numpy as np  # noqa: PLC0415  a tenth of the start of a command that makes no summary

    ordered = np.sort(np.asarray(times, dtype=np.float64))
    span = float(ordered[-1]) - start
    window = min(window, span)
    first_outside = np.searchsorted(ordered, ordered + window, side="right")
    fullest = int((first_outside - np.arange(len(ordered))).max())
    return Rate(len(ordered) / span, fullest / window, window)


def flow_rate(spans: Sequence[tuple[float, float, float]] | array[float], window: float) -> Rate:
    """Return the rate of amounts that arrive evenly over spans (start, end, amount), from first start to last end.

    The amount arrived by a time is piecewise linear, so its steepest window begins or ends at the end of some span.
    An array has the three numbers of each span one after the other.
    """
    import numpy as np  # noqa: PLC0415  a tenth of the start of a command that makes no summary

    starts, ends, amounts = np.asarray(spans, dtype=np.float64).reshape(-1, 3).T
    lasting = (amounts > 0) & (ends > starts)
    starts, ends, amounts = starts[lasting], ends[lasting], amounts[lasting]
    if not len(amounts):
        return Rate(None, None, None)
    total = math.fsum(amounts)
    # What is not needed any more is dropped, as there may be millions of spans.
    del spans, lasting
    slopes = amounts / (ends - starts)
    times = np.concatenate([starts, ends])
    del starts, ends, amounts
    order = np.argsort(times, kind="stable")
    times.sort(kind="stable")
    changes = slopes.take(order, mode="wrap")
    np.negative(changes, out=changes, where=order >= len(slopes))
    del order, slopes
    arrived = _integral(times, changes)
    del changes
    whole = float(times[-1] - times[0])
    window = min(window, whole)
    return Rate(total / whole, _steepest(times, arrived, window) / window, window)


def _integral(times: NDArray[np.float64], changes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Integrate up to each breakpoint a step function, which is given by its ``changes`` and becomes its levels."""
    import numpy as np  # noqa: PLC0415

    np.cumsum(changes, out=changes)
    integral = np.zeros_like(times)
    np.subtract(times[1:], times[:-1], out=integral[1:])
    integral[1:] *= changes[:-1]
    return np.cumsum(integral, out=integral)


def _steepest(times: NDArray[np.float64], arrived: NDArray[np.float64], window: float) -> float:
    """Return the most that arrived within a window."""
    import numpy as np  # noqa: PLC0415

    most = 0.0
    for place in range(0, len(times), _AT_A_TIME):
        edges = times[place : place + _AT_A_TIME]
        for begins in (edges, edges - window):
            gains = np.interp(begins + window, times, arrived) - np.interp(begins, times, arrived)
            most = max(most, float(gains.max()))
    return most
