"""Quotas of a registry: which clients share one, how much of it is left, and when it admits requests again."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

from pullsim.registry.gate import Answer, Gate

if TYPE_CHECKING:
    from pullsim.registry.request import Request
    from pullsim.spec.registry import Limit

_ROUNDING: Final = 1e-9  # tokens; a bucket that is short of one by less is not empty


class Quota(Protocol):
    """The state of a limit for one address, account or registry.

    Times are in seconds, and never decrease over calls.
    """

    def ready(self, at: float) -> float:
        """Return the time at which a request is admitted: ``at`` itself, a later time, or inf for never."""
        ...

    def take(self, at: float, amount: int) -> None:
        """Count an admitted request; ``amount`` is 1, or its bytes if the limit is one of bytes."""


class SlidingWindow:
    """At most ``limit`` requests or bytes within any ``per`` seconds.

    A request of exactly ``per`` seconds ago counts no more.
    """

    __slots__ = ("_limit", "_per", "_taken", "_used")

    def __init__(self, limit: int, per: float) -> None:
        self._limit = limit
        self._per = per
        self._taken: deque[tuple[float, int]] = deque()
        self._used = 0

    def ready(self, at: float) -> float:
        """See `Quota`."""
        taken = self._taken
        while taken and taken[0][0] + self._per <= at:
            self._used -= taken.popleft()[1]
        if self._used < self._limit:
            return at
        used = self._used
        for when, amount in taken:
            used -= amount
            if used < self._limit:
                return when + self._per
        return math.inf

    def take(self, at: float, amount: int) -> None:
        """See `Quota`."""
        self._taken.append((at, amount))
        self._used += amount


class FixedWindow:
    """At most ``limit`` requests or bytes in a window of ``per`` seconds.

    A window begins with the first request after the end of the last window.
    """

    __slots__ = ("_ends", "_limit", "_per", "_used")

    def __init__(self, limit: int, per: float) -> None:
        self._limit = limit
        self._per = per
        self._ends = -math.inf
        self._used = 0

    def ready(self, at: float) -> float:
        """See `Quota`."""
        if at >= self._ends:
            return at if self._limit else math.inf
        return at if self._used < self._limit else self._ends

    def take(self, at: float, amount: int) -> None:
        """See `Quota`."""
        if at >= self._ends:
            self._ends, self._used = at + self._per, 0
        self._used += amount


class TokenBucket:
    """A bucket of at most ``burst`` tokens (requests or bytes), refilled at a rate of ``limit`` in ``per`` seconds.

    A request is admitted if the bucket holds at least one token. A limit of bytes may be overdrawn by a large body.
    """

    __slots__ = ("_burst", "_left", "_rate", "_since")

    def __init__(self, limit: int, per: float, burst: int) -> None:
        self._rate = limit / per
        self._burst = float(burst)
        self._left = float(burst)
        self._since = 0.0

    def ready(self, at: float) -> float:
        """See `Quota`."""
        left = min(self._burst, self._left + (at - self._since) * self._rate)
        if left >= 1.0 - _ROUNDING:
            return at
        return at + (1.0 - left) / self._rate if self._rate and self._burst >= 1.0 else math.inf

    def take(self, at: float, amount: int) -> None:
        """See `Quota`."""
        self._left = min(self._burst, self._left + (at - self._since) * self._rate) - amount
        self._since = at


def quota(limit: Limit) -> Quota:
    """Make the quota of a client that has not used the limit before."""
    amount = limit.bytes if limit.bytes is not None else limit.requests
    assert amount is not None
    if limit.window == "bucket":
        return TokenBucket(amount, limit.per, amount if limit.burst is None else limit.burst)
    return (SlidingWindow if limit.window == "sliding" else FixedWindow)(amount, limit.per)


class Quotas(Gate):
    """All limits of one registry, as a gate that answers with the status of the first limit that is exhausted."""

    timed = True

    def __init__(self, limits: tuple[Limit, ...]) -> None:
        self.refused = 0  # requests
        self._limits = limits
        self._quotas: list[dict[str, Quota]] = [{} for _ in limits]
        self.exhausted: dict[tuple[int, str], tuple[float, float]] = {}  # (limit, client): first refused, next admitted

    def challenge(self, request: Request, now: float) -> Answer | None:
        """Count a request that is only answered with a 401; see `Gate`."""
        return self._count(request, now, challenge=True)

    def answer(self, request: Request, at: float) -> Answer | None:
        """Count a request; see `Gate`."""
        return self._count(request, at)

    def _count(self, request: Request, at: float, *, challenge: bool = False) -> Answer | None:
        """Count a request in every limit that concerns it, unless one of them refuses it: then it counts in none."""
        taken = []
        for index, limit in enumerate(self._limits):
            if not concerns(limit, request) or (challenge and limit.of != "requests"):
                continue
            who = sharer(limit, request)
            own = self._quotas[index].get(who)
            if own is None:
                own = self._quotas[index][who] = quota(limit)
            ready = own.ready(at)
            if ready > at:
                self.exhausted.setdefault((index, who), (at, ready))
                self.refused += 1
                return Answer(limit.status, ready < math.inf, limit.message, limit.retry_after)
            if limit.indexes or not request.is_index:
                taken.append((own, request.size if limit.bytes is not None else 1))
        for own, amount in taken:
            own.take(at, amount)
        return None


def concerns(limit: Limit, request: Request) -> bool:
    """Whether a limit applies to a request."""
    if limit.only is not None and (limit.only == "anonymous") is not (request.presented.account is None):
        return False
    return limit.of == "requests" or (limit.of == request.kind and not request.head)


def sharer(limit: Limit, request: Request) -> str:
    """Return who shares the quota that a request uses: an account, an address or a node; "" stands for all clients."""
    presented = request.presented
    if limit.by == "registry":
        return ""
    if limit.by == "account" and presented.account is not None:
        return f"account {presented.account}"
    return f"node {presented.node}" if presented.address is None else f"address {presented.address}"
