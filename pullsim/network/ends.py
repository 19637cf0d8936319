"""Heaps of what ends next on a clock, from which anything can be withdrawn."""

from __future__ import annotations

from heapq import heappush
from typing import Final, Generic, TypeVar, cast

from pullsim.compiled import compiled
from pullsim.kernel.pairing_heap import Node, added, without, without_first
from pullsim.network import lazy_heap

_COMPILED: Final = compiled()


class Ticks:
    """Counts, so that what came first is known, and that no entry of a heap is taken for an earlier one."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        """Return 1, then 2, 3, and so on."""
        self._last = last = self._last + 1
        return last


class Ending(Node):
    """What has a next end, and an entry for it in one `Ends` at the most."""

    __slots__ = ("version",)

    version: int  # the number of its entry; 0: it has none, or what there is of it does not count


Item = TypeVar("Item", bound=Ending)


class Ends(Generic[Item]):
    """What ends, the least reading of the clock first; of equal ones, the one that was entered first.

    As an `Agenda` it is a pairing heap where it is compiled, and else one of tuples, see `lazy_heap`.
    """

    __slots__ = ("_first", "_size", "_tuples")

    def __init__(self) -> None:
        self._first: Node | None = None  # the first item of the pairing heap
        self._size = 0  # of that
        self._tuples: list[tuple[float, int, Item]] = []

    def __len__(self) -> int:
        """Return the number of entries that are kept, with those that do not count."""
        return self._size if _COMPILED else len(self._tuples)

    def put(self, item: Item, when: float, number: int) -> None:
        """Enter an item, in place of its entry in this heap if it has one; ``number`` is above all before it."""
        if _COMPILED:
            self.drop(item)
            item.when = when
            item.order = number
            self._first = added(self._first, item)
            self._size += 1
        else:
            item.when = when
            heappush(self._tuples, (when, number, item))
        item.version = number

    def drop(self, item: Item) -> None:
        """Withdraw the entry of an item, if it has one in this heap."""
        item.version = 0
        if _COMPILED:
            first = self._first
            if first is not None and (item is first or item._above is not None):
                self._first = without(first, item)
                self._size -= 1

    def first(self) -> Item | None:
        """Return the item that ends first; None if there is none."""
        if not _COMPILED:
            entry = lazy_heap.first(self._tuples)
            return None if entry is None else entry[2]
        first = cast("Item | None", self._first)
        while first is not None and not first.version:
            first = cast("Item | None", self._pop(first))
        return first

    def take_until(self, when: float) -> list[Item]:
        """Remove what ends up to and including a reading of the clock, and return it in order."""
        if not _COMPILED:
            return lazy_heap.pop_until(self._tuples, when)
        taken = []
        first = cast("Item | None", self._first)
        while first is not None and first.when <= when:
            if first.version:
                taken.append(first)
            first = cast("Item | None", self._pop(first))
        return taken

    def compact(self) -> None:
        """Free the memory of entries that do not count."""
        lazy_heap.compact(self._tuples)

    def _pop(self, first: Node) -> Node | None:
        """Remove the first item of the pairing heap, and return the next one."""
        self._first = following = without_first(first)
        self._size -= 1
        return following
