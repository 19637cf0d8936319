"""The requests of one replica of a pull-through cache to its upstream registries."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pullsim.cri import Auth
from pullsim.kernel.locks import Slots
from pullsim.registry.access import Presented
from pullsim.registry.pull_through.relay import Intake, Relay
from pullsim.registry.request import NOT_FOUND, OK, Request
from pullsim.registry.stream import Refusal, Stream, carry

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pullsim.kernel.environment import Environment
    from pullsim.network.flows import Link, Port
    from pullsim.network.traffic import Inbound
    from pullsim.oci.manifest import Image
    from pullsim.oci.reference import Reference
    from pullsim.registry.client import Client
    from pullsim.registry.host import Registry, Site
    from pullsim.spec.pull_through import CacheSpec

    Connect = Callable[[str, Port, Presented], Client]

TOO_MANY: Final = 429


class Content(NamedTuple):
    """A manifest or blob that a cache wants for itself, and the node's request that made it want it."""

    asked: Request
    kind: str  # manifests | blobs
    digest: str
    size: int  # bytes
    is_index: bool = False
    offset: int = 0  # bytes of it that are there already, beside its size


class Upstream:
    """What one replica of a cache asks other registries, as the cache's user and from the cache's address."""

    __slots__ = (
        "_auth",
        "_clients",
        "_connect",
        "_env",
        "_host",
        "_inbound",
        "_intakes",
        "_inward",
        "_port",
        "_slots",
        "_spec",
        "received",
    )

    def __init__(self, env: Environment, host: Registry, spec: CacheSpec, connect: Connect, name: str) -> None:
        """``host`` is the cache's own, ``name`` the replica's; ``connect`` makes a client of another host."""
        login, network = spec.credentials, host.network
        self._env = env
        self._host = host
        self._spec = spec
        self._connect = connect
        self._auth = None if login is None else Auth(login.username, login.password)
        self._port = network.port(name, math.inf)
        self._slots = None if spec.upstream_connections is None else Slots(env, spec.upstream_connections)
        self._clients: dict[tuple[str, str], Client] = {}  # by host and repository, as tokens are for a repository
        self._intakes: dict[Intake, Stream] = {}  # bodies that the cache fetches for itself
        self._inbound: Inbound | None = None  # where the bytes are counted by class of link; None: nowhere
        self._inward: tuple[Link, ...] = ()  # the link from upstream, if it has a rate
        if spec.downlink < math.inf:
            self._inward = (network.link(f"{name} upstream", spec.downlink),)
        self.received = 0  # payload bytes of bodies

    def count_inbound(self, inbound: Inbound) -> None:
        """Count what comes from upstream by class of link."""
        self._inbound = inbound

    @property
    def links(self) -> list[tuple[str, Link]]:
        """The link from upstream with its name, if it has a rate."""
        return [(link.name, link) for link in self._inward]

    def ask(self, asked: Request) -> Generator[Any, Any, Image | Refusal]:
        """Look up what a node asks for, without its body, and return the image."""
        client = self._client(asked.reference)
        if client is None:
            return Refusal(NOT_FOUND)
        request = Request(self._presented(asked), asked.reference, "manifests", asked.what)
        request.head = self._spec.recheck_by == "HEAD"
        status, image = yield from client.head(request)
        return Refusal(status, client.retryable, client.message) if image is None else image

    def fetch(self, wanted: Content, disk: tuple[Link, ...]) -> Generator[Any, Any, Refusal | None]:
        """Get a content over the links of the ``disk``; returns None, or why it did not come."""
        if (busy := (yield from self._take())) is not None:
            return busy
        try:
            asked = wanted.asked
            client = self._client(asked.reference)
            if client is None:
                return Refusal(NOT_FOUND)
            request = Request(
                self._presented(asked),
                asked.reference,
                wanted.kind,
                wanted.digest,
                wanted.size,
                is_index=wanted.is_index,
            )
            request.offset = wanted.offset
            opened = yield from client.open(request, None)
            if isinstance(opened, Refusal):
                return opened
            self._counts(opened)
            opened.site = Relay(opened.site, (*self._inward, *disk), opened.site)
            intake, status = Intake(wanted.size, opened.site.goodput), 0
            self._intakes[intake] = opened
            try:
                status = yield from carry(self._env, opened, self._port, intake)
            finally:
                self._intakes.pop(intake)
                self.received += wanted.size if status == OK else intake.received
            return None if status == OK else Refusal(status, opened.retryable)
        finally:
            self._give_back()

    def relay(self, asked: Request, own: Site, disk: tuple[Link, ...]) -> Generator[Any, Any, Stream | Refusal]:
        """Ask for what a node asks for, and return the response, whose body goes to the node by way of ``own``.

        Whoever gets a response calls `relayed` at its end.
        """
        if (busy := (yield from self._take())) is not None:
            return busy
        stream: Stream | None = None
        try:
            client = self._client(asked.reference)
            if client is None:
                return Refusal(NOT_FOUND)
            request = Request(self._presented(asked), asked.reference, asked.kind, asked.what, asked.size)
            request.offset, request.cut_short = asked.offset, asked.cut_short
            request.ranges, request.whole = asked.ranges, asked.whole
            opened = yield from client.open(request, None)
            if isinstance(opened, Refusal):
                return opened
            if request.ranges != asked.ranges:  # the upstream registry ignores them
                asked.take_all()
            self._counts(opened)
            site = Relay(opened.site, (*self._inward, *disk, own.link), own)
            stream = Stream(self._host, asked, site)
            stream.behind = opened
            return stream
        finally:
            if stream is None:
                self._give_back()

    def relayed(self, got: int) -> None:
        """Note that a body that went on to a node has ended, of which ``got`` bytes came."""
        self.received += got
        self._give_back()

    def close(self) -> None:
        """Count what has come, at the end of the run, of bodies that the cache fetches for itself."""
        for intake, stream in self._intakes.items():
            got = intake.cut()
            self.received += got
            stream.ended(self._env.now, got, whole=False)

    def _counts(self, stream: Stream) -> None:
        """Let the bytes of a response be counted as those of the cache, by the class of its path from upstream."""
        stream.inbound = self._inbound
        if self._spec.link is not None:
            stream.link_class = self._spec.link

    def _client(self, reference: Reference) -> Client | None:
        """Return the client for a repository; None: it is the cache's own, and there is no registry behind it."""
        host = self._spec.upstream or reference.domain
        if host == self._host.spec.host:
            return None
        key = host, reference.repository
        client = self._clients.get(key)
        if client is None:
            address = self._spec.address or self._host.spec.host
            client = self._clients[key] = self._connect(
                host, self._port, Presented(self._auth, None, address, self._host.spec.host)
            )
        return client

    def _presented(self, asked: Request) -> Presented:
        """Return who asks: the cache, for a node, by which chance and the figures of outages tell requests apart."""
        return Presented(self._auth, None, self._spec.address or self._host.spec.host, asked.presented.node)

    def _take(self) -> Generator[Any, Any, Refusal | None]:
        """Take one of the connections, or wait for one; return the answer if the cache rather refuses."""
        slots = self._slots
        if slots is None or (turn := slots.acquire()) is None:
            return None
        if self._spec.when_busy == "refuse":
            slots.cancel(turn)
            return Refusal(TOO_MANY, retryable=True)
        yield from slots.wait(turn)
        return None

    def _give_back(self) -> None:
        if self._slots is not None:
            self._slots.release()
