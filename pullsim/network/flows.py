"""Links, ports, and the transfers that share them. Sizes are bytes, rates bytes/s, times simulated seconds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from pullsim.kernel.ends import Ends
from pullsim.kernel.event import PENDING, Event
from pullsim.kernel.pairing_heap import Node
from pullsim.network.meter import Meter

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.kernel.environment import Environment

REBASE: Final = 2.0**36  # bytes after which a clock restarts from 0: up to here a double resolves 1e-5 bytes
ROUNDING: Final = 1e-12  # relative; values that differ by less are equal
LESS: Final = 1.0 - ROUNDING  # rate a is below rate b if a < b * LESS; else they are taken for equal
_LEAST: Final = 1 / 64  # the part of a port that is left to transfers at least, whatever is reserved


class Component:
    """Ports whose rates depend on one another, and the algorithm that finds their rates.

    A port that changes is brought up to date with `sync` before its first change of an instant. When the instant is
    settled it is placed again with `place`, or leaves.
    """

    def __init__(self, *, general: bool = False) -> None:
        self.due = math.inf  # time of the next end of a transfer, inf without one
        self.ports: dict[Port, None] = {}
        self.needs_rebase = False  # place all ports anew: a clock has become large, or no port needs this component
        self.general = general  # it serves paths of several links
        self.needed_by = 0  # its ports that no cheaper kind of component can serve; always 0 in the cheapest kinds
        self.bottlenecks: dict[Link, None] = {}  # that can bind and whose transfers are all here; not in cheap kinds
        self.unsettled = False  # the network is to settle it in this instant
        self.listed = False  # it had ports when it was settled last

    def sync(self, port: Port, now: float) -> None:
        """Bring the clocks and the accounts of limited seconds of the port's groups up to ``now``."""
        raise NotImplementedError

    def place(self, port: Port, now: float) -> None:
        """Take in a synced port with its present groups and transfers; it may be here already."""
        raise NotImplementedError

    def leave(self, port: Port, now: float) -> None:
        """Forget the synced port."""
        raise NotImplementedError

    def settle(self, now: float) -> float:
        """Find all rates; returns the time of the next end of a transfer, inf without one."""
        raise NotImplementedError

    def rate(self, port: Port) -> float:
        """Return the bytes/s of all transfers of the port together, as of the last settle."""
        raise NotImplementedError

    def rates(self, port: Port) -> list[tuple[FlowGroup, float]]:
        """Return the bytes/s of one transfer of each group of the port, as of the last settle."""
        raise NotImplementedError

    def complete(self, now: float, ended: list[Transfer]) -> None:
        """End the transfers that are due and add them to ``ended``; the caller triggers their events.

        All rates have been constant since the last settle: changes since then are changes of this same instant.
        """
        raise NotImplementedError


class Link:
    """A link, such as a registry's egress: ``capacity`` bytes/s that its transfers share; inf means no limit."""

    __slots__ = ("_env", "_meter", "_rate", "_rates", "_since", "capacity", "component", "name", "serial", "transfers")

    def __init__(self, env: Environment, name: str, capacity: float, serial: int, component: Component) -> None:
        self.name = name
        self.capacity = capacity
        self.serial = serial
        self.component = component  # serves the ports that pull from this link alone
        self.transfers = 0  # the number under way
        self._env = env
        self._meter = Meter()
        self._rates: dict[Component, float] = {}  # bytes/s of the transfers that each component serves
        self._rate = 0.0  # bytes/s of all transfers
        self._since = 0.0  # time up to which the meter has counted

    @property
    def meter(self) -> Meter:
        """The bytes carried over time, up to now."""
        self._advance(self._env.now)
        return self._meter

    @property
    def carried(self) -> float:
        """The bytes carried up to now, in total."""
        return self.meter.total

    def set_rate(self, component: Component, now: float, rate: float) -> None:
        """Set the bytes/s that the transfers of one component take together from ``now`` on."""
        self._advance(now)
        if rate:
            self._rates[component] = rate
        else:
            self._rates.pop(component, None)
        self._rate = rate if len(self._rates) == 1 and rate else sum(self._rates.values())

    def _advance(self, now: float) -> None:
        """Count the bytes carried up to ``now``."""
        if self._rate and now > self._since:
            self._meter.add(self._since, now, self._rate)
        self._since = now


class Settling:
    """What a port announces its changes to: the network, which finds the rates anew at the end of the instant."""

    __slots__ = ()

    def changed(self, port: Port) -> None:
        """Note that a port changes in this instant, so that the instant will be settled; the port is synced already."""
        raise NotImplementedError


class Port:
    """A node's NIC: ``capacity`` bytes/s shared by all transfers to it.

    A port without transfers needs no removal when its node leaves: nothing in the network uses it any more.

    The capacity of a port with ``credit`` switches between the burst rate and the sustained rate. What does not go
    through the network, such as the pieces of swarms, reserves a part of the port for itself: transfers share the rest.

    ``on_busy`` is called with True when the first transfer starts and with False when the last one ends.
    """

    __slots__ = (
        "capacity",
        "component",
        "credit",
        "dirty",
        "emptied",
        "full_rate",
        "groups",
        "name",
        "network",
        "on_busy",
        "placed",
        "reserved",
        "transfers",
    )

    def __init__(self, network: Settling, name: str, capacity: float) -> None:
        self.name = name
        self.capacity = capacity  # bytes/s that transfers share
        self.full_rate = capacity  # bytes/s with what is reserved
        self.reserved = 0.0  # the part of `full_rate` that is not for transfers
        self.credit: Any = None  # the `Credit` of a port with a burst rate; None: it has one rate
        self.transfers = 0  # the number under way
        self.on_busy: Callable[[bool], None] | None = None
        self.network = network
        self.groups: dict[tuple[Link | tuple[Link, ...], float], FlowGroup] = {}  # by path and cap
        self.component: Component | None = None  # None: it has no transfers
        self.placed: Any = None  # its groups, in the form in which its component keeps them
        self.dirty = False  # changed in this instant
        self.emptied = False  # one of the groups has become empty in this instant

    def announce_change(self, now: float) -> None:
        """Announce a change at ``now``: the groups are brought up to date, and the instant will be settled."""
        if not self.dirty:
            self.dirty = True
            if self.component is not None:
                self.component.sync(self, now)
            self.network.changed(self)

    def reserve(self, part: float, now: float) -> None:
        """Keep a part of the port's rate, 0 to 1, from the transfers, in place of what was kept before.

        A little is left to them, as those that start before the next call would get nothing else.
        """
        if part != self.reserved:
            self.announce_change(now)
            self.reserved = part
            self.set_full_rate(self.full_rate)

    @property
    def kept(self) -> float:
        """The bytes/s that are reserved."""
        return self.reserved * self.full_rate

    def set_full_rate(self, rate: float) -> None:
        """Set the bytes/s of the port with what is reserved; the port has announced that it changes."""
        self.full_rate = rate
        self.capacity = rate * max(1.0 - self.reserved, _LEAST)


class FlowGroup(Node):
    """The transfers of one port over one path under one cap. They all have the same rate, so one clock serves all.

    The clock counts the bytes that each transfer has received since the clock read 0. A transfer that starts when the
    clock reads c ends when it reads c + size, whatever the rates in between.
    """

    __slots__ = (
        "by_cap",
        "cap",
        "clock",
        "cls",
        "connection",
        "connection_mark",
        "ends",
        "index",
        "link",
        "links",
        "mark",
        "nic",
        "nic_mark",
        "offset",
        "port",
        "rate",
        "since",
        "total",
        "version",
    )

    def __init__(self, links: tuple[Link, ...], port: Port, cap: float) -> None:
        self.links = links  # the path, without the port at its end
        self.link = links[0]
        self.port = port
        self.cap = cap
        self.ends: Ends[Transfer] = Ends()  # its transfers, by the clock at their ends
        self.clock = 0.0  # bytes, as of the last sync
        self.connection = self.nic = 0.0  # seconds limited by the cap, and by the port, as of the last sync
        self.version, self.order = 0, 0.0  # of its entry in a heap of the component, `lazy_heap` or `Ends`; 0: none
        self._above = self._below = self._beside = None
        # What follows belongs to the component that serves the group. Each kind of component uses some of it.
        self.cls: Any = None  # its class of ports, or its aggregate in one
        self.index = 0  # its row in the arrays of a `Mesh`
        self.offset = 0.0  # its clock minus the clock of its class
        self.mark = 0.0  # in a `SingleBottleneck`: the limited seconds of its class at the last sync
        # In a `SeveralBottlenecks`: its aggregate's seconds limited by the cap, and by the port, at the last sync.
        self.connection_mark = self.nic_mark = 0.0
        self.rate = self.total = 0.0  # bytes/s of one transfer, and of all of them
        self.by_cap = False  # the cap limits its transfers; False: the port does
        self.since = 0.0  # time of the last sync

    def fastest(self) -> float:
        """Return the bytes/s that a transfer can have at the most: its cap or the least capacity."""
        return min(self.cap, self.port.capacity, *[link.capacity for link in self.links])

    @property
    def end(self) -> float:
        """What the clock reads when the next transfer ends; inf if there is none."""
        first = self.ends.first()
        return math.inf if first is None else first.when

    def rebase(self) -> None:
        """Restart the clock of a synced group from 0."""
        for number, transfer in enumerate(self.ends.take_until(math.inf), start=1):
            self.ends.put(transfer, transfer.when - self.clock, number)
        self.clock = 0.0

    def finish(self, now: float, ended: list[Transfer]) -> None:
        """End the first transfer, which is due, and others whose end is reached; the caller triggers the ``ended``."""
        if not self.port.dirty:
            self.port.announce_change(now)
        self.clock = max(self.clock, self.end)  # rounding can leave the clock short of that end
        for transfer in self.ends.take_until(self.clock):
            transfer.close(now)
            ended.append(transfer)


class Transfer(Event):
    """Bytes on their way over links to a port: an event that succeeds when the last byte has arrived.

    ``limited`` gives each second of the transfer so far to what limited its rate then: its share of a link (egress),
    its own cap (connection) or its share of the port (nic). Where several limits are equal, the time counts as egress
    before nic, and as nic before connection.
    """

    __slots__ = ("_connection", "_group", "_limited", "_nic", "_start")

    def __init__(self, env: Environment, group: FlowGroup | None, now: float) -> None:
        self.env = env
        self._callback = self._more = None
        self._value = PENDING
        self._above = self._below = self._beside = None
        self._group = group  # its flow group; None: it has ended
        self._limited = (0.0, 0.0, 0.0)  # what `limited` returns once the transfer has ended
        if group is None:
            return
        self._start = now
        self._connection = group.connection
        self._nic = group.nic

    @property
    def limited(self) -> tuple[float, float, float]:
        """The seconds limited by (egress, connection, nic) until now, or until the transfer ended."""
        group = self._group
        if group is None:
            return self._limited
        now = self.env.now
        group.port.announce_change(now)
        return self._accounts(group, now)

    def _accounts(self, group: FlowGroup, now: float) -> tuple[float, float, float]:
        """Return the seconds limited by (egress, connection, nic) from the start to ``now``; the group is synced."""
        connection = max(0.0, group.connection - self._connection)
        nic = max(0.0, group.nic - self._nic)
        duration = now - self._start
        egress = duration - connection - nic
        return egress if egress > ROUNDING * duration else 0.0, connection, nic

    def cancel(self) -> float:
        """Stop the transfer. Returns the bytes not yet sent; the event never happens.

        A transfer that has ended stays as it is, one whose last byte is due in this instant succeeds: both return 0.
        """
        group = self._group
        if group is None:
            return 0.0
        now = self.env.now
        group.port.announce_change(now)
        end = self.when
        group.ends.withdraw(self)
        group.ends.compact()
        group.version, group.order = 0, 0.0  # its entry in its component's heap may have been for this transfer
        self.close(now)
        left = end - group.clock
        if left > ROUNDING * end + 4.0 * math.ulp(now) * group.fastest():
            return left
        self.succeed()
        return 0.0

    def close(self, now: float) -> None:
        """Leave the synced group, from whose ``ends`` the transfer has been removed, and fix the limited seconds."""
        group = self._group
        assert group is not None
        self._group = None
        self._limited = self._accounts(group, now)
        port = group.port
        if not len(group.ends):
            port.emptied = True
        for link in group.links:
            link.transfers -= 1
        port.transfers -= 1
        if not port.transfers and port.on_busy is not None:
            port.on_busy(False)
