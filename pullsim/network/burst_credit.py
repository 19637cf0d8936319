"""Ports that may go faster for as long as credit lasts: bytes above the sustained rate use it, unused rate refills it.

A port with credit has its burst rate as capacity, one that has run out its sustained rate. As soon as something else
holds it below that it earns credit again, and so has its burst rate as capacity at the next change. Balances are linear
between changes of a port's rate, so each is brought up to date where its rate changes, and when it ends is known.
That is O(ports with credit that share a link) a settle, and nothing without any.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pullsim.network import lazy_heap
from pullsim.network.flows import LESS, ROUNDING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pullsim.network.flows import Component, Port
    from pullsim.spec.hardware import Burst


class Credit:
    """The credit of one port, from ``now`` on."""

    __slots__ = ("balance", "burst", "component", "port", "rate", "since", "spent", "sustained", "version")

    def __init__(self, port: Port, burst: Burst, now: float) -> None:
        self.port = port
        self.burst = burst
        self.sustained = port.capacity
        self.balance = burst.credit  # bytes, at the time `since`
        self.since = now
        self.rate = 0.0  # bytes/s that the port has been taking since
        self.spent = False
        self.version = 0
        self.component: Component | None = None  # where its rate is followed
        port.capacity = burst.rate

    def read(self, now: float) -> float:
        """Bring the balance up to ``now``; returns it."""
        spare = self.sustained - self.rate
        if abs(spare) > ROUNDING * self.sustained:
            balance = min(self.burst.credit, self.balance + spare * (now - self.since))
            self.balance = balance if balance > ROUNDING * self.burst.credit else 0.0
        self.since = now
        return self.balance

    def switch(self, spent: bool) -> None:
        """Change between the rates."""
        self.spent = spent
        self.version = 0
        self.port.capacity = self.sustained if spent else self.burst.rate


class Credits:
    """All credits of a network."""

    def __init__(self, tick: Callable[[], int], isolated: Component) -> None:
        self._tick = tick
        self._isolated = isolated
        self._by_component: dict[Component, dict[Credit, None]] = {}
        self._placed: list[Credit] = []  # isolated ports of this settle; nobody else's change concerns the others
        self._ends: list[tuple[float, int, Credit]] = []  # lazy heap of the times at which credit ends
        self._earning: dict[Credit, None] = {}  # those with the sustained rate that something else holds below it

    def place(self, credit: Credit, component: Component | None, now: float) -> None:
        """Follow the rate of a port in its component; without one it is idle and earns credit."""
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
        if component is None:
            credit.read(now)
            credit.rate = 0.0
            credit.switch(spent=False)
            self._earning.pop(credit, None)
        elif not credit.spent and not credit.read(now):
            credit.switch(spent=True)

    def replenish(self, now: float) -> None:
        """Give the burst rate to the ports that have earned credit since they had none."""
        for credit in [credit for credit in self._earning if credit.read(now)]:
            del self._earning[credit]
            credit.port.touch(now)
            credit.switch(spent=False)

    def follow(self, settled: Iterable[Component], now: float) -> bool:
        """Take note of the rates; returns whether ports have run out of credit: then there is more to settle."""
        changed = False
        for component in settled:
            members: Iterable[Credit] = self._by_component.get(component, ())
            if component is self._isolated:
                members, self._placed = self._placed, []
            for credit in members:
                rate = component.rate(credit.port)
                if rate != credit.rate and self._take(credit, rate, now):
                    credit.port.touch(now)
                    credit.switch(spent=True)
                    changed = True
        return changed

    def due(self) -> float:
        """Return when the next credit ends, inf if none does."""
        entry = lazy_heap.first(self._ends)
        return math.inf if entry is None else entry[0]

    def expire(self, now: float) -> None:
        """End the credits that are due."""
        for credit in lazy_heap.pop_until(self._ends, now):
            credit.read(now)
            credit.balance = 0.0  # whatever rounding says
            credit.port.touch(now)
            credit.switch(spent=True)

    def _take(self, credit: Credit, rate: float, now: float) -> bool:
        """Note a rate from now on; returns whether there is no credit for it."""
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
        credit.version = self._tick()
        standing = sum(map(len, self._by_component.values()))
        lazy_heap.push(self._ends, now + balance / (rate - credit.sustained), credit, standing)
        return False
