"""Which registries and images an entry of a credential file is for: URLs without scheme, and patterns of them.

Models pkg/credentialprovider/keyring.go, all releases.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

_DEFAULT_REGISTRIES: Final = ("docker.io", "index.docker.io")
_VERSIONS: Final = ("/v1/", "/v2/")
_NOT_IN_HOST: Final = re.compile(r"[\s\x00-\x1f\x7f%^`{}|\\]")  # net/url unescape, mode encodeHost
_CLASS: Final = re.compile(r"\[((?:[^]-](?:-[^]-])?)+)]")


class Location(NamedTuple):
    """An entry's key or an image's repository, taken apart."""

    host: tuple[str, ...]  # parts between the dots
    port: str  # "" for none
    path: str  # begins with a slash, or is ""


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
