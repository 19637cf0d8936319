"""The content of a containerd node: blobs, snapshots, image records, and the locks on them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pullsim.kernel.locks import KeyedLocks
from pullsim.runtime.metadata import MetadataDatabase
from pullsim.spec.stored_image import StoredImage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pullsim.hardware.filesystem import Filesystem
    from pullsim.kernel.environment import Environment
    from pullsim.oci.manifest import Manifest
    from pullsim.oci.reference import Reference
    from pullsim.runtime.handlers import RuntimeHandlers
    from pullsim.runtime.peers.protocol import ContentWatcher


class Lease:
    """The blobs and snapshots of a running pull, which are kept from garbage collection (core/leases)."""

    __slots__ = ("blobs", "snapshots")

    def __init__(self) -> None:
        # Lists, as an image has few of each: sets would take three times the memory.
        self.blobs: list[str] = []
        self.snapshots: list[str] = []


class Store:
    """Content store (blobs by digest), snapshotter (committed snapshots by chain ID) and image records.

    The locks are the ones that containerd's unpacker takes: one for each blob and one for each chain ID, first come,
    first served (pkg/kmutex; internal/kmutex in 2.x).
    """

    def __init__(self, env: Environment, metadata_write: float, filesystem: Filesystem | None = None) -> None:
        self.filesystem = filesystem
        self.watcher: ContentWatcher | None = None  # is told what comes and goes; None: nobody is
        self.blobs: dict[str, int] = {}  # bytes by digest
        self.snapshots: dict[str, int] = {}  # bytes by chain ID (`StoredImage.snapshots`)
        self.images: dict[str, StoredImage] = {}  # by normalised name and runtime handler (`image_name`)
        self.partials: dict[str, int] = {}  # bytes of unfinished blobs of failed pulls, by digest; part of `_abandoned`
        self.leases: dict[Lease, None] = {}
        self.collected: dict[str, None] = {}  # digests of blobs that were on the node and were collected
        self.blob_locks = KeyedLocks(env)
        self.chain_locks = KeyedLocks(env)
        self.metadata = MetadataDatabase(env, metadata_write)
        self._abandoned = 0  # bytes of unfinished blobs and snapshots, which stay until the next collection
        #: An image and the number of its containers, by image ID and runtime handler.
        self._containers: dict[tuple[str, str], tuple[StoredImage, int]] = {}

    def name(self, reference: Reference, image: StoredImage) -> None:
        """Write the image records: the name that was asked for, and the name with the digest that it resolved to.

        Source: internal/cri/server/images/image_pull.go PullImage (createImageReference).
        """
        for name in _records(reference, image.target, image.handler):
            self.images[name] = image
        if self.watcher is not None:
            self.watcher.named(image_name(reference), image.blobs())

    def commit(self, digest: str, size: Any) -> None:
        """Keep a blob of ``size`` bytes that is whole and durable.

        The size is Any, as that of a layer in `Store.snapshots`: compiled, a number would become an object of its own.
        """
        self.blobs[digest] = size
        if self.watcher is not None:
            self.watcher.committed(digest)

    def put(self, reference: Reference, image: StoredImage) -> bool:
        """Put an image on the node in no time, as if the node's disk image had it; return False if the disk is full."""
        for content, parts in ((self.blobs, image.blobs()), (self.snapshots, image.unpacked())):
            for key, size in parts:
                if key not in content:
                    if self.claim(size) < size:
                        return False
                    content[key] = size
        self.name(reference, image)
        if self.watcher is not None:
            self.watcher.listed(image_name(reference), image.blobs())
        return True

    def mount(self, snapshots: Iterable[str]) -> None:
        """Have snapshots that lie on another disk, and keep them from garbage collection for ever."""
        lease = Lease()
        lease.snapshots += snapshots
        self.leases[lease] = None
        for chain_id in lease.snapshots:
            self.snapshots.setdefault(chain_id, 0)

    def claim(self, size: int) -> int:
        """Claim space for ``size`` bytes, and return for how many of them there is space."""
        return size if self.filesystem is None else self.filesystem.claim(size)

    def abandon(self, written: int, *, of: int) -> None:
        """Leave an unfinished blob or snapshot behind, for which ``of`` bytes were claimed.

        The space of the bytes that were written is freed by the next collection, that of the rest at once.
        """
        self._abandoned += written
        if self.filesystem is not None:
            self.filesystem.release(of - written)

    def leave(self, digest: str, received: int, *, of: int) -> None:
        """Leave an unfinished blob behind, as `abandon` does, so that the next fetch of the blob can `resume` it."""
        if received:
            self.partials[digest] = received
        self.abandon(received, of=of)

    def resume(self, digest: str) -> int:
        """Take over what an earlier fetch has left of a blob; return the number of its bytes, 0 for none."""
        received = self.partials.pop(digest, 0) if self.partials else 0
        self._abandoned -= received
        return received

    @property
    def bytes(self) -> int:
        """Bytes of all content, finished or not."""
        return sum(self.blobs.values()) + sum(self.snapshots.values()) + self._abandoned

    def image_of(self, image_id: str, handler: str = "") -> StoredImage | None:
        """Find an image by its ID; of several, the image that was pulled for the runtime handler."""
        found = None
        for image in self.images.values():
            if image.manifest.config_digest == image_id:
                if image.handler == handler:
                    return image
                found = found or image
        return found

    def remove(self, image_id: str) -> None:
        """Remove an image under all its names, then collect garbage (internal/cri/server/images/image_remove.go)."""
        removed = [name for name, image in self.images.items() if image.id == image_id]
        for name in removed:
            del self.images[name]
        lost = self.collect()
        if self.watcher is not None:
            self.watcher.removed(removed, lost)

    def add_container(self, image_id: str, handler: str) -> StoredImage | None:
        """Create a container of an image; return the image, or None if it is not on the node."""
        image = self.image_of(image_id, handler)
        if image is not None:
            key = image_id, image.handler
            self._containers[key] = image, self._containers.get(key, (image, 0))[1] + 1
        return image

    def remove_container(self, image_id: str, handler: str) -> None:
        """Remove a container of an image."""
        image, count = self._containers.pop((image_id, handler))
        if count > 1:
            self._containers[image_id, handler] = image, count - 1

    def collect(self) -> list[str]:
        """Remove the blobs and snapshots that no image, container or lease needs (core/metadata/gc.go).

        A container keeps the snapshots of its image, but not the blobs. Returns the digests of the lost blobs.
        """
        blobs: set[str] = set().union(*(lease.blobs for lease in self.leases))
        snapshots: set[str] = set().union(*(lease.snapshots for lease in self.leases))
        for image in self.images.values():
            blobs.update(digest for digest, _ in image.blobs())
            snapshots.update(image.snapshots())
        for image, _ in self._containers.values():
            snapshots.update(image.snapshots())
        freed, self._abandoned = self._abandoned, 0
        self.partials.clear()
        lost = [digest for digest in self.blobs if digest not in blobs]
        self.collected.update(dict.fromkeys(lost))
        freed += sum(self.blobs.pop(digest) for digest in lost)
        freed += sum([self.snapshots.pop(chain_id) for chain_id in list(self.snapshots) if chain_id not in snapshots])
        if self.filesystem is not None:
            self.filesystem.release(freed)
        return lost


def image_record(
    manifest: Manifest, target: str, target_size: int, handler: str, handlers: RuntimeHandlers
) -> StoredImage:
    """Make the record of an image that is pulled for a runtime handler."""
    if not handler:
        return StoredImage(manifest, target, target_size)
    return StoredImage(manifest, target, target_size, handlers.identity(handler), handlers.prefix(handler))


@lru_cache(maxsize=65536)
def _records(reference: Reference, target: str, handler: str) -> tuple[str, str]:
    """Return the names of the records of an image; many nodes have the same ones."""
    return image_name(reference, handler), _by_handler(f"{reference.repository}@{target}", handler)


def image_name(reference: Reference, handler: str = "") -> str:
    """Return the name of an image's record: without the tag if there is a digest (reference/docker ParseDockerRef)."""
    return _by_handler(f"{reference.repository}@{reference.digest}" if reference.digest else str(reference), handler)


def _by_handler(name: str, handler: str) -> str:
    return f"{name},{handler}" if handler else name
