"""Heaps from which an entry is withdrawn by changing a version number, without searching for it.

An entry is (key, version, owner). It is valid while ``owner.version`` equals its version, and is dropped later if it is
not. Versions come from one counter, so that no two entries compare equal, and entries with equal keys come out in the
order in which they were made.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Protocol, TypeVar


class Ticks:
    """Counts: versions of entries, and what came first of two things."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        """Return 1, then 2, 3, and so on."""
        self._last = last = self._last + 1
        return last


class Versioned(Protocol):
    """An owner of entries: it has at most one valid entry in each heap."""

    version: int


Owner = TypeVar("Owner", bound=Versioned)


def push(heap: list[tuple[float, int, Owner]], key: float, owner: Owner, valid: int) -> None:
    """Add an entry for ``owner`` with its version.

    ``valid`` is an upper bound of the number of valid entries; when the heap has grown to over four times as many, the
    withdrawn ones are dropped.
    """
    heappush(heap, (key, owner.version, owner))
    if len(heap) > 64 + 4 * valid:
        compact(heap)


def compact(heap: list[tuple[float, int, Owner]]) -> None:
    """Drop all withdrawn entries."""
    heap[:] = [entry for entry in heap if entry[1] == entry[2].version]
    heapify(heap)


def first(heap: list[tuple[float, int, Owner]]) -> tuple[float, int, Owner] | None:
    """Return the least valid entry, or None if there is none. Withdrawn entries before it are dropped."""
    while heap:
        entry = heap[0]
        if entry[1] == entry[2].version:
            return entry
        heappop(heap)
    return None


def pop_until(heap: list[tuple[float, int, Owner]], key: float) -> list[Owner]:
    """Remove all entries up to and including ``key``. Returns the owners of the valid ones, least key first."""
    owners = []
    while heap and heap[0][0] <= key:
        _, version, owner = heappop(heap)
        if version == owner.version:
            owners.append(owner)
    return owners
