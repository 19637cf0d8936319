"""What a containerd node has: blobs, snapshots, images, and the locks on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pullsim.engine.locks import KeyedLocks
from pullsim.runtime.metadata import MetadataDatabase

if TYPE_CHECKING:
    from collections.abc import Iterator

    import simpy

    from pullsim.oci.manifest import Manifest
    from pullsim.oci.reference import Reference


class StoredImage(NamedTuple):
    """An image record: the manifest of the node's platform, and the digest that its name resolved to."""

    manifest: Manifest
    target: str

    def blobs(self) -> Iterator[str]:
        """Yield the digests of its blobs."""
        yield from (self.target, self.manifest.digest, self.manifest.config_digest)
        for layer in self.manifest.layers:
            yield layer.digest


class Store:
    """Content store (blobs by digest), snapshotter (committed snapshots by chain ID) and image records.

    Locks are those of containerd's unpacker: one a blob, one a chain ID, first come first served
    (pkg/kmutex; internal/kmutex in 2.x).
    """

    def __init__(self, env: simpy.Environment, metadata_write: float) -> None:
        self.blobs: set[str] = set()
        self.snapshots: set[str] = set()
        self.images: dict[str, StoredImage] = {}  # by normalised name
        self.blob_locks = KeyedLocks(env)
        self.chain_locks = KeyedLocks(env)
        self.metadata = MetadataDatabase(env, metadata_write)

    def name(self, reference: Reference, image: StoredImage) -> None:
        """Write the image records: by the name that was asked for, and by the digest that it resolved to.

        Source: internal/cri/server/images/image_pull.go PullImage (createImageReference).
        """
        self.images[image_name(reference)] = image
        self.images[f"{reference.repository}@{image.target}"] = image

    def put(self, reference: Reference, image: StoredImage) -> None:
        """Put a whole image on the node at once, as a node image that has it."""
        self.blobs.update(image.blobs())
        self.snapshots.update(image.manifest.chain_ids)
        self.name(reference, image)


def image_name(reference: Reference) -> str:
    """Return the name of an image's record: without the tag if there is a digest (reference/docker ParseDockerRef)."""
    return f"{reference.repository}@{reference.digest}" if reference.digest else str(reference)
