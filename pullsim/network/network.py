"""Exact max-min fair sharing of links: registries' egress, nodes' NICs, and whatever lies between them.

All changes of an instant are settled together, after every ordinary event of that instant. There is one wake-up under
way for the whole network. Which algorithm serves a port follows from what it pulls from:

* links that never bind: `Isolated`, the port alone;
* one link that can bind, under one cap: the `Levels` of that link;
* several links that meet in a port, or several caps: a `Multiroot` of all the links so connected, and of all their
  ports;
* the same, but with transfers that cross several links, or with too many links for that: a `Mesh`.

The last two fall apart again once no port has joined anything for as many settles as moving the ports would cost.

Moving a port keeps its clocks and accounts, so results do not depend on which algorithm served it.
"""

from __future__ import annotations

import itertools
import math
from heapq import heappush
from typing import TYPE_CHECKING

from pullsim.kernel.event import LAST, Call, Event, Recurrent, happen
from pullsim.network.credit import Credit, Credits
from pullsim.network.flows import Bundle, Domain, Link, Port, Transfer
from pullsim.network.isolated import Isolated
from pullsim.network.levels import Levels
from pullsim.network.multiroot import Multiroot

if TYPE_CHECKING:
    from collections.abc import Callable

    import simpy

    from pullsim.network.mesh import Mesh
    from pullsim.spec.hardware import Burst

_MANY = 20  # links that can bind, from which on a Mesh is faster than a Multiroot


class Network:
    """Links and ports, and the transfers between them."""

    def __init__(self, env: simpy.Environment) -> None:
        self.env = env
        self.settles = 0
        self._tick = itertools.count(1).__next__
        self._isolated = Isolated(self._tick)
        self._levels: dict[Link, Levels] = {}  # of the links that can bind
        self._dirty: list[Port] = []
        self._unsettled: dict[Domain, None] = {}
        self._settling = False  # a settle of this instant is under way
        self._settlement = Recurrent(env, self._settle)
        self._domains: dict[Domain, None] = {}  # those with ports
        self._due = math.inf  # of the wake-up under way
        self._call: Call | None = None  # that wake-up; earlier ones are void
        self._credits: Credits | None = None  # of the ports with a burst rate, if there are any

    def link(self, name: str, capacity: float = math.inf) -> Link:
        """Make a link of ``capacity`` > 0 bytes/s; inf never binds."""
        _require(capacity > 0.0, "capacity", capacity)
        link = Link(self.env, name, capacity, self._tick(), self._isolated)
        if capacity < math.inf:
            link.domain = self._levels[link] = Levels(link, self._tick)
        return link

    def port(self, name: str, capacity: float, burst: Burst | None = None) -> Port:
        """Make a node's NIC of ``capacity`` > 0 bytes/s; inf never binds.

        With ``burst`` that is the sustained rate, and the burst's is the capacity while there is credit.
        """
        _require(capacity > 0.0, "capacity", capacity)
        port = Port(self, name, capacity)
        if burst is not None:
            _require(burst.rate > capacity, "burst rate, to add to the capacity,", burst.rate)
            _require(burst.credit > 0.0, "credit", burst.credit)
            if self._credits is None:
                self._credits = Credits(self._tick, self._isolated)
            port.credit = Credit(port, burst, self.env.now)
        return port

    def transfer(self, path: Link | tuple[Link, ...], port: Port, size: float, cap: float = math.inf) -> Transfer:
        """Send ``size`` >= 0 bytes over a link, or over several in turn, to a port, at ``cap`` > 0 bytes/s at most.

        Without any limit, they are there at once.
        """
        links = (path,) if isinstance(path, Link) else path
        if size <= 0.0 or cap <= 0.0 or (cap == port.capacity == math.inf and _never_bind(links)):
            _require(size >= 0.0, "size", size)
            _require(cap > 0.0, "cap", cap)
            transfer = Transfer(self.env, None, 0.0)
            transfer.succeed()
            return transfer
        now = self.env.now
        port.touch(now)
        key = path, cap
        bundle = port.bundles.get(key)
        if bundle is None:
            bundle = port.bundles[key] = Bundle(links, port, cap)
        transfer = Transfer(self.env, bundle, now)
        heappush(bundle.flows, (bundle.clock + size, self._tick(), transfer))
        for link in links:
            link.transfers += 1
        port.transfers += 1
        if port.transfers == 1 and port.on_busy is not None:
            port.on_busy(True)
        return transfer

    def changed(self, port: Port) -> None:
        """Settle this instant, the synced port included."""
        self._dirty.append(port)
        if not self._settling:
            self._settling = True
            self._settlement.schedule(LAST)

    def _settle(self, _: Event | None = None) -> None:
        now = self.env.now
        self.settles += 1
        if self._credits is not None:
            self._credits.replenish(now)
        self._place_dirty(now)
        unsettled, domains = self._unsettled, self._domains
        worn = [domain for domain in unsettled if domain.worn]
        if worn:
            for domain in worn:
                self._take_apart(domain, now)
            self._place_dirty(now)
        for domain in unsettled:
            domain.due = domain.settle(now)
            if domain.ports:
                domains[domain] = None
            else:
                domains.pop(domain, None)
        credits_ = self._credits
        if credits_ is not None:
            while credits_.follow(unsettled, now):
                self._place_dirty(now)
                for domain in unsettled:
                    domain.due = domain.settle(now)
        unsettled.clear()
        self._settling = False
        self._plan(now)

    def _plan(self, now: float) -> None:
        """Wake up at the next end; an earlier wake-up, planned before, plans again."""
        due = self._due
        soonest = due
        for domain in self._domains:
            soonest = min(soonest, domain.due)
        if self._credits is not None:
            soonest = min(soonest, self._credits.due())
        if soonest < due:
            self._due = soonest
            self._call = Call(self.env, self._wake, soonest - now if soonest > now else 0.0)

    def _wake(self, event: Event) -> None:
        if event is not self._call:
            return
        now = self.env.now
        self._due = math.inf
        settling, self._settling = self._settling, True
        ended: list[Transfer] = []
        unsettled = self._unsettled
        for domain in self._domains:
            if domain.due <= now:
                domain.due = math.inf
                unsettled[domain] = None
                domain.complete(now, ended)
        if self._credits is not None:
            self._credits.expire(now)
        if not unsettled and not self._dirty:  # it was too early
            self._settling = settling
            self._plan(now)
            return
        happen(ended)
        if not settling:
            if self.env.peek() > now:  # nothing else is to happen in this instant: an event less
                self._settle()
            else:
                self._settlement.schedule(LAST)

    def _place_dirty(self, now: float) -> None:
        unsettled = self._unsettled
        while self._dirty:
            ports, self._dirty = self._dirty, []
            for port in ports:
                port.dirty = False
                bundles = port.bundles
                if port.emptied:
                    port.emptied = False
                    for key in [key for key, bundle in bundles.items() if not bundle.flows]:
                        del bundles[key]
                domain: Domain | None = None
                if len(bundles) > 1:
                    domain = self._meet(port, now)
                else:
                    for bundle in bundles.values():
                        domain = bundle.link.domain if len(bundle.links) == 1 else self._meet(port, now)
                old = port.domain
                if old is not domain:
                    if old is not None:
                        old.leave(port, now)
                        unsettled[old] = None
                    port.domain = domain
                if port.credit is not None:
                    assert self._credits is not None
                    self._credits.place(port.credit, domain, now)
                if domain is not None:
                    domain.place(port, now)
                    unsettled[domain] = None

    def _meet(self, port: Port, now: float) -> Domain:
        """Return the one domain of the links whose transfers meet in a port."""
        bundles = port.bundles.values()
        roots = {link: None for bundle in bundles for link in bundle.links if link in self._levels}
        crossing = any(len(bundle.links) > 1 for bundle in bundles)
        if not roots and not crossing:
            return self._isolated
        groups = {root.domain: None for root in roots if root.domain is not self._levels[root]}
        number = len(roots) + sum([len(group.roots) for group in groups])
        general = crossing or number > _MANY or any(group.general for group in groups)
        fit = [group for group in groups if group.general is general]
        if not roots and port.domain is not None and port.domain.general:
            fit.append(port.domain)
        if fit:
            target = max(fit, key=lambda group: len(group.ports))
        else:
            target = _mesh(self._tick) if general else Multiroot(self._tick)
        for root in roots:
            domain = root.domain
            if domain is not target:
                self._evict(domain, now)
                members = {root: None}
                if domain is not self._levels[root]:
                    members, domain.roots = domain.roots, {}
                for member in members:
                    member.domain = target
                target.roots.update(members)
        return target

    def _take_apart(self, domain: Domain, now: float) -> None:
        """Give all ports of a worn domain a new place: in the same one with fresh clocks, or each link in its own."""
        domain.worn = False
        if not domain.mixed:
            for root in domain.roots:
                root.domain = self._levels[root]
            domain.roots = {}
        self._evict(domain, now)

    def _evict(self, domain: Domain, now: float) -> None:
        """Take all ports out of a domain; they are placed afresh in this settle."""
        self._unsettled[domain] = None
        for port in list(domain.ports):
            port.touch(now)
            domain.leave(port, now)
            port.domain = None


def _mesh(tick: Callable[[], int]) -> Mesh:
    from pullsim.network.mesh import Mesh  # noqa: PLC0415  # numpy, for what few runs have

    return Mesh(tick)


def _never_bind(links: tuple[Link, ...]) -> bool:
    return all(link.capacity == math.inf for link in links)


def _require(valid: bool, name: str, value: float) -> None:
    if not valid:
        raise ValueError(f"{name} is a number of bytes or bytes/s above 0, not {value}")
