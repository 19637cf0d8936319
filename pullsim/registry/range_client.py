"""An HTTP client that asks for ranges of blobs, and goes straight to where the registry has redirected it before."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, ClassVar, Final

import simpy

from pullsim.kernel.event import Timeout
from pullsim.network.slow_start import slow_start
from pullsim.registry.body import receive
from pullsim.registry.client import Client
from pullsim.registry.request import OK, REFUSED, TIMED_OUT

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.registry.request import Download, Request

ALL: Final = sys.maxsize  # idle connections that stay open


class RangeClient(Client):
    """The client of a snapshotter, which keeps all its connections open and remembers where blobs are.

    A request that goes straight to the object storage is none of the registry's: quotas do not see it, and it costs no
    round trip to the registry. Where the registry redirects nothing, every range is a request of its own to it.
    Models soci-snapshotter internal/http (CacheRedirects) and go-retryablehttp's pooled transport.
    """

    __slots__ = ()

    keeps: ClassVar[int] = ALL

    def get_range(self, request: Request, download: Download) -> Generator[Any, Any, int]:
        """GET a range of a blob whose place is known. Returns the status, as `Client.get` does."""
        registry, env = self.registry, self._env
        site = registry.blob_site
        if site is registry.site:
            return (yield from self.get(request, download))
        download.request(env.now)
        size, port, connections = request.size, self._port, self._blobs()
        if (
            not registry.gates.regular
            and (fault := self._obstacle(request)) is not None
            and (fault.refused or not connections.any_idle)
        ):
            connections.clear()
            yield Timeout(env, site.round_trip if fault.refused else self._dial_timeout)
            return REFUSED if fault.refused else TIMED_OUT
        window, latency = self._connect(connections, site.round_trip)
        latency += site.round_trip + site.first_byte
        rate = site.rate(port)
        rounds, sent, window = slow_start(window, registry.spec.max_window, size, rate, site.round_trip)
        yield Timeout(env, latency + max(0.0, rounds * site.round_trip - sent / rate))
        download.host = registry.spec.host
        registry.ranges += 1
        faults = registry.gates.body(request, env.now)
        before, status = download.received, 0
        try:
            status = yield from receive(env, registry.network, site, port, request, faults, download)
        finally:
            registry.delivered(site, size if status == OK else download.received - before, self._inbound)
        if faults and registry.faults is not None:
            registry.faults.received(request, env.now)
        if status == OK:
            connections.free(window)
        else:
            self.retryable = any(fault.retryable for fault in faults)
        return status

    def get_ranges(self, request: Request, count: int, flows: int) -> Generator[Any, Any, int]:
        """GET a range of a blob whose place is known in ``count`` equal parts, ``flows`` of them at a time.

        Each connection is simulated with one request that is as large and as slow as all of its own: the waits for all
        first bytes, and then all bytes. To registries that look at no single request (`Ranges`) and to links the one
        is like the others on a longer scale of time. Returns the status, as `Client.get` does.
        """
        registry, env = self.registry, self._env
        site, connections, latency = registry.blob_site, self._blobs(), 0.0
        if site is registry.site:
            status, latency, first = yield from self._send(request, registry.server_time(request), None)
            if first is None or status != OK:
                yield Timeout(env, latency)
                return status
            connections = self._connections
            connections.free(first)
            registry.blobs += count - 1
        else:
            registry.ranges += count
        window = registry.spec.max_window
        for _ in range(flows):
            own, connect = self._connect(connections, site.round_trip)
            window, latency = min(window, own), max(latency, connect)
        latency += count / flows * (site.round_trip + site.first_byte)
        rate = site.rate(self._port)
        for _ in range(-(-count // flows)):
            rounds, sent, window = slow_start(
                window, registry.spec.max_window, request.size // count, rate, site.round_trip
            )
            if not rounds:
                break
            latency += max(0.0, rounds * site.round_trip - sent / rate)
        yield Timeout(env, latency)
        share = request.size / flows / site.goodput
        transfers = [registry.network.transfer(site.path, self._port, share, site.connection_cap) for _ in range(flows)]
        received = 0
        try:
            for transfer in transfers:
                if not transfer.triggered:
                    yield transfer
            received = request.size
        except simpy.Interrupt:
            left = sum([transfer.cancel() for transfer in transfers])
            received = request.size - round(left * site.goodput)
            raise
        finally:
            registry.delivered(site, received, self._inbound)
        for _ in range(flows):
            connections.free(window)
        return OK
