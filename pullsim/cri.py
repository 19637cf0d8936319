"""The Container Runtime Interface: all that a kubelet knows of a runtime.

The two calls of the image service that a pull needs (k8s.io/cri-api/pkg/apis/runtime/v1/api.proto, service
ImageService).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.stage_clock import StageClock


class ImageStatus(NamedTuple):
    """Answer of ImageStatus for an image that is present."""

    image_ref: str  # the image's ID: what a container is created with
    size: int  # bytes; containerd counts compressed ones


class InspectFailed(Exception):
    """An ImageStatus call that failed; the message is the runtime's."""


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

    image_ref: str | None  # None when it failed
    code: str = "OK"  # gRPC code by its Go name: OK, NotFound, Unknown, Unavailable, …
    error: str = ""  # the description that goes with the code
    cause: str | None = None  # short name of the cause for tables: notFound, unavailable, platform, …
    transient: bool = False  # the same call may end otherwise later though nothing in the world changes
    registry: str | None = None
    downloaded: int = 0  # bytes
    layers: int = 0
    layers_fetched: int = 0
    auth: Auth | None = None  # what the registry accepted; None: the pull needed nothing of the kubelet's

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
        self, image: str, caller: Caller, clock: StageClock, *, auth: Auth | None = None, handler: str = ""
    ) -> Generator[Any, Any, PullOutcome]:
        """Pull, telling ``clock`` what the time goes to; never raises for a pull that fails in the simulated world.

        ``auth``: None pulls without credentials of the kubelet (the runtime may have its own).
        """


class RuntimeService(Protocol):
    """The call of the runtime service that depends on a pod's RuntimeClass."""

    def run_pod_sandbox(self, handler: str) -> str | None:
        """Create a sandbox for a runtime handler, in no time; return the error as the kubelet shows it if there is one.

        The sandbox of a pod without handler is never asked for: it always comes.
        """
