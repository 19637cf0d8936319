"""The agent of a swarm on one node: its runtime asks it for layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullsim.hardware.jobs import cancel_all
from pullsim.kernel.event import Timeout
from pullsim.network.flows import Transfer
from pullsim.peer_record import PEER, PeerRecord
from pullsim.registry.request import NOT_FOUND, OK
from pullsim.runtime.peers.swarm.network import Newcomer
from pullsim.runtime.peers.swarm.shared_port import SharedPort
from pullsim.spec.prices import PEER as LINK

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.hardware.disk import Disk
    from pullsim.hardware.nic import Nic
    from pullsim.kernel.environment import Environment
    from pullsim.network.traffic import Inbound
    from pullsim.oci.reference import Reference
    from pullsim.registry.host import Registry
    from pullsim.registry.request import Download
    from pullsim.runtime.peers.swarm.network import Membership, SwarmNetwork
    from pullsim.runtime.sources.blob_source import Wanted
    from pullsim.spec.cluster import Node


class SwarmTransfer(Transfer):
    """The bytes of a blob on their way from a swarm, as a download sees them.

    Its seconds count as limited by the node's NIC while that was full, else by the egress of those who sent.
    """

    __slots__ = ("_begun", "_ended", "_full", "_membership")

    def __init__(self, env: Environment, membership: Membership) -> None:
        super().__init__(env, None, 0.0)
        self._membership = membership
        self._begun = env.now
        self._full = membership.full()
        self._ended: tuple[float, float, float] | None = None  # what `limited` returns once it has ended

    @property
    def limited(self) -> tuple[float, float, float]:
        """See `Transfer`."""
        if self._ended is not None:
            return self._ended
        seconds = self.env.now - self._begun
        nic = min(seconds, self._membership.full() - self._full)
        return seconds - nic, 0.0, nic

    def end(self) -> None:
        """Note that all bytes have come, or that nobody waits for them any more."""
        self._ended = self.limited


class SwarmAgent:
    """The agent on one node. It asks a swarm for layers alone: documents come from the registry's hosts.

    A blob is fetched whole, whatever range the runtime asks for, and goes on being fetched if the runtime gives up.
    It is written to the node's disk once more, beside the runtime's own copy.
    """

    def __init__(self, node: Node, nic: Nic, disk: Disk | None, network: SwarmNetwork, inbound: Inbound | None) -> None:
        spec = network.spec
        self._env: Environment = network.env
        self._network: SwarmNetwork = network
        self._disk: Disk | None = disk
        self._inbound: Inbound | None = inbound
        self._memberships: dict[str, Membership] = {}  # by digest
        self.name: str = node.name
        self.zone: str | None = node.zone
        up, down = nic.up.capacity * spec.goodput, nic.down.capacity * spec.goodput
        port = SharedPort(nic.down, spec.goodput)
        host = network.swarm.host(min(spec.upload, up), min(spec.download, down), network.zone(node.zone), port)
        self._newcomer: Newcomer = Newcomer(host, nic.down, inbound)
        self.requests = self.misses = 0

    def resolve(self, reference: Reference) -> Generator[Any, Any, str | None]:  # noqa: ARG002 - the protocol has it
        """See `Agent`: names are the registry's matter."""
        yield from ()
        return None

    def get(self, wanted: Wanted, download: Download, registry: Registry) -> Generator[Any, Any, int]:
        """See `Agent`."""
        layer, env = wanted.layer, self._env
        if layer is None or self._network.refuses(registry):
            return NOT_FOUND
        self.requests += 1
        download.request(env.now)
        membership = self._memberships.get(layer.digest)
        if membership is None:
            membership = self._memberships[layer.digest] = self._network.enter(self._newcomer, layer, registry)
            membership.written = None if self._disk is None else self._disk.begin(layer.size)
        transfer = SwarmTransfer(env, membership)
        download.host = PEER
        download.begin(env.now, transfer)
        try:
            yield from membership.wait()
            if (written := membership.written) is not None and (writing := written.wait()) is not None:
                yield writing
            serve = self._network.serving(wanted.size, membership)
            if serve > 0.0:
                yield Timeout(env, serve)
        finally:
            transfer.end()
        return OK

    def leave(self) -> None:
        """Leave the cluster."""
        for membership in self._memberships.values():
            membership.leave()
            cancel_all(membership.written)

    def close(self) -> None:
        """See `Agent`: a torrent counts its pieces itself, so that they are taken from there when all have come."""
        if self._inbound is None:
            return
        for membership in self._memberships.values():
            for crosses, amount in zip((False, True), membership.received(), strict=True):
                if amount:
                    self._inbound.count(PEER, LINK, amount, crosses=crosses)

    def record(self) -> PeerRecord:
        """Return what the node has sent and received so far."""
        sent = sum(each.sent() for each in self._memberships.values())
        received = sum(sum(each.received()) for each in self._memberships.values())
        return PeerRecord(self.name, self.zone, sent, received, self.requests, self.misses)
