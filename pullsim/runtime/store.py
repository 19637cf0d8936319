"""What a containerd node has: blobs, snapshots, images, and the locks on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pullsim.engine.locks import KeyedLocks
from pullsim.runtime.metadata import MetadataDatabase

if TYPE_CHECKING:
    import simpy

    from pullsim.oci.manifest import Image, Manifest


class StoredImage(NamedTuple):
    """An image record: the manifest of the node's platform, and the digest that its name resolved to."""

    manifest: Manifest
    target: str


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

    def put(self, name: str, image: Image, manifest: Manifest) -> None:
        """Put a whole image on the node at once, as a node image that has it."""
        self.blobs.update((image.digest, manifest.digest, manifest.config_digest))
        self.blobs.update(layer.digest for layer in manifest.layers)
        self.snapshots.update(manifest.chain_ids)
        self.images[name] = StoredImage(manifest, image.digest)
