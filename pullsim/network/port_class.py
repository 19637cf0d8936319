"""What `SeveralBottlenecks` shares among: links, classes of ports, and the aggregates of transfers between them."""

from __future__ import annotations

import math
from enum import Enum
from typing import TYPE_CHECKING

from pullsim.network.flows import LESS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.network.flows import FlowGroup, Link


class Limit(Enum):
    """What limits a transfer: its share of the link, its own cap, or its share of the port."""

    EGRESS = "egress"
    CONNECTION = "connection"
    NIC = "nic"


class Bottleneck:
    """A link with a clock: the bytes that a transfer has had which its share of the link limits."""

    __slots__ = ("clock", "due", "ends", "full", "given", "level", "link", "rate", "transfers")

    def __init__(self, link: Link) -> None:
        self.link = link
        self.transfers = 0  # of classes that are not full
        self.full = 0  # of the full ones
        self.given = 0.0  # bytes/s of these
        self.level = 0.0  # bytes/s of each transfer that the link limits; 0: there is none
        self.clock = 0.0
        self.ends: list[tuple[float, int, Aggregate]] = []  # lazy heap of the aggregates that follow, by their next end
        self.due = math.inf  # time of the first of them
        self.rate = 0.0  # bytes/s in all, as the link knows it


class Aggregate:
    """The transfers of one kind (link and cap) in the ports of one class: they have one rate, so one clock.

    It follows its bottleneck while that is its limit, else it has a rate of its own.
    """

    __slots__ = (
        "bottleneck",
        "by",
        "cap",
        "clock",
        "cls",
        "connection",
        "entries",
        "first",
        "follows",
        "nic",
        "number",
        "rate",
        "since",
        "version",
    )

    def __init__(self, cls: PortClass, bottleneck: Bottleneck, cap: float, number: int) -> None:
        self.cls = cls
        self.bottleneck = bottleneck
        self.cap = cap
        self.number = number  # of transfers in a port
        self.entries: list[tuple[float, int, FlowGroup]] = []  # lazy heap of the groups by their next end on the clock
        self.first: float | None = None  # the end for which it is entered among the dues
        self.version = 0
        self.reset(0.0)

    def reset(self, now: float) -> None:
        """Start anew, without a rate as yet."""
        self.follows = False
        self.clock = 0.0  # at the time `since`; while it follows: minus the bottleneck's
        self.since = now
        self.rate = 0.0  # bytes/s of one transfer
        self.by = Limit.NIC
        self.connection = self.nic = 0.0  # seconds with each of these limits, until `since`
        self.entries.clear()
        self.first = None
        self.version = 0

    def read(self, now: float) -> float:
        """Return the clock; that of the bottleneck stands at ``now``."""
        if self.follows:
            return self.bottleneck.clock + self.clock
        return self.clock + (now - self.since) * self.rate

    def seconds(self, now: float) -> tuple[float, float]:
        """Return the seconds limited by the cap and by the port until ``now``."""
        if self.follows:
            return self.connection, self.nic
        elapsed = now - self.since
        if self.by is Limit.CONNECTION:
            return self.connection + elapsed, self.nic
        return self.connection, self.nic + elapsed

    def follow(self, now: float) -> None:
        """Have the bottleneck's share from now on."""
        clock = self.read(now)
        self.connection, self.nic = self.seconds(now)
        self.follows = True
        self.clock = clock - self.bottleneck.clock

    def take(self, now: float, rate: float, by: Limit) -> None:
        """Have ``rate`` bytes/s a transfer from now on."""
        clock = self.read(now)
        self.connection, self.nic = self.seconds(now)
        self.follows = False
        self.clock = clock
        self.since = now
        self.rate = rate
        self.by = by


class State(Enum):
    """What is known of the limits of a class.

    Free: links alone limit all of its transfers. Full: none. Bound: neither of that has been found.
    """

    FREE = "free"
    FULL = "full"
    BOUND = "bound"


class PortClass:
    """Ports of ``capacity`` bytes/s with equal numbers of transfers of each kind.

    Its aggregates, one for each kind, are in the order of their caps.
    """

    __slots__ = ("aggregates", "capacity", "count", "easy", "full", "peak", "serial", "state", "transfers")

    def __init__(self, capacity: float, kinds: Sequence[tuple[Bottleneck, float, int]], serial: int) -> None:
        self.capacity = capacity
        self.aggregates = [Aggregate(self, *kind) for kind in kinds]
        self.serial = serial
        self.state = State.BOUND
        self.transfers = sum(aggregate.number for aggregate in self.aggregates)  # of a port
        self.count = 0  # ports
        self.easy = min(kinds[0][1], capacity / self.transfers)  # up to this level of all links they alone are limits
        self.full: list[float] = []  # the aggregates' rates where no link limits them
        left, transfers = capacity, self.transfers
        for aggregate in self.aggregates:
            rate = min(aggregate.cap, left / transfers)
            self.full.append(rate)
            left -= aggregate.number * rate
            transfers -= aggregate.number
        self.peak = max(self.full)  # above this level of all links none of them is a limit

    def count_in(self, ports: int) -> None:
        """Add to its ports, or take from them."""
        self.count += ports
        self._add(ports)

    def become(self, state: State) -> None:
        """Change the state."""
        self._add(-self.count)
        self.state = state
        self._add(self.count)

    def _add(self, ports: int) -> None:
        """Let the bottlenecks know of ports more or less."""
        if self.state is not State.FULL:
            for aggregate in self.aggregates:
                aggregate.bottleneck.transfers += ports * aggregate.number
            return
        for aggregate, rate in zip(self.aggregates, self.full, strict=True):
            bottleneck, transfers = aggregate.bottleneck, ports * aggregate.number
            bottleneck.full += transfers
            bottleneck.given = (
                bottleneck.given + transfers * rate if bottleneck.full else 0.0
            )  # no dust of a sum of differences

    def stays_free(self, levels: dict[Bottleneck, float]) -> bool:
        """Whether neither port nor caps keep the transfers of a free class from the links' levels."""
        needed = 0.0
        for aggregate in self.aggregates:
            level = levels.get(aggregate.bottleneck, math.inf)
            if aggregate.cap < level * LESS:
                return False
            needed += aggregate.number * level
        return needed * LESS <= self.capacity

    def stays_full(self, levels: dict[Bottleneck, float]) -> bool:
        """Whether ports and caps keep all transfers of a full class below the links' levels."""
        return all(
            rate < levels.get(aggregate.bottleneck, math.inf) * LESS
            for aggregate, rate in zip(self.aggregates, self.full, strict=True)
        )
