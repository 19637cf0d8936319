"""One link that can bind, and the ports that pull from it alone: O(log ports) for each instant.

All transfers of a port have the rate min(level, C/m, cap) in bytes/s. The level is the rate of the transfers that the
link limits, C the capacity of the port and m the number of its transfers. Ports with equal limits are one class. A
class is *full* while its own limit is below the level, and then has a clock of its own. All other classes are *free*:
the link limits them, and they share its clock. When the level passes the limit of a class, the whole class changes its
state.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from heapq import heappop, heappush
from operator import attrgetter
from typing import TYPE_CHECKING

from pullsim.network import lazy_heap
from pullsim.network.flows import LESS, REBASE, Component, FlowGroup, Link, Port

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.network.flows import Transfer

_TRANSFER_LIMIT = attrgetter("transfer_limit")


class PortClass:
    """Ports with ``m`` transfers each. The transfers of one port can take ``limit`` bytes/s together at the most.

    It is simpler than the class of the same name in `port_class`: all transfers of a port are of one kind.
    """

    __slots__ = (
        "by_cap",
        "clock",
        "count",
        "entries",
        "first",
        "full",
        "limit",
        "m",
        "seconds",
        "since",
        "transfer_limit",
        "version",
    )

    def __init__(self, limit: float, m: int, by_cap: bool, transfer_limit: float) -> None:
        self.limit = limit
        self.m = m
        self.transfer_limit = transfer_limit  # bytes/s that one transfer can take at the most
        self.by_cap = by_cap  # the limit is the transfers' cap, else the port's capacity
        self.count = 0  # number of ports in the class
        self.entries: list[tuple[float, int, FlowGroup]] = []  # lazy heap of the groups by their next end on the clock
        self.full = False  # its own limit is below the level of the link
        self.clock = 0.0  # if full: its clock at the time `since`; if free: its clock minus the link's
        self.since = 0.0  # time at which it became full
        self.seconds = 0.0  # seconds for which it has been full, without those since `since` while it is full
        self.first: float | None = None  # clock at the next end, as entered in a heap of ends; None: it has no entry
        self.version = 0  # version of that entry, see `lazy_heap`


class SingleBottleneck(Component):
    """Max-min sharing of one link: `Port.placed` is the port's only group."""

    def __init__(self, link: Link, tick: Callable[[], int]) -> None:
        self.due = math.inf
        self.ports: dict[Port, None] = {}
        self.general = False
        self.needed_by = 0
        self.bottlenecks: dict[Link, None] = {}
        self.needs_rebase = False
        self._link = link
        self._tick = tick
        self._classes: dict[tuple[float, int, bool], PortClass] = {}
        self._active: list[PortClass] = []  # classes with ports, by transfer_limit; the first `_full` are full
        self._full = 0  # number of full classes
        self._full_rate = 0.0  # bytes/s of all transfers of full classes
        self._free = 0  # number of transfers of free classes
        self._level = 0.0  # bytes/s of each transfer of a free class
        self._clock = 0.0  # bytes that each transfer of a free class has received, at the time `_time`
        self._time = 0.0
        self._changed: dict[PortClass, None] = {}  # classes whose first end may have changed
        # Lazy heaps of the next ends: of free classes by the link's clock, of full classes by time.
        self._by_clock: list[tuple[float, int, PortClass]] = []
        self._by_time: list[tuple[float, int, PortClass]] = []
        self._clock_due = math.inf  # time at which the first end of `_by_clock` is due
        self._rate = 0.0  # bytes/s of all transfers, as last set in `Link.set_rate`
        self._entered = 0  # entries made in the heaps of classes since the last refresh

    def sync(self, port: Port, now: float) -> None:
        """See `Component`."""
        if now > self._time:
            self._advance(now)
        group: FlowGroup = port.placed
        cls: PortClass = group.cls
        seconds = cls.seconds
        if cls.full:
            elapsed = now - cls.since
            seconds += elapsed
            group.clock = cls.clock + elapsed * cls.transfer_limit + group.offset
        else:
            group.clock = self._clock + cls.clock + group.offset
        if cls.by_cap:
            group.connection += seconds - group.mark
        else:
            group.nic += seconds - group.mark
        group.mark = seconds

    def place(self, port: Port, now: float) -> None:
        """See `Component`."""
        if now > self._time:
            self._advance(now)
        (group,) = port.groups.values()
        if group.clock > REBASE:
            group.rebase()
        m = len(group.ends)
        share = port.capacity / m
        by_cap = group.cap < share * LESS
        key = (m * group.cap if by_cap else port.capacity, m, by_cap)
        cls = self._classes.get(key)
        if cls is None:
            cls = self._classes[key] = PortClass(*key, group.cap if by_cap else share)
        old: FlowGroup | None = port.placed
        if old is not group or group.cls is not cls:
            if old is None:
                self.ports[port] = None
            else:
                self._remove(old)
            port.placed = group
            if not cls.count:
                self._activate(cls, now)
            self._count(cls, 1)
            group.cls = cls
            group.mark = cls.seconds + now - cls.since if cls.full else cls.seconds
        group.offset = offset = group.clock - self._clock_of(cls)
        group.version = version = self._tick()
        heappush(cls.entries, (group.ends[0][0] - offset, version, group))
        self._entered += 1
        self._changed[cls] = None

    def leave(self, port: Port, now: float) -> None:
        """See `Component`."""
        if now > self._time:
            self._advance(now)
        self._remove(port.placed)
        port.placed = None
        del self.ports[port]
        if not self.ports:
            self._classes.clear()
            self._full_rate = self._clock = self._level = 0.0

    def settle(self, now: float) -> float:
        """See `Component`."""
        if now > self._time:
            self._advance(now)
        if self._entered > 1024 + 4 * len(self.ports):
            self._refresh()
        self._fill(now)
        clock, by_clock, by_time = self._clock, self._by_clock, self._by_time
        self.needs_rebase = clock > REBASE
        for cls in self._changed:
            if not cls.count:
                continue
            entries = cls.entries
            while entries[0][1] != entries[0][2].version:
                heappop(entries)
            end = entries[0][0]
            if end == cls.first:
                continue  # its entry in the heap is still right
            cls.first = end
            cls.version = version = self._tick()
            if cls.full:
                reading = cls.clock + (now - cls.since) * cls.transfer_limit
                if reading > REBASE:
                    self.needs_rebase = True
                heappush(by_time, (now + (end - reading) / cls.transfer_limit, version, cls))
            else:
                heappush(by_clock, (end - cls.clock, version, cls))
        self._changed.clear()
        while by_time and by_time[0][1] != by_time[0][2].version:
            heappop(by_time)
        while by_clock and by_clock[0][1] != by_clock[0][2].version:
            heappop(by_clock)
        due = by_time[0][0] if by_time else math.inf
        self._clock_due = math.inf
        if by_clock:
            left = by_clock[0][0] - clock
            self._clock_due = now + left / self._level if left > 0.0 else now
            due = min(due, self._clock_due)
        return due

    def rate(self, port: Port) -> float:
        """See `Component`."""
        cls: PortClass = port.placed.cls
        return cls.limit if cls.full else cls.m * self._level

    def rates(self, port: Port) -> list[tuple[FlowGroup, float]]:
        """See `Component`."""
        cls: PortClass = port.placed.cls
        return [(port.placed, cls.transfer_limit if cls.full else self._level)]

    def complete(self, now: float, ended: list[Transfer]) -> None:
        """See `Component`."""
        if now > self._time:
            self._advance(now)
        due: list[PortClass] = []
        if self._clock_due <= now:  # the clock must read that end, even if rounding leaves it below
            self._clock = max(self._clock, self._by_clock[0][0])
            due = lazy_heap.pop_until(self._by_clock, self._clock)
        if self._by_time:
            due += lazy_heap.pop_until(self._by_time, now)
        for cls in due:
            end = cls.first
            assert end is not None
            cls.first = None
            self._changed[cls] = None
            for group in lazy_heap.pop_until(cls.entries, end):
                group.finish(now, ended)

    def _advance(self, now: float) -> None:
        """Bring the clock of the link up to ``now``."""
        self._clock += (now - self._time) * self._level
        self._time = now

    def _clock_of(self, cls: PortClass) -> float:
        """Return the clock of a class in bytes, at the time `_time`."""
        if cls.full:
            return cls.clock + (self._time - cls.since) * cls.transfer_limit
        return self._clock + cls.clock

    def _activate(self, cls: PortClass, now: float) -> None:
        """Enter a class that gets its first port; it is full if a class after it in the order is."""
        active = self._active
        index = bisect_right(active, cls.transfer_limit, key=_TRANSFER_LIMIT)
        cls.full = index < self._full  # so that the full classes stay the first ones
        self._full += cls.full
        active.insert(index, cls)
        cls.since = now
        cls.clock = 0.0
        cls.first = None

    def _count(self, cls: PortClass, change: int) -> None:
        """Count one port more in a class, or one less."""
        cls.count += change
        if cls.full:
            self._full_rate += change * cls.limit
        else:
            self._free += change * cls.m
        self._changed[cls] = None

    def _remove(self, group: FlowGroup) -> None:
        """Take the group of a port out of its class, and the class out of the order if it has no ports left."""
        group.version = 0
        cls: PortClass = group.cls
        self._count(cls, -1)
        if cls.count:
            return
        active = self._active
        index = bisect_left(active, cls.transfer_limit, key=_TRANSFER_LIMIT)
        while active[index] is not cls:
            index += 1
        del active[index]
        self._full -= cls.full
        cls.full = False
        cls.entries.clear()
        cls.version = 0

    def _refresh(self) -> None:
        """Remove withdrawn entries from all heaps, and sum the rates of full classes anew, without rounding errors."""
        self._entered = 0
        self._full_rate = math.fsum(cls.count * cls.limit for cls in self._active[: self._full])
        for cls in self._active:
            lazy_heap.compact(cls.entries)
        lazy_heap.compact(self._by_clock)
        lazy_heap.compact(self._by_time)

    def _fill(self, now: float) -> None:
        """Find the level, and make classes full or free until the full ones are exactly those whose limit is below it.

        A class whose limit equals the level but for rounding is free.
        """
        active, egress = self._active, self._link.capacity
        while self._full:
            cls = active[self._full - 1]
            if LESS * (egress - self._full_rate + cls.count * cls.limit) > cls.transfer_limit * (
                self._free + cls.count * cls.m
            ):
                break
            self._flip(cls, now)
        while self._full < len(active):
            cls = active[self._full]
            if cls.transfer_limit * self._free >= LESS * (egress - self._full_rate):
                break
            self._flip(cls, now)
        if not self._full:
            self._full_rate = 0.0
        self._level = (egress - self._full_rate) / self._free if self._free else 0.0
        rate = egress if self._free else self._full_rate
        if rate != self._rate:
            self._rate = rate
            self._link.set_rate(self, now, rate)

    def _flip(self, cls: PortClass, now: float) -> None:
        """Make a full class free, or a free class full; its clock and its seconds go on."""
        clock = self._clock_of(cls)
        side = -1 if cls.full else 1
        self._full += side
        self._full_rate += side * cls.count * cls.limit
        self._free -= side * cls.count * cls.m
        if cls.full:
            cls.seconds += now - cls.since
            cls.clock = clock - self._clock
        else:
            cls.clock = clock
            cls.since = now
        cls.full = not cls.full
        cls.first = None
        cls.version = 0
        self._changed[cls] = None
