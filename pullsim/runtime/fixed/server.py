"""A runtime whose pulls take given durations, to replay measured pulls and the traces of kubelets."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from pullsim.cri import NO_SPACE, ContainerImage, ImageStatus, InspectFailed, ListedImage, PullOutcome
from pullsim.errors import InputError
from pullsim.runtime.handlers import RuntimeHandlers
from pullsim.runtime.store_service import NO_ROOM, filesystem_usage

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from pullsim.cri import Auth, Caller, FilesystemUsage
    from pullsim.hardware.filesystem import Filesystem
    from pullsim.kernel.environment import Environment
    from pullsim.reads import Reads
    from pullsim.runtime.node import RuntimeNode
    from pullsim.spec.runtime import FixedSpec
    from pullsim.time_line import TimeLine


class FixedRuntime:
    """A runtime whose pulls take the time in the spec, whatever else happens on the node.

    Concurrent pulls of an image share no work. An image takes its size on the disk, once. A pull's bytes come evenly
    over its time; if there is too little space, the pull fails when the disk is full and leaves nothing behind.
    """

    def __init__(
        self,
        env: Environment,
        spec: FixedSpec,
        handlers: RuntimeHandlers | None = None,
        filesystem: Filesystem | None = None,
    ) -> None:
        """Raises InputError if the disk has no room for an image that is present from the start."""
        self._env = env
        self._spec = spec
        self._handlers = handlers or RuntimeHandlers()
        self._filesystem = filesystem
        self._calls: dict[str, int] = {}  # number of pulls so far, by image
        self._pulled: dict[tuple[str, str], float] = {}  # when it was pulled, by image and runtime handler
        self._taken: dict[tuple[str, str], int] = {}  # bytes on the disk, by image and runtime handler
        self._had: set[str] = set()  # images that were pulled or removed before
        self._containers: Counter[ContainerImage] = Counter()
        for image, fixed in spec.images.items():
            if fixed.present:
                self._pulled[image, ""] = 0.0
                self._taken[image, ""] = self._claim(fixed.size)
                if self._taken[image, ""] < fixed.size:
                    raise InputError(NO_ROOM.format(image))

    @classmethod
    def on_node(cls, node: RuntimeNode, spec: FixedSpec) -> FixedRuntime:
        """Make the runtime of a node."""
        return cls(node.env, spec, node.handlers, node.filesystem)

    def preload(self, image: str) -> None:
        """Do nothing: the spec itself says which images are present from the start."""

    def attach(self, image: str) -> None:
        """Do nothing, as in `preload`."""

    def leave(self) -> None:
        """See `Runtime.leave`."""

    def image_status(self, image: str, handler: str = "") -> ImageStatus | None:
        """Return the image if it is present for the handler. Raises InspectFailed when the spec says so."""
        fixed = self._spec.images.get(image)
        if fixed is None:
            return None
        broken = fixed.status_fail
        if broken is not None and broken.at <= self._env.now < broken.until:
            raise InspectFailed(broken.error)
        if not self._present(image, self._handlers.identity(handler)):
            return None
        return ImageStatus(_image_ref(image), fixed.size)

    def pull_image(
        self,
        image: str,
        caller: Caller,  # noqa: ARG002 - the protocol has it
        clock: TimeLine,
        *,
        auth: Auth | None = None,  # noqa: ARG002 - the protocol has it
        handler: str = "",
    ) -> Generator[Any, Any, PullOutcome]:
        """Wait for the time, and succeed or fail, as the spec says for this call."""
        handler = self._handlers.identity(handler)
        env = self._env
        clock.enter("pull", env.now)
        fixed = self._spec.images.get(image)
        if fixed is None:
            error = f'failed to resolve reference "{image}": not found'
            return PullOutcome(None, code="NotFound", error=error, cause="notFound", retryable=False)
        call = self._calls.get(image, 0)
        self._calls[image] = call + 1
        if fixed.fail is not None and fixed.fail.fails(call):
            yield env.timeout(fixed.fail.after)
            return PullOutcome(
                None,
                code="Unknown",  # with this code the kubelet reports the text of the spec as it is
                error=fixed.fail.error,
                cause="notFound" if "not found" in fixed.fail.error.lower() else "runtime",
                retryable=not fixed.fail.always,
            )
        if self._present(image, handler):
            yield env.timeout(fixed.repull)
            self._keep(image, handler, 0)
            return PullOutcome(_image_ref(image))
        claimed = self._claim(fixed.size)
        if claimed < fixed.size:
            yield env.timeout(fixed.pull * claimed / fixed.size)
            self._release(claimed)
            error = f'failed to pull and unpack image "{image}": no space left on device'
            return PullOutcome(None, code="Unknown", error=error, cause=NO_SPACE, retryable=False, downloaded=claimed)
        yield env.timeout(fixed.pull)
        self._keep(image, handler, claimed)
        refetched = fixed.size if image in self._had else 0
        self._had.add(image)
        return PullOutcome(_image_ref(image), downloaded=fixed.size, refetched=refetched)

    def missing_bytes(self, image: str, handler: str = "") -> int | None:
        """See `ImageService.missing_bytes`."""
        fixed = self._spec.images.get(image)
        if fixed is None:
            return None
        return 0 if self._present(image, self._handlers.identity(handler)) else fixed.size

    def list_images(self) -> list[ListedImage]:
        """Return the images that are present now."""
        images = self._spec.images
        return [
            ListedImage(_image_ref(image), images[image].size, (image,), handler=handler)
            for image, handler in list(self._pulled)
            if self._present(image, handler)
        ]

    def remove_image(self, image_id: str) -> None:
        """Remove the image for all runtime handlers."""
        for image, handler in list(self._pulled):
            if _image_ref(image) == image_id and self._present(image, handler):
                self._drop(image, handler)

    def image_fs(self) -> FilesystemUsage:
        """Return how full the disk is with the images and everything else on it."""
        listed = self.list_images()  # and drop images that the settings have removed by now
        return filesystem_usage(self._filesystem, sum(image.size for image in listed))

    def watch_space(self, limit: int, alarm: Callable[[], None]) -> None:
        """See `ImageService.watch_space`."""
        if self._filesystem is not None:
            self._filesystem.watch(limit, alarm)

    def create_container(self, image_id: str, handler: str = "") -> ContainerImage | None:
        """See `ImageService.create_container`."""
        found = [image.handler for image in self.list_images() if image.id == image_id]
        if not found:
            return None
        wanted = self._handlers.identity(handler)
        image = ContainerImage(image_id, wanted if wanted in found else found[0])
        self._containers[image] += 1
        return image

    def remove_container(self, image: ContainerImage) -> None:
        """See `ImageService.remove_container`."""
        self._containers[image] -= 1

    def unmount_rootfs(self) -> None:
        """See `ImageService.unmount_rootfs`: pulls of given duration have no disk."""

    def await_mount(self, image_id: str, handler: str = "") -> Generator[Any, Any, None] | None:  # noqa: ARG002
        """See `ImageService.await_mount`."""
        return None

    def read_image(self, image_ids: Sequence[str], reads: Reads) -> None:
        """See `ImageService.read_image`: the files of a fixed image are on the node when its pull has ended."""

    def _present(self, image: str, handler: str) -> bool:
        """Whether the image is present; one that the spec has removed by now is dropped, and its space freed."""
        since = self._pulled.get((image, handler))
        if since is None:
            return False
        if any(since < removed <= self._env.now for removed in self._spec.images[image].removed_at):
            self._drop(image, handler)
            return False
        return True

    def _keep(self, image: str, handler: str, claimed: int) -> None:
        """Note that the image is present from now on; of two concurrent pulls only one takes space."""
        key = image, handler
        if self._present(image, handler):
            self._release(claimed)
        else:  # a pull of a present image took no space, and the image was removed meanwhile
            self._taken[key] = claimed or self._claim(self._spec.images[image].size)
        self._pulled[key] = self._env.now

    def _drop(self, image: str, handler: str) -> None:
        del self._pulled[image, handler]
        self._had.add(image)
        self._release(self._taken.pop((image, handler)))

    def _claim(self, size: int) -> int:
        return size if self._filesystem is None else self._filesystem.claim(size)

    def _release(self, size: int) -> None:
        if self._filesystem is not None:
            self._filesystem.release(size)


def _image_ref(image: str) -> str:
    """Return a stable ID for a name."""
    return f"sha256:{sha256(image.encode()).hexdigest()}"
