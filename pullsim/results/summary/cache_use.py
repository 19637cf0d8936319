"""What pull-through caches had, and what they got from upstream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.frozen import dataclass

if TYPE_CHECKING:
    from pullsim.records import CacheRecord


@dataclass(frozen=True, slots=True)
class CacheUse:
    """What a pull-through cache had, and what it got from upstream; the requests are GETs."""

    replicas: int
    received_bytes: int  # from upstream: all bodies, manifests and broken ones too
    sent_bytes: int  # to nodes, and to caches behind it
    hits: int  # of manifests and blobs that it had, or was getting for another request
    misses: int  # that went upstream
    hit_share: float | None  # of both; None: nobody asked
    evictions: int  # manifests and blobs that went to make room
    stored_bytes: int  # at the end of the run


def cache_use(record: CacheRecord) -> CacheUse:
    """Return the figures of a cache's record."""
    asked = record.hits + record.misses
    return CacheUse(
        replicas=record.replicas,
        received_bytes=record.received,
        sent_bytes=record.sent,
        hits=record.hits,
        misses=record.misses,
        hit_share=record.hits / asked if asked else None,
        evictions=record.evictions,
        stored_bytes=record.stored,
    )
