"""The peers of a cluster: what the agents on its nodes share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.runtime.peers.adverts import Adverts
from pullsim.runtime.peers.node import Interface, PeerNode
from pullsim.runtime.peers.spegel import Spegel

if TYPE_CHECKING:
    import simpy

    from pullsim.hardware.nic import Nic
    from pullsim.network.network import Network
    from pullsim.network.traffic import Inbound
    from pullsim.peer_record import PeerRecord
    from pullsim.runtime.peers.protocol import Content
    from pullsim.spec.cluster import Node
    from pullsim.streams import Streams


class Peers:
    """The nodes that give one another blobs, and where they find one another."""

    __slots__ = ("_adverts", "_env", "_network", "_nodes", "_streams")

    def __init__(self, env: simpy.Environment, network: Network, streams: Streams) -> None:
        self._env = env
        self._network = network
        self._streams = streams
        self._adverts = Adverts()
        self._nodes: dict[str, PeerNode] = {}  # by name, also those that have left

    def spegel(
        self, node: Node, nic: Nic, content: Content, inbound: Inbound | None, *, advertises_blobs: bool
    ) -> Spegel:
        """Start Spegel on a node; ``advertises_blobs``: see `Spegel`."""
        spec = node.spec.peers
        assert spec is not None
        leaves = node.spec.leave is not None or node.spec.removable
        interface = Interface(self._network, nic, inbound)
        peer = PeerNode(self._env, node, interface, content, leaves=leaves)
        self._nodes[node.name] = peer
        random = self._streams.get("peers", node.name)
        return Spegel(self._env, spec, peer, self._adverts, random, advertises_blobs=advertises_blobs)

    def leave(self, name: str) -> None:
        """Note that a node leaves."""
        if (node := self._nodes.get(name)) is not None:
            node.leave()

    def records(self) -> list[PeerRecord]:
        """Return what each node has sent and received, in order of their names."""
        return [node.record() for _, node in sorted(self._nodes.items())]
