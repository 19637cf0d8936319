"""The protocol of a node's container runtime."""

from __future__ import annotations

from typing import Protocol

from pullsim.cri import ImageService


class Runtime(ImageService, Protocol):
    """The image service of one node that the kubelet calls, with a method that puts images there beforehand."""

    def preload(self, image: str) -> None:
        """Put an image on the node without a pull, as the registry has it at time 0.

        Raises KeyError if the registry did not have it, InputError if the disk has no room for it.
        """

    def attach(self, image: str) -> None:
        """Have an image's layers on the node's secondary disk, as the registry has them at time 0.

        A pull of the image, or of another that has the same lower layers, fetches and unpacks the others only. Raises
        KeyError if the registry did not have it.
        """

    def leave(self) -> None:
        """Stop what goes on outside of pulls and pods, as the node has left the cluster."""
