"""Ranges of the blobs of one image, as a snapshotter's own HTTP client asks the image's registry for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pullsim.kernel.event import Timeout
from pullsim.registry.authorizer import Authorizer
from pullsim.registry.pull_through.client import CacheClient
from pullsim.registry.pull_through.registry import CachingRegistry
from pullsim.registry.range_client import RangeClient
from pullsim.registry.request import NO_HEADER, OK, REFUSED, TIMED_OUT, Download, Request

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.kernel.environment import Environment
    from pullsim.network.flows import Port
    from pullsim.network.traffic import Inbound
    from pullsim.oci.reference import Reference
    from pullsim.registry.access import Presented
    from pullsim.registry.client import Client
    from pullsim.registry.host import Registry

RETRIES: Final = 8  # after the first attempt (soci-snapshotter config/defaults.go defaultMaxRetries)
LEAST_WAIT: Final = 0.03  # seconds before the first retry, doubled before each further one
MOST_WAIT: Final = 300.0  # seconds
JITTER: Final = 1 + 1 / 16  # mean of the factor 1 to 9/8 that each wait is lengthened by (service/resolver/client.go)
NOT_IMPLEMENTED: Final = 501
PROBE: Final = 2  # bytes that a first request asks for: Range bytes=0-1


class Ranges:
    """Asks the registry of an image, never a mirror, for ranges of its blobs; some failures are retried.

    The first request for a blob finds out where the registry redirects to, and later ones go there at once. A status
    of 429 or 5xx, and a connection that could not be made, are tried again 8 times, after 30 ms, 60 ms and so on. A
    body that breaks off is not. Models soci-snapshotter fs/artifact_fetcher.go and service/resolver/client.go, with
    go-retryablehttp's DefaultRetryPolicy and DefaultBackoff; containerd's hosts.toml does not concern this client.
    """

    __slots__ = ("_authorizer", "_client", "_env", "_reference", "_retries", "bulk", "retryable")

    def __init__(
        self,
        env: Environment,
        registry: Registry,
        reference: Reference,
        port: Port,
        presented: Presented,
        inbound: Inbound | None,
        retries: int = RETRIES,
    ) -> None:
        self._env = env
        self._reference = reference
        self._retries = retries
        self._authorizer = Authorizer(registry, presented)
        self._client: Client
        if isinstance(registry, CachingRegistry):  # it redirects nowhere, and may have to fetch what it is asked for
            self._client = CacheClient(env, registry, port, self._authorizer, inbound=inbound)
        else:
            self._client = RangeClient(env, registry, port, self._authorizer, inbound=inbound)
        self.retryable = False  # whether what failed last may succeed later by itself
        #: The client that takes many requests together; None: a cache, a quota or a fault may look at each of them.
        self.bulk = self._client if isinstance(self._client, RangeClient) and not _looked_at(registry) else None

    def probe(self, digest: str, download: Download) -> Generator[Any, Any, int]:
        """Find out where a blob is, by a GET of its first two bytes. Returns the status of the last attempt."""
        return (yield from self.get(digest, 0, PROBE, download, known=False))

    def get_many(self, digest: str, offset: int, size: int, count: int, flows: int = 1) -> Generator[Any, Any, int]:
        """GET ``size`` bytes of a blob whose place is known in ``count`` requests of equal parts. Returns the status.

        ``flows`` of them at a time; requests that are looked at come one after the other, from ``offset`` on.
        """
        if self.bulk is not None and count > 1:
            request = Request(self._authorizer.presented, self._reference, "blobs", digest, size)
            return (yield from self.bulk.get_ranges(request, count, min(flows, count)))
        for number in range(count):
            begin, end = size * number // count, size * (number + 1) // count
            status = yield from self.get(digest, offset + begin, end - begin, Download(), known=True)
            if status != OK:
                return status
        return OK

    def get(self, digest: str, offset: int, size: int, download: Download, *, known: bool) -> Generator[Any, Any, int]:
        """GET ``size`` bytes of a blob. Returns the status of the last attempt.

        ``known``: a probe has found its place.
        """
        client, attempt = self._client, 0
        while True:
            request = Request(self._authorizer.presented, self._reference, "blobs", digest, size)
            request.offset = offset
            got = download.received
            if known and isinstance(client, RangeClient):
                status = yield from client.get_range(request, download)
            else:
                status = yield from client.get(request, download)
            if status == OK:
                return status
            self.retryable = client.retryable
            if attempt == self._retries or self._authorizer.denial is not None or not is_tried_again(status):
                return status
            download.received = got  # a range is written from its beginning
            wait = min(MOST_WAIT, LEAST_WAIT * 2.0**attempt)
            if client.retry_after is not None and status in (429, 503):
                wait = client.retry_after
            attempt += 1
            yield Timeout(self._env, wait * JITTER)


def _looked_at(registry: Registry) -> bool:
    """Whether a quota or a fault of a registry may concern a GET of a part of a blob."""
    if any(fault.of in ("requests", "blobs") for fault in registry.spec.faults):
        return True
    return registry.blob_site is registry.site and any(limit.of != "manifests" for limit in registry.spec.limits)


def is_tried_again(status: int) -> bool:
    """Whether a request is sent again after this status."""
    if status in (REFUSED, TIMED_OUT, NO_HEADER):
        return True
    return status == 429 or (status >= 500 and status != NOT_IMPLEMENTED)
