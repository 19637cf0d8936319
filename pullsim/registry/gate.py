"""What can answer a request instead of the registry's content: faults, quotas, images that it does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pullsim.registry.request import Request
    from pullsim.spec.registry import Fault


class Answer(NamedTuple):
    """What a request gets instead of what it asked for."""

    status: int  # HTTP status, or one of those in `pullsim.registry.request`
    retryable: bool  # the same request may succeed later, even if nothing else in the simulation changes
    message: str = ""  # the registry's own text
    retry_after: float | None = None  # seconds in the Retry-After header; None: there is no such header


class Gate:
    """A condition that can refuse or disturb requests: a subclass overrides the methods that concern it.

    A registry without gates serves every request that is authorized. Times are simulated seconds.
    """

    timed = False  # it counts requests: it must be asked about each at its simulated time of arrival, in that order
    unauthenticated = False  # it answers before authentication, whoever the client is

    def connection(self, request: Request, now: float) -> Fault | None:  # noqa: ARG002 - subclasses use it
        """Return the fault that keeps a connection from being made (refused or unreachable), or None."""
        return None

    def challenge(self, request: Request, now: float) -> Answer | None:  # noqa: ARG002
        """Return what answers a request that would get a 401 for want of authorization, or None: it gets the 401."""
        return None

    def answer(self, request: Request, at: float) -> Answer | None:  # noqa: ARG002
        """Return what answers an authorized request that arrives at ``at``, or None: this gate lets it pass."""
        return None

    def body(self, request: Request, now: float) -> list[Fault]:  # noqa: ARG002
        """Return the faults that affect a body that begins now, from the start or later."""
        return []


class Gates:
    """The gates of one registry, in the order in which they are asked; the first one that says something counts."""

    __slots__ = ("_gates", "regular", "timed")

    def __init__(self, gates: tuple[Gate, ...]) -> None:
        self._gates = gates
        # Kept as attributes, as each request reads them.
        self.regular = not gates  # there are no gates: every authorized request gets what it asks for
        self.timed = any(gate.timed for gate in gates)  # the gates must see requests in the order of their arrival

    def connection(self, request: Request, now: float) -> Fault | None:
        """See `Gate`."""
        for gate in self._gates:
            if (fault := gate.connection(request, now)) is not None:
                return fault
        return None

    def challenge(self, request: Request, now: float) -> Answer | None:
        """See `Gate`."""
        for gate in self._gates:
            if (answer := gate.challenge(request, now)) is not None:
                return answer
        return None

    def answer(self, request: Request, at: float, *, authenticated: bool = True) -> Answer | None:
        """See `Gate`. Only the gates that are ``unauthenticated`` see a request that is not ``authenticated``."""
        for gate in self._gates:
            if (authenticated or gate.unauthenticated) and (answer := gate.answer(request, at)) is not None:
                return answer
        return None

    def body(self, request: Request, now: float) -> list[Fault]:
        """Return the faults of all gates that affect a body that begins now; see `Gate`."""
        return [fault for gate in self._gates for fault in gate.body(request, now)]
