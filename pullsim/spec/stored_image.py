"""What one image is on the disk of a node, in each runtime that has images: no behaviour, sizes alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pullsim.oci.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Iterator


class StoredImage(NamedTuple):
    """An image record: the manifest of the node's platform, and the digest that its name resolved to."""

    manifest: Manifest
    target: str
    target_size: int = 0  # bytes of the index, where the name resolved to one
    handler: str = ""  # runtime handler that it was pulled for; "" is the default one
    prefix: str = ""  # put before the keys of its snapshots when the handler has a snapshotter of its own
    discards: bool = False  # its layers' blobs are not needed once they are unpacked

    @property
    def id(self) -> str:
        """The image's ID."""
        return self.manifest.config_digest

    @property
    def size(self) -> int:
        """Bytes that containerd tells: compressed ones of manifest, config and layers."""
        return self.manifest.total_size

    def snapshots(self) -> tuple[str, ...]:
        """Return the keys of its snapshots, from the bottom up: chain IDs, after the name of another snapshotter."""
        chain_ids = self.manifest.chain_ids
        return tuple(self.prefix + chain_id for chain_id in chain_ids) if self.prefix else chain_ids

    def blobs(self) -> Iterator[tuple[str, int]]:
        """Yield the digests of the blobs that it needs, and their bytes."""
        manifest = self.manifest
        if self.target != manifest.digest:
            yield self.target, self.target_size
        yield manifest.digest, manifest.size
        yield manifest.config_digest, manifest.config_size
        if not self.discards:
            for layer in manifest.layers:
                yield layer.digest, layer.size

    def unpacked(self) -> Iterator[tuple[str, int]]:
        """Yield the keys of its snapshots and their bytes."""
        for key, layer in zip(self.snapshots(), self.manifest.layers, strict=True):
            yield key, layer.unpacked


class CrioImage(NamedTuple):
    """An image: the manifest of the node's platform, and the digest that its name resolved to."""

    manifest: Manifest
    target: str
    target_size: int = 0  # bytes of the index, where the name resolved to one

    @property
    def id(self) -> str:
        """The image's ID, by which the kubelet knows it."""
        return self.manifest.config_digest

    @property
    def handler(self) -> str:
        """The runtime handler that it was pulled for: images are the same for all of them."""
        return ""

    @property
    def documents(self) -> int:
        """Bytes of its manifest, config and index."""
        index = self.target_size if self.target != self.manifest.digest else 0
        return self.manifest.size + self.manifest.config_size + index

    @property
    def size(self) -> int:
        """Bytes that CRI-O tells: layers unpacked (containers/image storage/storage_image.go, Size)."""
        return self.documents + sum(layer.unpacked for layer in self.manifest.layers)
