"""Ports that pull only from links that never bind: each on its own, O(log ports) an event."""

from __future__ import annotations

import math
from operator import attrgetter
from typing import TYPE_CHECKING

from pullsim.network import lazy_heap
from pullsim.network.flows import LESS, REBASE, Bundle, Domain, Link, Port

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.network.flows import Transfer

_BY_CAP = attrgetter("cap")


class _Total:
    """The bundles of one link, and their bytes/s together."""

    __slots__ = ("bundles", "rate")

    def __init__(self) -> None:
        self.bundles = 0
        self.rate = 0.0


class Isolated(Domain):
    """Each port filled by itself: `Port.placed` is the list of its bundles by ascending cap."""

    def __init__(self, tick: Callable[[], int]) -> None:
        self.due = math.inf
        self.ports: dict[Port, None] = {}
        self.general = False
        self.mixed = 0
        self.roots: dict[Link, None] = {}
        self.worn = False  # clocks are rebased as ports are placed
        self._tick = tick
        self._due: list[tuple[float, int, Bundle]] = []  # lazy heap of each port's next end
        self._totals: dict[Link, _Total] = {}
        self._changed: dict[Link, _Total] = {}  # those that may have

    def sync(self, port: Port, now: float) -> None:
        """See `Domain`."""
        for bundle in port.placed:
            elapsed = now - bundle.since
            bundle.since = now
            bundle.clock += bundle.rate * elapsed
            if bundle.by_cap:
                bundle.connection += elapsed
            else:
                bundle.nic += elapsed

    def place(self, port: Port, now: float) -> None:
        """See `Domain`."""
        if port in self.ports:
            self._forget(port)
        else:
            self.ports[port] = None
        port.placed = placed = sorted(port.bundles.values(), key=_BY_CAP)
        left, flows = port.capacity, port.transfers
        wait, first = math.inf, placed[0]
        for bundle in placed:
            m = len(bundle.flows)
            share = left / flows
            bundle.by_cap = bundle.cap < share * LESS
            bundle.rate = rate = min(bundle.cap, share)
            left -= m * rate
            flows -= m
            if bundle.clock > REBASE:
                bundle.rebase()
            bundle.since = now
            bundle.total = m * rate
            self._count(bundle, 1, bundle.total)
            due = (bundle.flows[0][0] - bundle.clock) / rate
            if due < wait:
                wait, first = due, bundle
        first.version = self._tick()
        lazy_heap.push(self._due, now + wait, first, len(self.ports))

    def leave(self, port: Port, now: float) -> None:  # noqa: ARG002 - the protocol's
        """See `Domain`."""
        self._forget(port)
        port.placed = None
        del self.ports[port]

    def settle(self, now: float) -> float:
        """See `Domain`."""
        for link, total in self._changed.items():
            if not total.bundles:
                total.rate = 0.0  # a sum of differences leaves dust
            link.set_rate(self, now, total.rate)
        self._changed.clear()
        entry = lazy_heap.first(self._due)
        return math.inf if entry is None else entry[0]

    def rate(self, port: Port) -> float:
        """See `Domain`."""
        placed: list[Bundle] = port.placed
        return sum([bundle.total for bundle in placed])

    def complete(self, now: float, ended: list[Transfer]) -> None:
        """See `Domain`."""
        for bundle in lazy_heap.pop_until(self._due, now):
            bundle.finish(now, ended)

    def _forget(self, port: Port) -> None:
        for bundle in port.placed:
            bundle.version = 0
            self._count(bundle, -1, -bundle.total)

    def _count(self, bundle: Bundle, bundles: int, rate: float) -> None:
        link = bundle.link
        total = self._totals.get(link)
        if total is None:
            total = self._totals[link] = _Total()
        total.bundles += bundles
        total.rate += rate
        self._changed[link] = total
