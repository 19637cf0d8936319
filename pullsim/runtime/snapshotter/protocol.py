"""The protocol of snapshotters, which turn layers into snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.oci.manifest import Layer
    from pullsim.runtime.sources.blob_source import BlobSource


class Mount(Protocol):
    """A layer that the snapshotter mounts without its blob."""

    size: int  # bytes that the snapshot takes on the disk

    def wait(self) -> Generator[Any, Any, bool]:
        """Wait until the layer can be mounted; return False if it cannot, so that its blob is fetched after all."""

    def mounted(self, chain_id: str) -> None:
        """Note that the snapshot with this key has been made of it."""


class Snapshotter(Protocol):
    """Makes a snapshot of each layer on top of the layers below it (containerd core/snapshots, Snapshotter)."""

    def mount(self, layer: Layer, source: BlobSource) -> Mount | None:
        """Return the layer as a mount that needs no download; None: its blob has to be fetched and unpacked.

        From ``source`` a snapshotter may read what it needs for the mount, such as the layer's table of contents.

        In containerd such a snapshotter answers Prepare with "already exists", and the layer is not fetched
        (core/unpack/unpacker.go, "remote snapshotters").
        """

    def unpack(self, layer: Layer) -> Generator[Any, Any, str]:
        """Unpack the blob of a layer into a snapshot; return what limited that: cpu | disk."""
