"""Requests of one HTTP client to a registry: connections, round trips, authentication, redirects, bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import simpy

from pullsim.kernel.event import Event, Timeout
from pullsim.network.slow_start import slow_start
from pullsim.registry.body import receive
from pullsim.registry.request import CUT, NO_HEADER, NOT_FOUND, OK, REFUSED, TIMED_OUT
from pullsim.spec.registry import DIAL_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.network.flows import Port
    from pullsim.oci.manifest import Image
    from pullsim.registry.authorizer import Authorizer
    from pullsim.registry.gate import Answer
    from pullsim.registry.host import Registry
    from pullsim.registry.request import Download, Request
    from pullsim.spec.registry import Fault

IDLE_CONNECTIONS: Final = 2  # kept per host by Go's http.Transport (MaxIdleConnsPerHost)


class Transport(NamedTuple):
    """How a client connects. Times in seconds."""

    dial_timeout: float = DIAL_TIMEOUT  # to connect
    header_timeout: float = float("inf")  # for an answer to begin, over an open connection
    dials: int = 1  # ports that are tried one after the other where none answers
    tls: bool = True  # it is spoken, if the registry speaks it
    tries_tls: bool = False  # the first connection is tried with it though the registry does not speak it


_PLAIN: Final = Transport()


class Client:
    """HTTP/1.1: a connection a request at a time, a few idle ones kept. It authenticates on its first request.

    Models containerd core/remotes/docker: resolver and fetcher have a client each, which share no connection and no
    token (resolver.go resolveDockerBase, config/hosts.go), all releases.
    """

    __slots__ = (
        "_blob_idle",
        "_dial_timeout",
        "_dials",
        "_env",
        "_header_timeout",
        "_idle",
        "_port",
        "_tls",
        "_tries_tls",
        "authorizer",
        "message",
        "presented",
        "registry",
        "retry_after",
        "retryable",
    )

    def __init__(
        self,
        env: simpy.Environment,
        registry: Registry,
        port: Port,
        authorizer: Authorizer,
        transport: Transport = _PLAIN,
    ) -> None:
        self.registry = registry
        self.presented = authorizer.presented
        self.authorizer = authorizer
        self.message = ""  # the registry's own text in the last refusal
        self.retry_after: float | None = None  # seconds, of the last refusal
        self.retryable = False  # what went wrong last may go right later, though nothing in the world changes
        self._env = env
        self._port = port
        self._dial_timeout = transport.dial_timeout
        self._header_timeout = transport.header_timeout
        self._dials = transport.dials
        self._tls = transport.tls and registry.spec.tls
        self._tries_tls = transport.tries_tls and not registry.spec.tls
        self._idle: list[int] = []  # window of each idle connection, bytes
        self._blob_idle: list[int] = []  # to the blob host

    def ping(self, request: Request) -> Generator[Any, Any, int]:
        """GET /v2/, which tells how to authenticate; return 200 for a 401 too, or the status of a fault or quota."""
        env, registry, spec = self._env, self.registry, self.registry.spec
        if (fault := self._obstacle(request)) is not None:
            yield Timeout(env, (spec.round_trip if fault.refused else self._dial_timeout) * self._dials)
            return REFUSED if fault.refused else TIMED_OUT
        window, latency = self._connect(self._idle, spec.round_trip)
        if latency and registry.gates:
            yield Timeout(env, latency)
            latency = 0.0
        answer = self._challenge(request) or self._fault(request, env.now)
        status = OK if answer is None else self._take(answer)
        self._keep(self._idle, window)
        if status == OK:
            self.authorizer.pinged()
        yield Timeout(env, latency + spec.round_trip + registry.server_time(request))
        return status

    def head(self, request: Request) -> Generator[Any, Any, tuple[int, Image | None]]:
        """HEAD a manifest, or GET it without reading it; return the status and what the reference names."""
        env, registry, spec = self._env, self.registry, self.registry.spec
        server = registry.server_time(request)
        status, latency, window = yield from self._send(request, server, None)
        if window is None:
            yield Timeout(env, latency)
            return status, None
        found = status == OK and request.kind == "manifests"  # a manifest is none of the blobs
        image = registry.content(request.reference, env.now + latency) if found else None
        if request.head:  # the connection of a GET whose body is not read is closed
            self._keep(self._idle, window)
        yield Timeout(env, latency + spec.round_trip + server)
        return (NOT_FOUND if status == OK and image is None else status), image

    def get(self, request: Request, download: Download) -> Generator[Any, Any, int]:
        """GET (the rest of) a manifest or blob, telling ``download`` how it goes; return the status.

        CUT and RESET: a part of the body has come, which ``download.received`` counts.
        """
        env, registry, port, spec = self._env, self.registry, self._port, self.registry.spec
        download.request(env.now)
        server = registry.server_time(request)
        status, latency, window = yield from self._send(request, server, download)
        if window is None:
            yield Timeout(env, latency)
            return status
        latency += spec.round_trip + server
        if status != OK:
            self._keep(self._idle, window)
            yield Timeout(env, latency)
            return status
        site, idle = registry.site, self._idle
        if registry.blob_site is not site and request.kind == "blobs":  # redirected
            self._keep(idle, window)
            site, idle = registry.blob_site, self._blob_idle
            window, connect = self._connect(idle, site.round_trip)
            latency += connect + site.round_trip + site.first_byte
        size, rate = request.size, site.rate(port)
        rounds, sent, window = slow_start(window, spec.max_window, size, rate, site.round_trip)
        # Slow start takes so much longer than its bytes would at the rate of the rest. As all bytes go through the
        # sharing after that, links carry every byte and never more than they can.
        yield Timeout(env, latency + max(0.0, rounds * site.round_trip - sent / rate))
        download.host = spec.host
        faults = [fault for gate in registry.gates for fault in gate.body(request, env.now)]
        if faults:
            self.retryable = any(fault.retryable for fault in faults)
            before, status = download.received, CUT
            try:
                status = yield from receive(env, registry.network, site, port, request, faults, download)
            finally:
                registry.sent += size if status == OK else download.received - before
        else:
            transfer = registry.network.transfer(site.link, port, size / site.goodput, site.connection_cap)
            download.begin(env.now, transfer)
            try:
                yield transfer
            except simpy.Interrupt:
                got = round(size - transfer.cancel() * site.goodput)
                download.received += got
                registry.sent += got
                raise
            registry.sent += size
        if status == OK and not request.cut_short:
            self._keep(idle, window)
        return status

    def _send(
        self, request: Request, server: float, download: Download | None
    ) -> Generator[Any, Any, tuple[int, float, int | None]]:
        """Send a request that takes the server so long.

        Return the status, the seconds until the request goes out, and the window of its connection; without a
        connection (window None) the seconds are those of the attempt.
        """
        env, registry, authorizer = self._env, self.registry, self.authorizer
        gates, round_trip = registry.gates, registry.spec.round_trip
        if gates and (fault := self._obstacle(request)) is not None:
            if fault.refused:
                self._idle.clear()
                return REFUSED, round_trip * self._dials, None
            if download is None or not self._idle:
                return TIMED_OUT, self._dial_timeout * self._dials, None
            if self._header_timeout < fault.ends - env.now:
                self._idle.pop()
                return NO_HEADER, self._header_timeout, None
            # TCP repeats what it sent over an open connection until the host is there again.
            download.stall(env.now, begun=False)
            yield Timeout(env, fault.ends - env.now) if fault.ends < float("inf") else Event(env)
            download.request(env.now)
        window, latency = self._connect(self._idle, round_trip)
        timed = False
        for gate in gates:
            timed = timed or gate.timed
        if timed:  # they are asked in the order in which requests come
            if latency:
                yield Timeout(env, latency)
                latency = 0.0
            if authorizer.challenged(env.now) and (answer := self._challenge(request)) is not None:
                return self._take(answer), latency, window
        waited = authorizer.authorize(request.reference, server, env.now + latency)
        if authorizer.denial is not None:
            answer = self._fault(request, env.now + latency)
            if answer is None:
                return authorizer.status, latency + authorizer.denied_after(server, waited), None
            registry.count(request)
            return self._take(answer), latency + waited, window
        latency += waited
        if timed and latency:
            yield Timeout(env, latency)
            latency = 0.0
        registry.count(request)
        for gate in gates:
            if (answer := gate.answer(request, env.now + latency)) is not None:
                return self._take(answer), latency, window
        return OK, latency, window

    def _obstacle(self, request: Request) -> Fault | None:
        """Return the fault that keeps the client from connecting."""
        for gate in self.registry.gates:
            if (fault := gate.connection(request, self._env.now)) is not None:
                self.retryable = fault.retryable
                return fault
        return None

    def _challenge(self, request: Request) -> Answer | None:
        """Return what the request gets instead of the 401 that it is to be answered with."""
        for gate in self.registry.gates:
            if (answer := gate.challenge(request, self._env.now)) is not None:
                return answer
        return None

    def _fault(self, request: Request, at: float) -> Answer | None:
        """Return the answer of what fails before the registry looks at who asks."""
        for gate in self.registry.gates:
            if gate.unasked and (answer := gate.answer(request, at)) is not None:
                return answer
        return None

    def _take(self, answer: Answer) -> int:
        """Take note of an answer; return its status."""
        self.message = answer.message
        self.retry_after = answer.retry_after
        self.retryable = answer.retryable
        return answer.status

    def _connect(self, idle: list[int], round_trip: float) -> tuple[int, float]:
        """Return the window of an idle connection, or of a new one, and the seconds that takes (TCP, TLS 1.3)."""
        if idle:
            return idle.pop(), 0.0
        spec = self.registry.spec
        if idle is self._blob_idle:
            return spec.initial_window, round_trip * (2 if spec.tls else 1)
        round_trips = 2 if self._tls else 1
        if self._tries_tls:  # a connection on which the handshake is answered in plain text, and then another
            self._tries_tls = False
            round_trips += 2
        return spec.initial_window, round_trip * round_trips

    def _keep(self, idle: list[int], window: int) -> None:
        if len(idle) < IDLE_CONNECTIONS:
            idle.append(window)
