"""What a request meets at a registry besides its round trips: faults, quotas, images that it does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pullsim.registry.request import Request
    from pullsim.spec.registry import Fault


class Answer(NamedTuple):
    """What a request gets instead of what it asked for."""

    status: int  # HTTP's
    retryable: bool  # the same request may get something else later, though nothing in the world changes
    message: str = ""  # the registry's own text
    retry_after: float | None = None  # seconds, a header


class Gate:
    """One thing that requests meet; a registry asks its gates in order, and one without any is regular.

    A gate overrides what it has to say something about. Times are simulated seconds.
    """

    timed = False  # it counts requests in the order in which they come: each must be asked about when it is there
    unasked = False  # it answers whoever asks, before the registry looks at who it is

    def connection(self, request: Request, now: float) -> Fault | None:  # noqa: ARG002 - for those who override it
        """Return the fault that keeps a connection from being made: refused or unreachable."""
        return None

    def challenge(self, request: Request, now: float) -> Answer | None:  # noqa: ARG002
        """Return what a request gets that would be answered 401, for want of authorization."""
        return None

    def answer(self, request: Request, at: float) -> Answer | None:  # noqa: ARG002
        """Return what an authorized request gets that comes then; None: what it asked for, as far as it goes."""
        return None

    def body(self, request: Request, now: float) -> list[Fault]:  # noqa: ARG002
        """Return the faults that meet a body that begins now, at once or later."""
        return []
