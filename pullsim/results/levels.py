"""What goes on at a time: counts that rise and fall, and amounts that flow evenly over spans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MAX_POINTS: Final = 2000  # a line has no more; a screen shows no more


def level(
    rises: Sequence[float], falls: Sequence[float], end: float, most: int = MAX_POINTS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return times and levels (to be drawn as steps ``post``) of a count that starts at 0 and goes up and down by 1.

    Beyond ``most`` changes the highest level of each of as many intervals is kept, so that no peak is lost.
    """
    changes = np.concatenate([np.asarray(falls, dtype=np.float64), np.asarray(rises, dtype=np.float64)])
    steps = np.repeat([-1.0, 1.0], [len(falls), len(rises)])
    order = np.argsort(changes, kind="stable")
    times = np.concatenate([[0.0], changes[order], [end]])
    levels = np.concatenate([[0.0], np.cumsum(steps[order])])
    levels = np.append(levels, levels[-1])
    final = np.append(np.diff(times) > 0, True)  # only the last change of an instant is seen
    times, levels = times[final], levels[final]
    if len(times) <= most:
        return times, levels
    edges = np.linspace(0.0, end, most + 1)[:-1]
    begins = np.unique(np.clip(np.searchsorted(times, edges, side="right") - 1, 0, len(times) - 1))
    return times[begins], np.maximum.reduceat(levels, begins)


def flow(
    starts: Sequence[float], ends: Sequence[float], amounts: Sequence[float], edges: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mean rate within each interval between ``edges`` of amounts that flow evenly from starts to ends.

    An amount whose start is its end flows in no time, and is left out.
    """
    begin, end, amount = (np.asarray(each, dtype=np.float64) for each in (starts, ends, amounts))
    lasting = end > begin
    begin, end, amount = begin[lasting], end[lasting], amount[lasting]
    if not len(amount):
        return np.zeros(len(edges) - 1)
    slope = amount / (end - begin)
    times = np.concatenate([begin, end])
    order = np.argsort(times, kind="stable")
    times = times[order]
    rate = np.cumsum(np.concatenate([slope, -slope])[order])
    arrived = np.concatenate([[0.0], np.cumsum(rate[:-1] * np.diff(times))])
    rates: NDArray[np.float64] = np.diff(np.interp(edges, times, arrived)) / np.diff(edges)
    return rates
