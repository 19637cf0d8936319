"""The Container Runtime Interface: all that a kubelet knows of a runtime.

The calls of the image service, and those of the runtime service that tell which images are in use
(k8s.io/cri-api/pkg/apis/runtime/v1/api.proto, services ImageService and RuntimeService).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pullsim.time_line import TimeLine


#: Cause of a pull that ended with its node; no kubelet is left to tell of it.
NODE_LEFT: Final = "nodeLeft"
#: Cause of a pull for which the image filesystem had no room.
NO_SPACE: Final = "noSpace"


class ImageStatus(NamedTuple):
    """Answer of ImageStatus for an image that is present."""

    image_ref: str  # the image's ID: what a container is created with
    size: int  # bytes; containerd counts compressed ones, CRI-O unpacked ones


class InspectFailed(Exception):
    """An ImageStatus call that failed; the message is the runtime's."""


class ListedImage(NamedTuple):
    """One image of the answer of ListImages: everything that has one ID and was pulled for one runtime handler."""

    id: str
    size: int  # bytes, as in ImageStatus
    names: tuple[str, ...]
    pinned: bool = False  # the runtime needs it: never removed by the kubelet
    handler: str = ""  # "" for the default one


class ContainerImage(NamedTuple):
    """What ContainerStatus tells of a container's image."""

    id: str
    handler: str  # runtime handler that it was pulled for; "" for the default one


class FilesystemUsage(NamedTuple):
    """The image filesystem (ImageFsInfo, with the capacity that the kubelet finds out itself). Bytes."""

    capacity: int | None  # None: not known, it never fills up
    used: int  # by everybody; where the capacity is not known, by images

    @property
    def available(self) -> int:
        """Bytes that are free; 0 where the capacity is not known."""
        return 0 if self.capacity is None else self.capacity - self.used


class Auth(NamedTuple):
    """What a PullImage call presents to the registry (AuthConfig)."""

    username: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""
    expires: float = float("inf")  # simulated second up to which the registry takes it: a property of the token itself


@dataclass(frozen=True, slots=True)
class Caller:
    """For whom a pull is made; it only labels records."""

    namespace: str
    pod: str
    container: str
    image: str  # as written in the pod


@dataclass(slots=True)
class PullOutcome:
    """How a PullImage call ended."""

    image_ref: str | None  # the image's ID; None when it failed
    code: str = "OK"  # gRPC code by its Go name: OK, NotFound, Unknown, Unavailable, …
    error: str = ""  # the description that goes with the code
    cause: str | None = None  # short name of the cause for tables: notFound, unavailable, platform, …
    #: Of a failed pull: the same call may end otherwise later, though nothing in the world changes until then. Whoever
    #: knows the fault says False where that cannot be: a fault that says nothing keeps a run from ending early.
    retryable: bool = True
    registry: str | None = None
    downloaded: int = 0  # bytes
    layers: int = 0
    layers_fetched: int = 0
    compressed: int | None = None  # bytes of manifest, config and layers; None: as ImageStatus tells
    refetched: int = 0  # bytes of layers that the node had once, among those downloaded
    calls: int = 1  # of PullImage: one for each credential that was tried
    auth: Auth | None = None  # what the registry accepted; None: the pull needed nothing of the kubelet's
    answer: str = ""  # what PullImage tells the kubelet, where that is not the image's ID

    @property
    def message(self) -> str:
        """The error as the kubelet shows it: the bare text for code Unknown.

        Source: staging/src/k8s.io/cri-client/pkg/remote_image.go and pkg/kubelet/images/helpers.go.
        """
        return self.error if self.code == "Unknown" else f"rpc error: code = {self.code} desc = {self.error}"


class ImageService(Protocol):
    """The image service of a node's runtime.

    ``image`` is the text that the kubelet hands over: as in the pod, with the default tag. ``handler`` is the runtime
    handler of the ImageSpec, "" for the default one or when the gate RuntimeClassInImageCriApi is off. Calls that take
    simulated time are generators of SimPy events, to be driven with ``yield from``.
    """

    def image_status(self, image: str, handler: str = "") -> ImageStatus | None:
        """Tell what is on the node under that name; None: nothing. Takes no time. Raises InspectFailed."""

    def pull_image(
        self, image: str, caller: Caller, clock: TimeLine, *, auth: Auth | None = None, handler: str = ""
    ) -> Generator[Any, Any, PullOutcome]:
        """Pull, telling ``clock`` what the time goes to; never raises for a pull that fails in the simulated world.

        ``auth``: None pulls without credentials of the kubelet (the runtime may have its own).
        """

    def list_images(self) -> list[ListedImage]:
        """List what is on the node, in the order of arrival. Takes no time."""

    def remove_image(self, image_id: str) -> None:
        """Remove an image under all its names, whatever the handler; nothing happens if there is none. Takes no time.

        The kubelet hands over the ID alone (pkg/kubelet/kuberuntime/kuberuntime_image.go RemoveImage).
        """

    def image_fs(self) -> FilesystemUsage:
        """Tell how full the image filesystem is. Takes no time."""

    def watch_space(self, limit: int, alarm: Callable[[], None]) -> None:
        """Call ``alarm`` whenever a write leaves more than ``limit`` bytes used, and now if that is so already.

        No call of the CRI: it spares the kubelet's look at the filesystem every 10 s where there is nothing to see.
        """

    def create_container(self, image_id: str, handler: str = "") -> ContainerImage | None:
        """Create a container of an image, which keeps the image's snapshots; None: there is no such image."""

    def remove_container(self, image: ContainerImage) -> None:
        """Remove a container of an image."""


class RuntimeService(Protocol):
    """The call of the runtime service that depends on a pod's RuntimeClass."""

    def run_pod_sandbox(self, handler: str) -> str | None:
        """Create a sandbox for a runtime handler, in no time; return the error as the kubelet shows it if there is one.

        The sandbox of a pod without handler is never asked for: it always comes.
        """
