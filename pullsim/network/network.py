"""Exact max-min fair sharing of links: registries' egress, nodes' NICs, and whatever lies between them.

All changes of an instant are settled together, after every ordinary event of that instant. There is one wake-up under
way for the whole network. Which algorithm serves a port follows from what it pulls from:

* links of infinite capacity, which never bind: `Isolated`, in which each port is solved by itself;
* one link that can bind, under one cap: the `SingleBottleneck` of that link;
* several links that can bind, or one under several caps: a `SeveralBottlenecks`, which holds all links that are
  connected through such ports, and all ports of these links;
* paths of several links, or more links that can bind than a `SeveralBottlenecks` handles fast: a `Mesh`, which also
  holds all that is connected.

A component of one of the last two kinds is dissolved, and its ports go back to the cheaper ones, once no port has
needed it for more settles than it has ports: moving the ports costs about as much as so many settles.

A port that moves keeps the clocks and accounts of its transfers, so results do not depend on which algorithm served it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pullsim.compiled import mypyc_attr
from pullsim.kernel.agenda import Entry
from pullsim.kernel.event import LAST, NORMAL, happen
from pullsim.network.burst_credit import Credit, Credits
from pullsim.network.flows import Component, FlowGroup, Link, Port, Settling, Transfer
from pullsim.network.isolated import Isolated
from pullsim.network.lazy_heap import Ticks
from pullsim.network.several_bottlenecks import SeveralBottlenecks
from pullsim.network.single_bottleneck import SingleBottleneck

if TYPE_CHECKING:
    from pullsim.kernel.environment import Environment
    from pullsim.network.mesh import Mesh
    from pullsim.spec.hardware import Burst

_MOST_BOTTLENECKS = 20  # with more links that can bind than this, a Mesh is faster than a SeveralBottlenecks


class Network(Settling):
    """Links and ports, and the transfers between them."""

    def __init__(self, env: Environment) -> None:
        self.env = env
        self.settles = 0  # number of times that an instant was settled; tests read it
        self._ticks = Ticks()
        self._isolated = Isolated(self._ticks)
        self._single: dict[Link, SingleBottleneck] = {}  # by link that can bind
        self._dirty: list[Port] = []  # ports that changed in this instant
        self._unsettled: list[Component] = []  # those that are to be settled in this instant
        self._settling = False  # a settle of this instant is scheduled or under way
        self._settle_entry = _Settle(self)
        self._components: list[Component] = []  # those with ports
        self._due = math.inf  # time of the wake-up that is scheduled
        self._wake_up: _WakeUp | None = None  # that wake-up; those scheduled before it do nothing
        self._credits: Credits | None = None  # credit of the ports with a burst rate; None: there are none

    def link(self, name: str, capacity: float = math.inf) -> Link:
        """Make a link of ``capacity`` > 0 bytes/s; one of inf never limits a transfer. Raises ValueError for <= 0."""
        _require(capacity > 0.0, "capacity", capacity)
        link = Link(self.env, name, capacity, self._ticks.next(), self._isolated)
        if capacity < math.inf:
            link.component = self._single[link] = SingleBottleneck(link, self._ticks)
        return link

    def port(self, name: str, capacity: float, burst: Burst | None = None) -> Port:
        """Make the receiving side of a node's NIC, of ``capacity`` > 0 bytes/s; one of inf never limits a transfer.

        With ``burst``, ``capacity`` is the sustained rate, and the port has the burst's rate while there is credit.
        Raises ValueError for a capacity or credit <= 0, and for a burst rate that is not above the capacity.
        """
        _require(capacity > 0.0, "capacity", capacity)
        port = Port(self, name, capacity)
        if burst is not None:
            _require(burst.rate > capacity, "burst rate, to add to the capacity,", burst.rate)
            _require(burst.credit > 0.0, "credit", burst.credit)
            if self._credits is None:
                self._credits = Credits(self._ticks, self._isolated)
            port.credit = Credit(port, burst, self.env.now)
        return port

    def transfer(self, path: Link | tuple[Link, ...], port: Port, size: float, cap: float = math.inf) -> Transfer:
        """Send ``size`` >= 0 bytes over a link, or over several in turn, to a port, at ``cap`` > 0 bytes/s at most.

        Returns the transfer, an event that succeeds when the last byte has arrived. A transfer of 0 bytes, and one that
        no link, port or cap limits, succeeds in this instant. Raises ValueError for a size < 0 or a cap <= 0.
        """
        links = (path,) if isinstance(path, Link) else path
        if size <= 0.0 or cap <= 0.0 or (cap == port.capacity == math.inf and _never_bind(links)):
            _require(size >= 0.0, "size", size)
            _require(cap > 0.0, "cap", cap)
            transfer = Transfer(self.env, None, 0.0)
            transfer.succeed()
            return transfer
        now = self.env.now
        port.announce_change(now)
        key = path, cap
        group = port.groups.get(key)
        if group is None:
            group = port.groups[key] = FlowGroup(links, port, cap)
        transfer = Transfer(self.env, group, now)
        group.ends.put(transfer, group.clock + size, self._ticks.next())
        for link in links:
            link.transfers += 1
        port.transfers += 1
        if port.transfers == 1 and port.on_busy is not None:
            port.on_busy(True)
        return transfer

    def changed(self, port: Port) -> None:
        """See `Settling`."""
        self._dirty.append(port)
        if not self._settling:
            self._settling = True
            self.env.add(self._settle_entry, 0.0, LAST)

    def settle(self) -> None:
        """Find the rates after all changes of this instant, and plan the next wake-up."""
        now = self.env.now
        self.settles += 1
        if self._credits is not None:
            self._credits.replenish(now)
        self._place_dirty(now)
        unsettled = self._unsettled
        needs_rebase = [component for component in unsettled if component.needs_rebase]
        if needs_rebase:
            for component in needs_rebase:
                self._dissolve(component, now)
            self._place_dirty(now)
        for component in unsettled:
            component.due = component.settle(now)
            if bool(component.ports) is not component.listed:
                component.listed = not component.listed
                if component.listed:
                    self._components.append(component)
                else:
                    self._components.remove(component)
        credits_ = self._credits
        if credits_ is not None:
            while credits_.follow(unsettled, now):
                self._place_dirty(now)
                for component in unsettled:
                    component.due = component.settle(now)
        for component in unsettled:
            component.unsettled = False
        unsettled.clear()
        self._settling = False
        self._plan(now)

    def _plan(self, now: float) -> None:
        """Schedule a wake-up at the next end of a transfer or of credit, unless an earlier one is scheduled.

        The earlier wake-up calls this method again, so that the later end is not missed.
        """
        due = self._due
        soonest = due
        for component in self._components:
            soonest = min(soonest, component.due)
        if self._credits is not None:
            soonest = min(soonest, self._credits.due())
        if soonest < due:
            self._due = soonest
            self._wake_up = _WakeUp(self)
            self.env.add(self._wake_up, soonest - now if soonest > now else 0.0, NORMAL)

    def wake(self, wake_up: _WakeUp) -> None:
        """End the transfers and credits that are due, then settle."""
        if wake_up is not self._wake_up:
            return
        now = self.env.now
        self._due = math.inf
        settling, self._settling = self._settling, True
        ended: list[Transfer] = []
        for component in self._components:
            if component.due <= now:
                component.due = math.inf
                if not component.unsettled:
                    self._unsettle(component)
                component.complete(now, ended)
        if self._credits is not None:
            self._credits.expire(now)
        # The end for which this wake-up was scheduled has moved to a later time, and nothing else is due.
        if not self._unsettled and not self._dirty:
            self._settling = settling
            self._plan(now)
            return
        happen(ended)
        if not settling:
            if self.env.peek() > now:  # nothing else happens in this instant: settling at once saves an event
                self.settle()
            else:
                self.env.add(self._settle_entry, 0.0, LAST)

    def _place_dirty(self, now: float) -> None:
        """Hand each port that has changed to the component that can serve it as it is now."""
        while self._dirty:
            ports, self._dirty = self._dirty, []
            for port in ports:
                port.dirty = False
                groups = port.groups
                if port.emptied:
                    port.emptied = False
                    for key in [key for key, group in groups.items() if not len(group.ends)]:
                        del groups[key]
                component: Component | None = None
                if len(groups) > 1:
                    component = self._shared_component(port, now)
                else:
                    for group in groups.values():
                        component = group.link.component if len(group.links) == 1 else self._shared_component(port, now)
                old = port.component
                if old is not component:
                    if old is not None:
                        old.leave(port, now)
                        if not old.unsettled:
                            self._unsettle(old)
                    port.component = component
                if port.credit is not None:
                    assert self._credits is not None
                    self._credits.place(port.credit, component, now)
                if component is not None:
                    component.place(port, now)
                    if not component.unsettled:
                        self._unsettle(component)

    def _unsettle(self, component: Component) -> None:
        """Have a component settled in this instant that was not to be settled before."""
        component.unsettled = True
        self._unsettled.append(component)

    def _shared_component(self, port: Port, now: float) -> Component:
        """Return the one component that serves a port with several links or caps, and move its links there."""
        groups = port.groups.values()
        bottlenecks = {link: None for group in groups for link in group.links if link in self._single}
        crossing = any(len(group.links) > 1 for group in groups)
        if not bottlenecks and not crossing:
            return self._isolated
        joined = {
            bottleneck.component: None
            for bottleneck in bottlenecks
            if bottleneck.component is not self._single[bottleneck]
        }
        number = len(bottlenecks) + sum([len(each.bottlenecks) for each in joined])
        general = crossing or number > _MOST_BOTTLENECKS or any(each.general for each in joined)
        fit = [each for each in joined if each.general is general]
        if not bottlenecks and port.component is not None and port.component.general:
            fit.append(port.component)
        if fit:
            target = max(fit, key=lambda each: len(each.ports))
        else:
            target = _mesh() if general else SeveralBottlenecks(self._ticks)
        for bottleneck in bottlenecks:
            component = bottleneck.component
            if component is not target:
                self._evict(component, now)
                members = {bottleneck: None}
                if component is not self._single[bottleneck]:
                    members, component.bottlenecks = component.bottlenecks, {}
                for member in members:
                    member.component = target
                target.bottlenecks.update(members)
        return target

    def _dissolve(self, component: Component, now: float) -> None:
        """Place all ports of a component anew.

        If it is still needed they return to it, with clocks that start from 0; else each goes to a cheaper component.
        """
        component.needs_rebase = False
        if not component.needed_by:
            for bottleneck in component.bottlenecks:
                bottleneck.component = self._single[bottleneck]
            component.bottlenecks = {}
        self._evict(component, now)

    def _evict(self, component: Component, now: float) -> None:
        """Take all ports out of a component. They are placed anew in the settle that is under way."""
        if not component.unsettled:
            self._unsettle(component)
        for port in list(component.ports):
            port.announce_change(now)
            component.leave(port, now)
            port.component = None


@mypyc_attr(free_list_len=1)
class _WakeUp(Entry):
    """The next end of a transfer or of credit, as far as it was known."""

    __slots__ = ("_network",)

    def __init__(self, network: Network) -> None:
        self._network = network

    def process(self) -> None:
        """See `Network.wake`."""
        self._network.wake(self)


class _Settle(Entry):
    """The end of an instant in which something has changed."""

    __slots__ = ("_network",)

    def __init__(self, network: Network) -> None:
        self._network = network

    def process(self) -> None:
        """See `Network.settle`."""
        self._network.settle()


def _mesh() -> Mesh:
    from pullsim.network.mesh import Mesh  # noqa: PLC0415  # it imports numpy, which few runs need

    return Mesh()


def _never_bind(links: tuple[Link, ...]) -> bool:
    return all(link.capacity == math.inf for link in links)


def _require(valid: bool, name: str, value: float) -> None:
    if not valid:
        raise ValueError(f"{name} is a number of bytes or bytes/s above 0, not {value}")
