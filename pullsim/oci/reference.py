"""Image names in the grammar of distribution/reference v0.6.0, with which kubelet and containerd parse them.

``[domain[:port]/]path[:tag][@algorithm:hex]``
"""

from __future__ import annotations

import re
from typing import Final

from pullsim.frozen import dataclass

_DEFAULT_DOMAIN: Final = "docker.io"
_LEGACY_DOMAIN: Final = "index.docker.io"
_OFFICIAL: Final = "library/"
_DEFAULT_TAG: Final = "latest"
_MAX_PATH: Final = 255

# Source: distribution/reference, regexp.go.
_LABEL: Final = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN: Final = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_COMPONENT: Final = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_PATH: Final = rf"{_COMPONENT}(?:/{_COMPONENT})*"
_DIGEST: Final = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_REFERENCE: Final = re.compile(
    rf"(?P<name>(?:{_DOMAIN}/)?{_PATH})(?::(?P<tag>\w[\w.-]{{0,127}}))?(?:@(?P<digest>{_DIGEST}))?", re.ASCII
)
_NAME: Final = re.compile(rf"(?:(?P<domain>{_DOMAIN})/)?(?P<path>{_PATH})")
_IDENTIFIER: Final = re.compile(r"[a-f0-9]{64}")

# Source: opencontainers/go-digest v1.0.0, digest.go and algorithm.go.
_ALGORITHMS: Final = {"sha256": 64, "sha384": 96, "sha512": 128}
_DIGEST_FORM: Final = re.compile(r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+")


class InvalidReference(ValueError):
    """Raised for a text that is no image name; the message is that of distribution/reference."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A normalised image name. It has a tag, a digest, or both; if it has both, the digest decides what is pulled.

    ``domain`` is empty for the few names that parse without one: their first component has an underscore and a dot.
    """

    domain: str
    path: str
    tag: str | None
    digest: str | None

    @property
    def repository(self) -> str:
        """The domain and path: ``docker.io/library/nginx``."""
        return f"{self.domain}/{self.path}" if self.domain else self.path

    @property
    def familiar(self) -> str:
        """The short form that people write: ``nginx:1.27`` for ``docker.io/library/nginx:1.27``."""
        name = self.repository
        if self.domain == _DEFAULT_DOMAIN:
            official = self.path.removeprefix(_OFFICIAL)
            name = self.path if "/" in official else official
        return name + self._suffix

    @property
    def _suffix(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{tag}@{self.digest}" if self.digest else tag

    def __str__(self) -> str:
        return self.repository + self._suffix


def is_domain(text: str) -> bool:
    """Whether a text can stand before the first slash of an image name: ``docker.io``, ``localhost:5000``."""
    return len(text) <= _MAX_PATH and re.fullmatch(_DOMAIN, text) is not None


#: What texts were parsed to, and the names that the kubelet makes of them. Asking a dictionary takes a fraction of what
#: `functools.lru_cache` does where this is compiled.
_PARSED: Final[dict[str, Reference]] = {}
_CRI_IMAGES: Final[dict[str, str]] = {}
_MOST_KEPT: Final = 65536


def parse(text: str) -> Reference:
    """Parse and normalise an image name; ``latest`` is added when there is neither tag nor digest.

    Raises InvalidReference. Source: distribution/reference, normalize.go ParseNormalizedNamed and TagNameOnly,
    reference.go Parse; Kubernetes, pkg/util/parsers/parsers.go ParseImageName.
    """
    found = _PARSED.get(text)
    if found is None:
        if len(_PARSED) >= _MOST_KEPT:
            _PARSED.clear()
        found = _PARSED[text] = _parse(text)
    return found


def _parse(text: str) -> Reference:
    if _IDENTIFIER.fullmatch(text):
        raise InvalidReference(f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings")
    domain, rest = _split_domain(text)
    remote = rest.partition(":")[0]
    if remote.lower() != remote:
        raise InvalidReference(f"invalid reference format: repository name ({remote}) must be lowercase")
    full = f"{domain}/{rest}"
    match = _REFERENCE.fullmatch(full)
    if match is None:
        if full.lower() != full and _REFERENCE.fullmatch(full.lower()):
            raise InvalidReference("repository name must be lowercase")
        raise InvalidReference("invalid reference format")
    name = _NAME.fullmatch(match["name"])
    assert name is not None
    if len(name["path"]) > _MAX_PATH:
        raise InvalidReference(f"repository name must not be more than {_MAX_PATH} characters")
    tag, digest = match["tag"], match["digest"]
    if digest is None:
        tag = tag or _DEFAULT_TAG
    else:
        check_digest(digest)
    return Reference(name["domain"] or "", name["path"], tag, digest)


def check_digest(digest: str) -> None:
    """Raise InvalidReference for anything but ``algorithm:lower-case hex`` of a known algorithm and its length.

    Source: opencontainers/go-digest v1.0.0, Digest.Validate.
    """
    algorithm, _, encoded = digest.partition(":")
    length = _ALGORITHMS.get(algorithm)
    if not algorithm or not encoded or (length is None and not _DIGEST_FORM.fullmatch(digest)):
        raise InvalidReference("invalid checksum digest format")
    if length is None:
        raise InvalidReference("unsupported digest algorithm")
    if len(encoded) != length:
        raise InvalidReference("invalid checksum digest length")
    if not re.fullmatch("[a-f0-9]+", encoded):
        raise InvalidReference("invalid checksum digest format")


def cri_image(text: str) -> str:
    """Return the image name that the kubelet sends to the runtime: as written, plus ``:latest`` without tag or digest.

    Raises InvalidReference. Source: Kubernetes, pkg/kubelet/images/image_manager.go applyDefaultImageTag.
    """
    found = _CRI_IMAGES.get(text)
    if found is None:
        parse(text)
        if len(_CRI_IMAGES) >= _MOST_KEPT:
            _CRI_IMAGES.clear()
        last = text.rpartition("/")[2]
        found = _CRI_IMAGES[text] = text if ":" in last or "@" in last else f"{text}:{_DEFAULT_TAG}"
    return found


def default_pull_policy(text: str) -> str:
    """Return the imagePullPolicy that the API server sets if a pod has none; IfNotPresent for an invalid name.

    Source: Kubernetes, pkg/apis/core/v1/defaults.go SetDefaults_Container.
    """
    try:
        tag = parse(text).tag
    except InvalidReference:
        tag = None
    return "Always" if tag == _DEFAULT_TAG else "IfNotPresent"


def _split_domain(text: str) -> tuple[str, str]:
    """Split a name into registry and path. Without a host at its start it is a path on Docker Hub.

    Source: distribution/reference, normalize.go splitDockerDomain.
    """
    first, slash, rest = text.partition("/")
    if not slash:
        return _DEFAULT_DOMAIN, _OFFICIAL + text
    if first == _LEGACY_DOMAIN:
        domain = _DEFAULT_DOMAIN
    elif first == "localhost" or "." in first or ":" in first or first.lower() != first:
        domain = first
    else:
        domain, rest = _DEFAULT_DOMAIN, text
    if domain == _DEFAULT_DOMAIN and "/" not in rest:
        rest = _OFFICIAL + rest
    return domain, rest
