"""An image manager that makes equal requests wait for the first of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullsim.kernel.event import Event
from pullsim.kubelet.images.image_manager import Ensured, ImageManager
from pullsim.oci.reference import InvalidReference, cri_image

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.kubelet.context import NodeContext
    from pullsim.kubelet.credentials.pull_credentials import PullCredentials
    from pullsim.kubelet.housekeeping import Housekeeping
    from pullsim.kubelet.images.backoff import Backoff
    from pullsim.kubelet.images.pull_records import ImagePullManager
    from pullsim.kubelet.images.puller import ImagePuller
    from pullsim.kubelet.images.retries import Retries
    from pullsim.kubelet.pod_status import PodStatus
    from pullsim.spec.pod import ContainerSpec, ImageVolume
    from pullsim.time_line import TimeLine


class CoalescingImageManager(ImageManager):
    """An `ImageManager` in which a request waits for an equal one that is under way, and then begins anew.

    Equal are requests for the same image, as the CRI is given it, and for the same runtime handler. A request that has
    waited looks for the image again with its own pod's policy, credentials and back-off; if it needs a pull all the
    same, because the first one failed or its credentials are no proof, it is the one that the others wait for. Requests
    with the policy Always neither wait nor let others wait. Models kubernetes pull 139591 as it describes itself; that
    one follower at a time tries again after a failure is read from its "re-enter … after the leader finishes".
    """

    def __init__(
        self,
        context: NodeContext,
        puller: ImagePuller,
        backoff: Backoff,
        pulls: ImagePullManager,
        credentials: PullCredentials,
        housekeeping: Housekeeping,
        retries: Retries | None,
    ) -> None:
        super().__init__(context, puller, backoff, pulls, credentials, housekeeping, retries)
        self._ends: dict[tuple[str, str], Event] = {}  # the end of the request under way, by image and handler

    def ensure_image_exists(
        self, pod: PodStatus, container: ContainerSpec | ImageVolume, clock: TimeLine | None = None
    ) -> Generator[Any, Any, Ensured]:
        """See `ImageManager.ensure_image_exists`."""
        key = self._equal(pod, container)
        if key is None:
            return (yield from ImageManager.ensure_image_exists(self, pod, container, clock))
        env = self._env
        while (end := self._ends.get(key)) is not None:
            (pod.clock if clock is None else clock).enter("lock", env.now, container.image)
            yield end
        end = self._ends[key] = Event(env)
        try:
            return (yield from ImageManager.ensure_image_exists(self, pod, container, clock))
        finally:
            del self._ends[key]
            end.succeed()

    def ask(self, pod: PodStatus, container: ContainerSpec | ImageVolume) -> Generator[Any, Any, Ensured]:
        """See `ImageManager.ask`; the caller waits for the whole pull, as others wait for the caller."""
        return self.ensure_image_exists(pod, container)

    def _equal(self, pod: PodStatus, container: ContainerSpec | ImageVolume) -> tuple[str, str] | None:
        """Return what equal requests have in common; None for a request that is equal to no other."""
        if container.policy == "Always":
            return None
        try:
            return cri_image(container.image), pod.pod.spec.runtime_handler if self._handlers else ""
        except InvalidReference:
            return None
