"""What the failures of upstream registries are called, and what a cache answers to a node then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.registry.request import NO_HEADER, NOT_FOUND, OK, TIMED_OUT

if TYPE_CHECKING:
    from pullsim.registry.stream import Refusal
    from pullsim.spec.pull_through import UpstreamFailure

BAD_GATEWAY: Final = 502
GATEWAY_TIMEOUT: Final = 504
_NAMES: Final[dict[int, UpstreamFailure]] = {
    401: "denied",
    403: "denied",
    NOT_FOUND: "notFound",
    429: "tooManyRequests",
}


def failure(refusal: Refusal) -> UpstreamFailure:
    """Return why an upstream registry did not give what it was asked for."""
    return "unreachable" if refusal.status < OK else _NAMES.get(refusal.status, "serverError")


def answered(refusal: Refusal) -> int:
    """Return the HTTP status of a gateway: the upstream's, or its own where no complete response came."""
    if refusal.status >= OK:
        return refusal.status
    return GATEWAY_TIMEOUT if refusal.status in (TIMED_OUT, NO_HEADER) else BAD_GATEWAY
