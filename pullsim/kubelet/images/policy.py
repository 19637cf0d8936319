"""The protocol of pull policies, what they are told, and those of pullsim that order or hold back waiting pulls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from pullsim.kernel.clock import nanoseconds
from pullsim.oci.reference import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pullsim.kubelet.images.image_service import PullRequest
    from pullsim.spec.pod import Pod

LATEST: Final = 2**63 / 1e9  # seconds: Go's clock counts nanoseconds in 64 bits


class NodePulls(Protocol):
    """The pulls of a node, and what its images lack."""

    @property
    def running(self) -> tuple[WaitingPull, ...]:
        """The pulls that run, in the order in which they began."""

    @property
    def waiting(self) -> tuple[WaitingPull, ...]:
        """The pulls that wait, in the order in which they were asked for."""

    def missing(self, image: str, handler: str) -> int | None:
        """Return the missing bytes of an image, see `pullsim.cri.ImageService.missing_bytes`."""


class WaitingPull:
    """One pull of a node, as pull policies see it."""

    __slots__ = ("_handler", "_node", "asked", "container", "held", "identity", "image", "pod", "registry")

    def __init__(self, request: PullRequest, node: NodePulls) -> None:
        self.image: str = request.image  # the name with its tag, as the runtime is given it
        self.registry: str = parse(request.image).domain  # as in the name: docker.io, whatever its mirrors are
        self.pod: Pod = request.pod  # with its name, namespace and workload, and all that `spec` has
        self.container: str = request.subject.name  # the container, or image volume, that needs the image
        self.asked = request.requested  # when it was asked for, in simulated seconds
        self.held: float | None = None  # since when a token of registryPullQPS is all that it waits for
        self.identity = id(request)
        self._handler = request.handler
        self._node = node

    @property
    def priority(self) -> int:
        """The priority of its pod."""
        return self.pod.spec.scheduling.priority

    @property
    def missing(self) -> int | None:
        """The compressed bytes of the image's layers that are not on the node now; None: there is no such image.

        No kubelet knows them before it pulls, as the CRI does not tell; a registry's manifest would.
        """
        return self._node.missing(self.image, self._handler)

    @property
    def running(self) -> tuple[WaitingPull, ...]:
        """The pulls that run on the node now, in the order in which they began."""
        return self._node.running

    @property
    def waiting(self) -> tuple[WaitingPull, ...]:
        """The pulls that wait on the node now, in the order in which they were asked for; while it waits itself too."""
        return self._node.waiting


class PullError(NamedTuple):
    """Why a pull failed."""

    message: str  # as in the kubelet's event
    cause: str | None  # as in the column `cause` of pulls.csv: unavailable, notFound, …
    failures: int  # how often the pod's pulls have failed so far, this one included
    back_off: float  # seconds of the kubelet's own back-off that begins now


class NotBefore(NamedTuple):
    """An answer of `PullPolicy.key`: the pull may not begin before a time, at which the policy is asked again."""

    at: float  # simulated seconds


class PullPolicy(Protocol):
    """Decides about a node's pulls; one of the two methods may be missing."""

    def key(self, pull: WaitingPull, now: float) -> Any:
        """Return a key by which the pulls that wait are sorted: the smallest begins first, of equal ones the oldest.

        None holds the pull back until another pull of the node is asked for, begins or ends; `NotBefore` does so at
        most until a time. It is asked when a pull is asked for and when one ends, and only where a pull may begin then.
        With several policies the key of the first counts first, and each may hold a pull back.
        """

    def after(self, error: PullError, pull: WaitingPull, now: float) -> float | None:
        """Return when a pull that failed now is tried again; it must be later than ``now``.

        Until then the image is in back-off for its pod, whose worker looks at it again then. None leaves it to the next
        policy, and in the end to the kubelet.
        """


class PriorityFirst:
    """Pulls of pods with a higher priority first, see `pullsim.spec.pull_policies.Priority`."""

    def __init__(self, ageing: float | None) -> None:
        self._ageing = ageing

    def key(self, pull: WaitingPull, now: float) -> Any:
        """See `PullPolicy.key`."""
        return (0, pull.asked) if _aged(pull, now, self._ageing) else (1, -pull.priority)


class ShortestMissingFirst:
    """The fewest missing bytes first, see `pullsim.spec.pull_policies.ShortestMissing`. Images without size come last.

    This is shortest job first, which gives the least mean wait of jobs one at a time.
    """

    def __init__(self, ageing: float | None) -> None:
        self._ageing = ageing

    def key(self, pull: WaitingPull, now: float) -> Any:
        """See `PullPolicy.key`."""
        if _aged(pull, now, self._ageing):
            return (0, pull.asked)
        missing = pull.missing
        return (2, 0) if missing is None else (1, missing)


class LimitByRegistry:
    """A limit for each registry, see `pullsim.spec.pull_policies.RegistryLimit`."""

    def __init__(self, limit: int | None, limits: Mapping[str, int]) -> None:
        self._limit = limit
        self._limits = limits

    def key(self, pull: WaitingPull, now: float) -> Any:  # noqa: ARG002 - the protocol has it
        """See `PullPolicy.key`."""
        registry = pull.registry
        limit = self._limits.get(registry, self._limit)
        running = sum(other.registry == registry for other in pull.running)
        return 0 if limit is None or running < limit else None


class RetryWhenOver:
    """A retry as soon as the kubelet's own back-off is over, see `pullsim.spec.pull_policies.RetryAtExpiry`."""

    def after(self, error: PullError, pull: WaitingPull, now: float) -> float | None:  # noqa: ARG002 - the protocol has it
        """See `PullPolicy.after`."""
        return now + error.back_off


def later(at: Any, now: float) -> float | None:
    """Return a policy's answer as a time, in seconds, if it is one after ``now``; else None.

    Whoever asks a policy passes its answer on as Any: compiled, what is declared as a float is made one before it can
    be looked at, and a TypeError is raised for a text.
    """
    if isinstance(at, bool) or not isinstance(at, int | float):
        return None
    try:
        seconds = float(at)
    except OverflowError:
        return None
    return seconds if now < seconds < LATEST else None


def _aged(pull: WaitingPull, now: float, ageing: float | None) -> bool:
    """Whether a pull has waited so long that it goes before all that have not."""
    return ageing is not None and nanoseconds(now) - nanoseconds(pull.asked) >= nanoseconds(ageing)
