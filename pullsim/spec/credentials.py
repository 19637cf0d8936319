"""Credentials for pulls: Secrets and service accounts of a cluster, and what the kubelet of a node has itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from pullsim.cri import Auth

EXEC_TIMEOUT: Final = 60.0  # seconds after which the kubelet gives a credential provider's plugin up
#: What an answer of a plugin is kept for: the image, all images of its registry, or all images.
CacheKeyType = Literal["Image", "Registry", "Global"]
TOKEN_CACHE_TYPES: Final = ("ServiceAccount", "Token")


class DockerConfigEntry(NamedTuple):
    """One entry of a docker config file: the registry as written in the file, and what is presented to it."""

    registry: str
    auth: Auth


DockerConfig = tuple[DockerConfigEntry, ...]


class Coordinates(NamedTuple):
    """A Secret or ServiceAccount of the cluster."""

    uid: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Secret:
    """A Secret from a time on; a later one of the same name is its update.

    ``config`` is empty for types that hold no credentials. ``error``: what Go says of a file that cannot be read.
    """

    namespace: str
    name: str
    config: DockerConfig = ()
    error: str | None = None
    created: float = 0.0  # seconds from the start of the run

    @property
    def coordinates(self) -> Coordinates:
        """Its identity, which an update does not change."""
        return Coordinates(f"{self.namespace}/{self.name}", self.namespace, self.name)


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A ServiceAccount, which is there all the time."""

    namespace: str
    name: str
    pull_secrets: tuple[str, ...] = ()  # imagePullSecrets
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Window:
    """A time in which a plugin fails; seconds."""

    at: float = 0.0
    duration: float = float("inf")


@dataclass(frozen=True, slots=True)
class Plugin:
    """What the program does that stands behind a provider; times in seconds.

    ``valid``: how long the registry takes a token, from when the program ended. ``service_accounts``: only pods of
    these (namespace, name) get an answer that is not empty; None: all.
    """

    auth: tuple[
        tuple[str, Auth], ...
    ] = ()  # for each registry, a pattern as in a docker config, what is presented to it
    cache_key_type: CacheKeyType = "Registry"
    cache_duration: float | None = None  # None: the provider's default; 0: not kept
    takes: float = 0.0
    valid: float = float("inf")
    failures: tuple[Window, ...] = ()
    service_accounts: frozenset[tuple[str, str]] | None = None

    def fails(self, now: float) -> bool:
        """Whether a run that begins now fails: by itself, or as it takes too long."""
        return self.takes > EXEC_TIMEOUT or any(each.at <= now < each.at + each.duration for each in self.failures)


@dataclass(frozen=True, slots=True)
class TokenAttributes:
    """tokenAttributes of a provider: it is given a token of the pod's service account."""

    audience: str
    require_service_account: bool
    cache_type: str = "ServiceAccount"  # ServiceAccount | Token
    required_annotations: tuple[str, ...] = ()
    optional_annotations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider of the CredentialProviderConfig, and its plugin."""

    name: str
    match_images: tuple[str, ...]
    default_cache_duration: float  # seconds
    token: TokenAttributes | None = None
    plugin: Plugin = Plugin()


@dataclass(frozen=True, slots=True)
class CredentialSources:
    """What a node has: its docker config file and its credential providers, in the order of the configuration."""

    docker_config: DockerConfig = ()
    providers: tuple[Provider, ...] = ()
