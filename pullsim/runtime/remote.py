"""containerd's way with registries: the hosts to try, what is tried again, and what is resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pullsim.registry.auth import Presented
from pullsim.registry.client import Client
from pullsim.registry.request import CUT, NOT_FOUND, OK, RESET, Request
from pullsim.runtime.failures import Answer, broken_off, fetch_failure, no_hosts, resolve_failure

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from pullsim.cri import Auth
    from pullsim.oci.manifest import Image
    from pullsim.oci.reference import Reference
    from pullsim.registry.client import Download
    from pullsim.runtime.containerd import Containerd
    from pullsim.runtime.sources import Source

# Retries at once, without a pause (core/remotes/docker/resolver.go retryRequest, all releases).
TOO_MANY: Final = (408, 429)
MAX_RESPONSES: Final = 6
SERVER_ERRORS: Final = (500, 503, 504)
DENIED: Final = (401, 403)
BROKEN_OFF: Final = (CUT, RESET)
ENDED: Final = (OK, *BROKEN_OFF)  # with a body, whole or not
MAX_BROKEN_OFF: Final = 3  # bodies that bring nothing, in a row (core/remotes/docker/httpreadseeker.go maxRetry)


class Remote:
    """What one pull asks of registries: the resolver and the fetcher.

    Every request starts again at the first host and goes on to the next after any error; after a body that broke off
    the rest is asked for. Models core/remotes/docker resolver.go, fetcher.go and httpreadseeker.go.
    """

    def __init__(self, containerd: Containerd, reference: Reference, auth: Auth | None) -> None:
        self._containerd = containerd
        self._reference = reference
        self._auth = auth
        self._sources = containerd.sources(reference.domain)
        self._fetchers: list[Client] | None = None
        self._clients: list[Client] = []
        self.resolved_by = reference.domain

    def resolve(self) -> Generator[Any, Any, Image]:
        """HEAD the manifest; raise PullFailed if no host has it."""
        reference, version = self._reference, self._containerd.spec.version
        tag = not reference.digest
        clients = self._clients_of(each for each in self._sources if each.pull and (each.resolve or not tag))
        first: Answer | None = None
        for number, client in enumerate(clients, start=1):
            request = Request(client.presented, reference, "manifests", reference.digest or "", head=True)
            status, image = yield from self._head(client, request, last=number == len(clients))
            if image is not None:
                self.resolved_by = client.registry.spec.host
                return image
            if first is None and status != NOT_FOUND:
                first = answered(client, status)
        if not clients:
            raise no_hosts(reference, "resolve")
        raise resolve_failure(reference, first or Answer(clients[-1].registry.spec.host, NOT_FOUND), version)

    def get(
        self,
        kind: str,
        digest: str,
        size: int,
        download: Download,
        *,
        index: bool = False,
        start: int = 0,
        cut_short: bool = False,
    ) -> Generator[Any, Any, None]:
        """GET what is missing of a manifest or blob; raise PullFailed if it cannot be had.

        ``start``: of the part of the blob that is wanted; ``cut_short``: more would come after it.
        """
        if self._fetchers is None:
            self._fetchers = self._clients_of(each for each in self._sources if each.pull)
        clients, opened, empty = self._fetchers, False, 0
        while True:
            first: Answer | None = None
            for client in clients:
                got = download.received
                request = Request(
                    client.presented, self._reference, kind, digest, size - got, start + got, False, index, cut_short
                )
                challenges = client.authorizer.challenges
                status = yield from client.get(request, download)
                if status not in ENDED:
                    status = yield from self._again(client, request, download, status, challenges)
                if status == OK:
                    return
                if status in BROKEN_OFF:
                    opened = True
                    empty = empty + 1 if download.received == got else 0
                    if status == RESET or empty > MAX_BROKEN_OFF:
                        raise broken_off(self._reference, client.registry.spec.host, status)
                    break
                first = first or answered(client, status)
            else:
                if first is None:
                    raise no_hosts(self._reference, "pull")
                if opened:  # a body that broke off and cannot be had again is reported as such
                    raise broken_off(self._reference, first.host, CUT)
                raise fetch_failure(self._reference, kind, digest, first, self._containerd.spec.version)

    @property
    def chance(self) -> bool:
        """Whether what went wrong may go right next time though the world stays as it is."""
        return any(client.chance for client in self._clients)

    def _head(self, client: Client, request: Request, *, last: bool) -> Generator[Any, Any, tuple[int, Image | None]]:
        challenges = client.authorizer.challenges
        attempts: Attempts | None = None
        image: Image | None
        while True:
            status, image = yield from client.head(request)
            if image is not None or denied(client, status):
                return status, image
            attempts = attempts or self._attempts(client, challenges, last=last)
            if not attempts.again(status):
                return status, image

    def _again(
        self, client: Client, request: Request, download: Download, status: int, challenges: int
    ) -> Generator[Any, Any, int]:
        """Repeat a GET that got this status as long as containerd does; ``challenges``: answers 401 before it."""
        assert self._fetchers is not None
        attempts = self._attempts(client, challenges, last=client is self._fetchers[-1])
        while status not in ENDED and not denied(client, status) and attempts.again(status):
            status = yield from client.get(request, download)
        return status

    def _attempts(self, client: Client, challenges: int, *, last: bool) -> Attempts:
        return Attempts(client, challenges, last=last and self._containerd.behaviour.retries_server_errors)

    def _clients_of(self, sources: Iterable[Source]) -> list[Client]:
        """Return the client for each host; hosts that are one share it, and so its connections (hosts.go)."""
        made: dict[Source, Client] = {}
        return [made.get(source) or made.setdefault(source, self._client(source)) for source in sources]

    def _client(self, source: Source) -> Client:
        containerd = self._containerd
        client = Client(
            containerd.env,
            source.registry,
            containerd.port,
            Presented(self._auth or source.auth, source.header, containerd.address, containerd.node),
            dial_timeout=source.dial_timeout,
            honours_expiry=containerd.behaviour.honours_token_expiry,
        )
        self._clients.append(client)
        return client


def denied(client: Client, status: int) -> bool:
    """Whether the answer is that of a client that is denied; a fault goes before a denial."""
    return status in DENIED and client.authorizer.denial is not None


def answered(client: Client, status: int) -> Answer:
    """Say how a client's request ended."""
    authorizer = client.authorizer if denied(client, status) else None
    return Answer(client.registry.spec.host, status, client.message, authorizer)


class Attempts:
    """How often one request to one host is repeated at once; 401s count as answers.

    ``last``: server errors are repeated too, once: by releases that do so, at the last host.
    """

    __slots__ = ("_challenges", "_client", "_last", "_responses")

    def __init__(self, client: Client, challenges: int, *, last: bool) -> None:
        """``challenges``: answers 401 that the client had before the request."""
        self._client = client
        self._challenges = challenges
        self._last = last
        self._responses = 0  # beside 401s

    def again(self, status: int) -> bool:
        """Whether the request is sent once more after this answer."""
        self._responses += 1
        if status in TOO_MANY:
            return self._responses + self._client.authorizer.challenges - self._challenges < MAX_RESPONSES
        return self._last and self._responses == 1 and status in SERVER_ERRORS
