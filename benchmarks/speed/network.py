"""The ruler's network: one registry and the NICs of nodes, shared max-min fair, and nothing else.

As in `pullsim.network.single_bottleneck`, nodes with one NIC rate and one number of transfers are one group. A group
whose NICs are its limit is *bound* and has a clock of its own; the others are *free* and follow the clock of the
registry. Here is no cap, no account of limits, no meter, no cancellation and no second registry: what an exact solution
costs at least.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from simpy.events import NORMAL, Event, EventPriority

if TYPE_CHECKING:
    from collections.abc import Sequence

    import simpy

SETTLE = EventPriority(NORMAL + 1)  # after all else of an instant


class Group:
    """Nodes with NICs of ``nic`` bytes/s and ``flows`` transfers each."""

    __slots__ = ("base", "bound", "ends", "flows", "nic", "nodes", "since", "stamp", "top")

    def __init__(self, nic: float, flows: int) -> None:
        self.nic = nic
        self.flows = flows
        self.top = nic / flows  # most that one transfer can get
        self.nodes = 0
        self.bound = False
        self.base = 0.0  # bound: the clock at `since`; free: the clock minus the registry's
        self.since = 0.0
        self.stamp = 0  # of its standing entry among the dues
        self.ends: list[tuple[float, int, Port]] = []  # next end of each node on this clock, withdrawn ones too

    def __lt__(self, other: Group) -> bool:
        return self.top < other.top


class Port:
    """A node: its transfers end at readings of its own clock, which is its group's plus an offset."""

    __slots__ = ("flows", "group", "nic", "offset", "stamp")

    def __init__(self, nic: float) -> None:
        self.nic = nic
        self.group: Group | None = None
        self.offset = 0.0
        self.flows: list[tuple[float, int, Event]] = []
        self.stamp = 0


class Network:
    """``fetch`` returns the event of a download's end."""

    def __init__(self, env: simpy.Environment, egress: float, nics: Sequence[float]) -> None:
        self._env = env
        self._egress = egress
        self._ports = [Port(nic) for nic in nics]
        self._groups: dict[tuple[float, int], Group] = {}
        self._order: list[Group] = []  # those with nodes, by `top`; the first `_bound` are bound
        self._bound = 0
        self._bound_rate = 0.0  # bytes/s of their nodes
        self._free = 0  # transfers of the others
        self._level = 0.0  # bytes/s of each of these
        self._clock = self._time = 0.0
        self._changed: dict[Group, None] = {}
        self._free_dues: list[tuple[float, int, int, Group]] = []  # by reading of the registry's clock
        self._bound_dues: list[tuple[float, int, int, Group]] = []  # by time
        self._next_free = self._next_bound = math.inf  # times
        self._stamps = 0
        self._settling = False
        self._generation = 0  # of the wake-up under way

    def fetch(self, node: int, size: float) -> Event:
        self._advance(self._env.now)
        port = self._ports[node]
        clock = 0.0 if port.group is None else self._reading(port.group) + port.offset
        self._stamps += 1
        done = Event(self._env)
        heappush(port.flows, (clock + size, self._stamps, done))
        self._regroup(port, clock)
        self._change()
        return done

    def _advance(self, now: float) -> None:
        if now > self._time:
            self._clock += (now - self._time) * self._level
            self._time = now

    def _reading(self, group: Group) -> float:
        if group.bound:
            return group.base + (self._time - group.since) * group.top
        return self._clock + group.base

    def _regroup(self, port: Port, clock: float) -> None:
        """Put a node whose clock reads ``clock`` where it belongs now."""
        self._stamps = port.stamp = self._stamps + 1
        if port.group is not None:
            self._count(port.group, -1)
        if not port.flows:
            port.group = None
            return
        key = port.nic, len(port.flows)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(*key)
        if not group.nodes:
            group.bound = self._bound > 0 and group < self._order[self._bound - 1]  # the bound ones stay the first
            self._bound += group.bound
            insort(self._order, group)
            group.base, group.since = 0.0, self._time
        port.group = group
        port.offset = clock - self._reading(group)
        heappush(group.ends, (port.flows[0][0] - port.offset, port.stamp, port))
        self._count(group, 1)

    def _count(self, group: Group, nodes: int) -> None:
        group.nodes += nodes
        if group.bound:
            self._bound_rate += nodes * group.nic
        else:
            self._free += nodes * group.flows
        if not group.nodes:
            index = bisect_left(self._order, group)
            while self._order[index] is not group:
                index += 1
            del self._order[index]
            self._bound -= group.bound
            group.ends.clear()
        self._changed[group] = None

    def _change(self) -> None:
        if not self._settling:
            self._settling = True
            _call(self._env, self._settle, SETTLE)

    def _turn(self, group: Group) -> None:
        """Let a group change between bound and free."""
        clock, rate, flows = self._reading(group), group.nodes * group.nic, group.nodes * group.flows
        group.bound = not group.bound
        if group.bound:
            self._bound += 1
            self._bound_rate += rate
            self._free -= flows
            group.base, group.since = clock, self._time
        else:
            self._bound -= 1
            self._bound_rate -= rate
            self._free += flows
            group.base = clock - self._clock
        self._changed[group] = None

    def _settle(self, _: Event) -> None:
        now, order = self._env.now, self._order
        self._settling = False
        self._advance(now)
        while self._bound:
            group = order[self._bound - 1]
            left = self._egress - self._bound_rate + group.nodes * group.nic
            if left > group.top * (self._free + group.nodes * group.flows):
                break
            self._turn(group)
        while self._bound < len(order):
            group = order[self._bound]
            if group.top * self._free >= self._egress - self._bound_rate:
                break
            self._turn(group)
        self._level = (self._egress - self._bound_rate) / self._free if self._free else 0.0
        due = self._first_due(now)
        self._generation += 1
        if due < math.inf:
            _call(self._env, self._wake, NORMAL, max(0.0, due - now), self._generation)

    def _first_due(self, now: float) -> float:
        free, bound = self._free_dues, self._bound_dues
        for group in self._changed:
            group.stamp += 1
            if not group.nodes:
                continue
            ends = group.ends
            while ends[0][1] != ends[0][2].stamp:
                heappop(ends)
            end = ends[0][0]
            if group.bound:
                heappush(bound, (now + (end - self._reading(group)) / group.top, group.stamp, id(group), group))
            else:
                heappush(free, (end - group.base, group.stamp, id(group), group))
        self._changed.clear()
        for dues in (free, bound):
            while dues and dues[0][1] != dues[0][3].stamp:
                heappop(dues)
        self._next_bound = bound[0][0] if bound else math.inf
        self._next_free = now + max(0.0, free[0][0] - self._clock) / self._level if free else math.inf
        return min(self._next_bound, self._next_free)

    def _wake(self, event: Event) -> None:
        if event.value != self._generation:
            return
        now = self._env.now
        self._advance(now)
        groups: list[Group] = []
        if self._free_dues and self._next_free <= self._next_bound:
            self._clock = max(self._clock, self._free_dues[0][0])  # whatever rounding says
            groups += _taken(self._free_dues, self._clock)
        if self._next_bound <= self._next_free:
            groups += _taken(self._bound_dues, max(now, self._next_bound))
        ports: list[Port] = []
        for group in groups:
            ends = group.ends
            while ends[0][1] != ends[0][2].stamp:
                heappop(ends)
            limit = ends[0][0]
            while ends and ends[0][0] <= limit:
                _, stamp, port = heappop(ends)
                if stamp == port.stamp:
                    ports.append(port)
            self._changed[group] = None
        for port in ports:
            flows = port.flows
            clock = flows[0][0]
            while flows and flows[0][0] <= clock:
                heappop(flows)[2].succeed()
            self._regroup(port, clock)
        self._change()


class Disk:
    """One server shared equally by its jobs, in virtual time."""

    def __init__(self, env: simpy.Environment, rate: float) -> None:
        self._env = env
        self._rate = rate
        self._jobs: list[tuple[float, int, Event]] = []  # by reading of the clock at their end
        self._clock = self._time = 0.0
        self._started = 0
        self._due = math.inf  # of the wake-up under way
        self._exact = False  # that wake-up is the first job's end

    def write(self, size: float) -> Event:
        now, jobs = self._env.now, self._jobs
        self._clock = self._clock + (now - self._time) * self._rate / len(jobs) if jobs else 0.0
        self._time = now
        self._started += 1
        done = Event(self._env)
        heappush(jobs, (self._clock + size, self._started, done))
        self._exact = False
        self._plan(now)
        return done

    def _plan(self, now: float) -> None:
        wait = (self._jobs[0][0] - self._clock) * len(self._jobs) / self._rate
        if now + wait < self._due:
            self._due = now + wait
            self._exact = True
            _call(self._env, self._wake, NORMAL, wait)

    def _wake(self, _: Event) -> None:
        now, jobs = self._env.now, self._jobs
        if now < self._due:  # an earlier wake-up replaced it
            return
        self._due = math.inf
        self._clock += (now - self._time) * self._rate / len(jobs)
        self._time = now
        if self._exact:
            self._clock = max(self._clock, jobs[0][0])
            while jobs and jobs[0][0] <= self._clock:
                heappop(jobs)[2].succeed()
        if jobs:
            self._plan(now)


def _taken(dues: list[tuple[float, int, int, Group]], limit: float) -> list[Group]:
    groups = []
    while dues and dues[0][0] <= limit:
        _, stamp, _, group = heappop(dues)
        if stamp == group.stamp:
            groups.append(group)
    return groups


def _call(
    env: simpy.Environment, callback: object, priority: EventPriority, delay: float = 0.0, value: int = 0
) -> None:
    event = Event(env)
    event._ok, event._value = True, value
    event.callbacks.append(callback)  # type: ignore[arg-type]
    env.schedule(event, priority, delay)
