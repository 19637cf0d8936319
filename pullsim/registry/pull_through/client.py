"""A client of a pull-through cache, whose answers may have to wait for another registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullsim.kernel.event import Timeout
from pullsim.registry.client import PLAIN, Client, Transport
from pullsim.registry.pull_through.registry import CachingRegistry
from pullsim.registry.request import NOT_FOUND, OK
from pullsim.registry.stream import Refusal, Stream, carry

if TYPE_CHECKING:
    from collections.abc import Generator

    import simpy

    from pullsim.network.flows import Port
    from pullsim.network.traffic import Inbound
    from pullsim.oci.manifest import Image
    from pullsim.registry.authorizer import Authorizer
    from pullsim.registry.host import Registry
    from pullsim.registry.request import Download, Request


def connect(
    env: simpy.Environment,
    registry: Registry,
    port: Port,
    authorizer: Authorizer,
    transport: Transport = PLAIN,
    inbound: Inbound | None = None,
) -> Client:
    """Return a client of a registry host; ``inbound``: see `Client`."""
    if isinstance(registry, CachingRegistry):
        return CacheClient(env, registry, port, authorizer, transport, inbound)
    return Client(env, registry, port, authorizer, transport, inbound)


class CacheClient(Client):
    """A client of a host that is a pull-through cache; it differs in what happens between a request and its answer."""

    __slots__ = ("_cache",)

    def __init__(
        self,
        env: simpy.Environment,
        registry: CachingRegistry,
        port: Port,
        authorizer: Authorizer,
        transport: Transport = PLAIN,
        inbound: Inbound | None = None,
    ) -> None:
        super().__init__(env, registry, port, authorizer, transport, inbound)
        self._cache = registry

    def head(self, request: Request) -> Generator[Any, Any, tuple[int, Image | None]]:
        """See `Client.head`."""
        env, cache, spec = self._env, self._cache, self._cache.spec
        server = cache.server_time(request)
        status, latency, window = yield from self._send(request, server, None)
        yield Timeout(env, latency)
        if window is None:
            return status, None
        image: Image | None = None
        if status == OK and request.kind == "manifests":  # a manifest is not served at a path of blobs
            found = yield from cache.replica(request).resolve(request)
            if isinstance(found, Refusal):
                status = self._note(found)
            else:
                image = found
        if request.head:
            self._keep(self._idle, window)
        yield Timeout(env, spec.round_trip + server)
        return (NOT_FOUND if status == OK and image is None else status), image

    def get(self, request: Request, download: Download) -> Generator[Any, Any, int]:
        """See `Client.get`."""
        download.request(self._env.now)
        opened = yield from self.open(request, download)
        if isinstance(opened, Refusal):
            return opened.status
        self.found = opened.image
        status = yield from carry(self._env, opened, self._port, download)
        self.retryable = self.retryable or opened.retryable
        return status

    def open(self, request: Request, download: Download | None) -> Generator[Any, Any, Stream | Refusal]:
        """See `Client.open`."""
        env, cache, spec = self._env, self._cache, self._cache.spec
        server = cache.server_time(request)
        status, latency, window = yield from self._send(request, server, download)
        yield Timeout(env, latency)
        if window is None:
            return Refusal(status, self.retryable, self.message)
        if status != OK:
            refusal = Refusal(status, self.retryable, self.message)
            self._keep(self._idle, window)
            yield Timeout(env, spec.round_trip + server)
            return refusal
        opened = yield from cache.replica(request).open(request)
        whole = False
        try:
            yield Timeout(env, spec.round_trip + server)
            whole = True
        finally:
            if not whole and isinstance(opened, Stream):  # the client has gone
                opened.ended(env.now, 0, whole=False)
        if isinstance(opened, Refusal):
            self._note(opened)
            self._keep(self._idle, window)
        else:
            opened.window, opened.idle, opened.inbound = window, self._idle, self._inbound
        return opened

    def _note(self, refusal: Refusal) -> int:
        """Note the details of a refusal, which the caller of this client reads. Returns its status."""
        self.message = refusal.message
        self.retry_after = None
        self.retryable = refusal.retryable
        return refusal.status
