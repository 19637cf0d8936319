"""The content of a CRI-O node: unpacked layers, and the images that consist of them. No compressed blobs are kept."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pullsim.runtime.crio.store_lock import StoreLock
from pullsim.runtime.metadata import MetadataDatabase
from pullsim.spec.partial import missing, toc_bytes

if TYPE_CHECKING:
    from pullsim.hardware.filesystem import Filesystem
    from pullsim.kernel.environment import Environment
    from pullsim.oci.manifest import Layer
    from pullsim.oci.reference import Reference
    from pullsim.spec.stored_image import CrioImage


class CrioStore:
    """Layers by chain ID, images by name, and the lock of the layers.

    A layer that a failed copy has committed stays until an image with this layer is removed: nothing else removes it.
    Models containers/storage store.go (PutLayer, CreateImage, DeleteImage).
    """

    def __init__(
        self,
        env: Environment,
        metadata_write: float,
        filesystem: Filesystem | None = None,
        *,
        partial: bool = False,
    ) -> None:
        """``partial``: zstd:chunked layers are pulled in parts."""
        self.filesystem = filesystem
        self._partial = partial
        self._chunked: set[str] = set()  # chain IDs of layers of which the store has the table of contents
        self._contents: Counter[str] = Counter()  # number of these layers, by each content's name
        self.layers: dict[str, Layer] = {}  # committed layers, by chain ID
        self.images: dict[str, CrioImage] = {}  # by normalised name
        self.in_use: Counter[str] = Counter()  # chain IDs of layers that copies under way build on
        self.had: set[str] = set()  # digests of the blobs of layers that were removed from the node
        self.lock = StoreLock(env)  # used by releases that unpack a layer under it
        self.records = MetadataDatabase(env, metadata_write)
        self._blobs: Counter[str] = Counter()  # number of committed layers, by the digest of their blob
        self._documents: dict[str, int] = {}  # bytes claimed for the documents of an image, by its ID
        self._bytes = 0

    @property
    def bytes(self) -> int:
        """Bytes of all layers and documents, finished or not."""
        return self._bytes

    def claim(self, size: int) -> int:
        """Claim space for ``size`` bytes, and return for how many of them there is space."""
        granted = size if self.filesystem is None else self.filesystem.claim(size)
        self._bytes += granted
        return granted

    def release(self, size: int) -> None:
        """Give back ``size`` bytes of claimed space."""
        self._bytes -= size
        if self.filesystem is not None:
            self.filesystem.release(size)

    def knows(self, digest: str) -> bool:
        """Whether a committed layer, whatever is below it, has the content of the blob with this digest."""
        return self._blobs[digest] > 0

    def has(self, content: str) -> bool:
        """Whether files of a named content can be found in a layer (pkg/chunked/cache_linux.go layersCache)."""
        return self._contents[content] > 0

    def missing(self, layer: Layer) -> int:
        """Return how many bytes of a layer's blob a pull would get."""
        if self.knows(layer.digest):
            return 0
        if not self._partial or layer.chunked is None:
            return layer.size
        return toc_bytes(layer) + missing(layer, self.has).size

    def commit(self, chain_id: str, layer: Layer, *, chunked: bool = False) -> None:
        """Add a layer whose space has been claimed; ``chunked``: with the table of contents of a partial pull."""
        self.layers[chain_id] = layer
        self._blobs[layer.digest] += 1
        if chunked:
            self._chunked.add(chain_id)
            self._contents.update(name for name, _ in layer.chunked or ())

    def name(self, reference: Reference, image: CrioImage) -> None:
        """Record an image by its name, and by the name with its digest; its documents take space the first time."""
        if image.id not in self._documents:
            self._documents[image.id] = self.claim(image.documents)
        self.images[image_name(reference)] = image
        self.images[f"{reference.repository}@{image.target}"] = image

    def put(self, reference: Reference, image: CrioImage) -> bool:
        """Put an image on the node in no time; return False if the disk is full."""
        for chain_id, layer in zip(image.manifest.chain_ids, image.manifest.layers, strict=True):
            if chain_id not in self.layers:
                if self.claim(layer.unpacked) < layer.unpacked:
                    return False
                self.commit(chain_id, layer, chunked=self._partial and layer.chunked is not None)
        self.name(reference, image)
        return True

    def image(self, reference: Reference) -> CrioImage | None:
        """Return the image with this name, or None."""
        return self.images.get(image_name(reference))

    def find(self, image_id: str) -> CrioImage | None:
        """Return the image with this ID, or None."""
        return next((image for image in self.images.values() if image.id == image_id), None)

    def remove(self, image_id: str) -> None:
        """Remove an image under all its names, and its layers that no other image and no running copy needs."""
        image = self.find(image_id)
        if image is None:
            return
        for name in [name for name, each in self.images.items() if each.id == image_id]:
            del self.images[name]
        freed = self._documents.pop(image_id)
        kept = {chain_id for each in self.images.values() for chain_id in each.manifest.chain_ids}
        for chain_id in reversed(image.manifest.chain_ids):
            if chain_id in kept or self.in_use[chain_id] or chain_id not in self.layers:
                continue
            layer = self.layers.pop(chain_id)
            self._blobs[layer.digest] -= 1
            if chain_id in self._chunked:
                self._chunked.discard(chain_id)
                self._contents.subtract(name for name, _ in layer.chunked or ())
            self.had.add(layer.digest)
            freed += layer.unpacked
        self.release(freed)


def image_name(reference: Reference) -> str:
    """Return the name of an image in the store: without the tag if there is a digest."""
    return f"{reference.repository}@{reference.digest}" if reference.digest else str(reference)
