"""containerd's CRI image service."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pullsim.cri import ContainerImage, ImageStatus
from pullsim.oci.reference import parse
from pullsim.runtime.containerd.node import ContainerdNode
from pullsim.runtime.containerd.pull import Pull
from pullsim.runtime.containerd.store import image_name, image_record
from pullsim.runtime.store_service import StoreService
from pullsim.spec.stored_image import StoredImage

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    import simpy

    from pullsim.cri import Auth, Caller, PullOutcome
    from pullsim.kernel.event import Event
    from pullsim.oci.manifest import Image, Manifest
    from pullsim.oci.reference import Reference
    from pullsim.runtime.node import RuntimeNode
    from pullsim.runtime.store_service import Listed
    from pullsim.spec.runtime import ContainerdSpec
    from pullsim.time_line import TimeLine


def _until(written: Event) -> Generator[Any, Any, None]:
    yield written


@lru_cache(10_000)
def _record_name(image: str, handler: str) -> str:
    """Return the name of an image's record; all nodes ask for the same ones, several times for each pod."""
    return image_name(parse(image), handler)


class Containerd(StoreService):
    """The image service of one node."""

    def __init__(self, node: RuntimeNode, spec: ContainerdSpec) -> None:
        super().__init__(node)
        self._node = ContainerdNode(node, spec)
        self.store = self._node.store

    def image_status(self, image: str, handler: str = "") -> ImageStatus | None:
        """Look the name up in the image records."""
        stored = self.store.images.get(_record_name(image, self._node.handlers.identity(handler)))
        return None if stored is None else ImageStatus(stored.id, stored.size)

    def pull_image(
        self, image: str, caller: Caller, clock: TimeLine, *, auth: Auth | None = None, handler: str = ""
    ) -> Generator[Any, Any, PullOutcome]:
        """Pull an image (internal/cri/server/images/image_pull.go PullImage)."""
        return Pull(self._node, parse(image), caller, clock, auth, handler).run()

    def leave(self) -> None:
        """See `Runtime.leave`."""
        self._node.leave()

    def remove_image(self, image_id: str) -> None:
        """Remove all names of an image and collect garbage at once (internal/cri/server/images/image_remove.go)."""
        self.store.remove(image_id)
        self._files.keep(self.store.snapshots)

    def unmount_rootfs(self) -> Generator[Any, Any, None] | None:
        """Unmount an overlay, which writes all dirty data of the filesystem that its upper directory is on.

        So do all snapshotters here, whose containers have an overlay above what they mount. Source: Linux,
        fs/super.c generic_shutdown_super and fs/overlayfs/super.c ovl_sync_fs; seen in containerd pull 6478.
        """
        disk = None if self._node.spec.volatile else self._node.disk
        written = None if disk is None else disk.sync()
        return None if written is None else _until(written)

    def await_mount(self, image_id: str, handler: str = "") -> Generator[Any, Any, None] | None:
        """Wait for what is fetched beforehand, but not for ever (stargz-snapshotter fs/fs.go Check)."""
        lazy = self._node.lazy_of(handler)
        if lazy is None:
            return None
        under_way = [process for process in lazy.prefetches.get(image_id, ()) if process.is_alive]
        return self._wait(under_way, lazy.spec.prefetch_wait) if under_way else None

    def _wait(self, processes: list[simpy.Process], seconds: float) -> Generator[Any, Any, None]:
        """Wait until all processes have ended, at the most so long."""
        env = self._node.env
        limit = env.timeout(seconds)
        for process in processes:
            if process.is_alive and not limit.processed:
                yield env.any_of([process, limit])

    def create_container(self, image_id: str, handler: str = "") -> ContainerImage | None:
        """Create a container, which keeps the snapshots of its image (internal/cri/server/container_create.go)."""
        image = self.store.add_container(image_id, self._node.handlers.identity(handler))
        return None if image is None else ContainerImage(image_id, image.handler)

    def remove_container(self, image: ContainerImage) -> None:
        """See `ImageService.remove_container`."""
        self.store.remove_container(*image)

    def stored(self) -> Iterable[tuple[str, Listed]]:
        """See `StoreService`. The runtime handler that a record's name may have after a comma is left out."""
        return [(record.partition(",")[0], image) for record, image in self.store.images.items()]

    def layers(self, image_id: str) -> Iterable[tuple[str, int]]:
        """See `StoreService`."""
        image = self.store.image_of(image_id)
        return () if image is None else image.unpacked()

    def stored_bytes(self) -> int:
        """Count compressed blobs and unpacked snapshots."""
        return self.store.bytes

    def missing_of(self, manifest: Manifest, handler: str) -> int:
        """See `StoreService`; a layer is there as a snapshot or as a blob."""
        store = self.store
        image = image_record(manifest, "", 0, handler, self._node.handlers)
        pairs = zip(manifest.layers, image.snapshots(), strict=True)
        return sum(
            layer.size
            for layer, snapshot in pairs
            if snapshot not in store.snapshots and layer.digest not in store.blobs
        )

    def mount(self, manifest: Manifest) -> None:
        """See `StoreService`: a lease keeps the snapshots, which take nothing of the node's own disk."""
        self.store.mount(manifest.chain_ids)

    def put(self, reference: Reference, image: Image, manifest: Manifest) -> bool:
        """See `StoreService`."""
        discards = self._node.discards("")
        return self.store.put(reference, StoredImage(manifest, image.digest, image.size, discards=discards))
