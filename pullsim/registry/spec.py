"""A registry's properties and the times at which it misbehaves."""

from __future__ import annotations

from dataclasses import dataclass, field

from pullsim.registry.auth import AccessSpec


@dataclass(frozen=True, slots=True)
class Fault:
    """While it lasts, requests for matching images get ``status`` (an HTTP status), or no connection for None.

    ``image`` is a shell pattern on ``repository:tag`` (``team/gone:*``) or on the repository alone; None: every image.
    """

    at: float = 0.0
    duration: float = float("inf")
    image: str | None = None
    status: int | None = 503


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
    auth: str = "none"  # none | basic | bearer
    access: AccessSpec = field(default_factory=AccessSpec)
    faults: tuple[Fault, ...] = ()
