"""Credential provider plugins: programs that the kubelet runs to get credentials for an image.

Models pkg/credentialprovider/plugin/plugin.go (GA in 1.26; service account tokens exist from 1.33 and are on by
default from 1.34).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pullsim.kernel.clock import nanoseconds
from pullsim.kernel.event import Event
from pullsim.kubelet.credentials.keyring import Keyring
from pullsim.spec.credential_url import matches
from pullsim.spec.credentials import EXEC_TIMEOUT, Coordinates, DockerConfig, DockerConfigEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pullsim.kernel.environment import Environment
    from pullsim.spec.credentials import Provider
    from pullsim.time_line import TimeLine

_GLOBAL: Final = "global"


class Requester(NamedTuple):
    """The pod for whose image credentials are wanted."""

    namespace: str
    pod: str
    service_account: str
    annotations: Mapping[str, str] | None  # the service account's; None: it does not exist


class _Cached(NamedTuple):
    """An answer of the plugin that the provider keeps."""

    config: DockerConfig
    expires: int  # time until which it may be used, in nanoseconds


def _not_recorded(plugin: str, began: float, failed: bool) -> None:
    """Ignore a run of a plugin, because nothing records it."""


class CredentialProvider:
    """One credential provider of a kubelet, with its cached answers and the running executions of its plugin."""

    def __init__(
        self, env: Environment, spec: Provider, ran: Callable[[str, float, bool], None] = _not_recorded
    ) -> None:
        """``ran`` is told of each run of the plugin when it ends: its name, when it began, whether it failed."""
        self.spec = spec
        self._env = env
        self._ran = ran
        self._cache: dict[tuple[object, ...], _Cached] = {}
        self._running: dict[tuple[object, ...], Event] = {}

    def provide(
        self, repository: str, requester: Requester, clock: TimeLine
    ) -> Generator[Any, Any, tuple[DockerConfig, Coordinates | None]]:
        """Return the entries for an image's repository, and the service account that they are bound to.

        A plugin that fails gives no entries. Pods that need the same image at the same time share one run.
        """
        spec, account = self.spec, None
        if not any(matches(pattern, repository) for pattern in spec.match_images):
            return (), None
        identity: tuple[object, ...] = ()
        if spec.token is not None and requester.service_account:
            if requester.annotations is None or any(
                key not in requester.annotations for key in spec.token.required_annotations
            ):
                return (), None
            name = f"{requester.namespace}/{requester.service_account}"
            account = Coordinates(name, requester.namespace, requester.service_account)
            keys = (*spec.token.required_annotations, *spec.token.optional_annotations)
            chosen = tuple(sorted((key, requester.annotations[key]) for key in keys if key in requester.annotations))
            identity = (account, chosen, requester.pod if spec.token.cache_type == "Token" else None)
        elif spec.token is not None and spec.token.require_service_account:
            return (), None
        for key in (repository, _registry(repository), _GLOBAL):
            cached = self._cache.get((key, *identity))
            if cached is not None and nanoseconds(self._env.now) <= cached.expires:
                return cached.config, account
        return (yield from self._run(repository, requester, identity, clock)), account

    def _run(
        self, repository: str, requester: Requester, identity: tuple[object, ...], clock: TimeLine
    ) -> Generator[Any, Any, DockerConfig]:
        """Run the plugin, or wait for a run that is under way, and cache the answer for the duration that it gives."""
        env, plugin = self._env, self.spec.plugin
        # The service account token that a plugin gets is bound to the pod: then only containers of one pod share a run.
        flight = (repository, *identity, requester.pod) if identity else (repository,)
        clock.enter("credentials", env.now)
        running = self._running.get(flight)
        if running is None:
            running = self._running[flight] = Event(env)
            config: DockerConfig | None = None
            began = env.now
            try:
                failed = plugin.fails(began)
                takes = min(plugin.takes, EXEC_TIMEOUT)
                if takes > 0:
                    yield env.timeout(takes)
                config = None if failed else self._answer(requester)
                self._ran(self.spec.name, began, failed)
            finally:
                del self._running[flight]
                running.succeed(config)
        else:
            config = yield running
        if config is None:
            return ()
        keeps = self.spec.default_cache_duration if plugin.cache_duration is None else plugin.cache_duration
        if keeps > 0:
            kinds = {"Image": repository, "Registry": _registry(repository), "Global": _GLOBAL}
            expires = nanoseconds(env.now) + nanoseconds(keeps)
            self._cache[kinds[plugin.cache_key_type], *identity] = _Cached(config, expires)
        return config

    def _answer(self, requester: Requester) -> DockerConfig:
        """Return the entries that the plugin gives; none for a service account that it does not know."""
        plugin = self.spec.plugin
        allowed = plugin.service_accounts
        if allowed is not None and (requester.namespace, requester.service_account) not in allowed:
            return ()
        expires = self._env.now + plugin.valid
        return tuple(DockerConfigEntry(key, auth._replace(expires=expires)) for key, auth in plugin.auth)


def provided(
    providers: tuple[CredentialProvider, ...], repository: str, requester: Requester, clock: TimeLine
) -> Generator[Any, Any, Keyring]:
    """Ask all providers in turn, and put their answers in one keyring."""
    keyring = Keyring()
    for provider in providers:
        config, account = yield from provider.provide(repository, requester, clock)
        keyring.add(config, service_account=account)
    return keyring


def _registry(repository: str) -> str:
    return repository.partition("/")[0]
