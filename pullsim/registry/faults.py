"""The faults of a registry, and which requests they affect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.registry.gate import Answer, Gate

if TYPE_CHECKING:
    from pullsim.registry.request import Request
    from pullsim.spec.registry import Fault
    from pullsim.streams import Streams


class Faults(Gate):
    """A registry's faults.

    For a fault with a probability, one random number is drawn for each request that comes while the fault lasts (or, if
    it affects bodies, before its end). The n-th draw for a node and a manifest or blob is always the same: it depends
    on nothing but the seed, the fault's position in the list, and the names of the registry, the node and the content.
    """

    unauthenticated = True

    def __init__(self, host: str, faults: tuple[Fault, ...], streams: Streams) -> None:
        self._host = host
        self._streams = streams
        numbered = list(enumerate(faults))
        self._connections = [(n, each) for n, each in numbered if each.refused or each.unreachable]
        self._answers = [(n, each) for n, each in numbered if each.status is not None and not _beyond_answer(each)]
        self._bodies = [(n, each) for n, each in numbered if each.in_body or each.refused or each.unreachable]
        #: When requests met each fault, by node and image.
        self._hits: list[dict[tuple[str, str], list[float]]] = [{} for _ in faults]
        #: The bodies that are on their way, and faults with their numbers that begin later and would affect them.
        self._open: dict[Request, list[tuple[int, Fault]]] = {}

    def connection(self, request: Request, now: float) -> Fault | None:
        """See `Gate`."""
        return self._first(self._connections, request, now)

    def answer(self, request: Request, at: float) -> Answer | None:
        """Return the status of the first fault that affects a request; see `Gate`."""
        fault = self._first(self._answers, request, at)
        if fault is None:
            return None
        assert fault.status is not None
        return Answer(fault.status, fault.retryable)

    def body(self, request: Request, now: float) -> list[Fault]:
        """See `Gate`."""
        found = [
            (number, fault)
            for number, fault in self._bodies
            if now < fault.ends
            # A fault of connections with a probability has drawn for this request when its connection was made.
            and (fault.in_body or fault.probability == 1.0)
            and self._affects(number, fault, request)
        ]
        for number, fault in found:
            if fault.at <= now:
                self._meet(number, request, now)
        if later := [(number, fault) for number, fault in found if fault.at > now]:
            self._open[request] = later
        return [fault for _, fault in found]

    def received(self, request: Request, now: float) -> None:
        """Note that a body has ended, or has broken off: of the faults that were to come it met those that began."""
        for number, fault in self._open.pop(request, ()):
            if fault.at < now:
                self._meet(number, request, fault.at)

    def hits(self, now: float) -> list[dict[tuple[str, str], list[float]]]:
        """Return for each fault when requests met it, by node and image; to be called at the end of the run."""
        for request in list(self._open):
            self.received(request, now)
        return self._hits

    def _first(self, faults: list[tuple[int, Fault]], request: Request, at: float) -> Fault | None:
        """Return the first of the faults that lasts at ``at`` and affects the request, or None."""
        for number, fault in faults:
            if fault.at <= at < fault.ends and self._affects(number, fault, request):
                self._meet(number, request, at)
                return fault
        return None

    def _meet(self, number: int, request: Request, at: float) -> None:
        """Note that a request meets a fault."""
        key = (request.presented.node, str(request.reference))
        self._hits[number].setdefault(key, []).append(at)

    def _affects(self, number: int, fault: Fault, request: Request) -> bool:
        """Whether a fault that lasts affects a request; draws a random number if the fault has a probability."""
        if fault.of not in ("requests", request.kind) or not fault.concerns(request.reference):
            return False
        if fault.probability >= 1.0:
            return True
        what = request.what or str(request.reference)
        stream = self._streams.get("fault", self._host, str(number), request.presented.node, what)
        return stream.uniform() < fault.probability


def _beyond_answer(fault: Fault) -> bool:
    """Whether a fault with a status affects something else than the answer: the body or the connection."""
    return fault.in_body or fault.unreachable
