"""A node among its peers: what it has, what it sends and what it receives."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import simpy

from pullsim.hardware.nic import Nic
from pullsim.kernel.event import Event
from pullsim.network.network import Network
from pullsim.network.traffic import Inbound
from pullsim.peer_record import PEER, PeerRecord
from pullsim.spec.prices import PEER as LINK

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.kernel.environment import Environment
    from pullsim.registry.request import Download
    from pullsim.runtime.peers.protocol import Content
    from pullsim.spec.cluster import Node


class Stream(NamedTuple):
    """What one stream between two nodes can carry."""

    cap: float  # payload bytes/s at the most
    goodput: float  # the share of a link's rate that carries payload


class Interface(NamedTuple):
    """A node's network interface, and what counts the bytes that come in by class of link (None: nothing does)."""

    network: Network
    nic: Nic
    inbound: Inbound | None


class PeerNode:
    """A node that can send blobs to others by its uplink, and receive them from others.

    Sums of bytes are payload. What one node sends another one receives, so that the sums over all nodes are equal at
    every moment in which nothing is under way.
    """

    __slots__ = (
        "_env",
        "_gone",
        "_interface",
        "content",
        "leaves",
        "left",
        "misses",
        "name",
        "received",
        "requests",
        "sent",
        "zone",
    )

    def __init__(
        self,
        env: Environment,
        node: Node,
        interface: Interface,
        content: Content,
        *,
        leaves: bool,
    ) -> None:
        """``leaves``: whether the node may leave before the end of the run."""
        self._env = env
        self._interface = interface
        self._gone: Event | None = Event(env) if leaves else None
        self.name = node.name
        self.zone = node.zone
        self.content = content
        self.leaves = leaves
        self.left = math.inf  # when it left
        self.sent = self.received = 0  # bytes of blobs and documents
        self.requests = 0  # requests of its runtime
        self.misses = 0  # those for which no peer could be found, or none could answer

    def leave(self) -> None:
        """Leave the cluster: what is being sent breaks off, and no request is answered any more."""
        self.left = self._env.now
        if self._gone is not None:
            self._gone.succeed()

    def has(self, digest: str) -> bool:
        """Whether the node is there and has a blob."""
        return self.left == math.inf and digest in self.content.blobs

    def receive(self, source: PeerNode, size: int, stream: Stream, download: Download) -> Generator[Any, Any, bool]:
        """Receive ``size`` payload bytes from another node, and report to ``download``.

        Returns whether all have come. If the other node leaves meanwhile, or the process is interrupted, the bytes
        that came are added to ``download.received``.
        """
        env, goodput, nic = self._env, stream.goodput, self._interface.nic
        up = source._interface.nic.up
        transfer = self._interface.network.transfer(up, nic.down, size / goodput, stream.cap / goodput)
        download.host = PEER
        download.begin(env.now, transfer)
        try:
            if source._gone is None:
                yield transfer
            else:
                yield transfer | source._gone
        except simpy.Interrupt:
            self._break_off(source, size - transfer.cancel() * goodput, download)
            raise
        if not transfer.triggered and (left := transfer.cancel()) > 0.0:
            self._break_off(source, size - left * goodput, download)
            return False
        self._count(source, size)
        return True

    def record(self) -> PeerRecord:
        """Return what the node has sent and received so far."""
        return PeerRecord(self.name, self.zone, self.sent, self.received, self.requests, self.misses)

    def _break_off(self, source: PeerNode, got: float, download: Download) -> None:
        """Count the bytes of a transfer that ended early."""
        size = round(got)
        download.received += size
        self._count(source, size)

    def _count(self, source: PeerNode, size: int) -> None:
        source.sent += size
        self.received += size
        if (inbound := self._interface.inbound) is not None:
            inbound.add(PEER, LINK, source.zone, size)
