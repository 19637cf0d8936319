"""A registry host that is a pull-through cache, of one replica or several behind a load balancer."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from pullsim.oci.reference import parse
from pullsim.records import CacheRecord
from pullsim.registry.host import Registry, Site
from pullsim.registry.pull_through.replica import Replica
from pullsim.spec.registry import fits

if TYPE_CHECKING:
    from pullsim.kernel.environment import Environment
    from pullsim.network.flows import Link
    from pullsim.network.network import Network
    from pullsim.network.traffic import Inbound
    from pullsim.oci.catalog import Catalog
    from pullsim.registry.pull_through.upstream import Connect
    from pullsim.registry.request import Request
    from pullsim.spec.pull_through import CacheSpec
    from pullsim.spec.registry import RegistrySpec
    from pullsim.streams import Streams


class CachingRegistry(Registry):
    """A host that has what nodes have asked for before, and gets the rest from other registries."""

    def __init__(
        self,
        env: Environment,
        network: Network,
        spec: RegistrySpec,
        catalog: Catalog,
        streams: Streams,
        connect: Connect,
    ) -> None:
        """``connect`` makes a client of another host."""
        super().__init__(env, network, spec, catalog, streams)
        cache = spec.cache
        assert cache is not None
        self._cache: CacheSpec = cache
        self._streams = streams
        sites = [self.site]
        for number in range(1, cache.replicas):
            name = f"{spec.host} {number + 1}"
            sites.append(Site(network, name, spec, spec.egress, spec.per_connection, spec.round_trip, spec.first_byte))
        self._replicas = [Replica(env, self, cache, site, catalog, connect) for site in sites]
        if cache.holds:
            self._fill(catalog)

    def replica(self, request: Request) -> Replica:
        """Return the replica that gets a request."""
        replicas, balance = self._replicas, self._cache.balance
        if len(replicas) == 1:
            return replicas[0]
        node, what = request.presented.node, request.what or str(request.reference)
        if balance == "random":
            return replicas[self._streams.get("replica", self.spec.host, node, what).choice(len(replicas))]
        key = node if balance == "client" else what
        return replicas[int.from_bytes(sha256(key.encode()).digest()[:8]) % len(replicas)]

    def count_inbound(self, inbound: Inbound) -> None:
        """Count what comes from upstream by class of link."""
        for replica in self._replicas:
            replica.upstream.count_inbound(inbound)

    def links(self) -> list[tuple[str, Link]]:
        """Return the links of all replicas: to nodes, from upstream, and of their disks."""
        return [link for replica in self._replicas for link in replica.links]

    def close(self) -> None:
        """Count what is on its way from upstream."""
        for replica in self._replicas:
            replica.upstream.close()

    def cache_record(self) -> CacheRecord:
        """Return what the cache had, and what it got from upstream."""
        replicas = self._replicas
        for each in replicas:
            each.store.expire(self._env.now)
        return CacheRecord(
            host=self.spec.host,
            replicas=len(replicas),
            received=sum(each.upstream.received for each in replicas),
            sent=self.sent,
            hits=sum(each.hits for each in replicas),
            misses=sum(each.misses for each in replicas),
            evictions=sum(each.store.evictions for each in replicas),
            stored=sum(each.store.used for each in replicas),
        )

    def _fill(self, catalog: Catalog) -> None:
        """Store the images that the cache has from the start, in every replica."""
        for name in catalog.names():
            reference = parse(name)
            image = catalog.lookup(reference, 0.0)
            if image is not None and fits(self._cache.holds, reference):
                for replica in self._replicas:
                    replica.hold(str(reference), image)
        for replica in self._replicas:
            replica.store.evictions = 0
