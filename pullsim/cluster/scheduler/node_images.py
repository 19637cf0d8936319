"""The images in the status of a node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from pullsim.kernel.event import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pullsim.cri import ListedImage
    from pullsim.kernel.environment import Environment

#: How many names of each image a node's status lists (pkg/kubelet/kubelet_node_status.go maxNamesPerImageInNodeStatus).
NAMES: Final = 5
PERIOD: Final = 10.0  # seconds between two updates of a node's status (nodeStatusUpdateFrequency)


class HasImages(Protocol):
    """A node with images."""

    def images(self) -> tuple[list[ListedImage], int]:
        """Return the images on the node, and how many of them its status may list (-1: all)."""
        ...


class NodeImages:
    """The images that a node's status lists: the largest ones, as of the status's last update.

    The kubelet updates the status every 10 s from the node's join on; only updates that change something are simulated.
    """

    def __init__(self, env: Environment, node: HasImages, listed: Callable[[Mapping[str, int]], None]) -> None:
        """``listed`` is called at each update with the bytes of the images by name."""
        self._env = env
        self._node = node
        self._listed = listed
        self._joined = env.now
        self._planned = False  # whether an update is scheduled
        self.publish()

    def changed(self) -> None:
        """Note that the images have changed: the next update of the status will show that."""
        if not self._planned:
            self._planned = True
            since = self._env.now - self._joined
            Call(self._env, lambda _: self.publish(), PERIOD - since % PERIOD)

    def publish(self) -> None:
        """Update the node's status (pkg/kubelet/nodestatus/setters.go Images)."""
        self._planned = False
        images, most = self._node.images()
        if 0 <= most < len(images):
            images = sorted(images, key=lambda image: -image.size)[:most]
        self._listed({name: image.size for image in images for name in image.names[:NAMES]})
