"""Where a node's containerd looks for the images of a registry: the content of ``certs.d/*/hosts.toml``."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pullsim.oci.reference import Reference
    from pullsim.releases.release import Release

HUB: Final = ("docker.io", "registry-1.docker.io")
PORTS: Final = {"http": "80", "https": "443"}

DEFAULT_NAMESPACE: Final = "_default"
PULL, RESOLVE, PUSH, REFERRERS = "pull", "resolve", "push", "referrers"
ALL_CAPABILITIES: Final = (PULL, RESOLVE, PUSH, REFERRERS)
#: The first release that knows a capability, or a key of hosts.toml, where that is later than 1.6 (parseHostConfig).
CAPABILITY_SINCE: Final = {REFERRERS: (2, 2)}
KEY_SINCE: Final = {"dial_timeout": (2, 0, 7)}
DIAL_TIMEOUT: Final = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class HostSpec:
    """A host that is asked: a mirror, or the registry itself."""

    host: str  # host[:port]
    scheme: str = "https"
    path: str = "/v2"
    capabilities: tuple[str, ...] = ALL_CAPABILITIES  # resolve: HEAD of a tag; pull: GET of manifests and blobs
    header: tuple[tuple[str, tuple[str, ...]], ...] = ()  # sent with every request
    skip_verify: bool = False
    dial_timeout: float = DIAL_TIMEOUT
    override_path: bool = False
    explicit_tls: bool = False  # ca, client or skip_verify is written, whatever skip_verify says


class Address(NamedTuple):
    """Where the API of a host is, as requests and their errors name it.

    ``falls_back``: it is written with http and settings of TLS, so that https is tried first; where it names no port
    either, http's port is dialled when https's does not answer.
    """

    host: str  # host[:port] as written
    scheme: str = "https"
    path: str = "/v2"
    falls_back: bool = False

    def url(self, reference: Reference, kind: str, what: str) -> str:
        """Return the URL of a manifest or blob; a mirror is told the registry that it stands for (isProxy)."""
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
        """How many ports are dialled when none answers."""
        return 2 if self.falls_back and not port_of(self.host) else 1


def address_of(host: HostSpec, release: Release) -> Address:
    """Return where a release asks a host.

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
    """Whether a release tries https at a host written with http and settings of TLS: one without a port later."""
    if not port:
        return release >= (1, 7, 24)
    return release >= (1, 7, 7) or (1, 6, 25) <= release < (1, 7)


@dataclass(frozen=True, slots=True)
class RegistryHosts:
    """The hosts for one registry host namespace, in the order in which every request tries them.

    ``server`` comes last; None: the registry that the image names, with what ``top`` has. Models
    core/remotes/docker/config/hosts.go (1.5 on).
    """

    namespace: str  # host[:port] of images, or _default for those without an entry
    hosts: tuple[HostSpec, ...] = ()
    server: HostSpec | None = None
    top: HostSpec | None = None  # what the file says of the registry itself without naming a server: header, timeout

    def mirrors(self, registry: str) -> tuple[HostSpec, ...]:
        """Return all hosts that may be asked and are not ``registry`` itself."""
        hosts = self.hosts if self.server is None else (*self.hosts, self.server)
        return tuple(each for each in hosts if endpoint(each.host) != endpoint(registry))


def endpoint(registry: str) -> str:
    """Return the host that serves a registry's API: Docker Hub has one of its own."""
    return registry.replace(*HUB) if registry == HUB[0] else registry


def hosts_of(registry: str, configured: Iterable[RegistryHosts]) -> RegistryHosts | None:
    """Return what holds for ``registry``: its own entry, else the default one (hosts.go HostDirFromRoot)."""
    by_namespace = {each.namespace: each for each in configured}
    return by_namespace.get(registry) or by_namespace.get(DEFAULT_NAMESPACE)
