"""How one client gets a registry to answer: challenges, tokens, and what it costs to be denied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.registry.access import Denial, decide

if TYPE_CHECKING:
    from pullsim.oci.reference import Reference
    from pullsim.registry.access import Presented
    from pullsim.registry.host import Registry

BASIC_RESPONSES: Final = 6  # after which containerd to 2.3.1 gives up with wrong credentials (retryRequest)


class Authorizer:
    """Answers the challenge to the first request; later ones go out with what that gave, until the token expires.

    ``honours_expiry``: an expired token is renewed before it is used; else the registry's 401 tells. ``requests``: so
    many are sent with wrong credentials for basic authentication. With credentials
    the OAuth form of the token request (POST) is tried before the GET. Each time the token server gets a new
    connection: an idle one is closed after 30 s.

    Models containerd core/remotes/docker/authorizer.go and auth/fetch.go, all releases. Credentials count as long as
    they were valid at the first request. Clients that do not insist ask the token server with a GET alone, and take the
    first answer to credentials (containers/image docker/docker_client.go).
    """

    __slots__ = (
        "_expires",
        "_honours_expiry",
        "_insists",
        "_pinged",
        "_registry",
        "_requests",
        "_spec",
        "authenticated",
        "challenges",
        "denial",
        "presented",
    )

    def __init__(
        self,
        registry: Registry,
        presented: Presented,
        *,
        honours_expiry: bool = True,
        insists: bool = True,
        requests: int = BASIC_RESPONSES,
    ) -> None:
        spec = registry.spec
        self._registry = registry
        self._spec = spec
        self.presented = presented
        self._honours_expiry = honours_expiry
        self._insists = insists
        self._requests = requests
        self._pinged = False  # it has been challenged, and has not answered yet
        self._expires = float("inf")  # of the token
        self.authenticated = spec.auth == "none" and spec.access.open  # it has no challenge to answer any more
        self.challenges = 0  # answers 401 so far
        self.denial: Denial | None = None  # why the registry answers with 401 or 403

    def challenged(self, now: float) -> bool:
        """Whether a request is answered 401 first."""
        if self.authenticated:
            return now >= self._expires and not self._honours_expiry
        return self._spec.auth != "none" and not self._pinged

    def pinged(self) -> None:
        """Take note of the answer to a request that only asks how to authenticate."""
        if not self.authenticated and self._spec.auth != "none":
            self._pinged = True
            self.challenges += 1
            self._registry.challenges += 1

    def authorize(self, reference: Reference, server: float, now: float) -> float:
        """Return the seconds before the request proper goes out: 0 once it is authenticated.

        ``server``: the server's seconds for the request. Sets ``denial`` if there will be no other answer.
        """
        if self.authenticated:
            return 0.0 if now < self._expires else self._renew(server, now)
        spec, presented = self._spec, self.presented
        challenged = spec.auth != "none"
        if not spec.access.open:
            header = presented.header
            let_in = header is not None and decide(spec.access, reference, header, presented.address, now) is None
            if spec.auth != "bearer":  # a token server wants to know who asks, whatever is asked for
                let_in = let_in or decide(spec.access, reference, None, presented.address, now) is None
            if let_in:
                challenged, self.denial = False, None
            else:
                auth = presented.auth if challenged else None
                self.denial = decide(spec.access, reference, auth, presented.address, now)
        self.authenticated = self.denial is None
        if not challenged:
            return 0.0
        seconds = self._challenge(server)
        if spec.auth == "bearer":
            self._expires = now + seconds + spec.token_server.expires_in
        return seconds

    def denied_after(self, server: float, waited: float) -> float:
        """Return the seconds from the first request to the last answer of a client that is denied.

        ``waited``: what `authorize` returned.
        """
        spec, denial = self._spec, self.denial
        answer = spec.round_trip + server
        if spec.auth == "bearer":
            # Unknown users are refused by the token server twice, the POST and the GET; others get an empty token.
            unknown = denial in (Denial.INVALID, Denial.EXPIRED)
            if unknown and not self._insists:
                return waited
            return waited + (self._refused_token() if unknown else answer)
        if spec.auth == "basic" and denial is not Denial.ANONYMOUS and self._insists:
            return answer * (self._requests if denial is Denial.INVALID else 2)
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

    def _refused_token(self) -> float:
        """Return the seconds of the GET after a POST that was refused for its credentials."""
        spec = self._spec
        server = spec.token_server
        self._registry.tokens += 1
        round_trip = spec.round_trip if server.round_trip is None else server.round_trip
        return round_trip + (spec.first_byte if server.first_byte is None else server.first_byte)

    def _renew(self, server: float, now: float) -> float:
        """Return the seconds of getting a token in the place of one that has expired."""
        seconds = self._token() if self._honours_expiry else self._challenge(server)
        self._expires = now + seconds + self._spec.token_server.expires_in
        return seconds

    def _challenge(self, server: float) -> float:
        """Return the seconds of a request's 401, and of the token request for bearer."""
        spec = self._spec
        seconds = self._token() if spec.auth == "bearer" else 0.0
        if self._pinged:
            self._pinged = False
            return seconds
        self.challenges += 1
        self._registry.challenges += 1
        return spec.round_trip + server + seconds

    def _token(self) -> float:
        """Return the seconds of a token request to another host: connection, the POST that it may not take, the GET."""
        spec = self._spec
        server = spec.token_server
        round_trip = spec.round_trip if server.round_trip is None else server.round_trip
        answer = round_trip + (spec.first_byte if server.first_byte is None else server.first_byte)
        requests = 2 if self.presented.auth is not None and not server.oauth and self._insists else 1
        self._registry.tokens += requests
        return round_trip * (2 if spec.tls else 1) + answer * requests
