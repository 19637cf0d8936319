"""Ports with a burst rate: bytes above the sustained rate use up credit, and unused sustained rate earns it back.

The capacity of a port is its burst rate while it has credit, and its sustained rate once the credit is used up. When
a link or a cap keeps the rate of such a port below its sustained rate, the port earns credit, and has its burst rate
again at the next settle.

A balance changes linearly between two changes of the port's rate. So it is computed only when the rate changes, and the
time at which it runs out is known in advance. A settle costs O(ports with credit in the components that are settled),
and nothing in a network without credit.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pullsim.network import lazy_heap
from pullsim.network.flows import LESS, ROUNDING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pullsim.network.flows import Component, Port
    from pullsim.network.lazy_heap import Ticks
    from pullsim.spec.hardware import Burst


class Credit:
    """The burst credit of one port in bytes, full at time ``now``."""

    __slots__ = ("balance", "burst", "component", "port", "rate", "since", "spent", "sustained", "version")

    def __init__(self, port: Port, burst: Burst, now: float) -> None:
        self.port = port
        self.burst = burst
        self.sustained = port.capacity
        self.balance = burst.credit  # bytes, at the time `since`
        self.since = now
        self.rate = 0.0  # bytes/s that the port has taken since then
        self.spent = False  # the port has its sustained rate, as the credit was used up
        self.version = 0  # version of its entry in the heap of ends, see `lazy_heap`
        self.component: Component | None = None  # the component in which the port's rate is found
        port.set_full_rate(burst.rate)

    def read(self, now: float) -> float:
        """Bring the balance up to ``now`` and return it, in bytes."""
        spare = self.sustained - self.rate
        if abs(spare) > ROUNDING * self.sustained:
            balance = min(self.burst.credit, self.balance + spare * (now - self.since))
            self.balance = balance if balance > ROUNDING * self.burst.credit else 0.0
        self.since = now
        return self.balance

    def switch(self, spent: bool) -> None:
        """Give the port its sustained rate if the credit is spent, else its burst rate."""
        self.spent = spent
        self.version = 0
        self.port.set_full_rate(self.sustained if spent else self.burst.rate)


class Credits:
    """The credits of all ports of a network that have a burst rate."""

    def __init__(self, ticks: Ticks, isolated: Component) -> None:
        self._ticks = ticks
        self._isolated = isolated
        self._by_component: dict[Component, dict[Credit, None]] = {}
        # The credits of those isolated ports that were placed in this settle: no other isolated port has a new rate.
        self._placed: list[Credit] = []
        self._ends: list[tuple[float, int, Credit]] = []  # lazy heap of the times at which credit ends
        self._earning: dict[Credit, None] = {}  # spent credits of ports that take less than their sustained rate

    def place(self, credit: Credit, component: Component | None, now: float) -> None:
        """Note the component that finds the rate of the credit's port.

        None: the port has no transfers and earns credit, unless what is reserved of it needs some.
        """
        if credit.component is not component:
            if credit.component is not None:
                members = self._by_component[credit.component]
                del members[credit]
                if not members:
                    del self._by_component[credit.component]
            if component is not None:
                self._by_component.setdefault(component, {})[credit] = None
            credit.component = component
        if component is self._isolated:
            self._placed.append(credit)
        if component is None and credit.port.reserved:
            if self._take(credit, credit.port.kept, now):
                credit.switch(spent=True)
        elif component is None:
            credit.read(now)
            credit.rate = 0.0
            credit.switch(spent=False)
            self._earning.pop(credit, None)
        elif not credit.spent and not credit.read(now):
            credit.switch(spent=True)

    def replenish(self, now: float) -> None:
        """Give the ports whose credit was spent their burst rate, as far as they have earned credit since."""
        for credit in [credit for credit in self._earning if credit.read(now)]:
            del self._earning[credit]
            credit.port.announce_change(now)
            credit.switch(spent=False)

    def follow(self, settled: Iterable[Component], now: float) -> bool:
        """Note the rates of settled components.

        Returns whether ports ran out of credit, so that these must settle again.
        """
        changed = False
        for component in settled:
            members: Iterable[Credit] = self._by_component.get(component, ())
            if component is self._isolated:
                members, self._placed = self._placed, []
            for credit in members:
                rate = component.rate(credit.port) + credit.port.kept
                if rate != credit.rate and self._take(credit, rate, now):
                    credit.port.announce_change(now)
                    credit.switch(spent=True)
                    changed = True
        return changed

    def due(self) -> float:
        """Return the time at which the next credit is used up, inf if none is being used."""
        entry = lazy_heap.first(self._ends)
        return math.inf if entry is None else entry[0]

    def expire(self, now: float) -> None:
        """Give the ports whose credit is used up by ``now`` their sustained rate."""
        for credit in lazy_heap.pop_until(self._ends, now):
            credit.read(now)
            credit.balance = 0.0  # rounding can leave a rest
            credit.port.announce_change(now)
            credit.switch(spent=True)

    def _take(self, credit: Credit, rate: float, now: float) -> bool:
        """Note the port's rate from now on. Returns whether it needs credit and has none."""
        balance = credit.read(now)
        credit.rate = rate
        credit.version = 0
        if credit.spent:
            if rate < credit.sustained * LESS:
                self._earning[credit] = None
            else:
                self._earning.pop(credit, None)
            return False
        if rate <= credit.sustained * (1 + ROUNDING):
            return False
        if balance <= 0.0:
            return True
        credit.version = self._ticks.next()
        valid = sum(map(len, self._by_component.values()))
        lazy_heap.push(self._ends, now + balance / (rate - credit.sustained), credit, valid)
        return False
