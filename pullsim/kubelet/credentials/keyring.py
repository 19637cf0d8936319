"""Which credentials match an image, and in which order they are tried.

Models pkg/credentialprovider/keyring.go, all releases.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim.cri import Auth

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pullsim.formats.kubernetes.docker_config import DockerConfig

_DEFAULT_REGISTRIES: Final = ("docker.io", "index.docker.io")
_DEFAULT_KEY: Final = "index.docker.io"
_VERSIONS: Final = ("/v1/", "/v2/")
_NOT_IN_HOST: Final = re.compile(r"[\s\x00-\x1f\x7f%^`{}|\\]")  # net/url unescape, mode encodeHost
_CLASS: Final = re.compile(r"\[((?:[^]-](?:-[^]-])?)+)]")


class Coordinates(NamedTuple):
    """A Secret or ServiceAccount of the cluster."""

    uid: str
    namespace: str
    name: str


class Credential(NamedTuple):
    """What may be presented for an image, and where it comes from: neither source means that it is the node's.

    Source: pkg/credentialprovider/keyring.go TrackedAuthConfig.
    """

    key: str  # of the index
    auth: Auth
    secret: Coordinates | None = None
    service_account: Coordinates | None = None


class Location(NamedTuple):
    """An entry's key or an image's repository, taken apart."""

    host: tuple[str, ...]  # parts between the dots
    port: str  # "" for none
    path: str  # with its slash, or ""


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


def index_key(registry: str) -> str | None:
    """Return the key under which an entry is kept: host and path without scheme and API version; None for no URL.

    ``https://index.docker.io/v1/`` is ``index.docker.io``, ``quay.io/v1`` stays (BasicDockerKeyring.Add).
    """
    text = registry.removeprefix("https://") if registry.startswith("https://") else registry.removeprefix("http://")
    parsed = _split(text)
    if parsed is None:
        return None
    host, path = parsed
    path = path[3:] if path.startswith(_VERSIONS) else path
    return host if path == "/" else host + path


def is_default_registry(image: str) -> bool:
    """Whether an image is Docker Hub's by the looks of its name (isDefaultRegistryMatch)."""
    first, slash, _ = image.partition("/")
    if not first:
        return False
    return not slash or first in _DEFAULT_REGISTRIES or not ({".", ":"} & set(first))


@lru_cache(maxsize=65536)
def matches(pattern: str, target: str) -> bool:
    """Whether a key, or a pattern of matchImages, fits an image's repository (URLsMatchStr)."""
    return mismatch(pattern, target) is None


def mismatch(pattern: str, target: str) -> str | None:
    """Say why a pattern does not fit; None when it does.

    Ports must be equal, hosts have as many parts, each by the rules of a shell; the pattern's path is the beginning of
    the target's, as text (``/pong`` fits ``/pongz``).
    """
    glob, image = locate(pattern), locate(target)
    if glob is None or image is None:
        return f"{pattern if glob is None else target!r} is no URL"
    if glob.port != image.port:
        return f"its port is {glob.port or 'none'}, the image's {image.port or 'none'}"
    if len(glob.host) != len(image.host):
        parts = f"its host has {len(glob.host)} parts between dots, the image's {len(image.host)}"
        return f"{parts}; * does not cross a dot" if "*" in pattern else parts
    if not image.path.startswith(glob.path):
        return f"the image's path {image.path or '/'} does not begin with {glob.path}"
    for part, own in zip(glob.host, image.host, strict=True):
        expression = shell_pattern(part)
        if expression is None:
            return f"{part!r} is no valid shell pattern"
        if not expression.fullmatch(own):
            return f"host part {own!r} is not {part!r}"
    return None


def credential_hash(auth: Auth) -> str:
    """Return what tells credentials apart in pull records (hashAuthConfig): equal for equal user and password."""
    return f"{auth.username}\0{auth.password}"


@lru_cache(maxsize=65536)
def locate(text: str) -> Location | None:
    """Take a name without scheme apart; None if it is no URL (ParseSchemelessURL, SplitURL)."""
    parsed = _split(text)
    if parsed is None:
        return None
    host, path = parsed
    name, port = host, ""
    if host.startswith("["):
        name, _, port = host[1:].partition("]")
        if not port.startswith(":"):  # no IPv6 address but a shell pattern
            name, port = host, ""
    if host.count(":") == 1 and not port:
        name, _, port = host.partition(":")
    return Location(tuple(name.split(".")), port.removeprefix(":"), path)


def _split(text: str) -> tuple[str, str] | None:
    """Split into host and path as net/url does; None for what it refuses."""
    text = re.split(r"[?#]", text, maxsplit=1)[0]
    host, slash, path = text.partition("/")
    host = host.rpartition("@")[2]
    port = host.rpartition("]")[2].partition(":")[2]
    if _NOT_IN_HOST.search(host) or re.search(r"[\x00-\x1f\x7f]", path) or not _digits(port):
        return None
    return host, slash + path


def _digits(port: str) -> bool:
    return all(each in "0123456789" for each in port)


@lru_cache(maxsize=4096)
def shell_pattern(glob: str) -> re.Pattern[str] | None:
    """Translate a part of a host as path/filepath Match reads it: stars and classes; None for a bad pattern.

    What else such a pattern may have (``?``, ``^``, a backslash) is no part of a URL's host.
    """
    expression, place = "", 0
    while place < len(glob):
        if glob[place] == "[":
            match = _CLASS.match(glob, place)
            if match is None:
                return None
            expression += _class(match[1])
            place = match.end()
        else:
            expression += ".*" if glob[place] == "*" else re.escape(glob[place])
            place += 1
    return re.compile(expression, re.DOTALL)


def _class(body: str) -> str:
    """Translate the inside of a class; a range whose ends are the wrong way round has nothing in it."""
    members = re.findall(r"(.)(?:-(.))?", body)
    chosen = (
        re.escape(first) + (f"-{re.escape(last)}" if last else "")
        for first, last in members
        if not last or first <= last
    )
    return f"[{inside}]" if (inside := "".join(chosen)) else "(?!)"
