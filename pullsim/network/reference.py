"""The slow obvious model that `network` is checked against: progressive filling over all transfers at every change.

It also says what is right where several things fall into one instant:

* Capacity is shared after everything of an instant has happened. The order of starts, ends and cancellations within the
  instant does not matter.
* A transfer or credit whose end differs from an instant by rounding alone ends in that instant. A transfer whose last
  byte is due in the instant of its cancellation has arrived: it succeeds, and the cancellation stops nothing. Credit
  that is due to end in an instant is used up.
* A port has its burst rate while it has credit. It has its sustained rate from the instant in which no credit is left
  until an instant in which it has earned some. Nothing but the balance decides this.
* Where several limits are equal, the time counts as limited by the egress before the NIC, and by the NIC before the
  connection. Rates that differ by rounding only are equal.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pullsim.kernel.event import Call, Event
from pullsim.network.meter import Meter

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.kernel.environment import Environment
    from pullsim.spec.hardware import Burst

_EGRESS, _CONNECTION, _NIC = range(3)
_ROUNDING = 1e-12  # relative; values that differ by less are equal
_TOLERANCE = 1e-9  # relative, used where the reference checks its own rates


class ReferenceLink:
    """The counterpart of `flows.Link`."""

    def __init__(self, net: ReferenceNetwork, name: str, capacity: float) -> None:
        self.name = name
        self.capacity = capacity
        self._net = net
        self._meter = Meter()

    @property
    def meter(self) -> Meter:
        """The bytes carried over time, up to now."""
        self._net.advance()
        return self._meter

    @property
    def carried(self) -> float:
        """The bytes carried up to now, in total."""
        return self.meter.total

    def note(self, start: float, end: float, rate: float) -> None:
        """Count the bytes of one transfer at ``rate`` bytes/s from ``start`` to ``end``."""
        self._meter.add(start, end, rate)


class ReferencePort:
    """The counterpart of `flows.Port`. Its capacity is the burst rate, if it has one, while there is credit."""

    def __init__(self, name: str, capacity: float, burst: Burst | None) -> None:
        self.name = name
        self.sustained = capacity
        self.burst = burst
        self.balance = 0.0 if burst is None else burst.credit
        self.transfers = 0
        self.on_busy: Callable[[bool], None] | None = None

    @property
    def capacity(self) -> float:
        """The bytes/s that all its transfers share."""
        return self.burst.rate if self.burst is not None and self.balance else self.sustained

    def count(self, change: int) -> None:
        """Count one transfer more (1) or less (-1), and call ``on_busy`` for the first and after the last."""
        before, self.transfers = self.transfers, self.transfers + change
        if self.on_busy is not None and bool(before) != bool(self.transfers):
            self.on_busy(bool(self.transfers))

    def earn(self, burst: Burst, used: float, elapsed: float) -> None:
        """Add the unused sustained rate over ``elapsed`` seconds to the balance, or subtract what was used above it."""
        spare = self.sustained - used
        if abs(spare) > self.sustained * _ROUNDING:
            balance = min(burst.credit, self.balance + spare * elapsed)
            self.balance = balance if balance > burst.credit * _ROUNDING else 0.0


class ReferenceTransfer(Event):
    """The counterpart of `flows.Transfer`."""

    def __init__(
        self, net: ReferenceNetwork, links: tuple[ReferenceLink, ...], port: ReferencePort, size: float, cap: float
    ) -> None:
        super().__init__(net.env)
        self.links = links
        self.port = port
        self.crossed: tuple[ReferenceLink | ReferencePort, ...] = (*links, port)
        self.cap = cap
        self.size = float(size)
        self.left = self.size
        self.rate = 0.0
        self.limit = _EGRESS
        self.seconds = [0.0, 0.0, 0.0]
        self._net = net

    @property
    def limited(self) -> tuple[float, float, float]:
        """The seconds limited by egress, connection and NIC, as of the last `ReferenceNetwork.advance`."""
        egress, connection, nic = self.seconds
        return egress, connection, nic

    def cancel(self) -> float:
        """Stop the transfer. Returns the bytes not yet sent, 0 if it has ended or is due."""
        if self not in self._net.flows:
            return 0.0
        self._net.advance()
        self._net.remove(self)
        if self.left <= self._rounding():
            self.left = 0.0
            self.succeed()
        self._net.fill()
        return self.left

    def _rounding(self) -> float:
        """Return the bytes that rounding of sums and of the time can leave of a transfer that is due."""
        fastest = min(self.cap, *(what.capacity for what in self.crossed))
        return _ROUNDING * self.size + 4.0 * math.ulp(self._net.env.now) * fastest


class ReferenceNetwork:
    """The counterpart of `network.Network`."""

    def __init__(self, env: Environment) -> None:
        self.env = env
        self.flows: list[ReferenceTransfer] = []
        self._bursting: list[tuple[ReferencePort, Burst]] = []
        self._time = env.now
        self._generation = 0

    def link(self, name: str, capacity: float = math.inf) -> ReferenceLink:
        """Make a link of ``capacity`` bytes/s."""
        return ReferenceLink(self, name, capacity)

    def port(self, name: str, capacity: float, burst: Burst | None = None) -> ReferencePort:
        """Make a port of ``capacity`` bytes/s, which is its sustained rate if it has a ``burst``."""
        port = ReferencePort(name, capacity, burst)
        if burst is not None:
            self._bursting.append((port, burst))
        return port

    def transfer(
        self,
        path: ReferenceLink | tuple[ReferenceLink, ...],
        port: ReferencePort,
        size: float,
        cap: float = math.inf,
    ) -> ReferenceTransfer:
        """Send ``size`` bytes over a link, or several in turn, to a port, at ``cap`` bytes/s at most."""
        links = (path,) if isinstance(path, ReferenceLink) else path
        flow = ReferenceTransfer(self, links, port, size, cap)
        if size == 0.0 or min(cap, *(what.capacity for what in flow.crossed)) == math.inf:
            flow.succeed()
            return flow
        self.advance()
        self.flows.append(flow)
        port.count(1)
        self.fill()
        return flow

    def advance(self) -> None:
        """Account for the bytes sent at the present rates since the last call."""
        start, self._time = self._time, self.env.now
        elapsed = self._time - start
        if not elapsed:
            return
        for port, burst in self._bursting:
            port.earn(burst, self._used(port), elapsed)
        for flow in self.flows:
            flow.left = max(0.0, flow.left - flow.rate * elapsed)
            flow.seconds[flow.limit] += elapsed
            for link in flow.links:
                link.note(start, self._time, flow.rate)

    def remove(self, flow: ReferenceTransfer) -> None:
        """Remove a transfer."""
        self.flows.remove(flow)
        flow.port.count(-1)

    def fill(self) -> None:
        """Find all rates, and schedule the next end of a transfer or of credit."""
        self._raise_rates()
        self._check()
        self._generation += 1
        ends: list[tuple[float, ReferenceTransfer | ReferencePort]] = [
            (flow.left / flow.rate, flow) for flow in self.flows
        ]
        for port, _ in self._bursting:
            over = self._used(port) - port.sustained
            if port.balance and over > port.sustained * _ROUNDING:
                ends.append((port.balance / over, port))
        if ends:
            wait, first = min(ends, key=lambda end: end[0])
            generation = self._generation
            Call(self.env, lambda _: self._end(generation, first), wait)

    def _used(self, port: ReferencePort) -> float:
        return sum(flow.rate for flow in self.flows if flow.port is port)

    def _raise_rates(self) -> None:
        """Raise all rates together; a transfer that meets a limit stays at that rate."""
        unfilled = dict.fromkeys(self.flows)
        while unfilled:
            # Among equal limits the first option is taken: egress before NIC before connection.
            options: list[tuple[float, int, ReferenceLink | ReferencePort | ReferenceTransfer]] = [
                *(
                    (self._share(link, unfilled), _EGRESS, link)
                    for link in {link: None for flow in unfilled for link in flow.links}
                ),
                *((self._share(port, unfilled), _NIC, port) for port in {flow.port: None for flow in unfilled}),
                *((flow.cap, _CONNECTION, flow) for flow in unfilled),
            ]
            least = min(rate for rate, _, _ in options) * (1 + _ROUNDING)
            rate, limit, who = next(option for option in options if option[0] <= least)
            for flow in [flow for flow in unfilled if who is flow or who in flow.crossed]:
                flow.rate, flow.limit = rate, limit
                del unfilled[flow]

    def _share(self, what: ReferenceLink | ReferencePort, unfilled: dict[ReferenceTransfer, None]) -> float:
        mine = [flow for flow in self.flows if what in flow.crossed]
        filled = [flow for flow in mine if flow not in unfilled]
        return (what.capacity - sum(flow.rate for flow in filled)) / (len(mine) - len(filled))

    def _check(self) -> None:
        """Assert what defines max-min fair rates: no capacity is exceeded, and each transfer has a limit.

        The limit is its own cap, or a full link or port on which no other transfer has a higher rate.
        """
        used: dict[ReferenceLink | ReferencePort, float] = {}
        most: dict[ReferenceLink | ReferencePort, float] = {}
        for flow in self.flows:
            for what in flow.crossed:
                used[what] = used.get(what, 0.0) + flow.rate
                most[what] = max(most.get(what, 0.0), flow.rate)
        below, above = 1 - _TOLERANCE, 1 + _TOLERANCE
        assert all(rate <= what.capacity * above for what, rate in used.items())
        for flow in self.flows:
            assert flow.rate <= flow.cap * above
            assert flow.rate >= flow.cap * below or any(
                used[what] >= what.capacity * below and flow.rate >= most[what] * below for what in flow.crossed
            )

    def _end(self, generation: int, what: ReferenceTransfer | ReferencePort) -> None:
        """End a transfer or a port's credit, unless rates have changed since this end was scheduled."""
        if generation == self._generation:
            self.advance()
            if isinstance(what, ReferencePort):
                what.balance = 0.0
            else:
                what.left = 0.0
                self.remove(what)
                what.succeed()
            self.fill()
