"""containerd as a kubelet sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pullsim.cri import ContainerImage, FilesystemUsage, ImageStatus, ListedImage
from pullsim.errors import InputError
from pullsim.hardware.page_cache import CachedDisk
from pullsim.kernel.event import Call, Timeout
from pullsim.oci.manifest import select
from pullsim.oci.reference import parse
from pullsim.releases.containerd import behaviour
from pullsim.runtime.containerd.pull import Pull
from pullsim.runtime.containerd.store import Store, image_name
from pullsim.runtime.fetch_stages import DownloadSlots
from pullsim.runtime.sources.hosts import Source, sources
from pullsim.runtime.unpack import Unpacker
from pullsim.spec.stored_image import StoredImage

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pullsim.cri import Auth, Caller, PullOutcome
    from pullsim.runtime.node import RuntimeNode
    from pullsim.spec.runtime import ContainerdSpec
    from pullsim.time_line import TimeLine


NO_ROOM: Final = "a node's disk has no room for {}, which is to be there from the start: give disk.size more"
LEAST_CHUNK: Final = 512  # bytes; less is no chunk (core/remotes/docker/fetcher.go minChunkSize)
#: Images that sandboxes are made of, which containerd pins (internal/cri/config, sandbox image of each release).
SANDBOX_IMAGES: Final = ("registry.k8s.io/pause", "k8s.gcr.io/pause")


class Containerd:
    """The image service of one node."""

    def __init__(self, node: RuntimeNode, spec: ContainerdSpec) -> None:
        env = node.env
        self.env = env
        self.node = node.name
        self.spec = spec
        self.platform = node.spec.platform
        self.port = node.nic().down
        cores = node.cores()
        self.disk = node.disk()
        self.fsync = node.spec.disk.fsync  # seconds that one takes for a blob
        self.fsyncs = self.fsync > 0.0 or isinstance(self.disk, CachedDisk)  # they take time
        self.recorder = node.recorder
        self.handlers = node.handlers
        self.behaviour = behaviour(spec.version, local_pull=spec.local_pull)
        self.store = Store(env, spec.metadata_write, node.filesystem)
        self.unpacker = Unpacker(env, spec.unpack, cores, self.disk)
        self.address = node.spec.address
        timeout = spec.progress_timeout
        self.progress_timeout = self.behaviour.progress_timeout if timeout is None else timeout
        self.chunk = spec.layer_fetch_buffer if spec.layer_fetch_buffer >= LEAST_CHUNK else 0  # bytes
        self._registries = node.registries
        self._sources: dict[str, tuple[Source, ...]] = {}  # by registry
        self._slots = self._new_slots() if self.behaviour.node_wide_slots else None
        self.unpack_slots = DownloadSlots(env, spec.max_concurrent_unpacks) if spec.max_concurrent_unpacks > 1 else None
        self.port.on_busy = self.unpacker.downloading

    def sources(self, registry: str) -> tuple[Source, ...]:
        """Return the hosts that are tried for a registry's images, in order."""
        found = self._sources.get(registry)
        if found is None:
            found = self._sources[registry] = sources(registry, self.spec, self._registries)
        return found

    def slots(self) -> DownloadSlots:
        """Return the download slots for a new pull."""
        return self._slots or self._new_slots()

    def _new_slots(self) -> DownloadSlots:
        return DownloadSlots(self.env, self.spec.max_concurrent_downloads)

    def sync_blob(self) -> Generator[Any, Any, None]:
        """Make a written blob durable by an fsync (plugins/content/local/writer.go Commit)."""
        yield from self.drag()
        if self.fsync:
            yield Timeout(self.env, self.fsync)

    def drag(self) -> Generator[Any, Any, None]:
        """Wait for the data of other files that an fsync writes first."""
        if self.disk is not None and (dragged := self.disk.drag()) is not None:
            yield dragged

    def image_status(self, image: str, handler: str = "") -> ImageStatus | None:
        """Look the name up in the image records."""
        stored = self.store.images.get(image_name(parse(image), self.handlers.identity(handler)))
        return None if stored is None else ImageStatus(stored.manifest.config_digest, stored.manifest.total_size)

    def pull_image(
        self, image: str, caller: Caller, clock: TimeLine, *, auth: Auth | None = None, handler: str = ""
    ) -> Generator[Any, Any, PullOutcome]:
        """Pull (internal/cri/server/images/image_pull.go PullImage)."""
        return Pull(self, parse(image), caller, clock, auth, handler).run()

    def list_images(self) -> list[ListedImage]:
        """Put the names of each image ID together (internal/cri/store/image/image.go)."""
        found: dict[tuple[str, str], tuple[StoredImage, list[str]]] = {}
        for record, stored in self.store.images.items():
            name = record.partition(",")[0]  # without the handler
            found.setdefault((stored.id, stored.handler), (stored, []))[1].append(name)
        return [
            ListedImage(
                stored.id,
                stored.manifest.total_size,
                tuple(names),
                any(parse(name).repository in SANDBOX_IMAGES for name in names),
                stored.handler,
            )
            for stored, names in found.values()
        ]

    def remove_image(self, image_id: str) -> None:
        """Drop all names and collect at once (internal/cri/server/images/image_remove.go RemoveImage)."""
        self.store.remove(image_id)

    def image_fs(self) -> FilesystemUsage:
        """Count what is on the disk: compressed blobs, unpacked snapshots, and what others use."""
        filesystem = self.store.filesystem
        if filesystem is None:
            return FilesystemUsage(None, self.store.bytes)
        return FilesystemUsage(filesystem.capacity, filesystem.used)

    def watch_space(self, limit: int, alarm: Callable[[], None]) -> None:
        """See `ImageService.watch_space`."""
        if self.store.filesystem is not None:
            self.store.filesystem.watch(limit, alarm)

    def create_container(self, image_id: str, handler: str = "") -> ContainerImage | None:
        """Resolve the image, prepare a snapshot on its own (internal/cri/server/container_create.go)."""
        image = self.store.add_container(image_id, self.handlers.identity(handler))
        return None if image is None else ContainerImage(image_id, image.handler)

    def remove_container(self, image: ContainerImage) -> None:
        """See `ImageService.remove_container`."""
        self.store.remove_container(*image)

    def collect_later(self) -> None:
        """Collect garbage soon, as a lease has ended that may have kept some."""
        if self.spec.collect_after < float("inf"):
            Call(self.env, lambda _: self.store.collect(), self.spec.collect_after)

    def preload(self, image: str) -> None:
        """Put an image on the node as it was at time 0.

        Raises KeyError if the registry did not have it, InputError if the disk has no room for it.
        """
        reference = parse(image)
        content = self._registries(reference.domain).content(reference, 0.0)
        manifest = None if content is None else select(content, self.platform)
        if content is None or manifest is None:
            raise KeyError(image)
        discards = self.spec.discard_unpacked_layers
        if not self.store.put(reference, StoredImage(manifest, content.digest, content.size, discards=discards)):
            raise InputError(NO_ROOM.format(image))
