"""What the agents of a kind of swarm share: the torrents, their seeds, and the links of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pullsim.kernel.event import Event
from pullsim.network.flows import Port
from pullsim.network.traffic import Inbound, Traffic
from pullsim.peer_record import PeerRecord
from pullsim.runtime.peers.swarm.swarm import Swarm

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.hardware.page_cache import DiskJob
    from pullsim.kernel.environment import Environment
    from pullsim.kernel.processor_sharing import Job
    from pullsim.network.network import Network
    from pullsim.oci.manifest import Layer
    from pullsim.registry.host import Registry
    from pullsim.runtime.peers.swarm.swarm import Policy
    from pullsim.spec.peers import SwarmSpec
    from pullsim.streams import Streams


class Newcomer(NamedTuple):
    """Who joins a torrent: a host of the swarm, and its node's port and account of bytes."""

    host: int
    port: Port
    inbound: Inbound | None


class Membership:
    """One agent in the torrent of one blob."""

    def __init__(self, env: Environment, swarm: Swarm, policy: Policy, host: int) -> None:
        self.complete = Event(env)
        self.policy = policy
        self.member = -1  # its number in the torrent; -1: it has not joined yet
        self.written: Job | DiskJob | None = None  # the agent's own write of the blob
        self._swarm = swarm
        self.host = host
        self.left = False

    def wait(self) -> Generator[Any, Any, None]:
        """Wait until the agent has the whole blob."""
        if not self.complete.triggered:
            yield self.complete

    def done(self) -> None:
        """Note that the agent has the whole blob."""
        if not self.complete.triggered:
            self.complete.succeed()

    def full(self) -> float:
        """Return the seconds in which the host's downlink was full so far."""
        return self._swarm.full(self.host)

    def sent(self) -> int:
        """Return the bytes of pieces that the agent has sent."""
        return 0 if self.member < 0 else int(self.policy.torrent.members["sent"][self.member])

    def received(self) -> tuple[int, int]:
        """Return the bytes of pieces that came from hosts of its zone or of none, and from those of other zones."""
        if self.member < 0:
            return 0, 0
        members = self.policy.torrent.members
        across = int(members["across"][self.member])
        return int(members["received"][self.member]) - across, across

    def leave(self) -> None:
        """Leave the torrent, as its node leaves."""
        there, self.left = not self.left and self.member >= 0, True
        if there:
            self._swarm.settle()
            self.policy.leave(self.member)
            self._swarm.changed(self.policy)


class SwarmNetwork:
    """The swarm of all nodes with agents of one kind; a subclass has the kind's seeds and torrents.

    A host of the swarm has a rate for each direction, the lesser of its limit and its NIC. It shares the NIC with what
    comes to the node from registries at the same time (`SharedPort`).
    """

    def __init__(
        self, env: Environment, network: Network, spec: SwarmSpec, streams: Streams, traffic: Traffic | None
    ) -> None:
        """``traffic`` counts bytes by class of link, those that seeds get too; None: nothing asks for that."""
        self.env = env
        self.network = network
        self.spec = spec
        self.swarm = Swarm(env, spec.tick, spec.per_connection)
        self.seeds: list[int] = []  # the hosts of seeds
        self._inbound: dict[int, Inbound] = {}  # what counts their bytes by class of link, by host
        self.random: Any = np.random.default_rng(int(streams.get("swarm", spec.kind).uniform() * 2.0**53))
        self._zones: dict[str, int] = {}
        self._policies: dict[str, Policy] = {}  # by digest
        for number in range(spec.seeds):
            seed = self.swarm.host(spec.seed_upload, spec.seed_download, -1)
            self.seeds.append(seed)
            if traffic is not None:
                self._inbound[seed] = traffic.inbound(self._name(number), None)

    def zone(self, name: str | None) -> int:
        """Return the number of a zone, -1 for none."""
        return -1 if name is None else self._zones.setdefault(name, len(self._zones))

    def zone_of(self, host: int) -> int:
        """Return the number of the zone of a host, -1 for none."""
        return int(self.swarm.hosts["zone"][host])

    def refuses(self, registry: Registry) -> bool:
        """Whether the swarm leaves a registry to the runtime.

        Seeds do not meet faults and quotas, and what they asked a pull-through cache for it would not fetch.
        """
        return not registry.gates.regular or registry.spec.cache is not None

    def enter(self, newcomer: Newcomer, layer: Layer, registry: Registry) -> Membership:
        """Let an agent join the torrent of a layer, which is made if it is the first one."""
        raise NotImplementedError

    def serving(self, size: int, membership: Membership) -> float:
        """Return the seconds from when the agent has the blob until the runtime has ``size`` bytes of it."""
        raise NotImplementedError

    def records(self) -> list[PeerRecord]:
        """Return what each seed has sent."""
        found = []
        for number, host in enumerate(self.seeds):
            sent = received = 0
            for policy in self._policies.values():
                members = policy.torrent.members
                own = members["host"] == host
                sent += int(members["sent"][own].sum())
                received += int(members["received"][own].sum())
            found.append(PeerRecord(self._name(number), None, sent, received, 0, 0))
        return found

    def _name(self, number: int) -> str:
        """Return the name of a seed."""
        return f"{self.spec.kind}-{self.spec.seed_name}-{number}"

    def _seeds_of(self, digest: str, count: int) -> list[int]:
        """Return the hosts of the seeds of a blob, as a hash ring has them."""
        begin = int(digest.rpartition(":")[2][:8], 16) % len(self.seeds)
        return [self.seeds[(begin + n) % len(self.seeds)] for n in range(min(count, len(self.seeds)))]
