"""The limit of pulls per second: registryPullQPS and registryBurst."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullsim.cri import PullOutcome
from pullsim.kernel.clock import nanoseconds

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.kernel.environment import Environment
    from pullsim.kubelet.images.image_service import PullRequest, PullService
    from pullsim.time_line import TimeLine

QPS_EXCEEDED = "pull QPS exceeded"


class TokenBucket:
    """A bucket of ``burst`` tokens, which is full at first and gets ``qps`` tokens a second.

    A token that is missing by less than the refill of one nanosecond counts as there, as in golang.org/x/time/rate
    Limiter.Allow, which this models.
    """

    __slots__ = ("_burst", "_last", "_qps", "_tokens")

    def __init__(self, qps: float, burst: int) -> None:
        self._qps = qps
        self._burst = burst
        self._tokens = float(burst)
        self._last = 0

    def take(self, now: int) -> bool:
        """Take a token at ``now`` (nanoseconds), and tell whether there was one; never waits."""
        tokens = min(float(self._burst), self._tokens + (now - self._last) / 1e9 * self._qps) - 1.0
        if tokens < 0 and int(-tokens / self._qps * 1e9) > 0:
            return False
        self._tokens, self._last = tokens, now
        return True

    def wait(self, now: int) -> int:
        """Return the nanoseconds from ``now`` until there is a token that nobody else has taken by then."""
        tokens = min(float(self._burst), self._tokens + (now - self._last) / 1e9 * self._qps) - 1.0
        return max(int(-tokens / self._qps * 1e9), 0)


class ThrottledPullService:
    """A pull service in which each pull takes a token, and fails immediately if there is none.

    Models pkg/kubelet/images/helpers.go throttledImageService.
    """

    def __init__(self, env: Environment, service: PullService, qps: float, burst: int) -> None:
        self._env = env
        self._service = service
        self._bucket = TokenBucket(qps, burst)

    def pull(self, request: PullRequest, clock: TimeLine) -> Generator[Any, Any, PullOutcome]:
        """Pull the image, or fail with "pull QPS exceeded" if there is no token."""
        if not self._bucket.take(nanoseconds(self._env.now)):
            return PullOutcome(None, code="Unknown", error=QPS_EXCEEDED, cause="qps", retryable=True, calls=0)
        return (yield from self._service.pull(request, clock))


def throttle(env: Environment, service: PullService, qps: int, burst: int) -> PullService:
    """Return ``service`` with a limit of ``qps`` pulls per second; 0: without a limit."""
    return ThrottledPullService(env, service, qps, burst) if qps > 0 else service
