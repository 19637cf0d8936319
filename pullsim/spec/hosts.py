"""The hosts that a node's containerd asks for the images of a registry: the content of ``certs.d/*/hosts.toml``."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote_plus

from pullsim.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pullsim.oci.reference import Reference
    from pullsim.releases.release import Release

HUB: Final = ("docker.io", "registry-1.docker.io")
PORTS: Final = {"http": "80", "https": "443"}

DEFAULT_NAMESPACE: Final = "_default"
PULL, RESOLVE, PUSH, REFERRERS = "pull", "resolve", "push", "referrers"
ALL_CAPABILITIES: Final = (PULL, RESOLVE, PUSH, REFERRERS)
#: The first containerd release with a capability or a key of hosts.toml, for those later than 1.6 (parseHostConfig).
CAPABILITY_SINCE: Final = {REFERRERS: (2, 2)}
KEY_SINCE: Final = {"dial_timeout": (2, 0, 7)}
DIAL_TIMEOUT: Final = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class HostSpec:
    """A host that containerd asks for images: a mirror, or the registry itself."""

    host: str  # host[:port]
    scheme: str = "https"
    path: str = "/v2"
    capabilities: tuple[str, ...] = ALL_CAPABILITIES  # resolve: HEAD of a tag; pull: GET of manifests and blobs
    header: tuple[tuple[str, tuple[str, ...]], ...] = ()  # sent with every request
    skip_verify: bool = False
    dial_timeout: float = DIAL_TIMEOUT
    override_path: bool = False
    explicit_tls: bool = False  # whether the file has ca, client or skip_verify, even skip_verify = false


class Address(NamedTuple):
    """The address of a host's registry API, as requests and their errors show it.

    ``falls_back``: the file has the host with http and with TLS settings, so that containerd tries https first. If the
    host has no port, containerd dials port 80 when port 443 does not answer.
    """

    host: str  # host[:port] as written
    scheme: str = "https"
    path: str = "/v2"
    falls_back: bool = False

    def url(self, reference: Reference, kind: str, what: str) -> str:
        """Return the URL of a manifest or blob; for a mirror it names the registry in the parameter ns (isProxy)."""
        path = posixpath.join("/", self.path.strip("/"), reference.path, kind, what)
        url = f"{self.scheme}://{self.host}{path}"
        if self.host == reference.domain or (reference.domain, self.host) == HUB:
            return url
        return f"{url}?ns={quote_plus(reference.domain)}"

    @property
    def dialled(self) -> str:
        """Host and port of the last attempt to connect."""
        if port_of(self.host):
            return self.host
        return f"{self.host}:{PORTS['http' if self.falls_back else self.scheme]}"

    @property
    def dials(self) -> int:
        """The number of ports that containerd dials when none of them answers."""
        return 2 if self.falls_back and not port_of(self.host) else 1


def address_of(host: HostSpec, release: Release) -> Address:
    """Return the address at which a containerd of the release asks a host.

    Source: core/remotes/docker/config/hosts.go ConfigureHosts, resolver.go httpFallback and isPortError.
    """
    port = port_of(host.host)
    if host.scheme == "http" and host.explicit_tls and port != PORTS["http"] and _tries_https(release, port):
        return Address(host.host, "https", host.path, falls_back=True)
    return Address(host.host, host.scheme, host.path)


def port_of(host: str) -> str:
    """Return the port of ``host[:port]``, "" for none."""
    head, colon, port = host.rpartition(":")
    return port if colon and (":" not in head or head.endswith("]")) else ""


def _tries_https(release: Release, port: str) -> bool:
    """Whether the release tries https first at a host with http and TLS settings; without a port this began later."""
    if not port:
        return release >= (1, 7, 24)
    return release >= (1, 7, 7) or (1, 6, 25) <= release < (1, 7)


@dataclass(frozen=True, slots=True)
class RegistryHosts:
    """The hosts for one registry host namespace, in the order in which every request tries them.

    ``server`` is tried last; None: the registry in the image's name, with the header and timeout of ``top``.
    Models core/remotes/docker/config/hosts.go (from containerd 1.5 on).
    """

    namespace: str  # host[:port] of images, or _default for those without an entry
    hosts: tuple[HostSpec, ...] = ()
    server: HostSpec | None = None
    top: HostSpec | None = None  # the header and timeout that the file gives without naming a server

    def mirrors(self, registry: str) -> tuple[HostSpec, ...]:
        """Return the hosts other than ``registry`` itself."""
        hosts = self.hosts if self.server is None else (*self.hosts, self.server)
        return tuple(each for each in hosts if endpoint(each.host) != endpoint(registry))


def endpoint(registry: str) -> str:
    """Return the host that serves a registry's API; it differs from the registry's name for Docker Hub only."""
    return registry.replace(*HUB) if registry == HUB[0] else registry


def hosts_of(registry: str, configured: Iterable[RegistryHosts]) -> RegistryHosts | None:
    """Return the hosts configured for ``registry``: its own entry, else ``_default`` (hosts.go HostDirFromRoot)."""
    by_namespace = {each.namespace: each for each in configured}
    return by_namespace.get(registry) or by_namespace.get(DEFAULT_NAMESPACE)
