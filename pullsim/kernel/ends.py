"""What ends next on a clock, in order; anything can be withdrawn."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Final, Generic, TypeVar, cast

from pullsim.compiled import compiled
from pullsim.kernel.pairing_heap import Node, added, without, without_first

_COMPILED: Final = compiled()

Item = TypeVar("Item", bound=Node)


class Ends(Generic[Item]):
    """What ends, the least reading ``when`` of the clock first; of equal ones, the one that was entered first.

    As an `Agenda` it is a pairing heap where it is compiled. Interpreted, it is a heap of tuples, and one that was
    withdrawn is dropped when it comes up. Whoever sets the ``order`` of an item to 0 withdraws it, too.
    """

    __slots__ = ("_first", "_size", "_tuples")

    def __init__(self) -> None:
        self._first: Node | None = None  # the first item of the pairing heap
        self._size = 0  # of that
        self._tuples: list[tuple[float, float, Item]] = []

    def __len__(self) -> int:
        """Return the number of entries that are kept, with those that were withdrawn and not dropped yet."""
        return self._size if _COMPILED else len(self._tuples)

    def put(self, item: Item, when: float, number: int) -> None:
        """Enter an item, in place of its entry if it has one here; ``number`` is above those of all entries before."""
        if _COMPILED:
            self.withdraw(item)
        item.when = when
        item.order = order = float(number)
        if _COMPILED:
            self._first = added(self._first, item)
            self._size += 1
        else:
            heappush(self._tuples, (when, order, item))

    def withdraw(self, item: Item) -> None:
        """Withdraw the entry of an item, if it has one here; it has none elsewhere."""
        if _COMPILED:
            first = self._first
            if first is not None and (item is first or item._above is not None):
                self._first = without(first, item)
                self._size -= 1
        item.order = 0.0

    def first(self) -> Item | None:
        """Return the item that ends first; None if there is none."""
        if _COMPILED:
            first = self._first
            while first is not None and not first.order:
                first = self._pop(first)
            return cast("Item | None", first)
        tuples = self._tuples
        while tuples:
            _, number, item = tuples[0]
            if number == item.order:
                return item
            heappop(tuples)
        return None

    def take_until(self, when: float) -> list[Item]:
        """Remove what ends up to and including a reading of the clock, and return it in order."""
        taken: list[Item] = []
        if _COMPILED:
            while (item := self.first()) is not None and item.when <= when:
                self.withdraw(item)
                taken.append(item)
            return taken
        tuples = self._tuples
        while tuples and tuples[0][0] <= when:
            _, number, item = heappop(tuples)
            if number == item.order:
                item.order = 0.0
                taken.append(item)
        return taken

    def compact(self) -> None:
        """Drop the entries that were withdrawn."""
        if not _COMPILED:
            self._tuples[:] = [entry for entry in self._tuples if entry[1] == entry[2].order]
            heapify(self._tuples)

    def _pop(self, first: Node) -> Node | None:
        """Drop the first item of the pairing heap, and return the next one."""
        self._first = following = without_first(first)
        self._size -= 1
        return following
