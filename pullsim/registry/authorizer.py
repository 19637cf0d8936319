"""How one client gets a registry to answer: challenges, tokens, and what it costs to be denied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.registry.auth import Denial

if TYPE_CHECKING:
    from pullsim.oci.reference import Reference
    from pullsim.registry.auth import Presented
    from pullsim.registry.spec import RegistrySpec

BASIC_RESPONSES: Final = 6  # after which containerd gives up with wrong credentials (resolver.go retryRequest)


class Authorizer:
    """Answers the challenge to the first request; later ones go out with what that gave.

    Models containerd core/remotes/docker/authorizer.go and auth/fetch.go, all releases. Credentials count as long as
    they were valid at the first request.
    """

    __slots__ = ("_presented", "_spec", "authenticated", "denial")

    def __init__(self, spec: RegistrySpec, presented: Presented) -> None:
        self._spec = spec
        self._presented = presented
        self.authenticated = spec.auth == "none" and spec.access.open  # the next request goes out without a challenge
        self.denial: Denial | None = None  # why the registry answers with 401 or 403

    def authorize(self, reference: Reference, server: float, now: float) -> float:
        """Return the seconds before the request proper goes out: 0 once it is authenticated.

        ``server``: the server's seconds for the request. Sets ``denial`` if there will be no other answer.
        """
        if self.authenticated:
            return 0.0
        spec, presented = self._spec, self._presented
        challenged = spec.auth != "none"
        if not spec.access.open:
            header = presented.header
            let_in = header is not None and spec.access.decide(reference, header, presented.address, now) is None
            if spec.auth != "bearer":  # a token server wants to know who asks, whatever is asked for
                let_in = let_in or spec.access.decide(reference, None, presented.address, now) is None
            if let_in:
                challenged, self.denial = False, None
            else:
                auth = presented.auth if challenged else None
                self.denial = spec.access.decide(reference, auth, presented.address, now)
        self.authenticated = self.denial is None
        return self._challenge(server) if challenged else 0.0

    def denied_after(self, server: float) -> float:
        """Return the seconds from the first request to the last answer of a client that is denied."""
        spec, denial = self._spec, self.denial
        answer = spec.round_trip + server
        if spec.auth == "bearer":
            # Unknown users are refused by the token server twice, the POST and the GET; others get an empty token.
            unknown = denial in (Denial.INVALID, Denial.EXPIRED)
            return self._challenge(server) + (spec.round_trip + spec.first_byte if unknown else answer)
        if spec.auth == "basic" and denial is not Denial.ANONYMOUS:
            return answer * (BASIC_RESPONSES if denial is Denial.INVALID else 2)
        return answer

    @property
    def scheme(self) -> str:
        """How the registry wants to be shown who asks: none | basic | bearer."""
        return self._spec.auth

    @property
    def status(self) -> int:
        """The last answer to a client that is denied: 401, or 403 where another challenge would not help."""
        scheme = self.scheme
        known = self.denial in (Denial.EXPIRED, Denial.FORBIDDEN)
        return 403 if scheme == "none" or (scheme == "basic" and known) else 401

    def _challenge(self, server: float) -> float:
        """Return the seconds of the first request's 401, and of the token request to another host for bearer."""
        spec = self._spec
        refused = spec.round_trip + server
        if spec.auth == "basic":
            return refused
        return refused + spec.round_trip * (3 if spec.tls else 2) + spec.first_byte
