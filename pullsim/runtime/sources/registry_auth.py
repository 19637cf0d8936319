"""The runtime's own credentials: Authorization headers in hosts.toml."""

from __future__ import annotations

from base64 import b64decode
from functools import lru_cache
from typing import TYPE_CHECKING

from pullsim.cri import Auth
from pullsim.spec.hosts import endpoint, hosts_of

if TYPE_CHECKING:
    from pullsim.spec.hosts import HostSpec, RegistryHosts


@lru_cache(maxsize=1024)
def header_auth(registry: str, configured: tuple[RegistryHosts, ...]) -> Auth | None:
    """Return the credentials in the Authorization header that hosts.toml has for the registry itself; None: no header.

    Source: core/remotes/docker/config/hosts.go (``header`` of a host, from 1.5).
    """
    entry = hosts_of(registry, configured) if configured else None
    if entry is None:
        return None
    for host in (*entry.hosts, *filter(None, (entry.server,))):
        if endpoint(host.host) == endpoint(registry) and (header := host_header(host)) is not None:
            return header
    return None if entry.top is None else host_header(entry.top)


def host_header(host: HostSpec) -> Auth | None:
    """Return the credentials in the Authorization header of a host; None: it has no such header."""
    for name, values in host.header:
        if name.lower() == "authorization" and values:
            return parse_authorization(values[0])
    return None


def parse_authorization(value: str) -> Auth:
    """Return the credentials in an Authorization header: Basic or Bearer; any other value is an unknown token."""
    scheme, _, rest = value.partition(" ")
    if scheme.lower() == "basic":
        try:
            username, _, password = b64decode(rest.strip()).decode().partition(":")
        except ValueError:  # not base64, or not text
            return Auth(registry_token=value)
        return Auth(username, password)
    return Auth(registry_token=rest.strip() if scheme.lower() == "bearer" else value)
