"""A catalogue as a seed draws it: layers unpack to more or less than is guessed, where nobody says what they do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pullsim.oci.catalog import Catalog
from pullsim.oci.manifest import BYTES_A_FILE, Index, Manifest
from pullsim.spec.draws import factor, normal

if TYPE_CHECKING:
    from pullsim.oci.manifest import Image, Layer
    from pullsim.oci.reference import Reference


class DrawnCatalog(Catalog):
    """The images of a catalogue; each layer is drawn by its digest, so that it is the same in all images."""

    def __init__(self, catalog: Catalog, spread: float, seed: int) -> None:
        """Draw from the images of this catalogue; ``spread`` is a standard deviation of natural logarithms."""
        super().__init__()
        self._whole: Final = catalog
        self._spread: Final = spread
        self._seed: Final = seed
        self._drawn: Final[dict[str, Image]] = {}  # by digest, so that one image is one object

    def lookup(self, reference: Reference, t: float) -> Image | None:
        """Return the image that a registry has for a reference at time ``t``, or None."""
        image = self._whole.lookup(reference, t)
        return None if image is None else self._image(image)

    def is_estimated(self, reference: Reference) -> bool:
        """Whether the layers of a tag's image are estimates of those who made its catalogue."""
        return self._whole.is_estimated(reference)

    def moves(self) -> list[float]:
        """Return the times after 0 at which tags move to another image, in ascending order."""
        return self._whole.moves()

    def names(self) -> list[str]:
        """Return all names with tags in their short form, sorted."""
        return self._whole.names()

    def _image(self, image: Image) -> Image:
        if image.digest not in self._drawn:
            self._drawn[image.digest] = self._index(image) if isinstance(image, Index) else self._manifest(image)
        return self._drawn[image.digest]

    def _index(self, index: Index) -> Index:
        return replace(index, manifests=tuple((each, self._manifest(own)) for each, own in index.manifests))

    def _manifest(self, manifest: Manifest) -> Manifest:
        if not any(layer.guessed for layer in manifest.layers):
            return manifest
        return replace(manifest, layers=tuple(self._layer(layer) for layer in manifest.layers))

    def _layer(self, layer: Layer) -> Layer:
        """Return a layer as it is drawn; files that were guessed from what it unpacks to are as many more."""
        if not layer.guessed:
            return layer
        by = factor(self._spread * normal(self._seed, "layer", layer.digest))
        unpacked = max(1, round(layer.unpacked * by))
        files = unpacked // BYTES_A_FILE if layer.files == layer.unpacked // BYTES_A_FILE else layer.files
        return replace(layer, unpacked=unpacked, files=files)
