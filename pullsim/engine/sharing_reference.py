"""The slow obvious model that `sharing` is checked against: progressive filling over all transfers at every change."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import simpy

from pullsim.engine.clock import Call
from pullsim.engine.meter import Meter

if TYPE_CHECKING:
    from collections.abc import Callable

_EGRESS, _CONNECTION, _NIC = range(3)


class ReferenceLink:
    """As `flows.Link`."""

    def __init__(self, net: ReferenceNetwork, name: str, capacity: float) -> None:
        self.name = name
        self.capacity = capacity
        self._net = net
        self._meter = Meter()

    @property
    def meter(self) -> Meter:
        """Bytes carried over time, up to now."""
        self._net.advance()
        return self._meter

    @property
    def carried(self) -> float:
        """Bytes carried up to now."""
        return self.meter.total

    def note(self, start: float, end: float, rate: float) -> None:
        """Count what one transfer gets."""
        self._meter.add(start, end, rate)


class ReferencePort:
    """As `flows.Port`."""

    def __init__(self, name: str, capacity: float) -> None:
        self.name = name
        self.capacity = capacity
        self.transfers = 0
        self.on_busy: Callable[[bool], None] | None = None

    def count(self, change: int) -> None:
        """One transfer more or less."""
        before, self.transfers = self.transfers, self.transfers + change
        if self.on_busy is not None and bool(before) != bool(self.transfers):
            self.on_busy(bool(self.transfers))


class ReferenceTransfer(simpy.Event):
    """As `flows.Transfer`."""

    def __init__(
        self, net: ReferenceNetwork, link: ReferenceLink, port: ReferencePort, size: float, cap: float
    ) -> None:
        super().__init__(net.env)
        self.link = link
        self.port = port
        self.cap = cap
        self.left = float(size)
        self.rate = 0.0
        self.limit = _EGRESS
        self.seconds = [0.0, 0.0, 0.0]
        self._net = net

    @property
    def limited(self) -> tuple[float, float, float]:
        """Seconds limited by egress, connection and NIC."""
        egress, connection, nic = self.seconds
        return egress, connection, nic

    def cancel(self) -> float:
        """Stop; returns the bytes not yet sent."""
        if self not in self._net.flows:
            return 0.0
        self._net.advance()
        self._net.remove(self)
        self._net.fill()
        return self.left


class ReferenceNetwork:
    """As `sharing.Network`."""

    def __init__(self, env: simpy.Environment) -> None:
        self.env = env
        self.flows: list[ReferenceTransfer] = []
        self._time = 0.0
        self._generation = 0

    def link(self, name: str, capacity: float = math.inf) -> ReferenceLink:
        """Make a link."""
        return ReferenceLink(self, name, capacity)

    def port(self, name: str, capacity: float) -> ReferencePort:
        """Make a port."""
        return ReferencePort(name, capacity)

    def transfer(
        self, link: ReferenceLink, port: ReferencePort, size: float, cap: float = math.inf
    ) -> ReferenceTransfer:
        """Send ``size`` bytes."""
        flow = ReferenceTransfer(self, link, port, size, cap)
        if size == 0.0 or min(cap, link.capacity, port.capacity) == math.inf:
            flow.succeed()
            return flow
        self.advance()
        self.flows.append(flow)
        port.count(1)
        self.fill()
        return flow

    def advance(self) -> None:
        """Send what the rates say, up to now."""
        start, self._time = self._time, self.env.now
        elapsed = self._time - start
        if not elapsed:
            return
        for flow in self.flows:
            flow.left = max(0.0, flow.left - flow.rate * elapsed)
            flow.seconds[flow.limit] += elapsed
            flow.link.note(start, self._time, flow.rate)

    def remove(self, flow: ReferenceTransfer) -> None:
        """Take a transfer out."""
        self.flows.remove(flow)
        flow.port.count(-1)

    def fill(self) -> None:
        """Raise all rates together; whoever meets a limit keeps its rate. Then plan the next end."""
        unfilled = dict.fromkeys(self.flows)
        while unfilled:
            # of limits at one rate: egress, then NIC, then connection
            options: list[tuple[float, int, ReferenceLink | ReferencePort | ReferenceTransfer]] = [
                *((self._share(link, unfilled), _EGRESS, link) for link in {flow.link: None for flow in unfilled}),
                *((self._share(port, unfilled), _NIC, port) for port in {flow.port: None for flow in unfilled}),
                *((flow.cap, _CONNECTION, flow) for flow in unfilled),
            ]
            rate, limit, who = min(options, key=lambda option: option[0])
            for flow in [flow for flow in unfilled if who in (flow.link, flow.port, flow)]:
                flow.rate, flow.limit = rate, limit
                del unfilled[flow]
        self._generation += 1
        if self.flows:
            first = min(self.flows, key=lambda flow: flow.left / flow.rate)
            generation = self._generation
            Call(self.env, lambda _: self._end(generation, first), first.left / first.rate)

    def _share(self, what: ReferenceLink | ReferencePort, unfilled: dict[ReferenceTransfer, None]) -> float:
        mine = [flow for flow in self.flows if what in (flow.link, flow.port)]
        filled = [flow for flow in mine if flow not in unfilled]
        return (what.capacity - sum(flow.rate for flow in filled)) / (len(mine) - len(filled))

    def _end(self, generation: int, flow: ReferenceTransfer) -> None:
        if generation == self._generation:
            self.advance()
            flow.left = 0.0
            self.remove(flow)
            flow.succeed()
            self.fill()
