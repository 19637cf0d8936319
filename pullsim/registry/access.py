"""Who may pull from a registry: public repositories, accounts with their repositories, and trusted client addresses.

The model covers registries with a token server (the token authentication specification of distribution/distribution;
Docker Hub, Harbor, Quay) and registries with basic authentication (Amazon ECR).
"""

from __future__ import annotations

from enum import Enum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pullsim.cri import Auth
    from pullsim.oci.reference import Reference
    from pullsim.spec.registry import AccessSpec, Account


class Presented:
    """How a client identifies itself.

    ``auth``: credentials with which it answers challenges. ``header``: an Authorization header that it sends with every
    request. ``address``: the address that it comes from, or None if it is not known. ``node``: the name of its node.
    """

    __slots__ = ("address", "auth", "header", "node")

    def __init__(
        self, auth: Auth | None = None, header: Auth | None = None, address: str | None = None, node: str = ""
    ) -> None:
        self.auth = auth
        self.header = header
        self.address = address
        self.node = node

    @property
    def account(self) -> str | None:
        """The account that the requests count for: the user name, or the token if there is none. None: anonymous."""
        auth = self.header or self.auth
        return None if auth is None else auth.username or auth.identity_token or auth.registry_token


class Denial(Enum):
    """Why a registry answers a request with 401 or 403."""

    ANONYMOUS = "no credentials, and the repository is not public"
    INVALID = "unknown user or wrong password"
    EXPIRED = "a password or token that was valid once"
    FORBIDDEN = "a known user that may not pull from this repository"


def decide(spec: AccessSpec, reference: Reference, auth: Auth | None, address: str | None, now: float) -> Denial | None:
    """Return why a request with these credentials at time ``now`` is denied, or None if it is allowed."""
    free = address in spec.allow or _match(spec.public, reference)
    if auth is None:
        return None if free else Denial.ANONYMOUS
    known = [each for each in spec.accounts if _identifies(auth, each) and each.since <= now]
    valid = [each for each in known if now < min(each.until, auth.expires)]
    if not valid:
        return Denial.EXPIRED if known else Denial.INVALID
    return None if free or any(_match(each.repositories, reference) for each in valid) else Denial.FORBIDDEN


def _identifies(auth: Auth, account: Account) -> bool:
    """Whether the credentials are those of the account.

    A token must equal the password of the account; its user name does not count.
    """
    token = auth.registry_token or auth.identity_token
    if token:
        return token == account.password
    return (auth.username, auth.password) == (account.username, account.password)


def _match(patterns: tuple[str, ...], reference: Reference) -> bool:
    """Whether one of the shell patterns fits the repository's path, with or without Docker Hub's ``library/``."""
    path = reference.path
    short = path.removeprefix("library/")
    return any(fnmatchcase(path, pattern) or fnmatchcase(short, pattern) for pattern in patterns)
