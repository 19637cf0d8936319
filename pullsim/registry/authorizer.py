"""How one client authenticates to a registry: challenges, tokens, and the time that a denial takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.registry.access import Denial, decide

if TYPE_CHECKING:
    from pullsim.oci.reference import Reference
    from pullsim.registry.access import Presented
    from pullsim.registry.host import Registry

BASIC_RESPONSES: Final = 6  # 401 answers to wrong credentials after which containerd up to 2.3.1 fails (retryRequest)


class Authorizer:
    """Authenticates the first request of a client; later requests use the same credentials or token until it expires.

    ``honours_expiry``: an expired token is renewed before it is used; else the client learns of it by a 401.
    ``requests``: how many requests are sent with wrong credentials for basic authentication. ``insists``: the client
    is containerd, which asks the token server with a POST (OAuth) if it has credentials, and then, if the POST is
    refused, with a GET. CRI-O, with ``insists`` False, sends the GET alone and takes the first refusal of credentials
    as final (containers/image docker/docker_client.go). Each request for a token makes a new connection to the token
    server, as an idle one is closed after 30 s.

    Models containerd core/remotes/docker/authorizer.go and auth/fetch.go, all releases. The registry checks credentials
    at the client's first request only, so it does not matter that they expire later. All times are in seconds.
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
        self._pinged = False  # a ping has been answered with a 401, whose challenge the client has not used yet
        self._expires = float("inf")  # time at which the token expires
        self.authenticated = spec.auth == "none" and spec.access.open  # requests are served without a further challenge
        self.challenges = 0  # number of 401 answers so far
        self.denial: Denial | None = None  # why the registry answers with 401 or 403

    def challenged(self, now: float) -> bool:
        """Whether a request at ``now`` is answered with a 401 first."""
        if self.authenticated:
            return now >= self._expires and not self._honours_expiry
        return self._spec.auth != "none" and not self._pinged

    def pinged(self) -> None:
        """Note that a ping, a request that only asks how to authenticate, has been answered."""
        if not self.authenticated and self._spec.auth != "none":
            self._pinged = True
            self.challenges += 1
            self._registry.challenges += 1

    def authorize(self, reference: Reference, server: float, now: float) -> float:
        """Return the seconds of challenge and token before the request itself is sent; 0 once authenticated.

        ``server``: seconds that the registry takes for a request. Sets ``denial`` if the request will be denied.
        """
        if self.authenticated:
            return 0.0 if now < self._expires else self._renew(server, now)
        spec, presented = self._spec, self.presented
        challenged = spec.auth != "none"
        if not spec.access.open:
            header = presented.header
            let_in = header is not None and decide(spec.access, reference, header, presented.address, now) is None
            if spec.auth != "bearer":  # a registry with a token server challenges even for public repositories
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
        """Return the seconds from the first request to the last answer for a client that is denied.

        ``waited``: what `authorize` returned.
        """
        spec, denial = self._spec, self.denial
        answer = spec.round_trip + server
        if spec.auth == "bearer":
            # The token server refuses an unknown user twice, at POST and GET. Others get a token without rights.
            unknown = denial in (Denial.INVALID, Denial.EXPIRED)
            if unknown and not self._insists:
                return waited
            return waited + (self._refused_token() if unknown else answer)
        if spec.auth == "basic" and denial is not Denial.ANONYMOUS and self._insists:
            return answer * (self._requests if denial is Denial.INVALID else 2)
        return answer

    @property
    def scheme(self) -> str:
        """The authentication scheme of the registry: none | basic | bearer."""
        return self._spec.auth

    @property
    def status(self) -> int:
        """The HTTP status of the last answer to a denied client.

        It is 401, or 403 where no credentials could help or known credentials do not suffice.
        """
        scheme = self.scheme
        known = self.denial in (Denial.EXPIRED, Denial.FORBIDDEN)
        return 403 if scheme == "none" or (scheme == "basic" and known) else 401

    def _refused_token(self) -> float:
        """Return the seconds of the GET that follows a POST refused for its credentials."""
        spec = self._spec
        server = spec.token_server
        self._registry.tokens += 1
        round_trip = spec.round_trip if server.round_trip is None else server.round_trip
        return round_trip + (spec.first_byte if server.first_byte is None else server.first_byte)

    def _renew(self, server: float, now: float) -> float:
        """Return the seconds that a new token takes in place of an expired one."""
        seconds = self._token() if self._honours_expiry else self._challenge(server)
        self._expires = now + seconds + self._spec.token_server.expires_in
        return seconds

    def _challenge(self, server: float) -> float:
        """Return the seconds of a request that is answered 401 and, for bearer, of the token request after it."""
        spec = self._spec
        seconds = self._token() if spec.auth == "bearer" else 0.0
        if self._pinged:
            self._pinged = False
            return seconds
        self.challenges += 1
        self._registry.challenges += 1
        return spec.round_trip + server + seconds

    def _token(self) -> float:
        """Return the seconds of a token request: a new connection, a POST that the server may not support, the GET."""
        spec = self._spec
        server = spec.token_server
        round_trip = spec.round_trip if server.round_trip is None else server.round_trip
        answer = round_trip + (spec.first_byte if server.first_byte is None else server.first_byte)
        requests = 2 if self.presented.auth is not None and not server.oauth and self._insists else 1
        self._registry.tokens += requests
        return round_trip * (2 if spec.tls else 1) + answer * requests
