"""How containerd asks registries: the order of hosts, the retries, and the resumption of broken downloads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pullsim.kernel.event import Timeout
from pullsim.registry.access import Presented
from pullsim.registry.authorizer import Authorizer
from pullsim.registry.pull_through.client import connect
from pullsim.registry.request import CUT, NO_HEADER, OK, RESET, TIMED_OUT, Request
from pullsim.runtime.containerd.failures import Answer, Rank, broken_off, fetch_failure, no_hosts, resolve_failure

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from pullsim.cri import Auth
    from pullsim.oci.manifest import Image
    from pullsim.oci.reference import Reference
    from pullsim.registry.client import Client
    from pullsim.registry.request import Download
    from pullsim.releases.containerd import Behaviour
    from pullsim.runtime.containerd.node import ContainerdNode
    from pullsim.runtime.sources.blob_source import Wanted
    from pullsim.runtime.sources.hosts import Source
    from pullsim.spec.hosts import Address

# Statuses after which a request is sent again (core/remotes/docker/resolver.go retryRequest, isTransientTransportErr).
# After an answer with such a status the request is sent again at once, after a timeout it is sent again after `PAUSE`.
TOO_MANY: Final = (408, 429)
SERVER_ERRORS: Final = (500, 503, 504)
TIMEOUTS: Final = (TIMED_OUT, NO_HEADER)
PAUSE: Final = 0.05  # seconds (doWithTransportRetries)
NOT_ALLOWED: Final = 405
UNAUTHORIZED, FORBIDDEN = 401, 403
BROKEN_OFF: Final = (CUT, RESET)
ENDED: Final = (OK, *BROKEN_OFF)  # the answer had a body, whole or not
MAX_BROKEN_OFF: Final = 3  # bodies in a row that may break off without a byte (httpreadseeker.go maxRetry)


class Remote:
    """The requests of one pull to registries, as containerd's resolver and fetcher make them.

    Every request starts at the first host, and after any error goes on to the next one. If a body breaks off, the
    missing bytes are requested. Models core/remotes/docker resolver.go, fetcher.go and httpreadseeker.go.
    """

    def __init__(self, node: ContainerdNode, reference: Reference, auth: Auth | None) -> None:
        self._node = node
        self._reference = reference
        self._auth = auth
        self._sources = node.sources(reference.domain)
        self._fetchers: list[Requester] | None = None  # see `get`; None: nothing has been got yet
        self._resolves_later = False  # see `retryable`
        self.resolved_by = reference.domain

    def resolve(self, watch: Download | None = None) -> Generator[Any, Any, Image]:
        """Resolve the name by a HEAD of its manifest, and return the image. Raises PullFailed if no host has it.

        ``watch`` is told if an answer does not come.

        A digest that no host has as a manifest is then asked for as a blob; releases with ``limits_blobs`` do that only
        if every host answered 404 or did not answer (resolver.go Resolve).
        """
        reference, behaviour = self._reference, self._node.behaviour
        by_digest = reference.digest or ""
        hosts = self._requesters([each for each in self._sources if each.pull and (each.resolve or by_digest)])
        if not hosts:
            raise no_hosts(reference, "resolve", behaviour)
        worst: Answer | None = None
        try:
            for kind in ("manifests", "blobs") if by_digest else ("manifests",):
                for number, host in enumerate(hosts, start=1):
                    request = Request(host.client.presented, reference, kind, by_digest, head=True)
                    answer, image = yield from host.head(request, watch, last=number == len(hosts))
                    if image is not None:
                        self.resolved_by = host.client.registry.spec.host
                        return image
                    if worst is None or answer.says_more_than(worst, ranked=behaviour.ranks_errors):
                        worst = answer
                assert worst is not None
                if behaviour.limits_blobs and worst.rank > Rank.NOT_FOUND:
                    break
            assert worst is not None
            raise resolve_failure(reference, worst, behaviour)
        finally:  # the requesters, with their clients and connections, are not kept
            self._resolves_later = _retryable(hosts)

    def get(self, wanted: Wanted, download: Download) -> Generator[Any, Any, None]:
        """GET the missing bytes of a manifest or blob. Raises PullFailed if they cannot be had.

        If at least one host has the capability pull, all hosts are asked, also those without it (fetcher.go Fetch).
        """
        return self._get(wanted, download)

    def _get(self, wanted: Wanted, download: Download) -> Generator[Any, Any, None]:
        """See `get`. Compiled, a generator has one object less if no subclass overrides its method."""
        hosts, opened, empty = self._hosts(), False, 0
        if not hosts:
            raise no_hosts(self._reference, "pull", self._node.behaviour)
        while True:
            first: Answer | None = None
            for number in range(len(hosts)):
                host, got = hosts[number], download.received
                client = host.client
                request = wanted.request(client.presented, self._reference, got)
                challenges = client.authorizer.challenges
                status = yield from client.get(request, download)
                if status not in ENDED:
                    attempts = host.attempts(challenges, last=number == len(hosts) - 1)
                    status = yield from host.get_again(request, download, status, attempts)
                if status == OK:
                    return
                if status in BROKEN_OFF:
                    opened = True
                    empty = empty + 1 if download.received == got else 0
                    if status == RESET or empty > MAX_BROKEN_OFF:
                        raise broken_off(self._reference, host.address, status)
                    break
                first = first or host.answer(request, status)
            else:
                assert first is not None
                if opened:  # a body that broke off and cannot be had again is reported as such
                    raise broken_off(self._reference, first.address, CUT)
                raise fetch_failure(
                    self._reference, wanted.kind, wanted.digest, first, self._node.behaviour, wanted.layer
                )

    @property
    def retryable(self) -> bool:
        """Whether the next pull may succeed although no fault, tag, node or pod changes until then."""
        return self._resolves_later or _retryable(self._fetchers or ())

    def _hosts(self) -> list[Requester]:
        """Return the requesters that `get` asks, one for each host."""
        if self._fetchers is None:
            self._fetchers = self._requesters(self._sources if any(each.pull for each in self._sources) else ())
        return self._fetchers

    def _requesters(self, sources: Sequence[Source]) -> list[Requester]:
        """Return a requester for each host; a host that is listed twice has one, thus the same connections."""
        if len(sources) == 1:  # as in most pulls, of which each asks twice: hashing a source takes long
            return [self._requester(sources[0])]
        made: dict[Source, Requester] = {}
        return [made.get(source) or made.setdefault(source, self._requester(source)) for source in sources]

    def _requester(self, source: Source) -> Requester:
        """Return a requester with a client of its own for a host."""
        node, behaviour = self._node, self._node.behaviour
        authorizer = Authorizer(
            source.registry,
            Presented(self._auth or source.auth, source.header, node.address, node.name),
            honours_expiry=behaviour.honours_token_expiry,
            requests=behaviour.requests,
        )
        client = connect(node.env, source.registry, node.port, authorizer, source.transport, node.inbound)
        return Requester(node, client, source.address)


def _retryable(hosts: Sequence[Requester]) -> bool:
    """Whether the request to one of these hosts that failed last may succeed later."""
    return any(host.client.retryable for host in hosts)


class Requester:
    """Sends requests to one host, with containerd's retries (core/remotes/docker/resolver.go doWithRetries)."""

    __slots__ = ("_node", "address", "client")

    def __init__(self, node: ContainerdNode, client: Client, address: Address) -> None:
        self._node = node
        self.client = client
        self.address = address

    def head(
        self, request: Request, watch: Download | None, *, last: bool
    ) -> Generator[Any, Any, tuple[Answer, Image | None]]:
        """HEAD a manifest, or GET it if the answer is 405; return the last answer and the image, if there is one."""
        client = self.client
        challenges = client.authorizer.challenges
        attempts: Attempts | None = None
        image: Image | None
        while True:
            if attempts is not None and attempts.challenged(self._node.env.now):
                status, image = (yield from self._challenge(request)), None
            else:
                status, image = yield from client.head(request, watch)
            if image is not None or self._denied(status):
                break
            attempts = attempts or self.attempts(challenges, last=last)
            not_allowed = status == NOT_ALLOWED and request.head and request.kind == "manifests"
            if not attempts.again(status, always=not_allowed):
                break
            if not_allowed:
                request.head = False
            if status in TIMEOUTS:
                yield Timeout(self._node.env, PAUSE)
        if status == FORBIDDEN and request.head and self._node.behaviour.asks_why:
            return (yield from self._ask_why(request)), None
        return self.answer(request, status), image

    def get_again(
        self, request: Request, download: Download, status: int, attempts: Attempts
    ) -> Generator[Any, Any, int]:
        """Send a GET again, whose first answer had ``status``, as often as containerd does; return the last status."""
        while status not in ENDED and not self._denied(status) and attempts.again(status):
            if status in TIMEOUTS:
                yield Timeout(self._node.env, PAUSE)
            if attempts.challenged(self._node.env.now):
                status = yield from self._challenge(request)
            else:
                status = yield from self.client.get(request, download)
        return status

    def attempts(self, challenges: int, *, last: bool) -> Attempts:
        """Return a counter of the attempts of a request; ``challenges``: the client's 401 answers before the request.

        ``last``: the host is the last one that is asked.
        """
        return Attempts(self.client, self._node.behaviour, challenges, last=last)

    def answer(self, request: Request, status: int, message: str | None = None) -> Answer:
        """Return how a request ended, with the registry's own text unless ``message`` is given."""
        client = self.client
        denied = client.authorizer if self._denied(status) else None
        text = (client.message if not request.head else "") if message is None else message
        return Answer(self.address, status, text, denied, "HEAD" if request.head else "GET")

    def _denied(self, status: int) -> bool:
        """Whether a 401 or 403 is the registry's verdict on the client, and not the answer of a simulated fault."""
        return status in (UNAUTHORIZED, FORBIDDEN) and self.client.authorizer.denial is not None

    def _challenge(self, request: Request) -> Generator[Any, Any, int]:
        """Send the last attempt, which is not authenticated and therefore gets 401 if the host can be reached."""
        status: int = yield from self.client.ping(request)
        return UNAUTHORIZED if status == OK else status

    def _ask_why(self, request: Request) -> Generator[Any, Any, Answer]:
        """After a 403 to a HEAD, send a GET: only the answer to a GET has the registry's own text for the error."""
        client, message = self.client, ""
        get = Request(request.presented, request.reference, request.kind, request.what)
        if client.authorizer.denial is None:
            client.message = ""
            answer, _ = yield from self.head(get, None, last=False)
            message = answer.message if answer.status == FORBIDDEN else ""
        else:  # the client has its credentials already, so that one request is enough
            spec = client.registry.spec
            client.registry.count(get)
            yield Timeout(self._node.env, spec.round_trip + spec.first_byte)
        return self.answer(request, FORBIDDEN, message)


class Attempts:
    """Counts the attempts of one request to one host, those answered 401 among them, and decides on retries.

    408 and 429 are retried at every host. Timeouts, and server errors that differ from the error of the attempt before,
    are retried at the last host alone (``last``), by releases that retry them.
    """

    __slots__ = ("_before", "_behaviour", "_challenges", "_client", "_last", "_left")

    def __init__(self, client: Client, behaviour: Behaviour, challenges: int, *, last: bool) -> None:
        """``challenges`` is the number of 401 answers that the client has had before this request."""
        self._client = client
        self._behaviour = behaviour
        self._last = last
        self._left = behaviour.requests
        self._challenges = challenges
        self._before = OK  # the last answer

    def challenged(self, now: float) -> bool:
        """Whether only one attempt is left, and it will be answered 401 because the client is not authenticated."""
        return self._left == 1 and self._client.authorizer.challenged(now)

    def again(self, status: int, *, always: bool = False) -> bool:
        """Whether to send the request again after ``status``; ``always``: after any status, if an attempt is left."""
        behaviour, before = self._behaviour, self._before
        challenges = self._client.authorizer.challenges
        if challenges != self._challenges:
            self._left -= challenges - self._challenges
            self._challenges, before = challenges, UNAUTHORIZED
        self._left -= 1
        if status in TIMEOUTS:
            return self._last and behaviour.retries_timeouts and self._left > 0
        self._before = status
        if status in SERVER_ERRORS:
            retried = self._last and behaviour.retries_server_errors and before != status
        else:
            retried = always or status in TOO_MANY
        return retried and self._left > 0
