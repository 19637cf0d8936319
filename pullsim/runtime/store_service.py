"""The calls of the image service that need no pull, which are the same for containerd and CRI-O."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Protocol

from pullsim.cri import FilesystemUsage, ListedImage
from pullsim.errors import InputError
from pullsim.oci.manifest import select
from pullsim.oci.reference import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    from pullsim.hardware.filesystem import Filesystem
    from pullsim.oci.manifest import Image, Manifest
    from pullsim.oci.reference import Reference
    from pullsim.reads import Reads
    from pullsim.runtime.node import RuntimeNode

NO_ROOM: Final = "a node's disk has no room for {}, which is to be there from the start: give disk.size more"
#: Images of sandboxes, which runtimes pin (containerd internal/cri/config, the sandbox image of each release).
SANDBOX_IMAGES: Final = ("registry.k8s.io/pause", "k8s.gcr.io/pause")


class Listed(Protocol):
    """An image in a store."""

    @property
    def id(self) -> str:
        """The image's ID."""

    @property
    def size(self) -> int:
        """The image's size in bytes, as the runtime reports it."""

    @property
    def handler(self) -> str:
        """The runtime handler that it was pulled for; "" is the default one."""


@lru_cache(maxsize=256)
def _normalised(images: tuple[str, ...]) -> frozenset[str]:
    """Return the names of images in full, as image records have them."""
    return frozenset(str(parse(image)) for image in images)


@lru_cache(maxsize=65536)
def _listed(image_id: str, size: int, names: tuple[str, ...], handler: str, pins: frozenset[str]) -> ListedImage:
    """Return an image as it is listed; many nodes have the same one, and list it again and again."""
    pinned = any(name in pins or parse(name).repository in SANDBOX_IMAGES for name in names)
    return ListedImage(image_id, size, names, pinned, handler)


def filesystem_usage(filesystem: Filesystem | None, images: int) -> FilesystemUsage:
    """Return how full an image filesystem is.

    A filesystem that never fills up (None) has only the ``images`` in use, in bytes.
    """
    if filesystem is None:
        return FilesystemUsage(None, images)
    return FilesystemUsage(filesystem.capacity, filesystem.used)


class StoreService:
    """The part of an image service that needs no pull; subclasses give what they store, and how it is put there."""

    def __init__(self, node: RuntimeNode) -> None:
        self._filesystem = node.filesystem
        self._platform = node.spec.platform
        self._registries = node.registries
        self._env = node.env
        self._files = node.files
        self._pins = _normalised(node.spec.pinned)
        self._volume = node.volume
        self._secondary_disk = node.secondary_disk

    def stored(self) -> Iterable[tuple[str, Listed]]:
        """Return the name and the image of each image record."""
        raise NotImplementedError

    def stored_bytes(self) -> int:
        """Return the bytes of all content, finished or not."""
        raise NotImplementedError

    def put(self, reference: Reference, image: Image, manifest: Manifest) -> bool:
        """Put an image on the node in no time; return False if the disk is full.

        ``manifest`` is the one for the node's platform.
        """
        raise NotImplementedError

    def missing_of(self, manifest: Manifest, handler: str) -> int:
        """Return the bytes of the blobs of an image's layers that the node needs and has not."""
        raise NotImplementedError

    def missing_bytes(self, image: str, handler: str = "") -> int | None:
        """See `ImageService.missing_bytes`."""
        reference = parse(image)
        content = self._registries(reference.domain).content(reference, self._env.now)
        manifest = None if content is None else select(content, self._platform)
        return None if manifest is None else self.missing_of(manifest, handler)

    def layers(self, image_id: str) -> Iterable[tuple[str, int]]:
        """Return the key of the snapshot and the unpacked bytes of each layer of an image; none if it is not there."""
        raise NotImplementedError

    def unmount_rootfs(self) -> Generator[Any, Any, None] | None:
        """See `ImageService.unmount_rootfs`.

        CRI-O mounts with the option volatile, so that nothing is synced (cri-o pull 4885).
        """
        return None

    def await_mount(self, image_id: str, handler: str = "") -> Generator[Any, Any, None] | None:  # noqa: ARG002
        """See `ImageService.await_mount`."""
        return None

    def read_image(self, image_ids: Sequence[str], reads: Reads) -> Generator[Any, Any, None] | None:
        """See `ImageService.read_image`."""
        images = (list(self.layers(image_id)) for image_id in image_ids)
        largest = max(images, key=lambda layers: sum(size for _, size in layers), default=[])
        return self._files.read(largest, reads)

    def list_images(self) -> list[ListedImage]:
        """Return the images, each once with all its names.

        Models containerd internal/cri/store/image/image.go and cri-o server/image_list.go.
        """
        found: dict[tuple[str, str], tuple[Listed, list[str]]] = {}
        for name, image in self.stored():
            found.setdefault((image.id, image.handler), (image, []))[1].append(name)
        return [
            _listed(image_id, image.size, tuple(names), handler, self._pins)
            for (image_id, handler), (image, names) in found.items()
        ]

    def image_fs(self) -> FilesystemUsage:
        """Return how full the disk is with the store's content and everything else on it."""
        return filesystem_usage(self._filesystem, self.stored_bytes())

    def watch_space(self, limit: int, alarm: Callable[[], None]) -> None:
        """See `ImageService.watch_space`."""
        if self._filesystem is not None:
            self._filesystem.watch(limit, alarm)

    def preload(self, image: str) -> None:
        """See `Runtime.preload`."""
        reference, content, manifest = self._at_start(image)
        if not self.put(reference, content, manifest):
            raise InputError(NO_ROOM.format(image))
        if self._volume is not None:
            self._files.lie_in(self._volume, manifest.chain_ids)

    def attach(self, image: str) -> None:
        """See `Runtime.attach`."""
        assert self._secondary_disk is not None
        _, _, manifest = self._at_start(image)
        self.mount(manifest)
        self._files.lie_in(self._secondary_disk, manifest.chain_ids)

    def leave(self) -> None:
        """See `Runtime.leave`: there is nothing of the kind, but for lazy snapshotters."""

    def mount(self, manifest: Manifest) -> None:
        """Have the layers of an image without its blobs, on another disk, for as long as the node is there."""
        raise NotImplementedError

    def _at_start(self, image: str) -> tuple[Reference, Image, Manifest]:
        """Return an image as the registry has it at time 0. Raises KeyError if it does not have it."""
        reference = parse(image)
        content = self._registries(reference.domain).content(reference, 0.0)
        manifest = None if content is None else select(content, self._platform)
        if content is None or manifest is None:
            raise KeyError(image)
        return reference, content, manifest
