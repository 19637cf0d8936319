"""What shares: links, ports, and the transfers between them."""

from __future__ import annotations

import math
from heapq import heapify, heappop
from typing import TYPE_CHECKING, Any, Protocol

from pullsim.kernel.event import PENDING, Event
from pullsim.network.meter import Meter

if TYPE_CHECKING:
    from collections.abc import Callable

    import simpy

REBASE = 2.0**36  # bytes after which a clock starts again from 0: a double keeps 1e-5 bytes of it
ROUNDING = 1e-12  # relative; a difference below it is none
LESS = 1.0 - ROUNDING  # a rate is below another one if it is below so much of it; else they are one rate


class Component(Protocol):
    """Ports whose rates depend on one another, and the algorithm that finds them. All times in seconds.

    Within an instant, a port that changes is first synced, then placed again (or leaves) when the instant is settled.
    """

    due: float  # time of the next end of a transfer, inf without one
    ports: dict[Port, None]
    needs_rebase: (
        bool  # a clock has become so large, or so little needs this component, that all ports should be placed afresh
    )
    general: bool  # it serves any paths
    needed_by: int  # ports that need this component, where it serves several links
    bottlenecks: dict[Link, None]  # links that can bind and have all their transfers here, where these are several

    def sync(self, port: Port, now: float) -> None:
        """Bring the clocks and accounts of the port's groups up to ``now``."""

    def place(self, port: Port, now: float) -> None:
        """Take up the synced port as it is now; it may be here already."""

    def leave(self, port: Port, now: float) -> None:
        """Forget the synced port."""

    def settle(self, now: float) -> float:
        """Find all rates; returns the time of the next end of a transfer, inf without one."""
        ...

    def rate(self, port: Port) -> float:
        """Return the bytes/s of all transfers of the port, as settled last."""
        ...

    def complete(self, now: float, ended: list[Transfer]) -> None:
        """End the transfers that are due, and add them; nothing has changed since the last settle but in this instant.

        Whoever calls lets them happen.
        """


class Link:
    """A registry's egress: ``capacity`` bytes/s shared by all its transfers; inf never binds."""

    __slots__ = ("_env", "_meter", "_rate", "_rates", "_since", "capacity", "component", "name", "serial", "transfers")

    def __init__(self, env: simpy.Environment, name: str, capacity: float, serial: int, component: Component) -> None:
        self.name = name
        self.capacity = capacity
        self.serial = serial
        self.component = component  # of the ports that pull from this link alone
        self.transfers = 0  # under way
        self._env = env
        self._meter = Meter()
        self._rates: dict[Component, float] = {}
        self._rate = 0.0
        self._since = 0.0

    @property
    def meter(self) -> Meter:
        """Bytes carried over time, up to now."""
        self._read(self._env.now)
        return self._meter

    @property
    def carried(self) -> float:
        """Bytes carried up to now."""
        return self.meter.total

    def set_rate(self, component: Component, now: float, rate: float) -> None:
        """Note the bytes/s of the transfers of one component, from ``now`` on."""
        self._read(now)
        if rate:
            self._rates[component] = rate
        else:
            self._rates.pop(component, None)
        self._rate = sum(self._rates.values())

    def _read(self, now: float) -> None:
        if self._rate and now > self._since:
            self._meter.add(self._since, now, self._rate)
        self._since = now


class Settling:
    """Who shares capacity anew once an instant is over."""

    __slots__ = ()

    def changed(self, port: Port) -> None:
        """Settle this instant, the synced port included."""
        raise NotImplementedError


class Port:
    """A node's NIC: ``capacity`` bytes/s shared by all transfers to it. A port without transfers can be dropped.

    With ``credit`` the capacity is the burst rate or the sustained one.

    ``on_busy`` is called with True when the first transfer starts and with False when the last one ends.
    """

    __slots__ = (
        "capacity",
        "component",
        "credit",
        "dirty",
        "emptied",
        "groups",
        "name",
        "network",
        "on_busy",
        "placed",
        "transfers",
    )

    def __init__(self, network: Settling, name: str, capacity: float) -> None:
        self.name = name
        self.capacity = capacity
        self.credit: Any = None  # of a port with a burst rate: its `Credit`
        self.transfers = 0  # under way
        self.on_busy: Callable[[bool], None] | None = None
        self.network = network
        self.groups: dict[tuple[Link | tuple[Link, ...], float], FlowGroup] = {}
        self.component: Component | None = None
        self.placed: Any = None  # what its component has taken up
        self.dirty = False  # changed in this instant
        self.emptied = False  # one of the groups has become empty in this instant

    def touch(self, now: float) -> None:
        """Announce a change: clocks and accounts stand at ``now`` until the instant is settled."""
        if not self.dirty:
            self.dirty = True
            if self.component is not None:
                self.component.sync(self, now)
            self.network.changed(self)


class FlowGroup:
    """The transfers of one port over one path under one cap: they all have one rate, so one clock.

    The clock is the bytes a transfer has had so far; a transfer that starts when it reads c ends when it reads
    c + size, whatever the rates in between.
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
        self.links = links  # before the port
        self.link = links[0]
        self.port = port
        self.cap = cap
        self.ends: list[tuple[float, int, Transfer]] = []  # heap of (clock at its end, order of start, transfer)
        self.clock = 0.0  # as of the last sync
        self.connection = 0.0  # seconds limited by the cap, as of the last sync
        self.nic = 0.0  # by the port
        self.version = 0  # of its entry in a heap of the component; 0 is none
        # where it is placed, each component using its own of these
        self.cls: Any = None
        self.index = 0  # of its row
        self.offset = 0.0  # its clock minus that of its class
        self.mark = 0.0  # seconds on the account of its class at the last sync
        self.connection_mark = 0.0  # or on its two accounts when it was placed
        self.nic_mark = 0.0
        self.rate = 0.0  # of one transfer
        self.total = 0.0  # of all of them
        self.by_cap = False
        self.since = 0.0  # time of the last sync

    def fastest(self) -> float:
        """Return the bytes/s that a transfer has at the most."""
        return min(self.cap, self.port.capacity, *[link.capacity for link in self.links])

    def rebase(self) -> None:
        """Let the synced clock start again from 0."""
        clock = self.clock
        self.ends = [(key - clock, order, transfer) for key, order, transfer in self.ends]
        self.clock = 0.0

    def finish(self, now: float, ended: list[Transfer]) -> None:
        """End the first transfer, known to be due, and all others that the clock has reached; add them to ``ended``."""
        if not self.port.dirty:
            self.port.touch(now)
        ends = self.ends
        self.clock = max(self.clock, ends[0][0])  # rounding can leave it short of it
        while ends and ends[0][0] <= self.clock:
            transfer = heappop(ends)[2]
            transfer.close(now)
            ended.append(transfer)


class Transfer(Event):
    """Bytes on their way from a link to a port; succeeds at the last one.

    ``limited`` has the seconds, so far, for which its rate was its share of the link, its own cap, and its share of the
    port: (egress, connection, nic). They sum to its duration. Of limits that bind at exactly one rate, egress has the
    time before nic, and nic before connection.
    """

    __slots__ = ("_bundle", "_connection", "_limited", "_nic", "_start")

    def __init__(self, env: simpy.Environment, group: FlowGroup | None, now: float) -> None:
        self.env = env
        self._callback = None
        self._more = None
        self._value = PENDING
        self._bundle = group  # None: ended
        self._limited = (0.0, 0.0, 0.0)  # of one that has ended
        if group is None:
            return
        self._start = now
        self._connection = group.connection
        self._nic = group.nic

    @property
    def limited(self) -> tuple[float, float, float]:
        """Seconds limited by (egress, connection, nic) until now, or until it ended."""
        group = self._bundle
        if group is None:
            return self._limited
        now = self.env.now
        group.port.touch(now)
        return self._accounts(group, now)

    def _accounts(self, group: FlowGroup, now: float) -> tuple[float, float, float]:
        connection = max(0.0, group.connection - self._connection)
        nic = max(0.0, group.nic - self._nic)
        duration = now - self._start
        egress = duration - connection - nic
        return egress if egress > ROUNDING * duration else 0.0, connection, nic

    def cancel(self) -> float:
        """Stop; returns the bytes not yet sent, and the event never happens.

        A transfer that has ended is left as it is, and one whose last byte is due in this instant ends: both return 0.
        """
        group = self._bundle
        if group is None:
            return 0.0
        now = self.env.now
        group.port.touch(now)
        ends = group.ends
        index = next(i for i, entry in enumerate(ends) if entry[2] is self)
        end = ends.pop(index)[0]
        heapify(ends)
        group.version = 0  # its entry may have been that of this transfer
        self.close(now)
        left = end - group.clock
        if left > ROUNDING * end + 4.0 * math.ulp(now) * group.fastest():
            return left
        self.succeed()
        return 0.0

    def close(self, now: float) -> None:
        """Take leave of the synced group, whose ends no longer include this one."""
        group = self._bundle
        assert group is not None
        self._bundle = None
        self._limited = self._accounts(group, now)
        port = group.port
        if not group.ends:
            port.emptied = True
        for link in group.links:
            link.transfers -= 1
        port.transfers -= 1
        if not port.transfers and port.on_busy is not None:
            port.on_busy(False)
