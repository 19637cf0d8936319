"""Where a node's containerd looks for the images of a registry: the content of ``certs.d/*/hosts.toml``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pullsim.runtime.failures import HUB

if TYPE_CHECKING:
    from collections.abc import Iterable

DEFAULT_NAMESPACE: Final = "_default"
PULL, RESOLVE, PUSH = "pull", "resolve", "push"
ALL_CAPABILITIES: Final = (PULL, RESOLVE, PUSH)
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


@dataclass(frozen=True, slots=True)
class RegistryHosts:
    """The hosts for one registry host namespace, in the order in which every request tries them.

    ``server`` comes last; None: the registry that the image names. Models core/remotes/docker/config/hosts.go
    (1.5 on).
    """

    namespace: str  # host[:port] of images, or _default for those without an entry
    hosts: tuple[HostSpec, ...] = ()
    server: HostSpec | None = None

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
