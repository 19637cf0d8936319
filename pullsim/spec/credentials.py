"""Credentials for pulls: the cluster's Secrets and service accounts, and the credential sources of a node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Final, Literal, NamedTuple

from pullsim.cri import Auth
from pullsim.frozen import dataclass

EXEC_TIMEOUT: Final = 60.0  # seconds after which the kubelet kills a credential provider's plugin
#: For which images a plugin's cached answer is used again: the same image, all images of its registry, or all images.
CacheKeyType = Literal["Image", "Registry", "Global"]
TOKEN_CACHE_TYPES: Final = ("ServiceAccount", "Token")


class DockerConfigEntry(NamedTuple):
    """One entry of a docker config file: the registry as written in the file, and the credentials for it."""

    registry: str
    auth: Auth


DockerConfig = tuple[DockerConfigEntry, ...]


class Coordinates(NamedTuple):
    """What identifies a Secret or ServiceAccount of the cluster."""

    uid: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Secret:
    """The content of a Secret from ``created`` on; a second one of the same name, created later, is its update.

    ``config`` is empty for types of Secrets that hold no registry credentials. ``error`` is Go's message for content
    that the kubelet cannot parse, or None.
    """

    namespace: str
    name: str
    config: DockerConfig = ()
    error: str | None = None
    created: float = 0.0  # seconds from the start of the run

    @property
    def coordinates(self) -> Coordinates:
        """The Secret's identity, which an update does not change."""
        return Coordinates(f"{self.namespace}/{self.name}", self.namespace, self.name)


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A ServiceAccount, which exists during the whole run."""

    namespace: str
    name: str
    pull_secrets: tuple[str, ...] = ()  # imagePullSecrets
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Window:
    """A time in which a plugin fails, from ``at`` for ``duration`` seconds."""

    at: float = 0.0
    duration: float = float("inf")

    @property
    def ends(self) -> float:
        """The time in seconds at which the plugin no longer fails."""
        return self.at + self.duration


@dataclass(frozen=True, slots=True)
class Plugin:
    """The program that a credential provider executes, and what it answers; times in seconds.

    ``auth`` has, for each pattern of registries as in a docker config, the credentials that the program answers with.
    ``service_accounts`` are (namespace, name): only their pods get an answer that is not empty; None: all pods do.
    """

    auth: tuple[tuple[str, Auth], ...] = ()
    cache_key_type: CacheKeyType = "Registry"
    cache_duration: float | None = None  # None: the provider's default; 0: not cached
    takes: float = 0.0  # how long the program runs
    valid: float = float("inf")  # how long the registry accepts an answer, from the end of the program
    failures: tuple[Window, ...] = ()
    service_accounts: frozenset[tuple[str, str]] | None = None

    def fails(self, now: float) -> bool:
        """Whether a call of the program that begins at ``now`` fails: in a failure window, or by the timeout."""
        return self.takes > EXEC_TIMEOUT or any(each.at <= now < each.ends for each in self.failures)


@dataclass(frozen=True, slots=True)
class TokenAttributes:
    """tokenAttributes of a provider, which has its plugin called with a token of the pod's service account."""

    audience: str
    require_service_account: bool
    cache_type: str = "ServiceAccount"  # ServiceAccount | Token
    required_annotations: tuple[str, ...] = ()
    optional_annotations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider of the kubelet's CredentialProviderConfig, and the plugin that it executes."""

    name: str
    match_images: tuple[str, ...]
    default_cache_duration: float  # seconds
    token: TokenAttributes | None = None
    plugin: Plugin = Plugin()


@dataclass(frozen=True, slots=True)
class CredentialSources:
    """The credential sources of a node: its docker config file, and its credential providers in configured order."""

    docker_config: DockerConfig = ()
    providers: tuple[Provider, ...] = ()
