"""The API objects that pulls depend on: image pull Secrets and service accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pullsim.spec.credentials import Secret, ServiceAccount


class PullObjects:
    """Secrets and service accounts of a cluster, by namespace and name."""

    def __init__(self, secrets: Iterable[Secret] = (), accounts: Iterable[ServiceAccount] = ()) -> None:
        self._secrets: dict[tuple[str, str], list[Secret]] = {}  # versions by name, the latest first
        for secret in sorted(secrets, key=lambda each: each.created):
            self._secrets.setdefault((secret.namespace, secret.name), []).insert(0, secret)
        self._accounts = {(account.namespace, account.name): account for account in accounts}

    def secret(self, namespace: str, name: str, now: float) -> Secret | None:
        """Return the Secret as it is ``now``; None: it does not exist."""
        return next((each for each in self._secrets.get((namespace, name), ()) if each.created <= now), None)

    def annotations(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """Return a service account's annotations; None: it does not exist. Every namespace has ``default``."""
        account = self._accounts.get((namespace, name))
        if account is None:
            return {} if name == "default" else None
        return account.annotations
