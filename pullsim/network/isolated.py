"""Ports that pull only from links of infinite capacity: each is solved by itself, in O(log ports) for each event."""

from __future__ import annotations

import math
from operator import attrgetter
from typing import TYPE_CHECKING

from pullsim.network import lazy_heap
from pullsim.network.flows import LESS, REBASE, Component, FlowGroup, Link, Port

if TYPE_CHECKING:
    from pullsim.network.flows import Transfer
    from pullsim.network.lazy_heap import Ticks

_BY_CAP = attrgetter("cap")


class _Total:
    """The number of flow groups over one link, and the bytes/s of all their transfers."""

    __slots__ = ("groups", "rate")

    def __init__(self) -> None:
        self.groups = 0
        self.rate = 0.0


class Isolated(Component):
    """Max-min sharing within each port: `Port.placed` is the list of its groups by ascending cap."""

    def __init__(self, ticks: Ticks) -> None:
        super().__init__()  # it never `needs_rebase`: clocks restart from 0 when their port is placed
        self._ticks = ticks
        self._due: list[tuple[float, int, FlowGroup]] = []  # lazy heap of the next ends by time, one entry a port
        self._totals: dict[Link, _Total] = {}
        self._changed: dict[Link, _Total] = {}  # totals that may have changed since the last settle

    def sync(self, port: Port, now: float) -> None:
        """See `Component`."""
        for group in port.placed:
            elapsed = now - group.since
            group.since = now
            group.clock += group.rate * elapsed
            if group.by_cap:
                group.connection += elapsed
            else:
                group.nic += elapsed

    def place(self, port: Port, now: float) -> None:
        """See `Component`."""
        if port in self.ports:
            self._forget(port)
        else:
            self.ports[port] = None
        port.placed = placed = sorted(port.groups.values(), key=_BY_CAP)
        left, flows = port.capacity, port.transfers
        wait, first = math.inf, placed[0]
        for group in placed:
            m = len(group.ends)
            share = left / flows
            group.by_cap = group.cap < share * LESS
            group.rate = rate = min(group.cap, share)
            left -= m * rate
            flows -= m
            if group.clock > REBASE:
                group.rebase()
            group.since = now
            group.total = m * rate
            self._count(group, 1, group.total)
            due = (group.end - group.clock) / rate
            if due < wait:
                wait, first = due, group
        first.version = self._ticks.next()
        lazy_heap.push(self._due, now + wait, first, len(self.ports))

    def leave(self, port: Port, now: float) -> None:  # noqa: ARG002 - the protocol has it
        """See `Component`."""
        self._forget(port)
        port.placed = None
        del self.ports[port]

    def settle(self, now: float) -> float:
        """See `Component`."""
        for link, total in self._changed.items():
            if not total.groups:
                total.rate = 0.0  # the sum of differences keeps rounding errors
            link.set_rate(self, now, total.rate)
        self._changed.clear()
        entry = lazy_heap.first(self._due)
        return math.inf if entry is None else entry[0]

    def rate(self, port: Port) -> float:
        """See `Component`."""
        placed: list[FlowGroup] = port.placed
        return sum([group.total for group in placed])

    def rates(self, port: Port) -> list[tuple[FlowGroup, float]]:
        """See `Component`."""
        placed: list[FlowGroup] = port.placed
        return [(group, group.rate) for group in placed]

    def complete(self, now: float, ended: list[Transfer]) -> None:
        """See `Component`."""
        for group in lazy_heap.pop_until(self._due, now):
            group.finish(now, ended)

    def _forget(self, port: Port) -> None:
        """Withdraw the entries of a port's groups, and subtract them from the totals of their links."""
        for group in port.placed:
            group.version = 0
            self._count(group, -1, -group.total)

    def _count(self, group: FlowGroup, groups: int, rate: float) -> None:
        """Add a number of groups and their bytes/s to the totals of their link; negative ones subtract."""
        link = group.link
        total = self._totals.get(link)
        if total is None:
            total = self._totals[link] = _Total()
        total.groups += groups
        total.rate += rate
        self._changed[link] = total
