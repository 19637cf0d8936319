"""What is scheduled, in the order in which it happens, and the clock: the event list of the simulation."""

from __future__ import annotations

import math
from heapq import heappop, heappush
from typing import Any, Final, cast

from pullsim.compiled import compiled
from pullsim.kernel.pairing_heap import Node, added, without_first

#: An entry's rank within its instant is its priority times this, plus its number among all of the run: a float, which
#: holds such sums exactly, as compiled code has integers of this size as objects.
_PER_PRIORITY: Final = 2.0**50
_COMPILED: Final = compiled()


class Entry(Node):
    """Something that can be scheduled, once at a time."""

    __slots__ = ()

    def process(self) -> None:
        """Happen."""
        raise NotImplementedError


class Agenda:
    """The entries that are scheduled, as a heap, and the time: ``now``, in seconds.

    Entries of one instant happen in the order of their priority, and those of equal priority in the order in which they
    were scheduled. Compiled, it is a pairing heap of the entries themselves, which refer to one another: most entries
    happen soon, and one that comes first costs a comparison to add and one to take. Interpreted, it is one of tuples,
    which the standard library's heap compares: each is the faster one in its place.
    """

    def __init__(self, initial_time: float = 0.0) -> None:
        """``initial_time`` is in seconds."""
        self.now = initial_time + 0.0  # a float, even if an int was given
        self.scheduled = 0  # entries so far
        self._taken = 0  # entries that have happened
        self._active_proc: Any = None  # the process that is running, in the name that SimPy's processes set
        self._first: Node | None = None  # the first entry of the pairing heap
        self._tuples: list[tuple[float, float, Entry]] = []

    def __len__(self) -> int:
        """Return the number of entries that are scheduled."""
        return self.scheduled - self._taken

    def add(self, entry: Entry, delay: float, priority: int) -> None:
        """Schedule an entry ``delay`` >= 0 seconds from now. Priorities are SimPy's: the lowest comes first."""
        self.scheduled = number = self.scheduled + 1
        time = self.now + delay
        rank = priority * _PER_PRIORITY + number
        if _COMPILED:
            entry.when = time
            entry.order = rank
            self._first = added(self._first, entry)
        else:
            heappush(self._tuples, (time, rank, entry))

    def peek(self) -> float:
        """Return the time of the next entry, in seconds; infinity if there is none."""
        if _COMPILED:
            first = self._first
            return math.inf if first is None else first.when
        return self._tuples[0][0] if self._tuples else math.inf

    def take(self, end: float) -> Entry | None:
        """Remove the next entry and set the clock to its time; None if there is none until ``end``, inclusive."""
        if _COMPILED:
            first = self._first
            if first is None or first.when > end:
                return None
            self._first = without_first(first)
            self._taken += 1
            self.now = first.when
            return cast("Entry", first)
        tuples = self._tuples
        if not tuples or tuples[0][0] > end:
            return None
        time, _, entry = heappop(tuples)
        self._taken += 1
        self.now = time
        return entry
