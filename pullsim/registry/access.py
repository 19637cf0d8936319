"""Who may pull from a registry: accounts and what they may see, and addresses that are let in.

The answers are those of registries behind a token server (distribution's specification of tokens, Docker Hub, Harbor,
Quay) and of such with basic authentication (Amazon ECR).
"""

from __future__ import annotations

from enum import Enum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from pullsim.cri import Auth

if TYPE_CHECKING:
    from pullsim.oci.reference import Reference
    from pullsim.spec.registry import AccessSpec, Account


class Presented(NamedTuple):
    """What a client can show: credentials, an Authorization header on every request, the address it comes from."""

    auth: Auth | None = None
    header: Auth | None = None
    address: str | None = None
    node: str = ""

    @property
    def account(self) -> str | None:
        """Whose requests these are: a user, or a token that has no name; None: anonymous."""
        auth = self.header or self.auth
        return None if auth is None else auth.username or auth.identity_token or auth.registry_token


class Denial(Enum):
    """Why a request is not answered."""

    ANONYMOUS = "no credentials, and the repository is not public"
    INVALID = "unknown user or wrong password"
    EXPIRED = "a password or token that was valid once"
    FORBIDDEN = "a known user that may not pull from this repository"


def decide(spec: AccessSpec, reference: Reference, auth: Auth | None, address: str | None, now: float) -> Denial | None:
    """Return why a request with these credentials is denied; None when it is answered."""
    free = address in spec.allow or _any(spec.public, reference)
    if auth is None:
        return None if free else Denial.ANONYMOUS
    own = [each for each in spec.accounts if _is(each, auth) and each.since <= now]
    valid = [each for each in own if now < min(each.until, auth.expires)]
    if not valid:
        return Denial.EXPIRED if own else Denial.INVALID
    return None if free or any(_any(each.repositories, reference) for each in valid) else Denial.FORBIDDEN


def _is(account: Account, auth: Auth) -> bool:
    """Whether the credentials are the account's; a token alone is the password of any user."""
    token = auth.registry_token or auth.identity_token
    if token:
        return token == account.password
    return (auth.username, auth.password) == (account.username, account.password)


def _any(patterns: tuple[str, ...], reference: Reference) -> bool:
    path = reference.path
    short = path.removeprefix("library/")
    return any(fnmatchcase(path, pattern) or fnmatchcase(short, pattern) for pattern in patterns)
