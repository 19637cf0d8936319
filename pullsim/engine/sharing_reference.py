"""The slow obvious model that `sharing` is checked against: progressive filling over all transfers at every change."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pullsim.engine.event import Call, Event
from pullsim.engine.meter import Meter

if TYPE_CHECKING:
    from collections.abc import Callable

    import simpy

    from pullsim.engine.credit import Burst

_EGRESS, _CONNECTION, _NIC = range(3)
_ROUNDING = 1e-12  # relative; a difference below it is none


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
    """As `flows.Port`; with a burst rate, ``spent`` says whether it has the sustained rate."""

    def __init__(self, name: str, capacity: float, burst: Burst | None) -> None:
        self.name = name
        self.capacity = capacity if burst is None else burst.rate
        self.sustained = capacity
        self.burst = burst
        self.balance = 0.0 if burst is None else burst.credit
        self.spent = False
        self.transfers = 0
        self.on_busy: Callable[[bool], None] | None = None

    def count(self, change: int) -> None:
        """One transfer more or less."""
        before, self.transfers = self.transfers, self.transfers + change
        if self.on_busy is not None and bool(before) != bool(self.transfers):
            self.on_busy(bool(self.transfers))

    def earn(self, burst: Burst, used: float, elapsed: float) -> None:
        """Gain what the sustained rate had left, or pay what was above it."""
        balance = min(burst.credit, self.balance + (self.sustained - used) * elapsed)
        self.balance = balance if balance > _ROUNDING * burst.credit else 0.0

    def switch(self, burst: Burst, used: float) -> bool:
        """Change the capacity if the rate calls for it."""
        if self.spent:
            change = used < self.sustained * (1 - _ROUNDING)
        else:
            change = self.balance == 0.0 and used > self.sustained * (1 + _ROUNDING)
        if change:
            self.spent = not self.spent
            self.capacity = self.sustained if self.spent else burst.rate
        return change


class ReferenceTransfer(Event):
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
        self._bursting: list[tuple[ReferencePort, Burst]] = []
        self._time = env.now
        self._generation = 0

    def link(self, name: str, capacity: float = math.inf) -> ReferenceLink:
        """Make a link."""
        return ReferenceLink(self, name, capacity)

    def port(self, name: str, capacity: float, burst: Burst | None = None) -> ReferencePort:
        """Make a port."""
        port = ReferencePort(name, capacity, burst)
        if burst is not None:
            self._bursting.append((port, burst))
        return port

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
        for port, burst in self._bursting:
            port.earn(burst, self._used(port), elapsed)
        for flow in self.flows:
            flow.left = max(0.0, flow.left - flow.rate * elapsed)
            flow.seconds[flow.limit] += elapsed
            flow.link.note(start, self._time, flow.rate)

    def remove(self, flow: ReferenceTransfer) -> None:
        """Take a transfer out."""
        self.flows.remove(flow)
        flow.port.count(-1)

    def fill(self) -> None:
        """Find all rates and the capacities that they call for. Then plan the next end, of a transfer or credit."""
        self._raise()
        while any([port.switch(burst, self._used(port)) for port, burst in self._bursting]):  # noqa: C419 - all
            self._raise()
        self._generation += 1
        ends: list[tuple[float, ReferenceTransfer | ReferencePort]] = [
            (flow.left / flow.rate, flow) for flow in self.flows
        ]
        for port, _ in self._bursting:
            over = self._used(port) - port.sustained
            if not port.spent and over > port.sustained * _ROUNDING:
                ends.append((port.balance / over, port))
        if ends:
            wait, first = min(ends, key=lambda end: end[0])
            generation = self._generation
            Call(self.env, lambda _: self._end(generation, first), wait)

    def _used(self, port: ReferencePort) -> float:
        return sum(flow.rate for flow in self.flows if flow.port is port)

    def _raise(self) -> None:
        """Raise all rates together; whoever meets a limit keeps its rate."""
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

    def _share(self, what: ReferenceLink | ReferencePort, unfilled: dict[ReferenceTransfer, None]) -> float:
        mine = [flow for flow in self.flows if what in (flow.link, flow.port)]
        filled = [flow for flow in mine if flow not in unfilled]
        return (what.capacity - sum(flow.rate for flow in filled)) / (len(mine) - len(filled))

    def _end(self, generation: int, what: ReferenceTransfer | ReferencePort) -> None:
        if generation == self._generation:
            self.advance()
            if isinstance(what, ReferencePort):
                what.balance = 0.0
            else:
                what.left = 0.0
                self.remove(what)
                what.succeed()
            self.fill()
