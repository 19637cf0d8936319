"""A response whose body is about to begin, and the transfer of that body; for caches, which relay bodies of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import simpy

from pullsim.kernel.event import Timeout
from pullsim.network.slow_start import slow_start
from pullsim.registry.body import receive, retryable
from pullsim.registry.request import OK

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pullsim.kernel.environment import Environment
    from pullsim.network.flows import Port
    from pullsim.network.traffic import Inbound
    from pullsim.oci.manifest import Image
    from pullsim.registry.connections import Connections
    from pullsim.registry.host import Registry, Site
    from pullsim.registry.request import Download, Request
    from pullsim.spec.registry import Fault


class Refusal(NamedTuple):
    """The answer to a request that gets no body, or no answer at all."""

    status: int  # HTTP status, or one of those in `pullsim.registry.request`
    retryable: bool = False  # the same request may succeed later, even if nothing else in the simulation changes
    message: str = ""  # the registry's own text


class Stream:
    """A response of which the header has come: where its body comes from, and who counts it.

    ``behind`` is the response of another registry that this one relays.
    """

    __slots__ = (
        "behind",
        "broken",
        "connections",
        "image",
        "inbound",
        "link_class",
        "on_end",
        "over",
        "registry",
        "request",
        "retryable",
        "site",
        "window",
    )

    def __init__(
        self, registry: Registry, request: Request, site: Site, window: int = 1, connections: Connections | None = None
    ) -> None:
        self.registry = registry
        self.request = request
        self.site = site
        self.window = window  # congestion window of the connection, in bytes
        self.connections = connections  # those of the client, to which the window's belongs
        self.behind: Stream | None = None
        self.broken = False  # the body broke off by itself, and not because its receiver has gone
        self.retryable = False  # the body breaks off by a fault that a further request may not meet
        self.inbound: Inbound | None = None  # where the bytes are counted by class of link; None: nowhere
        self.link_class = site.link_class  # of the way to the receiver
        self.image: Image | None = None  # what a tag stands for, if the body is its manifest
        self.over = False  # the body has ended and is counted
        self.on_end: Callable[[int, bool], None] | None = None  # called with the bytes that came, and whether all did

    def lag(self, rate: float) -> float:
        """Return the seconds that slow start takes beyond those of its bytes at ``rate`` bytes/s; call it once."""
        spec, site = self.registry.spec, self.site
        rounds, sent, self.window = slow_start(self.window, spec.max_window, self.request.size, rate, site.round_trip)
        own = max(0.0, rounds * site.round_trip - sent / rate)
        return own if self.behind is None else max(own, self.behind.lag(rate))

    def faults(self, now: float) -> list[Fault]:
        """Return the faults that affect the body: those of its registry, and of the registry behind it."""
        found = [] if self.registry.gates.regular else self.registry.gates.body(self.request, now)
        return found if self.behind is None else [*found, *self.behind.faults(now)]

    def ended(self, now: float, got: int, *, whole: bool) -> None:
        """Count a body of which ``got`` bytes came; if all of it did, the connection may serve further requests.

        Bodies that are on their way at the end of the run have ended before whoever receives them is stopped.
        """
        if self.over:
            return
        self.over = True
        registry = self.registry
        registry.sent += got
        if self.inbound is not None:
            self.inbound.add(registry.spec.host, self.link_class, self.site.zone, got)
        if registry.faults is not None:
            registry.faults.received(self.request, now)
        if whole and not self.request.cut_short and self.connections is not None:
            self.connections.free(self.window)
        if self.behind is not None:
            self.behind.ended(now, got, whole=whole)
        if self.on_end is not None:
            self.on_end(got, whole)


def carry(env: Environment, stream: Stream, port: Port, download: Download) -> Generator[Any, Any, int]:
    """Receive the body of a response at ``port``, telling ``download`` each step. Returns OK, CUT or RESET.

    If the body breaks off, or the receiving process is interrupted, ``download.received`` counts the bytes that came.
    """
    registry, request, site = stream.registry, stream.request, stream.site
    size, before, whole = request.size, download.received, False
    try:
        lag = stream.lag(site.rate(port))
        if lag:
            yield Timeout(env, lag)
        download.host = registry.spec.host
        faults = stream.faults(env.now)
        if faults:
            stream.retryable = retryable(faults)
            status = yield from receive(env, registry.network, site, port, request, faults, download)
            whole = status == OK
            stream.broken = not whole
            return status
        transfer = registry.network.transfer(site.path, port, size / site.goodput, site.connection_cap)
        download.begin(env.now, transfer)
        try:
            yield transfer
        except simpy.Interrupt:
            download.received += round(size - transfer.cancel() * site.goodput)
            raise
        whole = True
        return OK
    finally:
        stream.ended(env.now, size if whole else download.received - before, whole=whole)
