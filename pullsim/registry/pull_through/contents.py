"""What an image consists of, for a cache that stores all of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pullsim.oci.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullsim.oci.catalog import Catalog
    from pullsim.oci.manifest import Image
    from pullsim.oci.reference import Reference


class Known:
    """What one replica of a cache knows of images by their manifests: the bytes of their blobs."""

    __slots__ = ("_catalog", "sizes")

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.sizes: dict[str, int] = {}  # of blobs, by digest, as far as manifests have told

    def image(self, reference: Reference, digest: str, now: float) -> Image | None:
        """Return the manifest or index of a digest, in the repository that a reference names."""
        return self._catalog.lookup(replace(reference, tag=None, digest=digest), now)

    def blobs(self, image: Image) -> list[tuple[str, int]]:
        """Return the blobs of an image, of all its platforms, with their sizes; and remember the sizes."""
        found = dict(blobs(image))
        self.sizes.update(found)
        return list(found.items())


def documents(image: Image) -> list[Image]:
    """Return an image's index, if it has one, and its manifests."""
    return [image] if isinstance(image, Manifest) else [image, *(manifest for _, manifest in image.manifests)]


def blobs(image: Image) -> Iterator[tuple[str, int]]:
    """Yield configs and layers of an image with their sizes; what manifests share comes again."""
    for each in documents(image):
        if isinstance(each, Manifest):
            yield each.config_digest, each.config_size
            yield from ((layer.digest, layer.size) for layer in each.layers)
