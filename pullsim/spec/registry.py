"""A registry's properties, its quotas, and the times at which it misbehaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pullsim.oci.reference import Reference

DIAL_TIMEOUT: Final = (
    30.0  # seconds; net.Dialer of containerd's hosts (core/remotes/docker/config/hosts.go), all releases
)
#: The requests that a fault or a quota is about: GETs of manifests or of blobs, or every request.
Requests = Literal["manifests", "blobs", "requests"]
QuotaOwner = Literal["address", "account", "registry"]
QuotaWindow = Literal["sliding", "fixed", "bucket"]
Challenge = Literal["none", "basic", "bearer"]
TOKEN_LIFE: Final = 300.0  # seconds; expires_in of Docker Hub's tokens (the token specification's least is 60)


def spellings(host: str) -> tuple[str, ...]:
    """Return the spellings of a host, the given one first: with a default port and without."""
    bare, colon, port = host.rpartition(":")
    if not colon:
        return host, f"{host}:443", f"{host}:80"
    return (host, bare) if port in ("443", "80") else (host,)


def fits(patterns: Iterable[str], reference: Reference) -> bool:
    """Whether one of the shell patterns fits the image's path, with or without tag and ``library/``."""
    paths = {reference.path, reference.path.removeprefix("library/")}
    return any(
        fnmatchcase(path, pattern) or fnmatchcase(f"{path}:{reference.tag or ''}", pattern)
        for pattern in patterns
        for path in paths
    )


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a body breaks off: after a share of the blob, or after so many bytes of each response.

    A response that resumes beyond the share is not cut. ``reset``: the connection is reset, not closed.
    """

    share: float | None = None  # part of the blob after which the body breaks off, 0 to 1
    size: int | None = None  # bytes of each response after which it does
    reset: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong while it lasts, for requests of matching images.

    One of: ``status``, an HTTP status; None without another kind: connections are refused, and those under way end as
    nobody is there any more; ``unreachable``: packets vanish; ``stall``: bodies stop; ``slow``: bodies come at so many
    bytes/s; ``cut``: bodies break off. ``image`` is a shell pattern on ``repository:tag`` (``team/gone:*``) or on the
    repository alone; None: every image. ``of``: manifests, blobs or requests (both).
    """

    at: float = 0.0
    duration: float = float("inf")
    image: str | None = None
    status: int | None = 503
    unreachable: bool = False
    stall: bool = False
    slow: float | None = None  # bytes/s of each body
    cut: Cut | None = None
    probability: float = 1.0  # that a request meets the fault
    of: Requests = "requests"

    @property
    def ends(self) -> float:
        """The time at which it is over, seconds."""
        return self.at + self.duration

    @property
    def retryable(self) -> bool:
        """Whether the next request may succeed while the fault lasts: each one meets it by chance."""
        return self.probability < 1.0

    @property
    def in_body(self) -> bool:
        """Whether it changes the body of answers only."""
        return self.stall or self.slow is not None or self.cut is not None

    @property
    def refused(self) -> bool:
        """Whether connections are refused."""
        return self.status is None and not self.unreachable and not self.in_body

    def concerns(self, reference: Reference) -> bool:
        """Whether the fault is about this image."""
        return self.image is None or fits((self.image,), reference)


@dataclass(frozen=True, slots=True)
class Limit:
    """A quota: ``requests`` or ``bytes`` in ``per`` seconds; a request that finds it used up is refused.

    ``window``: sliding, any ``per`` seconds; fixed, ``per`` seconds from the first request after the last window;
    bucket, refilled evenly, holding ``burst`` (None: a whole quota). ``by``: address, account (the user of the
    request's credentials; requests without any count by address) or registry. Refused requests do not count.
    """

    per: float
    requests: int | None = None
    bytes: int | None = None
    of: Requests = "manifests"  # "requests" are GETs and HEADs, those answered with 401 too
    by: QuotaOwner = "address"
    window: QuotaWindow = "sliding"
    burst: int | None = None
    only: str | None = None  # anonymous | authenticated; None: all requests
    indexes: bool = True  # whether GETs of indexes use the quota up; they are refused with the others in any case
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


@dataclass(frozen=True, slots=True)
class TokenServer:
    """Where a bearer token comes from, seconds. ``round_trip`` and ``first_byte`` None: as the registry's."""

    round_trip: float | None = None
    first_byte: float | None = None
    expires_in: float = TOKEN_LIFE
    oauth: bool = True  # takes the POST form; else it answers 404 to it


@dataclass(frozen=True, slots=True)
class Host:
    """A mirror, in the order in which a runtime tries them for a registry; the registry itself is last."""

    name: str
    pull: bool = True
    resolve: bool = True
    dial_timeout: float = DIAL_TIMEOUT


@dataclass(frozen=True, slots=True)
class Account:
    """A user: its password, the repositories it may pull (shell patterns on the path), and from when to when."""

    username: str
    password: str
    repositories: tuple[str, ...] = ("*",)
    since: float = 0.0  # seconds
    until: float = float("inf")


@dataclass(frozen=True, slots=True)
class AccessSpec:
    """Who may pull. Without accounts and addresses everybody may."""

    accounts: tuple[Account, ...] = ()
    allow: frozenset[str] = frozenset()  # addresses let in without credentials
    public: tuple[str, ...] = ()  # shell patterns of the repositories that everybody may pull

    @property
    def open(self) -> bool:
        """Whether everybody may pull everything."""
        return not self.accounts and not self.allow


@dataclass(frozen=True, slots=True)
class RegistrySpec:
    """One registry host. Rates in bytes/s, times in seconds, windows in bytes.

    Defaults: lab measurements (goodput 0.957 of a link's rate, 3.7 ms to the first byte beside the round trip,
    initial window 10 segments, 3.0 MB at most in flight); a round trip of 1 ms stands for the same region.
    """

    host: str
    egress: float = float("inf")  # shared by all nodes
    per_connection: float = float("inf")
    round_trip: float = 1e-3
    first_byte: float = 3.7e-3  # the server's time for a GET
    head: float = 3.5e-3  # the server's time for a HEAD
    goodput: float = 0.957  # payload's share of a link's rate, NICs' included
    initial_window: int = 14_480
    max_window: int = 3_000_000
    tls: bool = True  # one round trip more a connection
    auth: Challenge = "none"
    access: AccessSpec = field(default_factory=AccessSpec)
    token_server: TokenServer = field(default_factory=TokenServer)
    blob_host: BlobHost | None = None
    limits: tuple[Limit, ...] = ()
    faults: tuple[Fault, ...] = ()
    images: tuple[str, ...] | None = None  # shell patterns of what it has; None: everything
    mirrors: tuple[Host, ...] = ()  # asked before it, in this order
    price: float = 0.0  # money per byte
