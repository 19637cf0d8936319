"""An image as each runtime stores it on a node's disk: its digests, and the bytes that it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pullsim.oci.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Iterator


class StoredImage(NamedTuple):
    """An image as containerd stores it: the manifest of the node's platform, and the digest of the image's name."""

    manifest: Manifest
    target: str  # the digest that the image's name resolved to: of the index, or of the manifest
    target_size: int = 0  # bytes of the index, where the name resolved to one
    handler: str = ""  # the runtime handler for which it was pulled; "" is the default handler
    prefix: str = ""  # prefix of the keys of its snapshots, when the handler has a snapshotter of its own
    discards: bool = False  # whether the blobs of its layers are not needed once they are unpacked

    @property
    def id(self) -> str:
        """The image's ID."""
        return self.manifest.config_digest

    @property
    def size(self) -> int:
        """The size in bytes that containerd reports to the kubelet: manifest, config and compressed layers."""
        return self.manifest.total_size

    def snapshots(self) -> tuple[str, ...]:
        """Return the keys of its snapshots, bottom layer first: the layers' chain IDs with the image's prefix."""
        chain_ids = self.manifest.chain_ids
        return tuple(self.prefix + chain_id for chain_id in chain_ids) if self.prefix else chain_ids

    def blobs(self) -> Iterator[tuple[str, int]]:
        """Yield the digest and the size in bytes of each blob that the image needs."""
        manifest = self.manifest
        if self.target != manifest.digest:
            yield self.target, self.target_size
        yield manifest.digest, manifest.size
        yield manifest.config_digest, manifest.config_size
        if not self.discards:
            for layer in manifest.layers:
                yield layer.digest, layer.size

    def unpacked(self) -> Iterator[tuple[str, int]]:
        """Yield the key and the size in bytes of each of its snapshots."""
        for key, layer in zip(self.snapshots(), self.manifest.layers, strict=True):
            yield key, layer.unpacked


class CrioImage(NamedTuple):
    """An image as CRI-O stores it: the manifest of the node's platform, and the digest that its name resolved to."""

    manifest: Manifest
    target: str
    target_size: int = 0  # bytes of the index, where the name resolved to one

    @property
    def id(self) -> str:
        """The image's ID, by which the kubelet knows it."""
        return self.manifest.config_digest

    @property
    def handler(self) -> str:
        """The runtime handler for which it was pulled: always the default one, since CRI-O's handlers share images."""
        return ""

    @property
    def documents(self) -> int:
        """The size in bytes of its manifest, config and index."""
        index = self.target_size if self.target != self.manifest.digest else 0
        return self.manifest.size + self.manifest.config_size + index

    @property
    def size(self) -> int:
        """The size in bytes that CRI-O reports: unpacked layers (containers/image storage/storage_image.go, Size)."""
        return self.documents + sum(layer.unpacked for layer in self.manifest.layers)
