"""Several links that can bind, and ports that have transfers over more than one of them, or under several caps.

Ports with equal capacity and equal numbers of transfers of each kind (link and cap) are one class. Each class is in one
of three states:

* *free*: links limit all its transfers, which have the levels of their links as rates and share the links' clocks;
* *full*: the ports and caps limit all its transfers, whose rates are constant;
* *bound*: some of both, so that `progressive_filling` has to find the rates.

Free and full classes cost nothing when the levels of links change. So an instant costs O(log ports + links + bound
classes), and O(classes) where the levels of the links are far apart.
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
    from pullsim.network.flows import Transfer
    from pullsim.network.lazy_heap import Ticks
    from pullsim.network.progressive_filling import Filled

_KIND = attrgetter("cap", "link.serial")
_free_up_to, _full_above = attrgetter("free_up_to"), attrgetter("full_above")
_FREE_ORDER, _FULL_ORDER = attrgetter("free_up_to", "serial"), attrgetter("full_above", "serial")


class SeveralBottlenecks(Component):
    """Max-min sharing of several links: `Port.placed` is the list of the port's groups, in the order of its class."""

    def __init__(self, ticks: Ticks) -> None:
        super().__init__()  # it is `needed_by` ports with transfers of several kinds
        self._ticks = ticks
        self._sources: dict[Link, Bottleneck] = {}  # every link that a port here pulls from, whether it can bind or not
        self._classes: dict[tuple[float, tuple[tuple[int, float, int], ...]], PortClass] = {}
        self._free: list[PortClass] = []  # by `free_up_to`: as levels rise, the first classes become bound first
        self._full: list[PortClass] = []  # by `full_above`: as levels fall, the last classes become bound first
        self._bound: dict[PortClass, None] = {}
        self._idle_settles = 0  # number of settles since a port last had transfers of several kinds
        self._time = 0.0  # up to which the links' clocks are advanced
        self._changed: dict[Aggregate, None] = {}  # aggregates whose first end may have changed
        # Lazy heap of the next ends, by time, of the aggregates that do not follow a link.
        self._by_time: list[tuple[float, int, Aggregate]] = []

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
            group.version = self._ticks.next()
            lazy_heap.push(aggregate.entries, group.end - group.offset, group, cls.count)
            self._changed[aggregate] = None

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
        self._idle_settles = 0 if self.needed_by else self._idle_settles + 1
        self.needs_rebase = self._idle_settles > len(self.ports)
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
        self._set_link_rates(levels, now)
        self._enter_ends(now)
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

    def rates(self, port: Port) -> list[tuple[FlowGroup, float]]:
        """See `Component`."""
        aggregates: list[tuple[FlowGroup, Aggregate]] = [(group, group.cls) for group in port.placed]
        return [(group, each.bottleneck.level if each.follows else each.rate) for group, each in aggregates]

    def complete(self, now: float, ended: list[Transfer]) -> None:
        """See `Component`."""
        self._advance(now)
        due = lazy_heap.pop_until(self._by_time, now)
        for bottleneck in self._sources.values():
            if bottleneck.due <= now:  # the clock must read that end, even if rounding leaves it below
                bottleneck.clock = max(bottleneck.clock, bottleneck.ends[0][0])
                due += lazy_heap.pop_until(bottleneck.ends, bottleneck.clock)
        groups: list[FlowGroup] = []
        for aggregate in due:
            assert aggregate.first is not None
            groups += lazy_heap.pop_until(aggregate.entries, aggregate.first)
            aggregate.first = None
            self._changed[aggregate] = None
        for group in groups:
            group.finish(now, ended)

    def _advance(self, now: float) -> None:
        """Bring the clocks of all links up to ``now``."""
        elapsed = now - self._time
        if elapsed:
            self._time = now
            for bottleneck in self._sources.values():
                bottleneck.clock += bottleneck.level * elapsed

    def _class_of(self, capacity: float, placed: list[FlowGroup]) -> PortClass:
        """Return the class of ports with this capacity and these groups; it is made if there is none."""
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
            cls = self._classes[key] = PortClass(capacity, kinds, self._ticks.next())
        return cls

    def _remove(self, port: Port) -> None:
        """Take a port out of its class, and the class out of its list if it has no ports left."""
        placed: list[FlowGroup] = port.placed
        self.needed_by -= len(placed) > 1
        cls: PortClass = placed[0].cls.cls
        cls.count_in(-1)
        for group in placed:
            group.version = 0
            self._changed[group.cls] = None
        if cls.count:
            return
        self._drop(cls)
        cls.state = State.BOUND
        for aggregate in cls.aggregates:
            aggregate.entries.clear()
            aggregate.version = 0

    def _binding(self, levels: dict[Bottleneck, float]) -> list[PortClass]:
        """Return the free and full classes that the new levels make bound."""
        highest, lowest = max(levels.values(), default=0.0), min(levels.values(), default=math.inf)
        free = self._free[: bisect_left(self._free, highest, key=_free_up_to)]
        full = self._full[bisect_left(self._full, lowest * LESS, key=_full_above) :]
        return [cls for cls in free if not cls.stays_free(levels)] + [cls for cls in full if not cls.stays_full(levels)]

    def _drop(self, cls: PortClass) -> None:
        """Take a class out of the list of its state."""
        if cls.state is State.FREE:
            self._free.pop(bisect_left(self._free, _FREE_ORDER(cls), key=_FREE_ORDER))
        elif cls.state is State.FULL:
            self._full.pop(bisect_left(self._full, _FULL_ORDER(cls), key=_FULL_ORDER))
        else:
            del self._bound[cls]

    def _release(self, filled: Filled) -> None:
        """Make a bound class free or full if the filling found that links limit all of its transfers, or none.

        The aggregates are set by what the filling decided, so the state must come from there, too. A second comparison
        of the same rates may round differently at a tie, and then aggregates of a free class would not follow links.
        """
        limited_by_links = filled.limits.count(Limit.EGRESS)
        cls = filled.cls
        if limited_by_links == len(filled.limits):
            del self._bound[cls]
            cls.become(State.FREE)
            insort(self._free, cls, key=_FREE_ORDER)
        elif not limited_by_links:
            del self._bound[cls]
            cls.become(State.FULL)
            insort(self._full, cls, key=_FULL_ORDER)

    def _take(self, filled: Filled, now: float) -> None:
        """Give the aggregates of a bound class the rates that the filling found."""
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
            self._changed[aggregate] = None

    def _set_link_rates(self, levels: dict[Bottleneck, float], now: float) -> None:
        """Store the new levels of the links, and pass their total rates on to `Link.set_rate` where these changed."""
        rates = {bottleneck: bottleneck.full_rate for bottleneck in self._sources.values()}
        for cls in self._bound:
            for aggregate in cls.aggregates:
                rates[aggregate.bottleneck] += cls.count * aggregate.number * aggregate.rate
        for bottleneck, rate in rates.items():
            bottleneck.level = levels.get(bottleneck, 0.0)
            total = bottleneck.link.capacity if bottleneck.level else rate
            if total != bottleneck.rate:
                bottleneck.rate = total
                bottleneck.link.set_rate(self, now, total)

    def _enter_ends(self, now: float) -> None:
        """Enter the next ends of all aggregates that may have changed in the heaps of ends."""
        valid = 4 * (len(self._free) + len(self._full) + len(self._bound))
        for aggregate in self._changed:
            if not aggregate.cls.count:
                continue
            entry = lazy_heap.first(aggregate.entries)
            assert entry is not None
            end = entry[0]
            if end == aggregate.first:
                continue  # its entry in the heap is still right
            aggregate.first = end
            aggregate.version = self._ticks.next()
            reading = aggregate.read(now)
            self.needs_rebase |= reading > REBASE
            if aggregate.follows:
                lazy_heap.push(aggregate.bottleneck.ends, end - aggregate.clock, aggregate, valid)
            else:
                lazy_heap.push(self._by_time, now + max(0.0, end - reading) / aggregate.rate, aggregate, valid)
        self._changed.clear()
