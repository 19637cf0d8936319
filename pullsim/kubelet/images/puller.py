"""Who may pull when: one at a time, or some at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from pullsim.cri import PullOutcome
from pullsim.kernel.locks import Slots
from pullsim.time_line import TimeLine

if TYPE_CHECKING:
    from collections.abc import Generator

    import simpy

    from pullsim.kubelet.images.image_service import PullRequest, PullService


class PullResult(NamedTuple):
    """How a pull went: the runtime's answer, and when the runtime was called and had answered."""

    outcome: PullOutcome
    started: float
    ended: float
    clock: TimeLine


class ImagePuller(Protocol):
    """Hands pulls to the runtime in the order in which they come (pkg/kubelet/images/puller.go imagePuller)."""

    def pull(self, request: PullRequest, clock: TimeLine) -> Generator[Any, Any, PullResult]:
        """Wait for the turn, then pull; ``clock`` is the pod's."""


class ParallelImagePuller:
    """At most ``maximum`` pulls at once over the node's pods (None: any number), first come first served.

    Models pkg/kubelet/images/puller.go parallelImagePuller; maxParallelImagePulls since 1.27.
    """

    def __init__(self, env: simpy.Environment, service: PullService, maximum: int | None) -> None:
        self._env = env
        self._service = service
        self._tokens = Slots(env, maximum)
        self._before: str | None = None  # image of the pull that gave a token back last

    def pull(self, request: PullRequest, clock: TimeLine) -> Generator[Any, Any, PullResult]:
        """Take a token, pull, give it back."""
        env = self._env
        clock.enter("queue", env.now)
        if (turn := self._tokens.acquire()) is not None:
            yield turn
            if self._before is not None:
                clock.explain(self._before)
        started = env.now
        image = request.caller.image
        pull_clock = TimeLine(started, "pull", spans=clock.spans is not None, image=image)
        clock.split(pull_clock, started)
        outcome = yield from self._service.pull(request, pull_clock)
        self._before = image
        self._tokens.release()
        pull_clock.close(env.now)
        return PullResult(outcome, started, env.now, pull_clock)


class SerialImagePuller(ParallelImagePuller):
    """One pull at a time, strictly in the order of the requests.

    Models pkg/kubelet/images/puller.go serialImagePuller: one worker that reads a channel. The channel's buffer of 10
    is not observable, as blocked senders are served in order.
    """

    def __init__(self, env: simpy.Environment, service: PullService) -> None:
        super().__init__(env, service, 1)


def image_puller(env: simpy.Environment, service: PullService, *, serialize: bool, maximum: int | None) -> ImagePuller:
    """Return the puller that a KubeletConfiguration asks for (pkg/kubelet/images/image_manager.go NewImageManager)."""
    return SerialImagePuller(env, service) if serialize else ParallelImagePuller(env, service, maximum)
