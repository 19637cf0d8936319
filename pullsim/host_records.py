"""What hosts that serve images did: the row types of registries, mirrors and caches, and of the links between them.

They are also in `pullsim.records`, with the rows of nodes and pods. Times are simulated seconds, sizes bytes.
"""

from __future__ import annotations

from typing import NamedTuple


class LinkSample(NamedTuple):
    """Mean use of one shared link over an interval."""

    link: str
    t0: float
    t1: float
    bytes_per_second: float
    capacity: float


class RegistryRecord(NamedTuple):
    """What one registry host or mirror was asked for over the run, and its quotas."""

    host: str
    heads: int  # HEADs of manifests
    manifests: int  # GETs
    blobs: int  # GETs
    challenges: int  # requests answered 401
    tokens: int  # requests to its token server
    limited: int  # requests that a quota refused
    exhausted: int  # quotas (of an address, an account or all) that ran out at least once
    exhausted_at: float | None  # when the first of them refused its first request; None: none did
    refilled_at: float | None  # when that quota had room again; inf: never
    sent: int  # bytes of all bodies, manifests and broken ones too
    price: float  # money per byte
    ranges: int = 0  # GETs of parts of blobs that went straight to the store that it redirects to


class TrafficRecord(NamedTuple):
    """The bytes that one host sent to one receiver over paths of one class: bodies, manifests and broken ones too."""

    receiver: str  # a node, or a host that fills itself from another one
    host: str  # the registry, mirror or peer that sent them
    link: str  # class of the path (`pullsim.spec.prices.Link`)
    cross_zone: bool  # whether the two are in different zones
    bytes: int


class CacheRecord(NamedTuple):
    """What one pull-through cache had over the run, and what it got from upstream."""

    host: str
    replicas: int
    received: int  # bytes of all bodies from upstream, manifests and broken ones too
    sent: int  # bytes of all bodies to nodes
    hits: int  # GETs of manifests and blobs that were stored, or being stored by an earlier one
    misses: int  # GETs that went upstream
    evictions: int  # manifests and blobs that went to make room
    stored: int  # bytes at the end of the run


class FaultRecord(NamedTuple):
    """One fault of a registry or mirror, and the requests that met it."""

    host: str
    began: float
    ended: float  # inf: never
    image: str | None  # shell pattern of the images that it concerns; None: all
    hits: dict[tuple[str, str], list[float]]  # when requests met it, by node and image, normalised
