"""What is scheduled, in the order in which it happens, and the clock: the event list of the simulation."""

from __future__ import annotations

import math
from heapq import heappop, heappush
from typing import Any, Final

from pullsim.compiled import compiled

#: An entry's rank within its instant is its priority and then, in so many bits, its number among all of the run.
_BITS: Final = 54
_COMPILED: Final = compiled()


class Entry:
    """Something that can be scheduled, once at a time."""

    __slots__ = ("_rank", "_time")

    _time: float  # when it happens, in seconds; both are set by the agenda, and only where it is compiled
    _rank: int

    def process(self) -> None:
        """Happen."""
        raise NotImplementedError


class Agenda:
    """The entries that are scheduled, as a heap, and the time: ``now``, in seconds.

    Entries of one instant happen in the order of their priority, and those of equal priority in the order in which they
    were scheduled. Compiled, the heap is of the entries themselves, which are compared without a call; interpreted, it
    is one of tuples, which the standard library's heap compares: each is the faster one in its place.
    """

    def __init__(self, initial_time: float = 0.0) -> None:
        """``initial_time`` is in seconds."""
        self.now = initial_time + 0.0  # a float, even if an int was given
        self.scheduled = 0  # entries so far
        self._active_proc: Any = None  # the process that is running, in the name that SimPy's processes set
        self._entries: list[Entry] = []
        self._tuples: list[tuple[float, int, Entry]] = []

    def __len__(self) -> int:
        """Return the number of entries that are scheduled."""
        return len(self._entries) + len(self._tuples)

    def add(self, entry: Entry, delay: float, priority: int) -> None:
        """Schedule an entry ``delay`` >= 0 seconds from now. Priorities are SimPy's: the lowest comes first."""
        self.scheduled = number = self.scheduled + 1
        time = self.now + delay
        rank = (priority << _BITS) + number
        if _COMPILED:
            entry._time = time
            entry._rank = rank
            self._entries.append(entry)
            _rise(self._entries, len(self._entries) - 1, entry)
        else:
            heappush(self._tuples, (time, rank, entry))

    def peek(self) -> float:
        """Return the time of the next entry, in seconds; infinity if there is none."""
        if _COMPILED:
            return self._entries[0]._time if self._entries else math.inf
        return self._tuples[0][0] if self._tuples else math.inf

    def take(self, end: float) -> Entry | None:
        """Remove the next entry and set the clock to its time; None if there is none until ``end``, inclusive."""
        if _COMPILED:
            entries = self._entries
            if not entries or entries[0]._time > end:
                return None
            first = entries[0]
            last = entries.pop()
            if entries:
                _replace_first(entries, last)
            self.now = first._time
            return first
        tuples = self._tuples
        if not tuples or tuples[0][0] > end:
            return None
        time, _, entry = heappop(tuples)
        self.now = time
        return entry


def _rise(entries: list[Entry], place: int, entry: Entry) -> None:
    """Put an entry at a place of the heap, or above, where it belongs; what stands on the way moves down."""
    time, rank = entry._time, entry._rank
    while place > 0:
        above = (place - 1) >> 1
        other = entries[above]
        if other._time < time or (other._time == time and other._rank < rank):
            break
        entries[place] = other
        place = above
    entries[place] = entry


def _replace_first(entries: list[Entry], entry: Entry) -> None:
    """Put an entry into the heap in place of the first one.

    The gap at the top moves down to the bottom, as an entry that stood there belongs there in most cases; comparing it
    with those on the way would double the comparisons.
    """
    place, below, end = 0, 1, len(entries)
    while below < end:
        other = entries[below]
        if below + 1 < end:
            right = entries[below + 1]
            if right._time < other._time or (right._time == other._time and right._rank < other._rank):
                other = right
                below += 1
        entries[place] = other
        place = below
        below = 2 * place + 1
    _rise(entries, place, entry)
