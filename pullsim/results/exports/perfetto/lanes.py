"""Lanes of a track: what overlaps is drawn side by side, as slices of one thread nest or follow each other."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def lanes(intervals: Iterable[tuple[int, int]]) -> list[int]:
    """Return the lane of each interval (begin, end), from 0: the lowest that is free when it begins.

    The intervals are ordered by their begin. So as many lanes are used as intervals overlap at most.
    """
    busy: list[tuple[int, int]] = []  # (end, lane)
    free: list[int] = []
    used = 0
    found = []
    for begin, end in intervals:
        while busy and busy[0][0] <= begin:
            heappush(free, heappop(busy)[1])
        if not free:
            heappush(free, used)
            used += 1
        lane = heappop(free)
        heappush(busy, (end, lane))
        found.append(lane)
    return found
