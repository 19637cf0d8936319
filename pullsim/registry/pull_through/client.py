"""A client of a pull-through cache, whose answers may have to wait for another registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import simpy

from pullsim.kernel.event import Timeout
from pullsim.kernel.process import Process
from pullsim.registry.client import PLAIN, Client, Transport
from pullsim.registry.pull_through.registry import CachingRegistry
from pullsim.registry.request import NO_HEADER, NOT_FOUND, OK
from pullsim.registry.stream import Refusal, Stream, carry

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.kernel.environment import Environment
    from pullsim.network.flows import Port
    from pullsim.network.traffic import Inbound
    from pullsim.oci.manifest import Image
    from pullsim.registry.authorizer import Authorizer
    from pullsim.registry.host import Registry
    from pullsim.registry.request import Download, Request

PATIENCE: Final = 1.0  # seconds after which a request that a cache has not answered counts as stalled


def connect(
    env: Environment,
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
        env: Environment,
        registry: CachingRegistry,
        port: Port,
        authorizer: Authorizer,
        transport: Transport = PLAIN,
        inbound: Inbound | None = None,
    ) -> None:
        super().__init__(env, registry, port, authorizer, transport, inbound)
        self._cache = registry

    def head(self, request: Request, watch: Download | None = None) -> Generator[Any, Any, tuple[int, Image | None]]:
        """See `Client.head`."""
        env, cache, spec = self._env, self._cache, self._cache.spec
        server = cache.server_time(request)
        status, latency, window = yield from self._send(request, server, None)
        yield Timeout(env, latency)
        if window is None:
            return status, None
        image: Image | None = None
        if status == OK and request.kind == "manifests":  # a manifest is not served at a path of blobs
            found = yield from self._answer(cache.replica(request).resolve(request), watch)
            if isinstance(found, Refusal):
                status = self._note(found)
                if status == NO_HEADER:
                    return status, None
            else:
                image = found
        if request.head:
            self._connections.free(window)
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
            self._connections.free(window)
            yield Timeout(env, spec.round_trip + server)
            return refusal
        opened: Stream | Refusal = yield from self._answer(cache.replica(request).open(request), download)
        if isinstance(opened, Refusal) and opened.status == NO_HEADER:
            return opened
        came = False
        try:
            yield Timeout(env, spec.round_trip + server)
            came = True
        finally:
            if not came and isinstance(opened, Stream):  # the client has gone
                opened.ended(env.now, 0, whole=False)
        if isinstance(opened, Refusal):
            self._note(opened)
            self._connections.free(window)
        else:
            opened.window, opened.connections, opened.inbound = window, self._connections, self._inbound
        return opened

    def _answer(self, answering: Generator[Any, Any, Any], waits: Download | None) -> Generator[Any, Any, Any]:
        """Wait for what the cache answers, and no longer than this client waits for a header.

        ``waits`` is told that nothing comes after `PATIENCE`: from then on it is no matter of round trips.
        """
        env, timeout = self._env, self._header_timeout
        inner = Process(env, _unless_interrupted(answering))
        try:
            yield inner | Timeout(env, min(PATIENCE, timeout))
            if not inner.triggered and timeout > PATIENCE:
                if waits is not None:
                    waits.stall(env.now, begun=False)
                yield inner if timeout == float("inf") else inner | Timeout(env, timeout - PATIENCE)
                if waits is not None:
                    waits.request(env.now)
        except simpy.Interrupt:
            self.retryable = True  # the cache may have it later
            if inner.is_alive:
                inner.interrupt()
            elif isinstance(inner.value, Stream):
                inner.value.ended(env.now, 0, whole=False)
            raise
        if inner.triggered:
            return inner.value
        inner.interrupt()
        self.retryable = True
        return Refusal(NO_HEADER, retryable=True)

    def _note(self, refusal: Refusal) -> int:
        """Note the details of a refusal, which the caller of this client reads. Returns its status."""
        self.message = refusal.message
        self.retry_after = None
        self.retryable = refusal.retryable
        return refusal.status


def _unless_interrupted(answering: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Answer a client, and stop when it goes away."""
    try:
        return (yield from answering)
    except simpy.Interrupt:
        return None
