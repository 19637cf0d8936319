"""One link that can bind, and the ports that pull from it alone: O(log ports) for each instant.

All transfers of a port have the rate min(level, C/m, cap) in bytes/s. The level is the rate of the transfers that the
link limits, C the capacity of the port and m the number of its transfers. Ports with equal limits are one class. A
class is *full* while its own limit is below the level, and then has a clock of its own. All other classes are *free*:
the link limits them, and they share its clock. When the level passes the limit of a class, the whole class changes its
state.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pullsim.kernel.ends import Ends
from pullsim.kernel.pairing_heap import Node
from pullsim.network.flows import LESS, REBASE, Component, FlowGroup, Link, Port

if TYPE_CHECKING:
    from pullsim.network.flows import Transfer
    from pullsim.network.lazy_heap import Ticks


class PortClass(Node):
    """Ports with ``m`` transfers each. The transfers of one port can take ``limit`` bytes/s together at the most.

    It is simpler than the class of the same name in `port_class`: all transfers of a port are of one kind.
    """

    __slots__ = (
        "by_cap",
        "changed",
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
    )

    def __init__(self, limit: float, m: int, by_cap: bool, transfer_limit: float) -> None:
        self.limit = limit
        self.m = m
        self.transfer_limit = transfer_limit  # bytes/s that one transfer can take at the most
        self.by_cap = by_cap  # the limit is the transfers' cap, else the port's capacity
        self.count = 0  # number of ports in the class
        self.entries: Ends[FlowGroup] = Ends()  # the groups by their next end on the clock
        self.full = False  # its own limit is below the level of the link
        self.clock = 0.0  # if full: its clock at the time `since`; if free: its clock minus the link's
        self.since = 0.0  # time at which it became full
        self.seconds = 0.0  # seconds for which it has been full, without those since `since` while it is full
        self.first = math.inf  # clock at the next end, as entered among the ends of classes; inf: it has no entry
        self.order = 0.0
        self.changed = False  # its first end may have changed in this instant
        self._above = self._below = self._beside = None


class SingleBottleneck(Component):
    """Max-min sharing of one link: `Port.placed` is the port's only group."""

    def __init__(self, link: Link, ticks: Ticks) -> None:
        super().__init__()
        self._link = link
        self._ticks = ticks
        self._classes: dict[float, list[PortClass]] = {}  # by their limit
        self._active: list[PortClass] = []  # classes with ports, by transfer_limit; the first `_full` are full
        self._full = 0  # number of full classes
        self._full_rate = 0.0  # bytes/s of all transfers of full classes
        self._free = 0  # number of transfers of free classes
        self._level = 0.0  # bytes/s of each transfer of a free class
        self._clock = 0.0  # bytes that each transfer of a free class has received, at the time `_time`
        self._time = 0.0
        self._changed: list[PortClass] = []  # those that are `changed`
        # The next ends: of free classes by the link's clock, of full classes by time.
        self._by_clock: Ends[PortClass] = Ends()
        self._by_time: Ends[PortClass] = Ends()
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
        cls = self._class(m * group.cap if by_cap else port.capacity, m, by_cap, group.cap if by_cap else share)
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
        cls.entries.put(group, group.end - offset, self._ticks.next())
        self._entered += 1
        if not cls.changed:
            self._note_change(cls)

    def _class(self, limit: float, m: int, by_cap: bool, transfer_limit: float) -> PortClass:
        """Return the class of ports with these properties, and make it if there is none."""
        alike = self._classes.get(limit)
        if alike is None:
            alike = self._classes[limit] = []
        for cls in alike:
            if cls.m == m and cls.by_cap == by_cap:
                return cls
        made = PortClass(limit, m, by_cap, transfer_limit)
        alike.append(made)
        return made

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
        clock = self._clock
        self.needs_rebase = clock > REBASE
        for cls in self._changed:
            cls.changed = False
            if not cls.count:
                continue
            group = cls.entries.first()
            assert group is not None
            end = group.when
            if end == cls.first:
                continue  # its entry is still right
            cls.first = end
            if cls.full:
                reading = cls.clock + (now - cls.since) * cls.transfer_limit
                if reading > REBASE:
                    self.needs_rebase = True
                self._by_time.put(cls, now + (end - reading) / cls.transfer_limit, self._ticks.next())
            else:
                self._by_clock.put(cls, end - cls.clock, self._ticks.next())
        self._changed.clear()
        self._clock_due = math.inf
        if (free := self._by_clock.first()) is not None:
            left = free.when - clock
            self._clock_due = now + left / self._level if left > 0.0 else now
        full = self._by_time.first()
        if full is not None and full.when < self._clock_due:
            return full.when
        return self._clock_due

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
        if self._clock_due <= now and (free := self._by_clock.first()) is not None:
            self._clock = max(self._clock, free.when)  # it must read that end, even if rounding leaves it below
            due = self._by_clock.take_until(self._clock)
        due += self._by_time.take_until(now)
        for cls in due:
            end, cls.first = cls.first, math.inf
            if not cls.changed:
                self._note_change(cls)
            for group in cls.entries.take_until(end):
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

    def _note_change(self, cls: PortClass) -> None:
        """Note that the first end of a class may have changed, which was not noted before."""
        cls.changed = True
        self._changed.append(cls)

    def _withdraw(self, cls: PortClass) -> None:
        """Withdraw the next end of a class."""
        if cls.full:
            self._by_time.withdraw(cls)
        else:
            self._by_clock.withdraw(cls)
        cls.first = math.inf

    def _activate(self, cls: PortClass, now: float) -> None:
        """Enter a class that gets its first port; it is full if a class after it in the order is."""
        index = self._place_after(cls.transfer_limit)
        cls.full = index < self._full  # so that the full classes stay the first ones
        self._full += cls.full
        self._active.insert(index, cls)
        cls.since = now
        cls.clock = 0.0

    def _place_after(self, transfer_limit: float) -> int:
        """Return the place after the active classes with at most this limit: a `bisect_right` that is compiled."""
        active = self._active
        low, high = 0, len(active)
        while low < high:
            middle = (low + high) >> 1
            if transfer_limit < active[middle].transfer_limit:
                high = middle
            else:
                low = middle + 1
        return low

    def _count(self, cls: PortClass, change: int) -> None:
        """Count one port more in a class, or one less."""
        cls.count += change
        if cls.full:
            self._full_rate += change * cls.limit
        else:
            self._free += change * cls.m
        if not cls.changed:
            self._note_change(cls)

    def _remove(self, group: FlowGroup) -> None:
        """Take the group of a port out of its class, and the class out of the order if it has no ports left."""
        cls: PortClass = group.cls
        cls.entries.withdraw(group)
        self._count(cls, -1)
        if cls.count:
            return
        index = self._place_after(cls.transfer_limit) - 1
        while self._active[index] is not cls:
            index -= 1
        del self._active[index]
        self._withdraw(cls)
        self._full -= cls.full
        cls.full = False

    def _refresh(self) -> None:
        """Remove withdrawn entries from all heaps, and sum the rates of full classes anew, without rounding errors."""
        self._entered = 0
        self._full_rate = math.fsum(cls.count * cls.limit for cls in self._active[: self._full])
        for cls in self._active:
            cls.entries.compact()
        self._by_clock.compact()
        self._by_time.compact()

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
        self._withdraw(cls)
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
        if not cls.changed:
            self._note_change(cls)
