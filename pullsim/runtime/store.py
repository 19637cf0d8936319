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
    from pullsim.runtime.handlers import RuntimeHandlers


class StoredImage(NamedTuple):
    """An image record: the manifest of the node's platform, and the digest that its name resolved to."""

    manifest: Manifest
    target: str
    handler: str = ""  # runtime handler that it was pulled for; "" is the default one
    prefix: str = ""  # of its snapshots, when the handler has a snapshotter of its own

    @classmethod
    def of(cls, manifest: Manifest, target: str, handler: str, handlers: RuntimeHandlers) -> StoredImage:
        """Make the record of an image that is pulled for a runtime handler."""
        if not handler:
            return cls(manifest, target)
        return cls(manifest, target, handlers.identity(handler), handlers.prefix(handler))

    @property
    def key(self) -> str:
        """How the kubelet's image GC tells it from others: the image's ID, and the handler if it has one.

        Source: pkg/kubelet/images/image_gc_manager.go getImageTuple, from 1.29 with gate RuntimeClassInImageCriApi.
        """
        image_id = self.manifest.config_digest
        return f"{image_id},{self.handler}" if self.handler else image_id

    def snapshots(self) -> tuple[str, ...]:
        """Return the keys of its snapshots, from the bottom up: chain IDs, after the name of another snapshotter."""
        chain_ids = self.manifest.chain_ids
        return tuple(self.prefix + chain_id for chain_id in chain_ids) if self.prefix else chain_ids

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
        self.images: dict[str, StoredImage] = {}  # by normalised name and runtime handler (`image_name`)
        self.blob_locks = KeyedLocks(env)
        self.chain_locks = KeyedLocks(env)
        self.metadata = MetadataDatabase(env, metadata_write)

    def name(self, reference: Reference, image: StoredImage) -> None:
        """Write the image records: by the name that was asked for, and by the digest that it resolved to.

        Source: internal/cri/server/images/image_pull.go PullImage (createImageReference).
        """
        self.images[image_name(reference, image.handler)] = image
        self.images[_by_handler(f"{reference.repository}@{image.target}", image.handler)] = image

    def put(self, reference: Reference, image: StoredImage) -> None:
        """Put a whole image on the node at once, as a node image that has it."""
        self.blobs.update(image.blobs())
        self.snapshots.update(image.snapshots())
        self.name(reference, image)


def image_name(reference: Reference, handler: str = "") -> str:
    """Return the name of an image's record: without the tag if there is a digest (reference/docker ParseDockerRef)."""
    return _by_handler(f"{reference.repository}@{reference.digest}" if reference.digest else str(reference), handler)


def _by_handler(name: str, handler: str) -> str:
    return f"{name},{handler}" if handler else name
