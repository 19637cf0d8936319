"""The registries and mirrors of a cluster, each of which is made when a node first asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.records import CacheRecord, FaultRecord, LinkSample, RegistryRecord
from pullsim.registry.authorizer import Authorizer
from pullsim.registry.host import Registry
from pullsim.registry.pull_through.client import connect
from pullsim.registry.pull_through.registry import CachingRegistry
from pullsim.spec.registry import RegistrySpec, spellings

if TYPE_CHECKING:
    from pullsim.kernel.environment import Environment
    from pullsim.network.flows import Port
    from pullsim.network.network import Network
    from pullsim.network.traffic import Traffic
    from pullsim.registry.access import Presented
    from pullsim.registry.client import Client
    from pullsim.spec.cluster import ClusterSpec
    from pullsim.streams import Streams


class Registries:
    """The registries by host; a registry that is not in the cluster's spec has the default settings."""

    def __init__(
        self,
        env: Environment,
        network: Network,
        spec: ClusterSpec,
        streams: Streams,
        traffic: Traffic | None = None,
    ) -> None:
        """``traffic`` counts bytes by class of link, those that caches get too; None: nothing asks for that."""
        self._env = env
        self._traffic = traffic
        self._network = network
        self._catalog = spec.catalog
        self._streams = streams
        self._specs = {registry.host: registry for registry in spec.registries}
        self._registries: dict[str, Registry] = {}

    def get(self, host: str) -> Registry:
        """Return the registry of a host, which may be written with or without the default port."""
        host = next((each for each in spellings(host) if each in self._specs), host)
        registry = self._registries.get(host)
        if registry is None:
            spec = self._specs.get(host) or RegistrySpec(host)
            registry = self._registries[host] = self._make(spec)
        return registry

    def links(self) -> list[LinkSample]:
        """Return the use of each registry's egress over time, in order of hosts."""
        return [
            LinkSample(name, t0, t1, rate, link.capacity)
            for _, registry in sorted(self._registries.items())
            for name, link in registry.links()
            for t0, t1, rate in link.meter.samples()
        ]

    def faults(self, now: float) -> list[FaultRecord]:
        """Return the faults of all registries, in order of hosts and of their lists; ``now``: the end of the run."""
        records = []
        for host, spec in sorted(self._specs.items()):
            registry = self._registries.get(host)
            hits = registry.faults.hits(now) if registry is not None and registry.faults is not None else []
            for number, fault in enumerate(spec.faults):
                records.append(FaultRecord(host, fault.at, fault.ends, fault.image, hits[number] if hits else {}))
        return records

    def records(self) -> list[RegistryRecord]:
        """Return the counts of requests and bytes of each registry and mirror, in order of hosts, at the run's end."""
        for registry in self._registries.values():
            registry.close()
        return [registry.record() for _, registry in sorted(self._registries.items())]

    def caches(self) -> list[CacheRecord]:
        """Return what the pull-through caches had and got, in order of hosts; `records` comes first."""
        found = (registry for _, registry in sorted(self._registries.items()))
        return [registry.cache_record() for registry in found if isinstance(registry, CachingRegistry)]

    def _make(self, spec: RegistrySpec) -> Registry:
        settings = self._env, self._network, spec, self._catalog, self._streams
        if spec.cache is None:
            return Registry(*settings)
        cache = CachingRegistry(*settings, self._connect)
        if self._traffic is not None:
            cache.count_inbound(self._traffic.inbound(spec.host, spec.zone))
        return cache

    def _connect(self, host: str, port: Port, presented: Presented) -> Client:
        """Return a client of a host for a cache."""
        registry = self.get(host)
        return connect(self._env, registry, port, Authorizer(registry, presented))
