"""The kubelet's image service, which makes the CRI calls of one pull."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

import simpy

from pullsim.cri import NODE_LEFT, Caller, PullOutcome
from pullsim.kernel.process import part
from pullsim.kubelet.credentials.pull_credentials import UNREADABLE, Credentials, LookupFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pullsim.cri import ImageService
    from pullsim.kernel.environment import Environment
    from pullsim.spec.pod import ContainerSpec, ImageVolume, Pod
    from pullsim.time_line import TimeLine


class Waiter(Protocol):
    """What goes on when the turn of a pull has come: the worker of a pod, or an event that a process waits for."""

    def succeed(self) -> None:
        """Go on in this instant."""


class PullRequest:
    """The pull that the image manager asks the puller for."""

    __slots__ = (
        "check",
        "credentials",
        "handler",
        "held",
        "image",
        "look_up",
        "pod",
        "present",
        "queued",
        "requested",
        "subject",
        "waiter",
    )

    def __init__(
        self,
        image: str,
        pod: Pod,
        subject: ContainerSpec | ImageVolume,
        requested: float,
        handler: str = "",
        credentials: Credentials = (),
        look_up: Callable[[TimeLine], Generator[Any, Any, Credentials]] | None = None,
    ) -> None:
        self.image = image  # the name that the CRI is given
        self.pod = pod  # the pod that needs the image: a pull policy may depend on it
        self.subject = subject  # what of the pod needs it
        self.requested = requested  # when it was asked for, in seconds
        self.handler = handler  # the runtime handler of the ImageSpec
        self.credentials = credentials  # those that match the image, in the order in which they are tried
        #: Looks the credentials up, for a release that does so within the pull; raises LookupFailed.
        self.look_up = look_up
        self.present: bool | None = None  # whether the image was on the node; None: nobody looked
        self.check: str | None = None  # whether the pod may use the present image
        self.queued = False  # whether it has to wait for its turn
        self.waiter: Waiter | None = None  # what waits for that
        self.held: float | None = None  # since when registryPullQPS was all that it waited for; None: it never was

    def begin(self, held: float | None = None) -> None:
        """Let what waits go on, as the turn has come."""
        assert self.waiter is not None
        self.held = held
        self.waiter.succeed()


class PullService(Protocol):
    """Pulls images for the puller (pkg/kubelet/container/runtime.go ImageService).

    A limit on pulls is a service that wraps another one.
    """

    def pull(self, request: PullRequest, clock: TimeLine) -> Generator[Any, Any, PullOutcome]:
        """Pull the image; the stages of the pull are entered in ``clock``."""


class RuntimeImageService:
    """Pulls through the CRI: one call for each credential until one succeeds, or one call without any credential.

    After the last credential there is no anonymous attempt. If all calls fail, the error is their text if it is the
    same, otherwise the distinct texts in brackets. Models pkg/kubelet/kuberuntime/kuberuntime_image.go PullImage.
    """

    def __init__(self, env: Environment, cri: ImageService) -> None:
        self._env = env
        self._cri = cri

    def pull(self, request: PullRequest, clock: TimeLine) -> Generator[Any, Any, PullOutcome]:
        """Call PullImage with one credential after the other until a call succeeds."""
        pod, subject, credentials = request.pod, request.subject, request.credentials
        if request.look_up is not None:
            try:
                credentials = yield from request.look_up(clock)
            except LookupFailed as error:
                return PullOutcome(None, code="Unknown", error=str(error), cause=UNREADABLE, retryable=False, calls=0)
        auths = tuple(credential.auth for credential in credentials)
        caller = Caller(pod.namespace, pod.name, subject.name, subject.image)
        failed: list[PullOutcome] = []
        for auth in auths or (None,):
            try:
                pull = self._cri.pull_image(request.image, caller, clock, auth=auth, handler=request.handler)
                outcome: PullOutcome = yield from part(self._env, pull)
            except simpy.Interrupt as interrupt:  # the node has left, and the runtime had nothing to clean up
                outcome = cast("PullOutcome", interrupt.cause)
            if outcome.image_ref is not None:
                outcome.auth = auth
                outcome.calls = len(failed) + 1
                return outcome
            failed.append(outcome)
            if outcome.cause == NODE_LEFT:
                break
        outcome = _aggregate(failed)
        outcome.retryable |= any(auth.expires <= self._env.now for auth in auths)  # a provider renews expired ones
        return outcome


def _aggregate(failed: list[PullOutcome]) -> PullOutcome:
    """Return one outcome for all failed calls (k8s.io/apimachinery/pkg/util/errors NewAggregate)."""
    last = failed[-1]
    texts = list(dict.fromkeys(outcome.message for outcome in failed))
    if len(texts) > 1:
        last.code, last.error = "Unknown", f"[{', '.join(texts)}]"
    last.calls = len(failed)
    last.downloaded = sum(outcome.downloaded for outcome in failed)
    last.refetched = sum(outcome.refetched for outcome in failed)
    last.retryable = any(outcome.retryable for outcome in failed)
    return last
