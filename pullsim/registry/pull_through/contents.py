"""What an image consists of, for a cache that stores all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.oci.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullsim.oci.manifest import Image


def documents(image: Image) -> list[Image]:
    """Return an image's index, if it has one, and its manifests."""
    return [image] if isinstance(image, Manifest) else [image, *(manifest for _, manifest in image.manifests)]


def blobs(image: Image) -> Iterator[tuple[str, int]]:
    """Yield configs and layers of an image with their sizes; what manifests share comes again."""
    for each in documents(image):
        if isinstance(each, Manifest):
            yield each.config_digest, each.config_size
            yield from ((layer.digest, layer.size) for layer in each.layers)
