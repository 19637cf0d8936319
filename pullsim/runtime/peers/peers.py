"""The peers of a cluster: what the agents on its nodes share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.runtime.peers.adverts import Adverts
from pullsim.runtime.peers.node import Interface, PeerNode
from pullsim.runtime.peers.spegel import Spegel
from pullsim.spec.peers import DragonflySpec, KrakenSpec, PeerSpec, SpegelSpec

if TYPE_CHECKING:
    from pullsim.hardware.disk import Disk
    from pullsim.hardware.nic import Nic
    from pullsim.kernel.environment import Environment
    from pullsim.network.network import Network
    from pullsim.network.traffic import Inbound, Traffic
    from pullsim.peer_record import PeerRecord
    from pullsim.runtime.peers.protocol import Agent, Content
    from pullsim.runtime.peers.swarm.agent import SwarmAgent
    from pullsim.runtime.peers.swarm.network import SwarmNetwork
    from pullsim.spec.cluster import Node
    from pullsim.streams import Streams


class Peers:
    """The nodes that give one another blobs, and where they find one another."""

    __slots__ = ("_adverts", "_agents", "_env", "_network", "_streams", "_swarms", "_traffic")

    def __init__(self, env: Environment, network: Network, streams: Streams, traffic: Traffic | None) -> None:
        """``traffic`` counts bytes by class of link; None: nothing asks for that."""
        self._env = env
        self._network = network
        self._streams = streams
        self._traffic = traffic
        self._adverts = Adverts()
        self._swarms: dict[str, SwarmNetwork] = {}  # by kind
        self._agents: dict[str, Agent] = {}  # by the name of their node, also of those that have left

    def spegel(
        self, node: Node, nic: Nic, content: Content, inbound: Inbound | None, *, advertises_blobs: bool
    ) -> Spegel:
        """Start Spegel on a node; ``advertises_blobs``: see `Spegel`."""
        spec = node.spec.peers
        assert isinstance(spec, SpegelSpec)
        leaves = node.spec.leave is not None or node.spec.removable
        interface = Interface(self._network, nic, inbound)
        peer = PeerNode(self._env, node, interface, content, leaves=leaves)
        random = self._streams.get("peers", node.name)
        agent = Spegel(self._env, spec, peer, self._adverts, random, advertises_blobs=advertises_blobs)
        self._agents[node.name] = agent
        return agent

    def swarm(self, node: Node, nic: Nic, disk: Disk | None, inbound: Inbound | None) -> SwarmAgent:
        """Start the agent of a swarm on a node."""
        from pullsim.runtime.peers.swarm.agent import SwarmAgent  # noqa: PLC0415  # numpy, which few runs need

        spec = node.spec.peers
        assert spec is not None
        network = self._swarms.get(spec.kind)
        if network is None:
            network = self._swarms[spec.kind] = self._swarm_network(spec)
        agent = SwarmAgent(node, nic, disk, network, inbound)
        self._agents[node.name] = agent
        return agent

    def leave(self, name: str) -> None:
        """Note that a node leaves."""
        if (agent := self._agents.get(name)) is not None:
            agent.leave()

    def close(self) -> None:
        """Count what has come by the end of the run."""
        for agent in self._agents.values():
            agent.close()

    def records(self) -> list[PeerRecord]:
        """Return what each node has sent and received, in order of their names, and then the seeds of swarms."""
        nodes = [agent.record() for _, agent in sorted(self._agents.items())]
        return [*nodes, *(row for network in self._swarms.values() for row in network.records())]

    def _swarm_network(self, spec: PeerSpec) -> SwarmNetwork:
        from pullsim.runtime.peers.swarm.dragonfly_network import DragonflyNetwork  # noqa: PLC0415
        from pullsim.runtime.peers.swarm.kraken_network import KrakenNetwork  # noqa: PLC0415

        if isinstance(spec, DragonflySpec):
            return DragonflyNetwork(self._env, self._network, spec, self._streams, self._traffic)
        assert isinstance(spec, KrakenSpec)
        return KrakenNetwork(self._env, self._network, spec, self._streams, self._traffic)
