"""Quotas of a registry: who shares one, how much is left, when there is room again."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

from pullsim.registry.gate import Answer, Gate

if TYPE_CHECKING:
    from pullsim.registry.request import Request
    from pullsim.spec.registry import Limit

_ROUNDING: Final = 1e-9  # of a token


class Quota(Protocol):
    """What one address, account or registry has of a limit. Times in seconds, asked in ascending order."""

    def ready(self, at: float) -> float:
        """Return when there is room for a request: ``at`` itself, later, or inf."""
        ...

    def take(self, at: float, amount: int) -> None:
        """Count a request of ``amount`` (1, or its bytes) for which there is room."""


class SlidingWindow:
    """At most ``limit`` in any ``per`` seconds, the start excluded."""

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
    """At most ``limit`` in ``per`` seconds from the first request after the last window."""

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
    """Refilled with ``limit`` in ``per`` seconds, up to ``burst``.

    A request or byte must be there for a request to pass; one of many bytes may then overdraw it.
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
    """Make the quota of somebody new."""
    amount = limit.bytes if limit.bytes is not None else limit.requests
    assert amount is not None
    if limit.window == "bucket":
        return TokenBucket(amount, limit.per, amount if limit.burst is None else limit.burst)
    return (SlidingWindow if limit.window == "sliding" else FixedWindow)(amount, limit.per)


class Quotas(Gate):
    """All limits of one registry."""

    timed = True

    def __init__(self, limits: tuple[Limit, ...]) -> None:
        self.refused = 0  # requests
        self._limits = limits
        self._quotas: list[dict[str, Quota]] = [{} for _ in limits]
        self.exhausted: dict[tuple[int, str], tuple[float, float]] = {}  # limit, who: first refused, room again

    def challenge(self, request: Request, now: float) -> Answer | None:
        """Count a request that gets nothing but a 401; see `Gate`."""
        return self._count(request, now, challenge=True)

    def answer(self, request: Request, at: float) -> Answer | None:
        """Count a request; see `Gate`."""
        return self._count(request, at)

    def _count(self, request: Request, at: float, *, challenge: bool = False) -> Answer | None:
        """Count a request in every limit that is about it, unless one of them has no room."""
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
    """Whether a limit is about a request."""
    if limit.only is not None and (limit.only == "anonymous") is not (request.presented.account is None):
        return False
    return limit.of == "requests" or (limit.of == request.kind and not request.head)


def sharer(limit: Limit, request: Request) -> str:
    """Return with whom a request shares its quota."""
    presented = request.presented
    if limit.by == "registry":
        return ""
    if limit.by == "account" and presented.account is not None:
        return f"account {presented.account}"
    return f"node {presented.node}" if presented.address is None else f"address {presented.address}"
