"""The parts of a `SeveralBottlenecks`: links, classes of ports, and aggregates of transfers."""

from __future__ import annotations

import math
from enum import Enum
from typing import TYPE_CHECKING

from pullsim.network.flows import LESS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.network.flows import FlowGroup, Link


class Limit(Enum):
    """What limits the rate of a transfer: its share of a link, its own cap, or its share of the port."""

    EGRESS = "egress"
    CONNECTION = "connection"
    NIC = "nic"


class Bottleneck:
    """A link with a clock: the bytes received so far by each transfer that its share of this link limits."""

    __slots__ = ("clock", "due", "ends", "full_rate", "full_transfers", "level", "link", "rate", "transfers")

    def __init__(self, link: Link) -> None:
        self.link = link
        self.transfers = 0  # number of transfers in ports of classes that are not full
        self.full_transfers = 0  # number of transfers in ports of full classes
        self.full_rate = 0.0  # bytes/s that the transfers of full classes take together
        self.level = 0.0  # bytes/s of each transfer that the link limits; 0: it limits none
        self.clock = 0.0  # bytes
        # Lazy heap of the aggregates that follow the link, by next end.
        self.ends: list[tuple[float, int, Aggregate]] = []
        self.due = math.inf  # time of the first end in that heap
        self.rate = 0.0  # bytes/s of all transfers, as last set in `Link.set_rate`


class Aggregate:
    """The transfers of one kind (link and cap) in all ports of one class. They have one rate, so one clock serves all.

    While the link limits them, the aggregate follows the clock of its bottleneck; else it has a rate of its own.
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
        self.number = number  # transfers of this kind in each port
        self.entries: list[tuple[float, int, FlowGroup]] = []  # lazy heap of the groups by their next end on the clock
        self.first: float | None = None  # clock at the next end, as entered in a heap of ends; None: it has no entry
        self.version = 0  # version of that entry, see `lazy_heap`
        self.reset(0.0)

    def reset(self, now: float) -> None:
        """Start again from 0 at ``now``; the rate is set when the instant is settled."""
        self.follows = False
        self.clock = 0.0  # at the time `since`; while it follows: its own clock minus the bottleneck's
        self.since = now
        self.rate = 0.0  # bytes/s of one transfer
        self.by = Limit.NIC  # what limits the transfers while it does not follow
        self.connection = self.nic = 0.0  # seconds limited by the cap and by the port, until `since`
        self.entries.clear()
        self.first = None
        self.version = 0

    def read(self, now: float) -> float:
        """Return the clock in bytes at ``now``, to which the clock of the bottleneck has been advanced."""
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
        """Follow the clock of the bottleneck from now on."""
        clock = self.read(now)
        self.connection, self.nic = self.seconds(now)
        self.follows = True
        self.clock = clock - self.bottleneck.clock

    def take(self, now: float, rate: float, by: Limit) -> None:
        """Give each transfer ``rate`` bytes/s from now on, limited by ``by``."""
        clock = self.read(now)
        self.connection, self.nic = self.seconds(now)
        self.follows = False
        self.clock = clock
        self.since = now
        self.rate = rate
        self.by = by


class State(Enum):
    """What limits the transfers of a class.

    Free: links limit all of them. Full: links limit none of them, ports and caps do. Bound: some of both, or not yet
    known.
    """

    FREE = "free"
    FULL = "full"
    BOUND = "bound"


class PortClass:
    """Ports of ``capacity`` bytes/s with equal numbers of transfers of each kind.

    Its aggregates, one for each kind, are in the order of their caps.
    """

    __slots__ = (
        "aggregates",
        "capacity",
        "count",
        "free_up_to",
        "full_above",
        "full_rates",
        "serial",
        "state",
        "transfers",
    )

    def __init__(self, capacity: float, kinds: Sequence[tuple[Bottleneck, float, int]], serial: int) -> None:
        self.capacity = capacity
        self.aggregates = [Aggregate(self, *kind) for kind in kinds]
        self.serial = serial
        self.state = State.BOUND
        self.transfers = sum(aggregate.number for aggregate in self.aggregates)  # number in each port
        self.count = 0  # number of ports in the class
        # Bytes/s: while no link's level is above it, links are the only limits.
        self.free_up_to = min(kinds[0][1], capacity / self.transfers)
        self.full_rates: list[float] = []  # bytes/s of one transfer of each aggregate if no link limits it
        left, transfers = capacity, self.transfers
        for aggregate in self.aggregates:
            rate = min(aggregate.cap, left / transfers)
            self.full_rates.append(rate)
            left -= aggregate.number * rate
            transfers -= aggregate.number
        self.full_above = max(self.full_rates)  # bytes/s: while all links' levels are above it, no link is a limit

    def count_in(self, ports: int) -> None:
        """Count ``ports`` more ports in the class, or fewer if it is negative."""
        self.count += ports
        self._add(ports)

    def become(self, state: State) -> None:
        """Change the state, and what the bottlenecks count of the class."""
        self._add(-self.count)
        self.state = state
        self._add(self.count)

    def _add(self, ports: int) -> None:
        """Count the transfers of ``ports`` more ports at the bottlenecks, or fewer if it is negative."""
        if self.state is not State.FULL:
            for aggregate in self.aggregates:
                aggregate.bottleneck.transfers += ports * aggregate.number
            return
        for aggregate, rate in zip(self.aggregates, self.full_rates, strict=True):
            bottleneck, transfers = aggregate.bottleneck, ports * aggregate.number
            bottleneck.full_transfers += transfers
            # A sum of differences keeps rounding errors, so it is set to 0 exactly when nothing is left in it.
            bottleneck.full_rate = bottleneck.full_rate + transfers * rate if bottleneck.full_transfers else 0.0

    def stays_free(self, levels: dict[Bottleneck, float]) -> bool:
        """Whether the links still limit all transfers of a free class.

        They do while neither the port nor caps keep a transfer below the level of its link.
        """
        needed = 0.0
        for aggregate in self.aggregates:
            level = levels.get(aggregate.bottleneck, math.inf)
            if aggregate.cap < level * LESS:
                return False
            needed += aggregate.number * level
        return needed * LESS <= self.capacity

    def stays_full(self, levels: dict[Bottleneck, float]) -> bool:
        """Whether ports and caps still keep all transfers of a full class below the links' levels."""
        return all(
            rate < levels.get(aggregate.bottleneck, math.inf) * LESS
            for aggregate, rate in zip(self.aggregates, self.full_rates, strict=True)
        )
