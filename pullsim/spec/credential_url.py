"""The matching of an image against an entry of a credential file, whose key is a URL without scheme or a pattern.

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
    """The host, port and path of an entry's key or of an image's repository."""

    host: tuple[str, ...]  # the parts between the dots of the host name
    port: str  # "" where none is written
    path: str  # begins with a slash, or is ""


def index_key(registry: str) -> str | None:
    """Return the keyring's key for an entry: its host and path without scheme and API version.

    ``https://index.docker.io/v1/`` becomes ``index.docker.io``; ``quay.io/v1`` stays as it is, as its version has no
    slash at the end. None: the text is no URL, and the keyring ignores the entry (BasicDockerKeyring.Add).
    """
    text = registry.removeprefix("https://") if registry.startswith("https://") else registry.removeprefix("http://")
    parsed = _split(text)
    if parsed is None:
        return None
    host, path = parsed
    path = path[3:] if path.startswith(_VERSIONS) else path
    return host if path == "/" else host + path


def is_default_registry(image: str) -> bool:
    """Whether the kubelet takes an image to be Docker Hub's, judging by its name alone (isDefaultRegistryMatch)."""
    first, slash, _ = image.partition("/")
    if not first:
        return False
    return not slash or first in _DEFAULT_REGISTRIES or not ({".", ":"} & set(first))


@lru_cache(maxsize=65536)
def matches(pattern: str, target: str) -> bool:
    """Whether a keyring's key, or a pattern of matchImages, matches an image's repository (URLsMatchStr)."""
    return mismatch(pattern, target) is None


def mismatch(pattern: str, target: str) -> str | None:
    """Return the reason why a pattern does not match a repository; None: it matches.

    The ports must be equal. The hosts must have equally many parts, and each part is matched as a shell pattern. The
    pattern's path must be a prefix of the repository's, compared as text (``/pong`` matches ``/pongz``).
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
    """Split a URL without scheme into host, port and path; None: it is no URL (ParseSchemelessURL, SplitURL)."""
    parsed = _split(text)
    if parsed is None:
        return None
    host, path = parsed
    name, port = host, ""
    if host.startswith("["):
        name, _, port = host[1:].partition("]")
        if not port.startswith(":"):  # brackets that do not hold an IPv6 address are a shell pattern
            name, port = host, ""
    if host.count(":") == 1 and not port:
        name, _, port = host.partition(":")
    return Location(tuple(name.split(".")), port.removeprefix(":"), path)


def _split(text: str) -> tuple[str, str] | None:
    """Split a URL without scheme into host and path as Go's net/url does; None: net/url refuses it."""
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
    """Return the expression for a part of a host that may have stars and character classes; None: a bad pattern.

    The rules are those of Go's path/filepath Match. Its other special characters (``?``, ``^``, a backslash) cannot
    occur here, since they cannot be part of a URL's host. What stands between two stars is matched where it comes
    first, and no other place is tried: a later one could help nothing, and all places of many stars would take years.
    """
    chunks, place = [""], 0
    while place < len(glob):
        if glob[place] == "[":
            match = _CLASS.match(glob, place)
            if match is None:
                return None
            chunks[-1] += _class(match[1])
            place = match.end()
            continue
        if glob[place] == "*":
            chunks.append("")
        else:
            chunks[-1] += re.escape(glob[place])
        place += 1
    first, *middle = chunks
    if not middle:
        return re.compile(first, re.DOTALL)
    last = middle.pop()
    between = "".join(f"(?>.*?{chunk})" for chunk in middle if chunk)
    return re.compile(f"{first}{between}.*{last}", re.DOTALL)


def _class(body: str) -> str:
    """Translate the inside of a character class; a range such as ``z-a``, with its ends reversed, matches nothing."""
    members = re.findall(r"(.)(?:-(.))?", body)
    chosen = (
        re.escape(first) + (f"-{re.escape(last)}" if last else "")
        for first, last in members
        if not last or first <= last
    )
    return f"[{inside}]" if (inside := "".join(chosen)) else "(?!)"
