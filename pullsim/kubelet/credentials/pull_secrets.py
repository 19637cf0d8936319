"""What pulls need of the API server: image pull secrets and service accounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pullsim.formats.kubernetes.docker_config import DockerConfig
from pullsim.kubelet.credentials.keyring import Coordinates

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Secret:
    """A Secret from a time on; a later one of the same name is its update.

    ``config`` is empty for types that hold no credentials. ``error``: what Go says of a file that cannot be read.
    """

    namespace: str
    name: str
    config: DockerConfig = ()
    error: str | None = None
    created: float = 0.0  # seconds

    @property
    def coordinates(self) -> Coordinates:
        """What tells it from others: an update is the same Secret."""
        return Coordinates(f"{self.namespace}/{self.name}", self.namespace, self.name)


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A ServiceAccount, which is there all the time."""

    namespace: str
    name: str
    pull_secrets: tuple[str, ...] = ()  # imagePullSecrets
    annotations: Mapping[str, str] = field(default_factory=dict)


class PullObjects:
    """Secrets and service accounts of a cluster, by namespace and name."""

    def __init__(self, secrets: Iterable[Secret] = (), accounts: Iterable[ServiceAccount] = ()) -> None:
        self._secrets: dict[tuple[str, str], list[Secret]] = {}  # latest first
        for secret in sorted(secrets, key=lambda each: each.created):
            self._secrets.setdefault((secret.namespace, secret.name), []).insert(0, secret)
        self._accounts = {(account.namespace, account.name): account for account in accounts}

    def secret(self, namespace: str, name: str, now: float) -> Secret | None:
        """Return the Secret as it is ``now``; None: there is none."""
        return next((each for each in self._secrets.get((namespace, name), ()) if each.created <= now), None)

    def annotations(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """Return those of a service account; None: there is no such one. Every namespace has ``default``."""
        account = self._accounts.get((namespace, name))
        if account is None:
            return {} if name == "default" else None
        return account.annotations
