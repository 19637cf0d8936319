"""Links that can bind whose transfers meet in some ports.

Ports with one capacity and equal numbers of transfers of each kind (link and cap) are one class. While links alone
limit its transfers, these go at the levels of their links, and their clocks are those of the links: such *free* classes
cost nothing when levels change, as in `SingleBottleneck`. Nor do *full* ones, which are limited by their ports and caps
alone. The rates of the others, the *bound* ones, come from progressive filling. That is O(log ports + links + bound
classes) an instant, and O(classes) where the levels of the links are far apart.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from operator import attrgetter
from typing import TYPE_CHECKING

from pullsim.network import lazy_heap
from pullsim.network.flows import LESS, REBASE, Component, FlowGroup, Link, Port
from pullsim.network.port_class import Aggregate, Bottleneck, Limit, PortClass, State
from pullsim.network.progressive_filling import fill

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.network.flows import Transfer
    from pullsim.network.progressive_filling import Filled

_KIND = attrgetter("cap", "link.serial")
_ease, _peak = attrgetter("easy"), attrgetter("peak")
_EASE, _PEAK = attrgetter("easy", "serial"), attrgetter("peak", "serial")


class SeveralBottlenecks(Component):
    """Max-min sharing of several links: `Port.placed` is the list of the port's groups, in the order of its class."""

    def __init__(self, tick: Callable[[], int]) -> None:
        self.due = math.inf
        self.ports: dict[Port, None] = {}
        self.general = False
        self.needs_rebase = False
        self.needed_by = 0  # ports with groups of several kinds
        self.bottlenecks: dict[Link, None] = {}  # links that can bind and have all their transfers here
        self._tick = tick
        self._sources: dict[Link, Bottleneck] = {}
        self._classes: dict[tuple[float, tuple[tuple[int, float, int], ...]], PortClass] = {}
        self._free: list[PortClass] = []  # by `easy`: the first ones are the first to be bound
        self._full: list[PortClass] = []  # by `peak`: the last ones are the first to be bound
        self._bound: dict[PortClass, None] = {}
        self._calm = 0  # settles since there was a port with several kinds
        self._time = 0.0  # of the links' clocks
        self._touched: dict[Aggregate, None] = {}  # aggregates whose first end may have changed
        self._by_time: list[tuple[float, int, Aggregate]] = []  # lazy heap of the aggregates that do not follow

    def sync(self, port: Port, now: float) -> None:
        """See `Component`."""
        self._advance(now)
        for group in port.placed:
            aggregate: Aggregate = group.cls
            group.clock = aggregate.read(now) + group.offset
            connection, nic = aggregate.seconds(now)
            group.connection += connection - group.connection_mark
            group.nic += nic - group.nic_mark
            group.connection_mark, group.nic_mark = connection, nic

    def place(self, port: Port, now: float) -> None:
        """See `Component`."""
        self._advance(now)
        if port in self.ports:
            self._remove(port)
        else:
            self.ports[port] = None
        port.placed = placed = sorted(port.groups.values(), key=_KIND)
        self.needed_by += len(placed) > 1
        cls = self._class_of(port.capacity, placed)
        if not cls.count:
            self._bound[cls] = None
            for aggregate in cls.aggregates:
                aggregate.reset(now)
        cls.count_in(1)
        for group, aggregate in zip(placed, cls.aggregates, strict=True):
            if group.clock > REBASE:
                group.rebase()
            group.cls = aggregate
            group.offset = group.clock - aggregate.read(now)
            group.connection_mark, group.nic_mark = aggregate.seconds(now)
            group.version = self._tick()
            lazy_heap.push(aggregate.entries, group.ends[0][0] - group.offset, group, cls.count)
            self._touched[aggregate] = None

    def leave(self, port: Port, now: float) -> None:
        """See `Component`."""
        self._advance(now)
        self._remove(port)
        port.placed = None
        del self.ports[port]
        if not self.ports:
            for bottleneck in self._sources.values():
                bottleneck.clock = 0.0
                bottleneck.ends.clear()

    def settle(self, now: float) -> float:
        """See `Component`."""
        self._advance(now)
        self._calm = 0 if self.needed_by else self._calm + 1
        self.needs_rebase = self._calm > len(self.ports)
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
        for bottleneck in self._sources.values():
            bottleneck.due = math.inf
            if (first := lazy_heap.first(bottleneck.ends)) is not None:
                bottleneck.due = now + max(0.0, first[0] - bottleneck.clock) / bottleneck.level
                soonest = min(soonest, bottleneck.due)
            self.needs_rebase |= bottleneck.clock > REBASE
        if not self.ports:
            self._sources.clear()
            self._classes.clear()
        return soonest

    def rate(self, port: Port) -> float:
        """See `Component`."""
        aggregates: list[Aggregate] = [group.cls for group in port.placed]
        return sum([each.number * (each.bottleneck.level if each.follows else each.rate) for each in aggregates])

    def complete(self, now: float, ended: list[Transfer]) -> None:
        """See `Component`."""
        self._advance(now)
        due = lazy_heap.pop_until(self._by_time, now)
        for bottleneck in self._sources.values():
            if bottleneck.due <= now:  # then the clock reads that end, whatever rounding says
                bottleneck.clock = max(bottleneck.clock, bottleneck.ends[0][0])
                due += lazy_heap.pop_until(bottleneck.ends, bottleneck.clock)
        groups: list[FlowGroup] = []
        for aggregate in due:
            assert aggregate.first is not None
            groups += lazy_heap.pop_until(aggregate.entries, aggregate.first)
            aggregate.first = None
            self._touched[aggregate] = None
        for group in groups:
            group.finish(now, ended)

    def _advance(self, now: float) -> None:
        elapsed = now - self._time
        if elapsed:
            self._time = now
            for bottleneck in self._sources.values():
                bottleneck.clock += bottleneck.level * elapsed

    def _class_of(self, capacity: float, placed: list[FlowGroup]) -> PortClass:
        key = capacity, tuple([(group.link.serial, group.cap, len(group.ends)) for group in placed])
        cls = self._classes.get(key)
        if cls is None:
            if len(self._classes) > 1024 + 4 * len(self.ports):
                self._classes = {key: cls for key, cls in self._classes.items() if cls.count}
            kinds = []
            for group in placed:
                bottleneck = self._sources.get(group.link)
                if bottleneck is None:
                    bottleneck = self._sources[group.link] = Bottleneck(group.link)
                kinds.append((bottleneck, group.cap, len(group.ends)))
            cls = self._classes[key] = PortClass(capacity, kinds, self._tick())
        return cls

    def _remove(self, port: Port) -> None:
        placed: list[FlowGroup] = port.placed
        self.needed_by -= len(placed) > 1
        cls: PortClass = placed[0].cls.cls
        cls.count_in(-1)
        for group in placed:
            group.version = 0
            self._touched[group.cls] = None
        if cls.count:
            return
        self._drop(cls)
        cls.state = State.BOUND
        for aggregate in cls.aggregates:
            aggregate.entries.clear()
            aggregate.version = 0

    def _binding(self, levels: dict[Bottleneck, float]) -> list[PortClass]:
        """Return the classes that are neither free nor full any more."""
        highest, lowest = max(levels.values(), default=0.0), min(levels.values(), default=math.inf)
        free = self._free[: bisect_left(self._free, highest, key=_ease)]
        full = self._full[bisect_left(self._full, lowest * LESS, key=_peak) :]
        return [cls for cls in free if not cls.stays_free(levels)] + [cls for cls in full if not cls.stays_full(levels)]

    def _drop(self, cls: PortClass) -> None:
        if cls.state is State.FREE:
            self._free.pop(bisect_left(self._free, _EASE(cls), key=_EASE))
        elif cls.state is State.FULL:
            self._full.pop(bisect_left(self._full, _PEAK(cls), key=_PEAK))
        else:
            del self._bound[cls]

    def _release(self, filled: Filled) -> None:
        """Let a bound class be free or full from now on, if that is how it has been filled.

        Its aggregates go by what the filling decided, so the state must, too: a comparison made once more, with other
        roundings, may say otherwise at a tie, and then aggregates of a free class would not follow their links.
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
        """Give the aggregates of a bound class their rates."""
        for aggregate, rate, limit in zip(filled.cls.aggregates, filled.rates, filled.limits, strict=True):
            if limit is Limit.EGRESS:
                if aggregate.follows:
                    continue
                aggregate.follow(now)
            elif aggregate.follows or rate != aggregate.rate or limit is not aggregate.by:
                aggregate.take(now, rate, limit)
            else:
                continue
            aggregate.first = None
            aggregate.version = 0
            self._touched[aggregate] = None

    def _tell(self, levels: dict[Bottleneck, float], now: float) -> None:
        """Note the levels, and let the links know their rates."""
        rates = {bottleneck: bottleneck.given for bottleneck in self._sources.values()}
        for cls in self._bound:
            for aggregate in cls.aggregates:
                rates[aggregate.bottleneck] += cls.count * aggregate.number * aggregate.rate
        for bottleneck, rate in rates.items():
            bottleneck.level = levels.get(bottleneck, 0.0)
            total = bottleneck.link.capacity if bottleneck.level else rate
            if total != bottleneck.rate:
                bottleneck.rate = total
                bottleneck.link.set_rate(self, now, total)

    def _enter(self, now: float) -> None:
        """Enter the next ends of aggregates among the dues."""
        standing = len(self._free) + len(self._full) + len(self._bound)
        for aggregate in self._touched:
            if not aggregate.cls.count:
                continue
            entry = lazy_heap.first(aggregate.entries)
            assert entry is not None
            end = entry[0]
            if end == aggregate.first:
                continue  # it is entered
            aggregate.first = end
            aggregate.version = self._tick()
            reading = aggregate.read(now)
            self.needs_rebase |= reading > REBASE
            if aggregate.follows:
                lazy_heap.push(aggregate.bottleneck.ends, end - aggregate.clock, aggregate, 4 * standing)
            else:
                lazy_heap.push(self._by_time, now + max(0.0, end - reading) / aggregate.rate, aggregate, 4 * standing)
        self._touched.clear()
