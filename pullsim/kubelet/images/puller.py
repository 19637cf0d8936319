"""The image puller: the queue of a node's pulls, which run one at a time or several in parallel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from pullsim.time_line import TimeLine

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.cri import PullOutcome
    from pullsim.kernel.environment import Environment
    from pullsim.kubelet.context import NodeContext
    from pullsim.kubelet.images.image_service import PullRequest, PullService


class PullResult:
    """The result of a pull; times in seconds."""

    __slots__ = ("clock", "ended", "outcome", "started")

    def __init__(self, outcome: PullOutcome, started: float, ended: float, clock: TimeLine) -> None:
        self.outcome = outcome  # the runtime's answer
        self.started = started  # when the runtime was called
        self.ended = ended  # when the runtime answered
        self.clock = clock  # the stages of the pull


class PullQueue(Protocol):
    """Decides which of a node's pulls begins next; `pullsim.kubelet.images.policy_queue` asks pull policies."""

    def acquire(self, request: PullRequest) -> bool:
        """Ask to begin a pull; return whether it may begin now. Else the request's waiter goes on when it may."""

    def release(self, request: PullRequest) -> None:
        """Note that a running pull has ended, and let the next one begin."""


class ParallelPulls:
    """At most ``maximum`` pulls at the same time on the node (None: no limit), first come, first served.

    Models pkg/kubelet/images/puller.go parallelImagePuller; maxParallelImagePulls since 1.27.
    """

    def __init__(self, maximum: int | None) -> None:
        self._free = maximum
        self._waiting: list[PullRequest] = []  # a list, as few wait: an empty deque takes 600 bytes

    def acquire(self, request: PullRequest) -> bool:
        """See `PullQueue.acquire`."""
        if self._free is None:
            return True
        if self._free:
            self._free -= 1
            return True
        self._waiting.append(request)
        return False

    def release(self, request: PullRequest) -> None:  # noqa: ARG002
        """See `PullQueue.release`."""
        if self._waiting:
            self._waiting.pop(0).begin()
        elif self._free is not None:
            self._free += 1


class SerialPulls(ParallelPulls):
    """One pull at a time, strictly in the order of the requests.

    Models pkg/kubelet/images/puller.go serialImagePuller: one worker that reads a channel. The channel's buffer of 10
    is not observable, as blocked senders are served in order.
    """

    def __init__(self) -> None:
        super().__init__(1)


def pull_queue(context: NodeContext) -> PullQueue:
    """Return the queue that a node's settings ask for (pkg/kubelet/images/image_manager.go NewImageManager)."""
    config = context.config
    if config.serialize_image_pulls:
        return SerialPulls()
    return ParallelPulls(config.max_parallel_image_pulls)


class ImagePuller:
    """Hands a node's pulls to the runtime, each when its turn has come (pkg/kubelet/images/puller.go imagePuller)."""

    def __init__(self, env: Environment, service: PullService, queue: PullQueue) -> None:
        self._env = env
        self._service = service
        self._queue = queue
        self._last_image: str | None = None  # image of the pull that ended last

    def enqueue(self, request: PullRequest, clock: TimeLine) -> None:
        """Ask to pull; the request tells whether it has to wait for its turn. ``clock`` is the pod's.

        Nothing that waits is withdrawn: that would only happen when the node leaves, and the queue with it.
        """
        clock.enter("queue", self._env.now)
        request.queued = not self._queue.acquire(request)

    def pull(self, request: PullRequest, clock: TimeLine) -> Generator[Any, Any, PullResult]:
        """Pull now that the turn has come."""
        env = self._env
        if request.queued:
            if request.held is not None:
                clock.enter("qps", request.held)
            if self._last_image is not None:
                clock.explain(self._last_image)
        started = env.now
        image = request.subject.image
        pull_clock = TimeLine(started, "pull", spans=clock.spans is not None, image=image)
        clock.split(pull_clock, started)
        outcome = yield from self._service.pull(request, pull_clock)
        self._last_image = image
        self._queue.release(request)
        pull_clock.close(env.now)
        return PullResult(outcome, started, env.now, pull_clock)
