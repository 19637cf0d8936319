"""What a node asks of its container runtime."""

from __future__ import annotations

from typing import Protocol

from pullsim.cri import ImageService


class Runtime(ImageService, Protocol):
    """The image service of one node, as the kubelet calls it, and what is there before the simulation begins."""

    def preload(self, image: str) -> None:
        """Put an image on the node as it was at time 0, without any pull.

        Raises KeyError if the registry did not have it, InputError if the disk has no room for it.
        """
