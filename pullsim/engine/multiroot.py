"""Links that can bind whose transfers meet in some ports: O(links x classes) an instant.

Ports with one capacity and equal numbers of transfers of each kind (link and cap) are one class, with a clock for each
kind. The rates come from progressive filling over links and classes.
"""

from __future__ import annotations

import math
from operator import attrgetter
from typing import TYPE_CHECKING

from pullsim.engine import lazy_heap
from pullsim.engine.flows import REBASE, Bundle, Domain, Link, Port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pullsim.engine.flows import Transfer

_KIND = attrgetter("cap", "link.serial")
_EGRESS, _CONNECTION, _NIC = range(3)


class Class:
    """Ports of ``capacity`` bytes/s with so many transfers of each kind; ``kinds`` is (link, cap, number) by cap."""

    __slots__ = ("capacity", "clocks", "count", "entries", "kinds", "limits", "rates", "seconds", "transfers")

    def __init__(self, capacity: float, kinds: list[tuple[Link, float, int]]) -> None:
        self.capacity = capacity
        self.kinds = kinds
        self.transfers = sum(number for _, _, number in kinds)
        self.count = 0
        self.clocks = [0.0] * len(kinds)
        self.rates = [0.0] * len(kinds)  # bytes/s of one transfer
        self.limits = [_EGRESS] * len(kinds)
        self.seconds = [[0.0, 0.0, 0.0] for _ in kinds]  # by limit
        self.entries: list[list[tuple[float, int, Bundle]]] = [[] for _ in kinds]  # lazy heaps by next end


class Multiroot(Domain):
    """Max-min sharing of several links: `Port.placed` is the list of the port's bundles, in the order of its class."""

    def __init__(self, tick: Callable[[], int]) -> None:
        self.due = math.inf
        self.ports: dict[Port, None] = {}
        self.worn = False
        self.mixed = 0  # ports with bundles of several kinds
        self.roots: dict[Link, None] = {}  # links that can bind and have all their transfers here
        self._tick = tick
        self._classes: dict[tuple[float, tuple[tuple[int, float, int], ...]], Class] = {}
        self._active: dict[Class, None] = {}
        self._calm = 0  # settles since there was one
        self._time = 0.0  # of all clocks
        self._rates: dict[Link, float] = {}  # bytes/s in all, as the links know them

    def sync(self, port: Port, now: float) -> None:
        """See `Domain`."""
        self._advance(now)
        for bundle in port.placed:
            cls: Class = bundle.cls
            bundle.clock = cls.clocks[bundle.index] + bundle.offset
            _, connection, nic = cls.seconds[bundle.index]
            bundle.connection += connection - bundle.connection_mark
            bundle.nic += nic - bundle.nic_mark

    def place(self, port: Port, now: float) -> None:
        """See `Domain`."""
        self._advance(now)
        if port in self.ports:
            self._remove(port)
        else:
            self.ports[port] = None
        port.placed = placed = sorted(port.bundles.values(), key=_KIND)
        self.mixed += len(placed) > 1
        key = port.capacity, tuple([(bundle.link.serial, bundle.cap, len(bundle.flows)) for bundle in placed])
        cls = self._classes.get(key)
        if cls is None:
            kinds = [(bundle.link, bundle.cap, len(bundle.flows)) for bundle in placed]
            cls = self._classes[key] = Class(port.capacity, kinds)
        if not cls.count:
            self._active[cls] = None
            cls.clocks = [0.0] * len(placed)
        cls.count += 1
        for index, bundle in enumerate(placed):
            if bundle.clock > REBASE:
                bundle.rebase()
            bundle.cls = cls
            bundle.index = index
            bundle.offset = bundle.clock - cls.clocks[index]
            _, bundle.connection_mark, bundle.nic_mark = cls.seconds[index]
            bundle.version = self._tick()
            lazy_heap.push(cls.entries[index], bundle.flows[0][0] - bundle.offset, bundle, cls.count)

    def leave(self, port: Port, now: float) -> None:
        """See `Domain`."""
        self._advance(now)
        self._remove(port)
        port.placed = None
        del self.ports[port]
        if not self.ports:
            self._classes.clear()

    def settle(self, now: float) -> float:
        """See `Domain`."""
        self._advance(now)
        fill(self._active)
        self._calm = 0 if self.mixed else self._calm + 1
        self.worn = self._calm > len(self.ports)
        totals = dict.fromkeys(self._rates, 0.0)
        soonest = math.inf
        for cls in self._active:
            for index, (link, _, number) in enumerate(cls.kinds):
                rate = cls.rates[index]
                totals[link] = totals.get(link, 0.0) + cls.count * number * rate
                entry = lazy_heap.first(cls.entries[index])
                assert entry is not None
                soonest = min(soonest, (entry[0] - cls.clocks[index]) / rate)
                if cls.clocks[index] > REBASE:
                    self.worn = True
        for link, rate in totals.items():
            if rate != self._rates.get(link):
                link.set_rate(self, now, rate)
        self._rates = {link: rate for link, rate in totals.items() if rate}
        return now + max(0.0, soonest)

    def rate(self, port: Port) -> float:
        """See `Domain`."""
        cls: Class = port.placed[0].cls
        return sum([number * rate for (_, _, number), rate in zip(cls.kinds, cls.rates, strict=True)])

    def complete(self, now: float, ended: list[Transfer]) -> None:
        """See `Domain`."""
        self._advance(now)
        due: list[Bundle] = []
        for cls in self._active:
            for index, entries in enumerate(cls.entries):
                entry = lazy_heap.first(entries)
                if entry is not None and now + (entry[0] - cls.clocks[index]) / cls.rates[index] <= now:
                    cls.clocks[index] = clock = max(cls.clocks[index], entry[0])  # no time is left for the rest
                    due += lazy_heap.pop_until(entries, clock)
        for bundle in due:
            bundle.finish(now, ended)

    def _advance(self, now: float) -> None:
        elapsed = now - self._time
        if not elapsed:
            return
        self._time = now
        for cls in self._active:
            clocks = cls.clocks
            for index, rate in enumerate(cls.rates):
                clocks[index] += rate * elapsed
                cls.seconds[index][cls.limits[index]] += elapsed

    def _remove(self, port: Port) -> None:
        placed: list[Bundle] = port.placed
        self.mixed -= len(placed) > 1
        cls: Class = placed[0].cls
        for bundle in placed:
            bundle.version = 0
        cls.count -= 1
        if not cls.count:
            del self._active[cls]
            for entries in cls.entries:
                entries.clear()


class _Unfilled:
    """What a port of a class has left in the course of `fill`."""

    __slots__ = ("capacity", "cls", "kinds", "transfers")

    def __init__(self, cls: Class) -> None:
        self.cls = cls
        self.capacity = cls.capacity  # bytes/s
        self.transfers = cls.transfers  # without a rate
        self.kinds = list(range(len(cls.kinds)))  # theirs

    def give(self, index: int, rate: float, limit: int) -> None:
        """Set the rate of one kind."""
        number = self.cls.kinds[index][2]
        self.cls.rates[index] = rate
        self.cls.limits[index] = limit
        self.capacity -= number * rate
        self.transfers -= number
        self.kinds.remove(index)


def fill(classes: Iterable[Class]) -> None:
    """Set the max-min fair rates of the classes, and what limits them, by progressive filling.

    The least equal share of a link only rises while transfers limited to less are taken out. So whatever a port or a
    cap limits below it has its rate; if there is none, the transfers of that link have theirs.
    """
    left: dict[Link, float] = {}  # bytes/s not yet given, of links that can bind
    transfers: dict[Link, int] = {}  # without a rate
    todo = [_Unfilled(cls) for cls in classes]
    for item in todo:
        for link, _, number in item.cls.kinds:
            if link.capacity < math.inf:
                left[link] = link.capacity
                transfers[link] = transfers.get(link, 0) + item.cls.count * number
    while todo:
        level, root = math.inf, None
        for link, count in transfers.items():
            if count and left[link] / count < level:
                level, root = left[link] / count, link
        limited = False
        for item in todo:
            while item.kinds:
                index = item.kinds[0]  # the one of the least cap
                link, cap, number = item.cls.kinds[index]
                share = item.capacity / item.transfers
                rate = min(cap, share)
                if rate >= level:
                    break
                limited = True
                item.give(index, rate, _CONNECTION if cap < share else _NIC)
                if link in left:
                    left[link] -= item.cls.count * number * rate
                    transfers[link] -= item.cls.count * number
        if root is not None and not limited:
            transfers[root] = 0
            for item in todo:
                for index in [index for index in item.kinds if item.cls.kinds[index][0] is root]:
                    item.give(index, level, _EGRESS)
        todo = [item for item in todo if item.kinds]
