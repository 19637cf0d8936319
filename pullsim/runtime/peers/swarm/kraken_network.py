"""Kraken's origins, and the torrents that agents join."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullsim.kernel.event import Timeout
from pullsim.runtime.peers.swarm.kraken import KrakenTorrent
from pullsim.runtime.peers.swarm.network import Membership, SwarmNetwork

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.kernel.environment import Environment
    from pullsim.network.network import Network
    from pullsim.network.traffic import Traffic
    from pullsim.oci.manifest import Layer
    from pullsim.registry.host import Registry
    from pullsim.runtime.peers.swarm.network import Newcomer
    from pullsim.spec.peers import KrakenSpec
    from pullsim.streams import Streams


class KrakenNetwork(SwarmNetwork):
    """The swarm of Kraken's agents.

    Each blob has its origins, which are among the hosts of `origins`. If they are warm they have it; else the first
    agent that asks for it makes each of them fetch it whole from the registry, and agents wait for its metainfo until
    then (origin/blobserver, tracker/trackerserver/metainfo.go). An agent serves a blob when it has all of it
    (lib/dockerregistry/transfer/ro_transferer.go).
    """

    def __init__(
        self, env: Environment, network: Network, spec: KrakenSpec, streams: Streams, traffic: Traffic | None
    ) -> None:
        super().__init__(env, network, spec, streams, traffic)
        self._kraken = spec
        self._coming: dict[str, list[Membership]] = {}  # who waits for the origins of a blob, by its digest

    def enter(self, newcomer: Newcomer, layer: Layer, registry: Registry) -> Membership:
        """See `SwarmNetwork`."""
        torrent = self._policies.get(layer.digest)
        if not isinstance(torrent, KrakenTorrent):
            torrent = self._policies[layer.digest] = KrakenTorrent(self._kraken, layer.size, self.random, self.zone_of)
            torrent.busy = self._busy
            origins = self._seeds_of(layer.digest, self._kraken.replicas)
            if self._kraken.warm:
                self._seed(torrent, origins)
            else:
                self._coming[layer.digest] = []
                self.env.process(self._fill(torrent, origins, layer, registry))
        membership = Membership(self.env, self.swarm, torrent, newcomer.host)
        if layer.digest in self._coming:
            self._coming[layer.digest].append(membership)
        else:
            self._join(torrent, membership)
        return membership

    def serving(self, size: int, membership: Membership) -> float:  # noqa: ARG002 - all blobs are served alike
        """See `SwarmNetwork`."""
        return size / self._kraken.loopback

    def _busy(self, host: int) -> int:
        """Return in how many torrents a host has something to fetch."""
        return sum(isinstance(each, KrakenTorrent) and each.fetches(host) for each in self._policies.values())

    def _join(self, torrent: KrakenTorrent, membership: Membership) -> None:
        membership.member = torrent.join(membership.host, self.env.now, membership.done)
        self.swarm.changed(torrent)

    def _seed(self, torrent: KrakenTorrent, origins: list[int]) -> None:
        for host in origins:
            torrent.join(host, self.env.now, None, origin=True)

    def _fill(
        self, torrent: KrakenTorrent, origins: list[int], layer: Layer, registry: Registry
    ) -> Generator[Any, Any, None]:
        """Let the origins of a blob fetch it from the registry and seed it; agents join when they have it."""
        site, size = registry.blob_site, layer.size
        yield Timeout(self.env, site.round_trip + site.first_byte)
        rate = self.spec.seed_download / site.goodput
        ports = [self.network.port(f"origin {host}", rate) for host in origins]
        wire = size / site.goodput
        transfers = [registry.network.transfer(site.path, port, wire, site.connection_cap) for port in ports]
        for host, transfer in zip(origins, transfers, strict=True):
            yield transfer
            registry.blobs += 1
            registry.delivered(site, size, self._inbound.get(host))
        self._seed(torrent, origins)
        for membership in self._coming.pop(layer.digest):
            if not membership.left:
                self._join(torrent, membership)
