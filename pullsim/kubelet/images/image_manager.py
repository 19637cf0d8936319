"""Decides whether an image has to be pulled, and has it pulled."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from pullsim.cri import NO_SPACE, NODE_LEFT, InspectFailed
from pullsim.kernel.clock import nanoseconds
from pullsim.kernel.event import Event
from pullsim.kubelet.credentials.pull_credentials import UNREADABLE, Credentials, LookupFailed, LookupTime
from pullsim.kubelet.events import NORMAL, WARNING
from pullsim.kubelet.images.image_service import PullRequest
from pullsim.kubelet.images.pull_records import MUST_AUTHENTICATE
from pullsim.kubelet.pod_status import Failure
from pullsim.oci.reference import InvalidReference, cri_image
from pullsim.spec.feature_gates import IMAGES_BY_HANDLER

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.kubelet.context import NodeContext
    from pullsim.kubelet.credentials.pull_credentials import PullCredentials
    from pullsim.kubelet.housekeeping import Housekeeping
    from pullsim.kubelet.images.backoff import Backoff
    from pullsim.kubelet.images.pull_records import ImagePullManager
    from pullsim.kubelet.images.puller import ImagePuller, PullResult
    from pullsim.kubelet.images.retries import Retries
    from pullsim.kubelet.pod_status import PodStatus
    from pullsim.spec.pod import ContainerSpec, ImageVolume
    from pullsim.time_line import TimeLine

# Waiting reasons (pkg/kubelet/images/types.go).
ERR_IMAGE_PULL = "ErrImagePull"
IMAGE_PULL_BACK_OFF = "ImagePullBackOff"
ERR_IMAGE_NEVER_PULL = "ErrImageNeverPull"
INVALID_IMAGE_NAME = "InvalidImageName"
IMAGE_INSPECT_ERROR = "ImageInspectError"
REGISTRY_UNAVAILABLE = "RegistryUnavailable"
SIGNATURE_VALIDATION_FAILED = "SignatureValidationFailed"
#: Reasons that do not start the back-off: the kubelet tries again in every sync.
UNCOUNTED: Final = frozenset({ERR_IMAGE_NEVER_PULL, INVALID_IMAGE_NAME, IMAGE_INSPECT_ERROR})

#: The explanation in the message, by waiting reason.
EXPLAINED: Final = {
    REGISTRY_UNAVAILABLE: "the registry is unavailable",
    SIGNATURE_VALIDATION_FAILED: "the signature validation failed",
}


class Ensured:
    """Outcome for one container or image volume: the image's ID, or the reason why the container waits."""

    __slots__ = ("check", "image_ref", "message", "present", "pull_required", "reason")

    def __init__(
        self,
        image_ref: str | None,
        reason: str | None = None,
        message: str = "",
        present: bool | None = None,
        pull_required: bool | None = None,
        check: str | None = None,
    ) -> None:
        self.image_ref = image_ref
        self.reason = reason
        self.message = message  # the message of the container's waiting state
        self.present = present  # whether the image was on the node; None: the kubelet did not look
        self.pull_required = pull_required  # whether it had to be pulled; None: the attempt ended before that was known
        self.check = check  # why a present image may be used, or has to be pulled all the same


class ImageManager:
    """Makes sure that the image of a container that is about to start, or of an image volume, is on the node.

    Models pkg/kubelet/images/image_manager.go EnsureImageExists.
    """

    def __init__(
        self,
        context: NodeContext,
        puller: ImagePuller,
        backoff: Backoff,
        pulls: ImagePullManager,
        credentials: PullCredentials,
        housekeeping: Housekeeping,
        retries: Retries | None = None,
    ) -> None:
        """``retries``: what pull policies make of failures and successes; None: there are none of these policies."""
        self._context = context
        self._env = context.env
        self._service = context.service
        self._puller = puller
        self._backoff = backoff
        self._pulls = pulls
        self._credentials = credentials
        self._messages = context.messages
        self._handlers = context.gate(IMAGES_BY_HANDLER)
        #: Up to 1.31 ImageStatus is called for the policy Always too, though its answer is not used (PR 126550).
        self._inspects_always = context.version < (1, 32)
        self._housekeeping = housekeeping
        self._retries = retries
        self._errors: dict[tuple[PodStatus, str], str] = {}  # reason and message of the last failed pull

    def ensure_image_exists(
        self, pod: PodStatus, container: ContainerSpec | ImageVolume, clock: TimeLine | None = None
    ) -> Generator[Any, Any, Ensured]:
        """Find or pull the image, and enter the stages of that in a time line, but not the stage after it.

        ``clock``: the time line; None: the pod's.
        """
        if clock is None:
            clock = pod.clock
        asked: Ensured | PullRequest = yield from self._ask(pod, container, clock)
        if isinstance(asked, Ensured):
            return asked
        if asked.queued:
            turn = Event(self._env)
            asked.waiter = turn
            yield turn
        return (yield from self.pull(pod, asked, clock))

    def ask(self, pod: PodStatus, container: ContainerSpec | ImageVolume) -> Generator[Any, Any, Ensured | PullRequest]:
        """Begin as `ensure_image_exists` does; the caller goes on with `pull` when the turn of the request has come.

        So the generators of the caller need not be kept while a pull waits for its turn.
        """
        return self._ask(pod, container, pod.clock)

    def pull(self, pod: PodStatus, request: PullRequest, clock: TimeLine) -> Generator[Any, Any, Ensured]:
        """Pull the image now that the turn has come."""
        result = yield from self._puller.pull(request, clock)
        return self._pulled(pod, request, result)

    def _ask(
        self, pod: PodStatus, container: ContainerSpec | ImageVolume, clock: TimeLine
    ) -> Generator[Any, Any, Ensured | PullRequest]:
        """Find the image, and ask for its pull if it is needed."""
        needed: Ensured | PullRequest = yield from self._find(pod, container, clock)
        if isinstance(needed, Ensured):
            return needed
        self._context.emit(pod, container, NORMAL, "Pulling", self._messages.pulling(container.image))
        pod.attempt(container.image)
        self._pulls.record_intent(needed.image)
        self._puller.enqueue(needed, clock)
        return needed

    def _find(
        self, pod: PodStatus, container: ContainerSpec | ImageVolume, clock: TimeLine
    ) -> Generator[Any, Any, Ensured | PullRequest]:
        """Return the present image or the reason not to pull now, as `Ensured`; otherwise the pull that is needed."""
        messages, image = self._messages, container.image
        try:
            wanted = cri_image(image)
        except InvalidReference as error:
            return self._refuse(
                pod, container, INVALID_IMAGE_NAME, "InspectFailed", messages.invalid_name(image, str(error))
            )
        handler = pod.pod.spec.runtime_handler if self._handlers else ""
        always, status = container.policy == "Always", None
        if not always or self._inspects_always:
            try:
                status = self._service.image_status(wanted, handler)
            except InspectFailed as failed:
                message = messages.inspect_failed(image, str(failed))
                return self._refuse(pod, container, IMAGE_INSPECT_ERROR, "InspectFailed", message)
        present, check = None if always else status is not None, None
        if status is None and container.policy == "Never":
            refused = self._never(pod, container)
            refused.present = present
            return refused
        try:
            credentials = yield from self._look_up(pod, wanted, LookupTime.ALWAYS, clock)
            if status is not None and not always:
                check = self._pulls.check(wanted, status.image_ref, credentials)
                if check is None:
                    credentials = yield from self._look_up(pod, wanted, LookupTime.WHEN_NEEDED, clock)
                    check = self._pulls.check(wanted, status.image_ref, credentials or ())
                if check != MUST_AUTHENTICATE:
                    self._context.emit(pod, container, NORMAL, "Pulled", messages.already_present(image))
                    return Ensured(status.image_ref, present=True, pull_required=False, check=check)
                if container.policy == "Never":
                    refused = self._never(pod, container)
                    refused.present, refused.pull_required, refused.check = present, True, check
                    return refused
            if credentials is None:
                credentials = yield from self._look_up(pod, wanted, LookupTime.WHEN_NEEDED, clock)
        except LookupFailed as unreadable:
            pod.fail(container.key, str(unreadable), UNREADABLE, Failure(self._env.now, retryable=False))
            return Ensured(None, str(unreadable), str(unreadable), present, None if present else True)
        key = (pod, image)
        if self._backoff.active(key, nanoseconds(self._env.now)):
            trouble = pod.troubled()
            trouble.backoffs += 1
            trouble.reason = IMAGE_PULL_BACK_OFF
            self._context.emit(pod, container, NORMAL, "BackOff", messages.back_off(image))
            message = messages.back_off_status(image, self._errors.get(key, ""))
            return Ensured(None, IMAGE_PULL_BACK_OFF, message, present, pull_required=True, check=check)
        self._errors.pop(key, None)
        look_up = None
        if self._credentials.time is LookupTime.IN_PULL and self._credentials.wanted(pod):
            look_up = partial(self._credentials.look_up, pod, wanted)
        request = PullRequest(wanted, pod.pod, container, self._env.now, handler, credentials or (), look_up)
        request.present, request.check = present, check
        return request

    @property
    def record_sizes(self) -> tuple[int, int] | None:
        """The number of pull intents and of pulled records; None: the kubelet does not verify credentials."""
        return self._pulls.sizes

    def _look_up(
        self, pod: PodStatus, wanted: str, time: LookupTime, clock: TimeLine
    ) -> Generator[Any, Any, Credentials | None]:
        """Look credentials up, if the release does so at that ``time``; None: it does not. Raises LookupFailed."""
        if self._credentials.time is not time:
            return None
        if not self._credentials.wanted(pod):
            return ()
        return (yield from self._credentials.look_up(pod, wanted, clock))

    def _pulled(self, pod: PodStatus, request: PullRequest, result: PullResult) -> Ensured:
        """Record how a pull ended, emit its event, and return the outcome for the container."""
        env, messages, container, requested = self._env, self._messages, request.subject, request.requested
        image = container.image
        pod.pulling -= 1
        outcome = result.outcome
        now = nanoseconds(env.now)
        if outcome.image_ref is None:
            if outcome.cause == NODE_LEFT:  # the kubelet has left with the node: it emits nothing
                self._record(pod, container, requested, result, 0)
                return Ensured(None, None, "", request.present, True, request.check)
            self._context.emit(pod, container, WARNING, "Failed", messages.failed(image, outcome.message))
            self._backoff.next((pod, image), now)
            self._pulls.record_failure(request.image)
            self._record(pod, container, requested, result, 0)
            pod.troubled().failures += 1
            if self._retries is not None:
                self._retries.failed(pod, request, outcome)
            reason, message = _evaluate(image, outcome.message)
            self._errors[pod, image] = f"{reason}: {message}"
            retryable = outcome.retryable or (outcome.cause == NO_SPACE and not self._housekeeping.finished(requested))
            pod.fail(container.key, reason, outcome.cause, Failure(requested, retryable))
            return Ensured(None, reason, message, request.present, True, request.check)
        size = self._size(request)
        duration, waiting = (now - nanoseconds(since) for since in (result.started, requested))
        self._context.emit(pod, container, NORMAL, "Pulled", messages.pulled(image, duration, waiting, size))
        self._backoff.gc(now)
        if self._retries is not None:
            self._retries.succeeded(request)
        used = next((credential for credential in request.credentials if credential.auth is outcome.auth), None)
        self._pulls.record_pulled(request.image, outcome.answer or outcome.image_ref, used)
        self._housekeeping.changed()
        pod.pulled(request.image)
        self._record(pod, container, requested, result, size)
        return Ensured(outcome.image_ref, None, "", request.present, True, request.check)

    def _size(self, request: PullRequest) -> int:
        """Return the size of a pulled image in bytes; 0 if the runtime cannot tell it (puller.go, GetImageSize)."""
        try:
            status = self._service.image_status(request.image, request.handler)
        except InspectFailed:
            return 0
        return 0 if status is None else status.size

    def _never(self, pod: PodStatus, container: ContainerSpec | ImageVolume) -> Ensured:
        """Refuse a pull because the policy is Never and the image is not present, or the pod may not use it."""
        message = self._messages.never(container.image)
        return self._refuse(pod, container, ERR_IMAGE_NEVER_PULL, ERR_IMAGE_NEVER_PULL, message)

    def _refuse(
        self, pod: PodStatus, container: ContainerSpec | ImageVolume, reason: str, event: str, message: str
    ) -> Ensured:
        """Fail without an attempt to pull; such a failure does not start the back-off."""
        self._context.emit(pod, container, WARNING, event, message)
        pod.fail(container.key, reason, reason[0].lower() + reason[1:], Failure(self._env.now, retryable=False))
        return Ensured(None, reason, message)

    def _record(
        self, pod: PodStatus, container: ContainerSpec | ImageVolume, requested: float, result: PullResult, size: int
    ) -> None:
        outcome = result.outcome
        self._context.recorder.pull(
            (  # the fields of a `PullRecord`
                self._context.node,
                pod.namespace,
                pod.name,
                container.name,
                container.image,
                pod.attempts[container.image],
                outcome.image_ref is not None,
                outcome.cause,
                outcome.message if outcome.image_ref is None else None,
                outcome.image_ref,
                outcome.registry,
                requested,
                result.started,
                result.ended,
                size if outcome.compressed is None or outcome.image_ref is None else outcome.compressed,
                outcome.downloaded,
                outcome.layers,
                outcome.layers_fetched,
                result.clock.stages,
                outcome.refetched,
                outcome.calls,
                outcome.layers_mounted,
                outcome.mounted,
            )
        )


def _evaluate(image: str, error: str) -> tuple[str, str]:
    """Map the runtime's error to a waiting reason and its message (pkg/kubelet/images/image_manager.go evalCRIPullErr).

    The two reasons in `EXPLAINED` need a runtime whose error begins with their name (cri-api/pkg/errors).
    """
    for reason, why in EXPLAINED.items():
        if error.startswith(reason):
            return reason, f"image pull failed for {image} because {why}{error.removeprefix(reason)}"
    return ERR_IMAGE_PULL, error
