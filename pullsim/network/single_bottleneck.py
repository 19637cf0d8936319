"""One link that can bind, and ports that pull from it alone: O(log ports) an instant, any mix of ports and caps.

All transfers of a port have one rate, min(water level, C/m, cap), with C the port's capacity and m their number. So
ports with equal limits are one class: it is *full* while its own limit is below the level, with a clock of its own;
all others are *free* and share the clock of the link. When the level passes a limit, a whole class changes side.
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

_RATIO = attrgetter("ratio")


class PortClass:
    """Bundles of ``m`` transfers that together can take ``limit`` bytes/s."""

    __slots__ = (
        "by_cap",
        "clock",
        "count",
        "entries",
        "first",
        "full",
        "limit",
        "m",
        "ratio",
        "seconds",
        "since",
        "version",
    )

    def __init__(self, limit: float, m: int, by_cap: bool, ratio: float) -> None:
        self.limit = limit
        self.m = m
        self.ratio = ratio  # of one transfer
        self.by_cap = by_cap  # the limit is the transfers' cap, else the port
        self.count = 0
        self.entries: list[tuple[float, int, FlowGroup]] = []  # lazy heap of the groups by their next end on the clock
        self.full = False
        self.clock = 0.0  # full: at the time `since`; free: minus the link's
        self.since = 0.0
        self.seconds = 0.0  # for which it was full, until `since` if it is
        self.first: float | None = None  # the end for which it is entered among the dues
        self.version = 0


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
        self._active: list[PortClass] = []  # those with groups, by ratio; the first `_full` of them are full
        self._full = 0
        self._full_rate = 0.0  # bytes/s of the full ones
        self._free = 0  # transfers of the others
        self._level = 0.0  # bytes/s of each of these
        self._clock = 0.0  # of the link, at the time _time
        self._time = 0.0
        self._touched: dict[PortClass, None] = {}  # classes whose first end may have changed
        self._by_clock: list[
            tuple[float, int, PortClass]
        ] = []  # lazy heap of the free ones by their end on the link's clock
        self._by_time: list[tuple[float, int, PortClass]] = []  # and of the full ones by time
        self._clock_due = math.inf  # when the first of _by_clock is due
        self._rate = 0.0  # as the link knows it
        self._entered = 0  # groups in their classes' heaps since the last refresh

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
            group.clock = cls.clock + elapsed * cls.ratio + group.offset
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
        self._touched[cls] = None

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
        for cls in self._touched:
            if not cls.count:
                continue
            entries = cls.entries
            while entries[0][1] != entries[0][2].version:
                heappop(entries)
            end = entries[0][0]
            if end == cls.first:
                continue  # it is entered
            cls.first = end
            cls.version = version = self._tick()
            if cls.full:
                reading = cls.clock + (now - cls.since) * cls.ratio
                if reading > REBASE:
                    self.needs_rebase = True
                heappush(by_time, (now + (end - reading) / cls.ratio, version, cls))
            else:
                heappush(by_clock, (end - cls.clock, version, cls))
        self._touched.clear()
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

    def complete(self, now: float, ended: list[Transfer]) -> None:
        """See `Component`."""
        if now > self._time:
            self._advance(now)
        due: list[PortClass] = []
        if self._clock_due <= now:  # then the clock reads that end, whatever rounding says
            self._clock = max(self._clock, self._by_clock[0][0])
            due = lazy_heap.pop_until(self._by_clock, self._clock)
        if self._by_time:
            due += lazy_heap.pop_until(self._by_time, now)
        for cls in due:
            end = cls.first
            assert end is not None
            cls.first = None
            self._touched[cls] = None
            for group in lazy_heap.pop_until(cls.entries, end):
                group.finish(now, ended)

    def _advance(self, now: float) -> None:
        self._clock += (now - self._time) * self._level
        self._time = now

    def _clock_of(self, cls: PortClass) -> float:
        if cls.full:
            return cls.clock + (self._time - cls.since) * cls.ratio
        return self._clock + cls.clock

    def _activate(self, cls: PortClass, now: float) -> None:
        active = self._active
        index = bisect_right(active, cls.ratio, key=_RATIO)
        cls.full = index < self._full  # the full ones stay the first
        self._full += cls.full
        active.insert(index, cls)
        cls.since = now
        cls.clock = 0.0
        cls.first = None

    def _count(self, cls: PortClass, change: int) -> None:
        cls.count += change
        if cls.full:
            self._full_rate += change * cls.limit
        else:
            self._free += change * cls.m
        self._touched[cls] = None

    def _remove(self, group: FlowGroup) -> None:
        group.version = 0
        cls: PortClass = group.cls
        self._count(cls, -1)
        if cls.count:
            return
        active = self._active
        index = bisect_left(active, cls.ratio, key=_RATIO)
        while active[index] is not cls:
            index += 1
        del active[index]
        self._full -= cls.full
        cls.full = False
        cls.entries.clear()
        cls.version = 0

    def _refresh(self) -> None:
        """Undo what piles up: withdrawn entries, and the rounding of a sum that only ever changes."""
        self._entered = 0
        self._full_rate = math.fsum(cls.count * cls.limit for cls in self._active[: self._full])
        for cls in self._active:
            lazy_heap.compact(cls.entries)
        lazy_heap.compact(self._by_clock)
        lazy_heap.compact(self._by_time)

    def _fill(self, now: float) -> None:
        """Find the level, and let classes change side until the full ones are those below it.

        Those whose limit is the level but for rounding are free.
        """
        active, egress = self._active, self._link.capacity
        while self._full:
            cls = active[self._full - 1]
            if LESS * (egress - self._full_rate + cls.count * cls.limit) > cls.ratio * (self._free + cls.count * cls.m):
                break
            self._flip(cls, now)
        while self._full < len(active):
            cls = active[self._full]
            if cls.ratio * self._free >= LESS * (egress - self._full_rate):
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
        self._touched[cls] = None
