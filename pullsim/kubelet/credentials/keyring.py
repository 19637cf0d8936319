"""Which credentials match an image, and in which order they are tried.

Models pkg/credentialprovider/keyring.go, all releases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim.cri import Auth
from pullsim.spec.credential_url import index_key, is_default_registry, matches
from pullsim.spec.credentials import Coordinates

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pullsim.spec.credentials import DockerConfig

_DEFAULT_KEY: Final = "index.docker.io"


class Credential(NamedTuple):
    """What may be presented for an image, and where it comes from: neither source means that it is the node's.

    Source: pkg/credentialprovider/keyring.go TrackedAuthConfig.
    """

    key: str  # of the index
    auth: Auth
    secret: Coordinates | None = None
    service_account: Coordinates | None = None


class Keyring:
    """Credentials by the registry they are for. Keys are tried in reverse byte order, all that match.

    So of two keys of which one begins with the other the longer goes first; beyond that the order says nothing of how
    well a key fits. Entries of one key are in the order in which they were added.
    """

    __slots__ = ("_by_key", "_order")

    def __init__(self) -> None:
        self._by_key: dict[str, list[Credential]] = {}
        self._order: list[str] | None = None

    def add(
        self, config: DockerConfig, secret: Coordinates | None = None, service_account: Coordinates | None = None
    ) -> None:
        """Add the entries of one file; those whose registry is no URL are left out, as the kubelet does."""
        for registry, auth in config:
            key = index_key(registry)
            if key is not None:
                self._by_key.setdefault(key, []).append(Credential(key, auth, secret, service_account))
                self._order = None

    def lookup(self, repository: str) -> list[Credential]:
        """Return what matches an image's repository (``docker.io/library/nginx``), in the order of the attempts."""
        if self._order is None:
            self._order = sorted(self._by_key, key=lambda key: key.encode(), reverse=True)
        found = [credential for key in self._order if matches(key, repository) for credential in self._by_key[key]]
        if not found and is_default_registry(repository):
            return list(self._by_key.get(_DEFAULT_KEY, ()))
        return found


def lookup(keyrings: Iterable[Keyring], repository: str) -> tuple[Credential, ...]:
    """Return what all sources have, one source after the other (UnionDockerKeyring)."""
    return tuple(credential for keyring in keyrings for credential in keyring.lookup(repository))


def credential_hash(auth: Auth) -> str:
    """Return what tells credentials apart in pull records (hashAuthConfig): equal for equal user and password."""
    return f"{auth.username}\0{auth.password}"
