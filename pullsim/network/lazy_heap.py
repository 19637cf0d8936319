"""Heaps whose entries are withdrawn by a version number, not searched for.

An entry is (key, version, owner); it stands as long as ``owner.version`` is that version. Versions are drawn from one
counter, so that no two entries compare equal and the order of equal keys is that of their making.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Protocol, TypeVar


class Versioned(Protocol):
    """Whatever owns entries of such a heap."""

    version: int


Owner = TypeVar("Owner", bound=Versioned)


def push(heap: list[tuple[float, int, Owner]], key: float, owner: Owner, standing: int) -> None:
    """Enter ``owner`` with its version. ``standing`` bounds the entries that stand: withdrawn ones never prevail."""
    heappush(heap, (key, owner.version, owner))
    if len(heap) > 64 + 4 * standing:
        compact(heap)


def compact(heap: list[tuple[float, int, Owner]]) -> None:
    """Drop all withdrawn entries."""
    heap[:] = [entry for entry in heap if entry[1] == entry[2].version]
    heapify(heap)


def first(heap: list[tuple[float, int, Owner]]) -> tuple[float, int, Owner] | None:
    """Return the least entry that stands, None without one; withdrawn entries before it are dropped."""
    while heap:
        entry = heap[0]
        if entry[1] == entry[2].version:
            return entry
        heappop(heap)
    return None


def pop_until(heap: list[tuple[float, int, Owner]], key: float) -> list[Owner]:
    """Take out all entries up to and including ``key``; returns the owners of those that stand, least first."""
    owners = []
    while heap and heap[0][0] <= key:
        _, version, owner = heappop(heap)
        if version == owner.version:
            owners.append(owner)
    return owners
