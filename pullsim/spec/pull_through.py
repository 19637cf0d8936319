"""A pull-through cache: how it gets what nodes ask for from its upstream registry, what it keeps, and for how long."""

from __future__ import annotations

from typing import Final, Literal

from pullsim.frozen import dataclass
from pullsim.spec.prices import Link

#: What happens to a blob that the cache does not have. ``streamThrough``: it flows on to the node while it is stored.
#: ``storeThenServe``: it is stored first. ``backgroundCopy``: it flows on to the node, and a second GET stores it.
Fill = Literal["streamThrough", "storeThenServe", "backgroundCopy"]
#: Requests that wait for the first one: none, those of an image (at its manifest), or those of a blob.
Coalesce = Literal["none", "image", "blob"]
#: Which replica gets a request: any, always the same for a node, or always the same for what is asked for.
Balance = Literal["random", "client", "hash"]
#: What a streaming cache does for a part of a blob that it does not have. ``relay``: it gets the part from upstream and
#: keeps nothing. ``fill``: it stores the blob from its beginning on, and answers when the part has come.
Parts = Literal["relay", "fill"]
WhenBusy = Literal["wait", "refuse"]
Method = Literal["HEAD", "GET"]
#: Why the upstream registry did not give what it was asked for.
UpstreamFailure = Literal["unreachable", "serverError", "tooManyRequests", "notFound", "denied"]
ANY_FAILURE: Final[tuple[UpstreamFailure, ...]] = (
    "unreachable",
    "serverError",
    "tooManyRequests",
    "notFound",
    "denied",
)


@dataclass(frozen=True, slots=True)
class Login:
    """The user that the cache is at its upstream registry."""

    username: str
    password: str


@dataclass(frozen=True, slots=True)
class CacheDisk:
    """The rates in bytes/s at which all bodies of one replica together are read and written."""

    read: float = float("inf")
    write: float = float("inf")


@dataclass(frozen=True, slots=True)
class CacheSpec:
    """What makes a registry host a pull-through cache. Sizes are bytes, times seconds, rates bytes/s.

    The defaults are those of a cache that streams through and keeps all. Each replica has links, a disk and content of
    its own.
    """

    upstream: str | None = None  # host; None: the registry that the image's name has
    fill: Fill = "streamThrough"
    coalesce: Coalesce = "none"
    coalesce_timeout: float = float("inf")  # after which a request that waits goes upstream by itself
    finishes: bool = False  # what flows through is stored to its end although its node has gone
    recheck: float = 0.0  # how long a tag that was looked up is taken as it is
    recheck_by: Method = "HEAD"
    stale: tuple[UpstreamFailure, ...] = ANY_FAILURE  # failures of a tag's check after which a stored image is served
    tag_failure: int | None = None  # HTTP status that a node gets where a tag's check fails; None: the upstream's
    manifest_poll: float | None = None  # a manifest is stored at such a step after its blobs; None: at once
    ttl: float = float("inf")  # after which content that was stored is dropped
    size: float = float("inf")  # what is stored at most; the least recently used goes first
    downlink: float = float("inf")  # from upstream
    link: Link | None = None  # class of the path from upstream; None: that of the path from there to the nodes
    disk: CacheDisk = CacheDisk()
    replicas: int = 1
    balance: Balance = "random"
    upstream_connections: int | None = None  # GETs under way at a time, of each replica; None: any number
    when_busy: WhenBusy = "wait"  # what happens to a GET beyond that: it waits, or is answered 429
    address: str | None = None  # as the upstream registry sees it; None: the cache's host
    credentials: Login | None = None
    holds: tuple[str, ...] = ()  # shell patterns of the images that are stored from the start
    parts: Parts = "relay"
