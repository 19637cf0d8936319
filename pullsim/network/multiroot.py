"""Links that can bind whose transfers meet in some ports.

Ports with one capacity and equal numbers of transfers of each kind (link and cap) are one class. While links alone
limit its transfers, these go at the levels of their links, and their clocks are those of the links: such *free* classes
cost nothing when levels change, as in `Levels`. Nor do *full* ones, which are limited by their ports and caps alone.
The rates of the others, the *bound* ones, come from progressive filling. That is O(log ports + links + bound classes)
an instant, and O(classes) where the levels of the links are far apart.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from operator import attrgetter
from typing import TYPE_CHECKING

from pullsim.network import lazy_heap
from pullsim.network.filling import fill
from pullsim.network.flows import LESS, REBASE, Bundle, Domain, Link, Port
from pullsim.network.strand import Class, Limit, Root, State, Strand

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.network.filling import Filled
    from pullsim.network.flows import Transfer

_KIND = attrgetter("cap", "link.serial")
_ease, _peak = attrgetter("easy"), attrgetter("peak")
_EASE, _PEAK = attrgetter("easy", "serial"), attrgetter("peak", "serial")


class Multiroot(Domain):
    """Max-min sharing of several links: `Port.placed` is the list of the port's bundles, in the order of its class."""

    def __init__(self, tick: Callable[[], int]) -> None:
        self.due = math.inf
        self.ports: dict[Port, None] = {}
        self.general = False
        self.worn = False
        self.mixed = 0  # ports with bundles of several kinds
        self.roots: dict[Link, None] = {}  # links that can bind and have all their transfers here
        self._tick = tick
        self._sources: dict[Link, Root] = {}
        self._classes: dict[tuple[float, tuple[tuple[int, float, int], ...]], Class] = {}
        self._free: list[Class] = []  # by `easy`: the first ones are the first to be bound
        self._full: list[Class] = []  # by `peak`: the last ones are the first to be bound
        self._bound: dict[Class, None] = {}
        self._calm = 0  # settles since there was a port with several kinds
        self._time = 0.0  # of the links' clocks
        self._touched: dict[Strand, None] = {}  # strands whose first end may have changed
        self._by_time: list[tuple[float, int, Strand]] = []  # lazy heap of the strands that do not follow

    def sync(self, port: Port, now: float) -> None:
        """See `Domain`."""
        self._advance(now)
        for bundle in port.placed:
            strand: Strand = bundle.cls
            bundle.clock = strand.read(now) + bundle.offset
            connection, nic = strand.seconds(now)
            bundle.connection += connection - bundle.connection_mark
            bundle.nic += nic - bundle.nic_mark
            bundle.connection_mark, bundle.nic_mark = connection, nic

    def place(self, port: Port, now: float) -> None:
        """See `Domain`."""
        self._advance(now)
        if port in self.ports:
            self._remove(port)
        else:
            self.ports[port] = None
        port.placed = placed = sorted(port.bundles.values(), key=_KIND)
        self.mixed += len(placed) > 1
        cls = self._class_of(port.capacity, placed)
        if not cls.count:
            self._bound[cls] = None
            for strand in cls.strands:
                strand.reset(now)
        cls.count_in(1)
        for bundle, strand in zip(placed, cls.strands, strict=True):
            if bundle.clock > REBASE:
                bundle.rebase()
            bundle.cls = strand
            bundle.offset = bundle.clock - strand.read(now)
            bundle.connection_mark, bundle.nic_mark = strand.seconds(now)
            bundle.version = self._tick()
            lazy_heap.push(strand.entries, bundle.flows[0][0] - bundle.offset, bundle, cls.count)
            self._touched[strand] = None

    def leave(self, port: Port, now: float) -> None:
        """See `Domain`."""
        self._advance(now)
        self._remove(port)
        port.placed = None
        del self.ports[port]
        if not self.ports:
            for root in self._sources.values():
                root.clock = 0.0
                root.ends.clear()

    def settle(self, now: float) -> float:
        """See `Domain`."""
        self._advance(now)
        self._calm = 0 if self.mixed else self._calm + 1
        self.worn = self._calm > len(self.ports)
        while True:
            levels, filled = fill(self._bound, self._sources.values())
            binding = self._binding(levels)
            if not binding:
                break
            for cls in binding:
                self._drop(cls)
                self._bound[cls] = None
                cls.become(State.BOUND)
        for each in filled:
            self._take(each, now)
            self._release(each)
        self._tell(levels, now)
        self._enter(now)
        due = lazy_heap.first(self._by_time)
        soonest = math.inf if due is None else due[0]
        for root in self._sources.values():
            root.due = math.inf
            if (first := lazy_heap.first(root.ends)) is not None:
                root.due = now + max(0.0, first[0] - root.clock) / root.level
                soonest = min(soonest, root.due)
            self.worn |= root.clock > REBASE
        if not self.ports:
            self._sources.clear()
            self._classes.clear()
        return soonest

    def rate(self, port: Port) -> float:
        """See `Domain`."""
        strands: list[Strand] = [bundle.cls for bundle in port.placed]
        return sum([each.number * (each.root.level if each.follows else each.rate) for each in strands])

    def complete(self, now: float, ended: list[Transfer]) -> None:
        """See `Domain`."""
        self._advance(now)
        due = lazy_heap.pop_until(self._by_time, now)
        for root in self._sources.values():
            if root.due <= now:  # then the clock reads that end, whatever rounding says
                root.clock = max(root.clock, root.ends[0][0])
                due += lazy_heap.pop_until(root.ends, root.clock)
        bundles: list[Bundle] = []
        for strand in due:
            assert strand.first is not None
            bundles += lazy_heap.pop_until(strand.entries, strand.first)
            strand.first = None
            self._touched[strand] = None
        for bundle in bundles:
            bundle.finish(now, ended)

    def _advance(self, now: float) -> None:
        elapsed = now - self._time
        if elapsed:
            self._time = now
            for root in self._sources.values():
                root.clock += root.level * elapsed

    def _class_of(self, capacity: float, placed: list[Bundle]) -> Class:
        key = capacity, tuple([(bundle.link.serial, bundle.cap, len(bundle.flows)) for bundle in placed])
        cls = self._classes.get(key)
        if cls is None:
            if len(self._classes) > 1024 + 4 * len(self.ports):
                self._classes = {key: cls for key, cls in self._classes.items() if cls.count}
            kinds = []
            for bundle in placed:
                root = self._sources.get(bundle.link)
                if root is None:
                    root = self._sources[bundle.link] = Root(bundle.link)
                kinds.append((root, bundle.cap, len(bundle.flows)))
            cls = self._classes[key] = Class(capacity, kinds, self._tick())
        return cls

    def _remove(self, port: Port) -> None:
        placed: list[Bundle] = port.placed
        self.mixed -= len(placed) > 1
        cls: Class = placed[0].cls.cls
        cls.count_in(-1)
        for bundle in placed:
            bundle.version = 0
            self._touched[bundle.cls] = None
        if cls.count:
            return
        self._drop(cls)
        cls.state = State.BOUND
        for strand in cls.strands:
            strand.entries.clear()
            strand.version = 0

    def _binding(self, levels: dict[Root, float]) -> list[Class]:
        """Return the classes that are neither free nor full any more."""
        highest, lowest = max(levels.values(), default=0.0), min(levels.values(), default=math.inf)
        free = self._free[: bisect_left(self._free, highest, key=_ease)]
        full = self._full[bisect_left(self._full, lowest * LESS, key=_peak) :]
        return [cls for cls in free if not cls.stays_free(levels)] + [cls for cls in full if not cls.stays_full(levels)]

    def _drop(self, cls: Class) -> None:
        if cls.state is State.FREE:
            self._free.pop(bisect_left(self._free, _EASE(cls), key=_EASE))
        elif cls.state is State.FULL:
            self._full.pop(bisect_left(self._full, _PEAK(cls), key=_PEAK))
        else:
            del self._bound[cls]

    def _release(self, filled: Filled) -> None:
        """Let a bound class be free or full from now on, if that is how it has been filled.

        Its strands go by what the filling decided, so the state must, too: a comparison made once more, with other
        roundings, may say otherwise at a tie, and then strands of a free class would not follow their links.
        """
        limited_by_links = filled.limits.count(Limit.EGRESS)
        cls = filled.cls
        if limited_by_links == len(filled.limits):
            del self._bound[cls]
            cls.become(State.FREE)
            insort(self._free, cls, key=_EASE)
        elif not limited_by_links:
            del self._bound[cls]
            cls.become(State.FULL)
            insort(self._full, cls, key=_PEAK)

    def _take(self, filled: Filled, now: float) -> None:
        """Give the strands of a bound class their rates."""
        for strand, rate, limit in zip(filled.cls.strands, filled.rates, filled.limits, strict=True):
            if limit is Limit.EGRESS:
                if strand.follows:
                    continue
                strand.follow(now)
            elif strand.follows or rate != strand.rate or limit is not strand.by:
                strand.take(now, rate, limit)
            else:
                continue
            strand.first = None
            strand.version = 0
            self._touched[strand] = None

    def _tell(self, levels: dict[Root, float], now: float) -> None:
        """Note the levels, and let the links know their rates."""
        rates = {root: root.given for root in self._sources.values()}
        for cls in self._bound:
            for strand in cls.strands:
                rates[strand.root] += cls.count * strand.number * strand.rate
        for root, rate in rates.items():
            root.level = levels.get(root, 0.0)
            total = root.link.capacity if root.level else rate
            if total != root.rate:
                root.rate = total
                root.link.set_rate(self, now, total)

    def _enter(self, now: float) -> None:
        """Enter the next ends of strands among the dues."""
        standing = len(self._free) + len(self._full) + len(self._bound)
        for strand in self._touched:
            if not strand.cls.count:
                continue
            entry = lazy_heap.first(strand.entries)
            assert entry is not None
            end = entry[0]
            if end == strand.first:
                continue  # it is entered
            strand.first = end
            strand.version = self._tick()
            reading = strand.read(now)
            self.worn |= reading > REBASE
            if strand.follows:
                lazy_heap.push(strand.root.ends, end - strand.clock, strand, 4 * standing)
            else:
                lazy_heap.push(self._by_time, now + max(0.0, end - reading) / strand.rate, strand, 4 * standing)
        self._touched.clear()
