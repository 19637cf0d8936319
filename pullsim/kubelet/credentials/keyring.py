"""The credentials that match an image, in the order in which they are tried.

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
    """What may be presented to a registry for an image, and the Secret or service account that it comes from.

    Credentials of the node itself, from its docker config file or a provider, have neither.

    Source: pkg/credentialprovider/keyring.go TrackedAuthConfig.
    """

    key: str  # its key in the keyring: a registry, or a registry and a path
    auth: Auth
    secret: Coordinates | None = None
    service_account: Coordinates | None = None


class Keyring:
    """Credentials by key. A key is the registry, or the registry and the path, for which the credentials are meant.

    The credentials of all keys that match an image are tried, in reverse byte order of the keys. If one key is the
    beginning of another, the longer key is therefore tried first; otherwise the order does not depend on how closely a
    key matches. The credentials of one key are tried in the order in which they were added.
    """

    __slots__ = ("_by_key", "_order")

    def __init__(self) -> None:
        self._by_key: dict[str, list[Credential]] = {}
        self._order: list[str] | None = None

    def add(
        self, config: DockerConfig, secret: Coordinates | None = None, service_account: Coordinates | None = None
    ) -> None:
        """Add the entries of one docker config; those whose registry is not a URL are skipped, as in the kubelet.

        ``secret`` or ``service_account`` is the object that they come from; neither: they are the node's.
        """
        for registry, auth in config:
            key = index_key(registry)
            if key is not None:
                self._by_key.setdefault(key, []).append(Credential(key, auth, secret, service_account))
                self._order = None

    def lookup(self, repository: str) -> list[Credential]:
        """Return the credentials for an image's repository (``docker.io/library/nginx``), in the order of attempts."""
        if self._order is None:
            self._order = sorted(self._by_key, key=lambda key: key.encode(), reverse=True)
        found = [credential for key in self._order if matches(key, repository) for credential in self._by_key[key]]
        if not found and is_default_registry(repository):
            return list(self._by_key.get(_DEFAULT_KEY, ()))
        return found


def lookup(keyrings: Iterable[Keyring], repository: str) -> tuple[Credential, ...]:
    """Return the matching credentials of all keyrings, one keyring after the other (UnionDockerKeyring)."""
    return tuple(credential for keyring in keyrings for credential in keyring.lookup(repository))


def credential_hash(auth: Auth) -> str:
    """Return the hash by which pull records compare credentials (hashAuthConfig): equal for equal user and password."""
    return f"{auth.username}\0{auth.password}"
