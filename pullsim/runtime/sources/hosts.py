"""The hosts that containerd asks for a registry's images: those of hosts.toml, or else the scenario's mirrors."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pullsim.cri import Auth
from pullsim.registry.client import Transport
from pullsim.registry.host import Registry
from pullsim.runtime.sources.registry_auth import header_auth, host_header
from pullsim.spec.hosts import PULL, RESOLVE, Address, HostSpec, address_of, endpoint, hosts_of
from pullsim.spec.registry import DIAL_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.spec.runtime import ContainerdSpec


class Source(NamedTuple):
    """A host that is asked, with its capabilities and the credentials that containerd presents to it."""

    registry: Registry
    address: Address
    transport: Transport
    pull: bool = True  # whether it has the capability pull
    resolve: bool = True  # whether it has the capability resolve
    auth: Auth | None = None  # credentials of the runtime's own, where the kubelet has none
    header: Auth | None = None  # from an Authorization header of hosts.toml, which every request carries


def sources(registry: str, spec: ContainerdSpec, registries: Callable[[str], Registry]) -> tuple[Source, ...]:
    """Return the hosts for a registry: those of its entry in hosts.toml, or without an entry the registry's mirrors.

    The last one is the server, which is the registry itself unless hosts.toml names another.
    Source: core/remotes/docker/config/hosts.go ConfigureHosts.
    """
    own = registries(registry)
    entry = hosts_of(registry, spec.hosts) if spec.hosts else None
    header_timeout = spec.behaviour.header_timeout

    def transport(address: Address, dial_timeout: float) -> Transport:
        tls = address.scheme == "https"
        return Transport(dial_timeout, header_timeout, address.dials, tls=tls, tries_tls=address.falls_back)

    address = Address(endpoint(registry))
    dial_timeout = DIAL_TIMEOUT if entry is None or entry.top is None else entry.top.dial_timeout
    last = Source(
        own,
        address,
        transport(address, dial_timeout),
        auth=spec.auths.get(endpoint(registry)),
        header=header_auth(registry, spec.hosts),
    )
    if entry is None:
        mirrors = []
        for each in own.spec.mirrors:
            address = Address(endpoint(each.name))
            mirrors.append(
                Source(
                    registries(each.name),
                    address,
                    transport(address, each.dial_timeout),
                    each.pull,
                    each.resolve,
                    spec.auths.get(endpoint(each.name)),
                )
            )
        return (*mirrors, last)

    def source(host: HostSpec) -> Source:
        name = registry if endpoint(host.host) == endpoint(registry) else host.host
        address = address_of(host, spec.version)
        return Source(
            registries(name),
            address,
            transport(address, host.dial_timeout),
            PULL in host.capabilities,
            RESOLVE in host.capabilities,
            spec.auths.get(endpoint(name)),
            host_header(host),
        )

    return (*map(source, entry.hosts), last if entry.server is None else source(entry.server))
