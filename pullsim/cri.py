"""The Container Runtime Interface (CRI), through which a kubelet uses a runtime.

It has the calls of the image service, and the calls of the runtime service that decide which images are in use. Source:
k8s.io/cri-api/pkg/apis/runtime/v1/api.proto, services ImageService and RuntimeService.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from pullsim.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from pullsim.reads import Reads
    from pullsim.time_line import TimeLine


#: Cause of a pull that ended because its node was removed; there is no kubelet left to report it.
NODE_LEFT: Final = "nodeLeft"
#: Cause of a pull that failed because the image filesystem was full.
NO_SPACE: Final = "noSpace"


class ImageStatus:
    """The answer of ImageStatus for an image that is present."""

    __slots__ = ("image_ref", "size")

    def __init__(self, image_ref: str, size: int) -> None:
        self.image_ref = image_ref  # the image's ID, with which containers are created
        self.size = size  # bytes; containerd counts compressed ones, CRI-O unpacked ones


class InspectFailed(Exception):
    """Raised by an ImageStatus call that fails; the message is that of the runtime."""


class ListedImage(NamedTuple):
    """One image in the answer of ListImages: all names with one image ID, pulled for one runtime handler."""

    id: str
    size: int  # bytes, as in ImageStatus
    names: tuple[str, ...]
    pinned: bool = False  # the kubelet never removes it, as the runtime needs it
    handler: str = ""  # "" for the default one


class ContainerImage(NamedTuple):
    """The image of a container as ContainerStatus reports it."""

    id: str
    handler: str  # runtime handler that the image was pulled for; "" for the default one


class FilesystemUsage(NamedTuple):
    """The use of the image filesystem in bytes: ImageFsInfo, and the capacity, which the kubelet finds itself."""

    capacity: int | None  # None: not known, and the filesystem never fills up
    used: int  # by images and everything else; by images alone if the capacity is not known

    @property
    def available(self) -> int:
        """The bytes that are free; 0 if the capacity is not known."""
        return 0 if self.capacity is None else self.capacity - self.used


class Auth(NamedTuple):
    """The credentials of a PullImage call for the registry (AuthConfig)."""

    username: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""
    expires: float = float("inf")  # simulated second at which they expire; part of the token, not of AuthConfig


class Caller:
    """The container for which a pull is made. It is used for labels in records only."""

    __slots__ = ("container", "image", "namespace", "pod")

    def __init__(self, namespace: str, pod: str, container: str, image: str) -> None:
        """``image`` is as written in the pod."""
        self.namespace = namespace
        self.pod = pod
        self.container = container
        self.image = image


@dataclass(slots=True)
class PullOutcome:
    """How a PullImage call ended."""

    image_ref: str | None  # the image's ID; None when it failed
    code: str = "OK"  # Go's name of the gRPC code: OK, NotFound, Unknown, Unavailable, …
    error: str = ""  # the description of the gRPC error
    cause: str | None = None  # short name of the cause in tables: notFound, unavailable, platform, …
    #: For a failed pull: the same call may succeed later, even if nothing else in the simulation changes. It must be
    #: False where that is impossible; a failure that leaves it True keeps a run from ending early.
    retryable: bool = True
    registry: str | None = None  # host, registry or mirror
    downloaded: int = 0  # bytes
    layers: int = 0  # number of the image's layers
    layers_fetched: int = 0  # number of these that this pull fetched
    compressed: int | None = None  # bytes of manifest, config and layers; None: the size that ImageStatus reports
    layers_mounted: int = 0  # number of these that were mounted before they were there
    mounted: int = 0  # compressed bytes of these
    refetched: int = 0  # of the bytes downloaded, those of layers that the node had before and removed
    calls: int = 1  # number of PullImage calls: one for each credential that was tried
    auth: Auth | None = None  # credentials that the registry accepted; None: the pull needed none of the kubelet's
    answer: str = ""  # what PullImage returns to the kubelet; "": the image's ID

    @property
    def message(self) -> str:
        """The error as the kubelet reports it; the code Unknown is left out.

        Source: staging/src/k8s.io/cri-client/pkg/remote_image.go and pkg/kubelet/images/helpers.go.
        """
        return self.error if self.code == "Unknown" else f"rpc error: code = {self.code} desc = {self.error}"


class ImageService(Protocol):
    """The image service of a node's runtime.

    ``image`` is the name that the kubelet sends: as in the pod, with the default tag added. ``handler`` is the runtime
    handler of the ImageSpec, "" for the default one or if the feature gate RuntimeClassInImageCriApi is off. Calls that
    take simulated time are generators of SimPy events, to be driven with ``yield from``.
    """

    def image_status(self, image: str, handler: str = "") -> ImageStatus | None:
        """Return the image of that name if it is on the node, else None. Takes no time. Raises InspectFailed."""

    def pull_image(
        self, image: str, caller: Caller, clock: TimeLine, *, auth: Auth | None = None, handler: str = ""
    ) -> Generator[Any, Any, PullOutcome]:
        """Pull an image, and enter in ``clock`` the stages that the time is spent in.

        A pull that fails in the simulation is returned as an outcome, not raised. ``auth``: None pulls without
        credentials of the kubelet; the runtime may have its own.
        """

    def missing_bytes(self, image: str, handler: str = "") -> int | None:
        """Return the compressed bytes of the layers of an image that are not on the node; None: there is no such image.

        The CRI has no such call; pull policies that no kubelet has are told it. Takes no time.
        """

    def list_images(self) -> list[ListedImage]:
        """Return the images on the node, in the order in which they were pulled. Takes no time."""

    def remove_image(self, image_id: str) -> None:
        """Remove an image with all its names, for every handler; does nothing if there is none. Takes no time.

        The kubelet sends the ID alone (pkg/kubelet/kuberuntime/kuberuntime_image.go RemoveImage).
        """

    def image_fs(self) -> FilesystemUsage:
        """Return the use of the image filesystem. Takes no time."""

    def watch_space(self, limit: int, alarm: Callable[[], None]) -> None:
        """Call ``alarm`` after every write that leaves more than ``limit`` bytes used, and now if it is so already.

        The CRI has no such call. It replaces the kubelet's check of the filesystem every 10 s, which finds nothing in
        most runs.
        """

    def create_container(self, image_id: str, handler: str = "") -> ContainerImage | None:
        """Create a container of an image, whose snapshots it keeps in use. Returns None if there is no such image."""

    def remove_container(self, image: ContainerImage) -> None:
        """Remove a container that uses ``image``, as returned by `create_container`."""

    def unmount_rootfs(self) -> Generator[Any, Any, None] | None:
        """Unmount the root filesystem of a container that has exited; return what waits for its end, None: it is over.

        The CRI has no such call: the runtime does so before it tells that the container has exited. It begins with the
        call, whether somebody waits for it or not.
        """

    def await_mount(self, image_id: str, handler: str = "") -> Generator[Any, Any, None] | None:
        """Wait as CreateContainer does for what is fetched of an image beforehand; None: it is answered at once."""

    def read_image(self, image_ids: Sequence[str], reads: Reads) -> Generator[Any, Any, None] | None:
        """Read files of the largest of these images, as a process does that starts in a container of it.

        The CRI has no such call: the process reads from the mounted snapshot. Returns None where it waits for nothing,
        as all files are on the node. Raises `pullsim.reads.ReadFailed` if a file cannot be had.
        """


class RuntimeService(Protocol):
    """The only call of the runtime service that depends on a pod's RuntimeClass."""

    def run_pod_sandbox(self, handler: str) -> str | None:
        """Create a sandbox for a runtime handler. Takes no time. Returns the error as the kubelet reports it, or None.

        It is not called for a pod without runtime handler, whose sandbox is always created.
        """
