"""A swarm: hosts that share their links among the torrents that they are in, step by step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from pullsim.kernel.event import LAST, Call, Event
from pullsim.network.mesh import fill
from pullsim.runtime.peers.swarm.table import Table

if TYPE_CHECKING:
    from pullsim.kernel.environment import Environment
    from pullsim.runtime.peers.swarm.shared_port import SharedPort
    from pullsim.runtime.peers.swarm.torrent import Torrent

#: A step ends when so large a part of the edges has brought a piece, at the latest: with few edges it is each piece.
_PART: Final = 1 / 3
_LEAST: Final = 1e-6  # seconds of a step


class Policy(Protocol):
    """What a kind of swarm does in each step: who connects to whom, and who asks for what."""

    torrent: Torrent

    def leave(self, member: int) -> None:
        """Take a member away."""

    def maintain(self, now: float) -> float:
        """Connect, disconnect and ask for pieces; return when something of that is due again, inf for never."""
        ...

    def idle(self) -> bool:
        """Whether nobody waits for a piece."""
        ...


class Swarm:
    """The hosts of a cluster and the torrents among them.

    In each step every edge with something under way is one flow from its parent's uplink to its child's downlink, at
    exact max-min fair rates (`network.mesh.fill`). A step takes ``tick`` seconds at the most, less if a third of the
    edges has brought a piece by then. With a tick of 0 it ends with the first piece that comes: that is exact, and
    slow. What joins or leaves within a step counts from its end on, but for an exact swarm. So do transfers that come
    to a node from elsewhere: each step fills its port with both (`SharedPort`).
    """

    def __init__(self, env: Environment, tick: float, cap: float) -> None:
        """``cap``: most bytes/s over one edge."""
        self._env = env
        self._tick = tick
        self._cap = cap
        self.hosts: Table = Table(
            {
                "up": np.float64,
                "down": np.float64,
                "zone": np.int64,
                "full": np.float64,
                "is_full": np.bool_,
                "used": np.float64,
            }
        )
        self._ports: dict[int, SharedPort] = {}  # of hosts to which other transfers come too
        self._shared: dict[int, SharedPort] = {}  # those of which the last step has reserved a part
        self._reserving = False  # what changes at ports is the swarm's own doing
        self._policies: dict[Policy, None] = {}  # those of torrents that somebody waits for
        self._edges: list[tuple[Torrent, Any]] = []  # those with rates since the last step
        self._time = 0.0  # of the last step
        self._call: Event | None = None  # the next step; those scheduled before it do nothing
        self.steps = 0  # number of steps; tests read it

    def host(self, up: float, down: float, zone: int, port: SharedPort | None = None) -> int:
        """Add a host with these rates in bytes/s of payload, in a zone (-1: none); return its number.

        ``port``: that of its node, which limits it further while other transfers come to it.
        """
        number = self.hosts.add()
        self.hosts["up"][number], self.hosts["down"][number], self.hosts["zone"][number] = up, down, zone
        if port is not None:
            self._ports[number] = port
            if self._tick == 0.0:
                port.watch(self._port_changed)
        return number

    def changed(self, policy: Policy) -> None:
        """Note that somebody joined or left: the next step sees it, which is at once if nothing was under way."""
        self._policies[policy] = None
        if self._call is None or self._tick == 0.0:
            self._call = Call(self._env, self._step, 0.0, LAST)

    @property
    def now(self) -> float:
        """The simulated time in seconds."""
        return float(self._env.now)

    def _port_changed(self) -> None:
        """Let an exact swarm see at once that a transfer to one of its hosts has started or ended."""
        if self._policies and not self._reserving:
            self._call = Call(self._env, self._step, 0.0, LAST)

    def full(self, host: int) -> float:
        """Return the seconds in which the downlink of a host was full so far."""
        since = self._env.now - self._time if self.hosts["is_full"][host] else 0.0
        return float(self.hosts["full"][host]) + since

    def settle(self) -> None:
        """Let the bytes come that have come by now."""
        now = self._env.now
        elapsed, self._time = now - self._time, now
        if elapsed > 0.0:
            self.hosts["full"][self.hosts["is_full"]] += elapsed
            for torrent, edges in self._edges:
                torrent.advance(edges, elapsed, now)

    def _step(self, event: Event) -> None:
        if event is not self._call:
            return
        self.steps += 1
        self._call = None
        self.settle()
        now = self._env.now
        due = math.inf
        for policy in list(self._policies):
            due = min(due, policy.maintain(now))
            if policy.idle():
                del self._policies[policy]
        first = self._share()
        if self._call is None and self._policies:
            self._call = Call(self._env, self._step, max(_LEAST, min(due - now, self._length(first))))

    def _share(self) -> Any:
        """Find all rates; return the seconds until each edge has brought its piece."""
        self._edges = [(policy.torrent, policy.torrent.active()) for policy in self._policies]
        hosts = self.hosts
        count = len(hosts)
        children, parents, rests, numbers = [], [], [], []
        for torrent, edges in self._edges:
            host = torrent.members["host"]
            children.append(host[torrent.edges["child"][edges]])
            parents.append(host[torrent.edges["parent"][edges]])
            rests.append(torrent.edges["rest"][edges])
            numbers.append(torrent.edges["length"][edges])
        if not children or not sum(map(len, children)):
            hosts["is_full"][:], hosts["used"][:] = False, 0.0
            self._reserve({}, np.zeros(0))
            return np.zeros(0)
        child, parent, rest, number = (np.concatenate(each) for each in (children, parents, rests, numbers))
        number = number.astype(float)
        shared = {host: port for host, port in self._ports.items() if port.matters}
        rate, room = self._fill(child, parent, number, shared)
        rate *= number
        used = np.bincount(child, rate, count)
        hosts["used"][:] = np.bincount(parent, rate, count)
        hosts["is_full"][:] = (used > 0.0) & (used >= room * (1.0 - 1e-9))
        self._reserve(shared, used)
        begin = 0
        for torrent, edges in self._edges:
            torrent.edges["rate"][edges] = rate[begin : begin + len(edges)]
            begin += len(edges)
        return np.maximum(rest, 0.0) / rate

    def _fill(self, child: Any, parent: Any, number: Any, shared: dict[int, SharedPort]) -> tuple[Any, Any]:
        """Return the bytes/s of one request of each edge, and those that each host can receive from the swarm."""
        hosts, count = self.hosts, len(self.hosts)
        path, cap = np.column_stack((1 + child, 1 + count + parent)), self._cap / number
        capacity = np.concatenate(([math.inf], hosts["down"], hosts["up"]))
        if not shared:
            return fill(path, number, cap, capacity), hosts["down"]
        column = np.zeros(count, dtype=np.intp)  # that of the host's port, 0 if nobody else uses it
        column[list(shared)] = len(capacity) + np.arange(len(shared))
        rows = [(host, each, most) for host, port in shared.items() for each, most in port.others()]
        receiver = np.array([host for host, _, _ in rows], dtype=np.intp)
        others = np.array([each for _, each, _ in rows], dtype=float)
        path = np.column_stack((path, column[child]))
        path = np.concatenate((path, np.column_stack((column[receiver], np.zeros((len(rows), 2), dtype=np.intp)))))
        ports = np.array([port.rate for port in shared.values()])
        rate = fill(
            path,
            np.concatenate((number, others)),
            np.concatenate((cap, [most for _, _, most in rows])),
            np.concatenate((capacity, ports)),
        )
        room = hosts["down"].copy()
        left = ports - np.bincount(receiver, others * rate[len(child) :], count)[list(shared)]
        room[list(shared)] = np.minimum(room[list(shared)], left)
        return rate[: len(child)], room

    def _reserve(self, shared: dict[int, SharedPort], used: Any) -> None:
        """Keep from other transfers what comes over the swarm, by host, and give back what was kept before."""
        now, before, self._shared = self._env.now, self._shared, shared
        self._reserving = True
        for host, port in before.items():
            if host not in shared:
                port.reserve(0.0, now)
        for host, port in shared.items():
            port.reserve(float(used[host]), now)
        self._reserving = False

    def _length(self, first: Any) -> float:
        """Return how long a step is; ``first``: see `_share`."""
        if not len(first):
            return math.inf if self._tick == 0.0 else self._tick
        if self._tick == 0.0:
            return float(first.min())
        part = int(len(first) * _PART)
        return min(self._tick, float(np.partition(first, part)[part]))
