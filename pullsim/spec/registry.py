"""A registry: its rates and times, who may pull, its quotas, and its faults with their times."""

from __future__ import annotations

from dataclasses import field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, Literal

from pullsim.frozen import dataclass
from pullsim.spec.prices import Link
from pullsim.spec.pull_through import CacheSpec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pullsim.oci.reference import Reference

DIAL_TIMEOUT: Final = (
    30.0  # seconds; net.Dialer of containerd's hosts (core/remotes/docker/config/hosts.go), all releases
)
#: The requests that a fault or a quota concerns: GETs of manifests, GETs of blobs, or every request.
Requests = Literal["manifests", "blobs", "requests"]
QuotaOwner = Literal["address", "account", "registry"]
QuotaWindow = Literal["sliding", "fixed", "bucket"]
Challenge = Literal["none", "basic", "bearer"]
#: What a GET of several ranges gets: these ranges in one body, the whole blob (200), or an error (416).
Ranges = Literal["several", "one", "refused"]
TOKEN_LIFE: Final = 300.0  # seconds: expires_in of Docker Hub's tokens (the token specification's minimum is 60)


def spellings(host: str) -> tuple[str, ...]:
    """Return the spellings of a host with and without its default port, the given spelling first."""
    bare, colon, port = host.rpartition(":")
    if not colon:
        return host, f"{host}:443", f"{host}:80"
    return (host, bare) if port in ("443", "80") else (host,)


def fits(patterns: Iterable[str], reference: Reference) -> bool:
    """Whether one of the shell patterns matches the image's path, with or without its tag and ``library/``."""
    paths = {reference.path, reference.path.removeprefix("library/")}
    return any(
        fnmatchcase(path, pattern) or fnmatchcase(f"{path}:{reference.tag or ''}", pattern)
        for pattern in patterns
        for path in paths
    )


@dataclass(frozen=True, slots=True)
class Cut:
    """The place at which the bodies of responses break off. Exactly one of ``share`` and ``size`` is given."""

    share: float | None = None  # part of the blob (0 to 1); a response that resumes the blob beyond it is not cut
    size: int | None = None  # bytes of each response
    reset: bool = False  # whether the connection is reset; otherwise it is closed


@dataclass(frozen=True, slots=True)
class Fault:
    """A failure of a registry that lasts for some time and meets the requests for matching images.

    A fault is of one kind. ``status``: requests are answered with this HTTP status. ``unreachable``: packets are lost
    without an answer. ``stall``: bodies stop. ``slow``: bodies arrive at this rate. ``cut``: bodies break off. With
    ``status`` None and no other kind, connections are refused and those that are open end.

    ``image`` is a shell pattern on ``repository:tag`` (``team/gone:*``) or on the repository alone; None: every image.
    """

    at: float = 0.0  # seconds
    duration: float = float("inf")  # seconds
    image: str | None = None
    status: int | None = 503
    unreachable: bool = False
    stall: bool = False
    slow: float | None = None  # bytes/s of each body
    cut: Cut | None = None
    probability: float = 1.0  # the probability that a request meets the fault
    of: Requests = "requests"  # which requests can meet it

    @property
    def ends(self) -> float:
        """The time in seconds at which the fault ends."""
        return self.at + self.duration

    @property
    def retryable(self) -> bool:
        """Whether a retry may succeed while the fault lasts, since each request meets the fault by chance."""
        return self.probability < 1.0

    @property
    def in_body(self) -> bool:
        """Whether the fault affects the bodies of responses only."""
        return self.stall or self.slow is not None or self.cut is not None

    @property
    def refused(self) -> bool:
        """Whether the fault is that connections are refused."""
        return self.status is None and not self.unreachable and not self.in_body

    def concerns(self, reference: Reference) -> bool:
        """Whether the fault's pattern matches this image."""
        return self.image is None or fits((self.image,), reference)


@dataclass(frozen=True, slots=True)
class Limit:
    """A quota of ``requests`` or ``bytes`` per ``per`` seconds. A request that finds it used up is refused.

    ``window`` is sliding (any ``per`` seconds), fixed (``per`` seconds, begun by the first request after the previous
    window) or bucket (a token bucket that is refilled evenly and holds ``burst``; None: the whole quota).

    ``by`` says who shares a quota: the requests of one address, those of one account (the user of the request's
    credentials; requests without credentials count by address), or all of the registry. Refused requests do not count.
    """

    per: float
    requests: int | None = None
    bytes: int | None = None
    of: Requests = "manifests"  # "requests" are all GETs and HEADs, including those that are answered with 401
    by: QuotaOwner = "address"
    window: QuotaWindow = "sliding"
    burst: int | None = None
    only: str | None = None  # anonymous | authenticated; None: all requests
    indexes: bool = True  # whether GETs of indexes count; once the quota is used up they are refused in any case
    status: int = 429
    retry_after: float | None = None  # seconds, a header of the answer; containerd does not look at it
    message: str = ""  # the registry's own text in the answer


@dataclass(frozen=True, slots=True)
class BlobHost:
    """Object storage that blobs are redirected to. Rates in bytes/s, times in seconds."""

    round_trip: float = 1e-3
    egress: float = float("inf")
    per_connection: float = float("inf")
    first_byte: float = 3.7e-3
    link: Link | None = None  # class of the path from the nodes; None: the registry's, in its zone; else in no zone


@dataclass(frozen=True, slots=True)
class TokenServer:
    """The server that issues bearer tokens; times in seconds. None: the time is that of the registry."""

    round_trip: float | None = None
    first_byte: float | None = None
    expires_in: float = TOKEN_LIFE
    oauth: bool = True  # whether it accepts OAuth's POST; otherwise it answers a POST with 404


@dataclass(frozen=True, slots=True)
class Host:
    """A mirror of a registry, and what a runtime asks it for."""

    name: str
    pull: bool = True  # manifests by digest, and blobs
    resolve: bool = True  # the digests of tags
    dial_timeout: float = DIAL_TIMEOUT  # seconds


@dataclass(frozen=True, slots=True)
class Account:
    """A user of a registry: the password, the repositories that the user may pull, and when the account is valid."""

    username: str
    password: str
    repositories: tuple[str, ...] = ("*",)  # shell patterns of repository paths
    since: float = 0.0  # seconds
    until: float = float("inf")  # seconds


@dataclass(frozen=True, slots=True)
class AccessSpec:
    """Who may pull from a registry. Without accounts and allowed addresses, everybody may."""

    accounts: tuple[Account, ...] = ()
    allow: frozenset[str] = frozenset()  # addresses that may pull without credentials
    public: tuple[str, ...] = ()  # shell patterns of the repositories that everybody may pull

    @property
    def open(self) -> bool:
        """Whether everybody may pull everything."""
        return not self.accounts and not self.allow


@dataclass(frozen=True, slots=True)
class RegistrySpec:
    """One registry host. Rates are in bytes/s, times in seconds, TCP windows in bytes.

    The defaults are lab measurements: a goodput of 0.957 of a link's rate, 3.7 ms to the first byte besides the round
    trip, an initial window of 10 segments, at most 3.0 MB in flight. The round trip of 1 ms is typical of one region.
    """

    host: str
    egress: float = float("inf")  # shared by all nodes
    per_connection: float = float("inf")
    round_trip: float = 1e-3
    first_byte: float = 3.7e-3  # the server's time for a GET
    head: float = 3.5e-3  # the server's time for a HEAD
    goodput: float = 0.957  # the share of a link's rate that carries payload; it holds for NICs too
    initial_window: int = 14_480
    max_window: int = 3_000_000
    tls: bool = True  # costs each connection one more round trip
    auth: Challenge = "none"
    access: AccessSpec = field(default_factory=AccessSpec)
    token_server: TokenServer = field(default_factory=TokenServer)
    blob_host: BlobHost | None = None
    limits: tuple[Limit, ...] = ()
    faults: tuple[Fault, ...] = ()
    images: tuple[str, ...] | None = None  # shell patterns of the images that it has; None: all images
    mirrors: tuple[Host, ...] = ()  # asked before the registry itself, in this order
    price: float = 0.0  # money per byte
    link: Link = "free"  # class of the path from the nodes
    zone: str | None = None  # None: it is in no zone, and its bytes cross none
    ranges: Ranges = "several"
    most_ranges: int | None = None  # of one GET: more are answered with 400; None: any number
    cache: CacheSpec | None = None  # it is a pull-through cache; None: it has all its images itself
