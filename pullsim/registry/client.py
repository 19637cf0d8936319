"""Requests of one HTTP client to a registry: connections, round trips, authentication, redirects, bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

import simpy

from pullsim.kernel.event import Event, Timeout
from pullsim.network.slow_start import slow_start
from pullsim.registry.body import receive, retryable
from pullsim.registry.connections import IDLE_CONNECTIONS, Connections
from pullsim.registry.request import CUT, NO_HEADER, NOT_FOUND, OK, REFUSED, TIMED_OUT
from pullsim.registry.stream import Refusal, Stream
from pullsim.spec.registry import DIAL_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.kernel.environment import Environment
    from pullsim.network.flows import Port
    from pullsim.network.traffic import Inbound
    from pullsim.oci.manifest import Image
    from pullsim.registry.authorizer import Authorizer
    from pullsim.registry.gate import Answer
    from pullsim.registry.host import Registry
    from pullsim.registry.request import Download, Request
    from pullsim.spec.registry import Fault


class Transport(NamedTuple):
    """How a client connects to a registry. Times are in seconds."""

    dial_timeout: float = DIAL_TIMEOUT  # until the connection is established
    header_timeout: float = float("inf")  # until the response begins, over an open connection
    dials: int = 1  # number of TCP ports that are tried one after the other if none answers
    tls: bool = True  # the client uses TLS if the registry supports it
    tries_tls: bool = False  # the client tries TLS on its first connection even if the registry does not support it
    pings_again: bool = False  # after a ping that fails the client pings a registry without TLS in plain text


PLAIN: Final = Transport()


class Client:
    """An HTTP/1.1 client: each connection serves one request at a time, and a few idle connections are kept open.

    The client authenticates on its first request. All times are simulated seconds.

    Models containerd core/remotes/docker, all releases: resolver and fetcher have one client each, which share neither
    connections nor tokens (resolver.go resolveDockerBase, config/hosts.go).
    """

    keeps: ClassVar[int] = IDLE_CONNECTIONS  # idle connections to a host that stay open

    __slots__ = (
        "_blob_connections",
        "_connections",
        "_dial_timeout",
        "_dials",
        "_env",
        "_header_timeout",
        "_inbound",
        "_pings",
        "_port",
        "_tls",
        "_tries_tls",
        "authorizer",
        "found",
        "message",
        "presented",
        "registry",
        "retry_after",
        "retryable",
    )

    def __init__(
        self,
        env: Environment,
        registry: Registry,
        port: Port,
        authorizer: Authorizer,
        transport: Transport = PLAIN,
        inbound: Inbound | None = None,
    ) -> None:
        """``inbound``: where the bytes are counted by class of link; None: nowhere."""
        self.registry = registry
        self.presented = authorizer.presented
        self.authorizer = authorizer
        self.found: Image | None = None  # what a pull-through cache has last given for a tag
        self.message = ""  # the registry's own text in the last refusal
        self.retry_after: float | None = None  # seconds, of the last refusal
        # The request that failed last may succeed later, even if nothing else in the simulation changes.
        self.retryable = False
        self._env = env
        self._port = port
        self._inbound = inbound
        self._dial_timeout = transport.dial_timeout
        self._header_timeout = transport.header_timeout
        self._dials = transport.dials
        self._tls = transport.tls and registry.spec.tls
        self._tries_tls = transport.tries_tls and not registry.spec.tls
        self._pings = 2 if transport.pings_again and not registry.spec.tls else 1
        self._connections = Connections(env, registry.initial_window, self.keeps)
        self._blob_connections: Connections | None = None  # to the blob host; made for the first blob

    def ping(self, request: Request) -> Generator[Any, Any, int]:
        """Send GET /v2/, whose answer tells how to authenticate.

        Returns 200, also if the answer is a 401, or the status that a fault or quota gives instead.
        """
        env, registry, spec = self._env, self.registry, self.registry.spec
        if (fault := self._obstacle(request)) is not None:
            dials = self._dials * self._pings
            yield Timeout(env, (spec.round_trip if fault.refused else self._dial_timeout) * dials)
            return REFUSED if fault.refused else TIMED_OUT
        window, latency = self._connect(self._connections, spec.round_trip)
        if latency and not registry.gates.regular:
            yield Timeout(env, latency)
            latency = 0.0
        answer = registry.gates.challenge(request, env.now)
        if answer is None:
            answer = registry.gates.answer(request, env.now, authenticated=False)
        status = OK if answer is None else self._refused(answer)
        self._connections.free(window)
        if status == OK:
            self.authorizer.pinged()
        yield Timeout(env, latency + spec.round_trip + registry.server_time(request))
        return status

    def close_idle(self) -> None:
        """Close the idle connections to the registry, as the Go client does where it leaves an answer's body unread."""
        self._connections.clear()

    def head(
        self,
        request: Request,
        watch: Download | None = None,  # noqa: ARG002 - for hosts that may let a client wait
    ) -> Generator[Any, Any, tuple[int, Image | None]]:
        """Send a HEAD for a manifest, or a GET whose body is not read; ``watch`` is told if the answer does not come.

        Returns the status, and the image that the reference names (None unless the status is 200).
        """
        env, registry, spec = self._env, self.registry, self.registry.spec
        server = registry.server_time(request)
        status, latency, window = yield from self._send(request, server, None)
        if window is None:
            yield Timeout(env, latency)
            return status, None
        found = status == OK and request.kind == "manifests"  # a manifest is not served at a path of blobs
        image = registry.content(request.reference, env.now + latency) if found else None
        if request.head:  # a GET whose body is not read closes its connection instead
            self._connections.free(window)
        yield Timeout(env, latency + spec.round_trip + server)
        return (NOT_FOUND if status == OK and image is None else status), image

    def get(self, request: Request, download: Download) -> Generator[Any, Any, int]:
        """Send a GET for a manifest or blob, or the rest of one, and receive its body, telling ``download`` each step.

        Returns the status: an HTTP status or one of those in `pullsim.registry.request`. With CUT and RESET a part of
        the body has arrived, which ``download.received`` counts.
        """
        return self._get(request, download)

    def _get(self, request: Request, download: Download) -> Generator[Any, Any, int]:
        """See `get`. Compiled, a generator has one object less if no subclass overrides its method."""
        env, registry, port = self._env, self.registry, self._port
        download.request(env.now)
        server = registry.server_time(request)
        status, latency, window = yield from self._send(request, server, download)
        if window is None:
            yield Timeout(env, latency)
            return status
        latency += registry.round_trip + server
        if request.ranges and status == OK:
            status = registry.ranged(request)
        if status != OK:
            self._connections.free(window)
            yield Timeout(env, latency)
            return status
        site, connections = registry.site, self._connections
        if registry.blob_site is not site and request.kind == "blobs":  # the registry redirects to its blob host
            connections.free(window)
            site, connections = registry.blob_site, self._blobs()
            window, latency = yield from self._follow(connections, latency)
        size, rate = request.size, site.rate(port)
        rounds, sent, window = slow_start(window, registry.max_window, size, rate, site.round_trip)
        # Slow start takes longer than its bytes would take at `rate`. Only this difference is waited for here. Then all
        # bytes are transferred, those of slow start included: links carry every byte, within their capacity.
        yield Timeout(env, latency + max(0.0, rounds * site.round_trip - sent / rate))
        download.host = registry.host
        faults = [] if registry.gates.regular else registry.gates.body(request, env.now)
        if faults:
            self.retryable = retryable(faults)
            before, status = download.received, CUT
            try:
                status = yield from receive(env, registry.network, site, port, request, faults, download)
            finally:
                registry.delivered(site, size if status == OK else download.received - before, self._inbound)
                if registry.faults is not None:
                    registry.faults.received(request, env.now)
        else:
            transfer = registry.network.transfer(site.path, port, size / site.goodput, site.connection_cap)
            download.begin(env.now, transfer)
            try:
                yield transfer
            except simpy.Interrupt:
                got = round(size - transfer.cancel() * site.goodput)
                download.received += got
                registry.delivered(site, got, self._inbound)
                raise
            registry.delivered(site, size, self._inbound)
        if status == OK and not request.cut_short:
            connections.free(window)
        return status

    def open(self, request: Request, download: Download | None) -> Generator[Any, Any, Stream | Refusal]:
        """Send a GET as `get` does, up to the header of its response, for a client that relays the body.

        Whoever gets a `Stream` receives it with `carry`, or calls its `ended`.
        """
        env, registry, spec = self._env, self.registry, self.registry.spec
        server = registry.server_time(request)
        status, latency, window = yield from self._send(request, server, download)
        refusal = Refusal(status, self.retryable, self.message)
        if window is None:
            yield Timeout(env, latency)
            return refusal
        latency += spec.round_trip + server
        if request.ranges and status == OK and (ranged := registry.ranged(request)) != OK:
            status, refusal = ranged, Refusal(ranged)
        site, connections = registry.site, self._connections
        if status == OK and registry.blob_site is not site and request.kind == "blobs":
            connections.free(window)
            site, connections = registry.blob_site, self._blobs()
            window, latency = yield from self._follow(connections, latency)
        if status != OK:
            connections.free(window)
        yield Timeout(env, latency)
        return refusal if status != OK else Stream(registry, request, site, window, connections)

    def _send(
        self, request: Request, server: float, download: Download | None
    ) -> Generator[Any, Any, tuple[int, float, int | None]]:
        """Connect, authenticate and ask the registry's gates about a request that takes the server ``server`` seconds.

        Returns the status, the seconds until the request itself is sent, and the window in bytes of the connection. If
        no connection serves the request, the window is None, and the seconds are those until the attempt has failed.
        """
        env, registry, authorizer = self._env, self.registry, self.authorizer
        gates, round_trip = registry.gates, registry.round_trip
        if not gates.regular and (fault := self._obstacle(request)) is not None:
            if fault.refused:
                self._connections.clear()
                return REFUSED, round_trip * self._dials, None
            if download is None or not self._connections.any_idle:
                return TIMED_OUT, self._dial_timeout * self._dials, None
            if self._header_timeout < fault.ends - env.now:
                self._connections.take()
                return NO_HEADER, self._header_timeout, None
            # TCP retransmits over the open connection until the host can be reached again.
            download.stall(env.now, begun=False)
            yield Timeout(env, fault.ends - env.now) if fault.ends < float("inf") else Event(env)
            download.request(env.now)
        connections = self._connections
        window, latency = connections.take(), 0.0
        if not window:
            latency = self._dial(connections, round_trip)
            if latency and connections.in_use:
                window = yield from connections.first(latency)
                latency = 0.0
            else:
                window = connections.dialled()
        if gates.timed:
            if latency:
                yield Timeout(env, latency)
                latency = 0.0
            if authorizer.challenged(env.now) and (answer := gates.challenge(request, env.now)) is not None:
                return self._refused(answer), latency, window
        waited = authorizer.authorize(request.reference, server, env.now + latency)
        if authorizer.denial is not None:
            answer = gates.answer(request, env.now + latency, authenticated=False)
            if answer is None:
                return authorizer.status, latency + authorizer.denied_after(server, waited), None
            registry.count(request)
            return self._refused(answer), latency + waited, window
        latency += waited
        if gates.timed and latency:
            yield Timeout(env, latency)
            latency = 0.0
        registry.count(request)
        if not gates.regular and (answer := gates.answer(request, env.now + latency)) is not None:
            return self._refused(answer), latency, window
        return OK, latency, window

    def _obstacle(self, request: Request) -> Fault | None:
        """Return the fault that keeps the client from connecting now, or None."""
        fault = self.registry.gates.connection(request, self._env.now)
        if fault is not None:
            self.retryable = fault.retryable
        return fault

    def _refused(self, answer: Answer) -> int:
        """Note the details of a gate's answer, which the caller of this client reads. Returns its status."""
        self.message = answer.message
        self.retry_after = answer.retry_after
        self.retryable = answer.retryable
        return answer.status

    def _blobs(self) -> Connections:
        """Return the connections to the blob host."""
        if self._blob_connections is None:
            self._blob_connections = Connections(self._env, self.registry.initial_window, self.keeps)
        return self._blob_connections

    def _follow(self, connections: Connections, latency: float) -> Generator[Any, Any, tuple[int, float]]:
        """Send a request to the blob host, to which an answer redirects that is there in ``latency`` seconds.

        Returns the window in bytes of the connection, and the seconds until the first byte of the body is there.
        """
        site = self.registry.blob_site
        window = connections.take()
        if not window:
            dial = self._dial(connections, site.round_trip)
            if dial and connections.in_use:
                yield Timeout(self._env, latency)
                window, latency = (yield from connections.first(dial)), 0.0
            else:
                window, latency = connections.dialled(), latency + dial
        return window, latency + site.round_trip + site.first_byte

    def _connect(self, connections: Connections, round_trip: float) -> tuple[int, float]:
        """Take an idle connection or open one; return its window in bytes and the seconds to open it."""
        window = connections.take()
        if window:
            return window, 0.0
        dial = self._dial(connections, round_trip)
        return connections.dialled(), dial

    def _dial(self, connections: Connections, round_trip: float) -> float:
        """Return the seconds that it takes to open a connection (TCP, TLS 1.3)."""
        if connections is self._blob_connections:
            return round_trip * (2 if self.registry.spec.tls else 1)
        round_trips = 2 if self._tls else 1
        # The TLS handshake is answered in plain text: that connection is lost, and another one is opened.
        if self._tries_tls:
            self._tries_tls = False
            round_trips += 2
        return round_trip * round_trips
