"""The settings of snapshotters that differ from overlayfs: SOCI's parallel mode, and EROFS."""

from __future__ import annotations

from dataclasses import field
from typing import Final, Literal

from pullsim.frozen import dataclass
from pullsim.spec.unpack import Decompressor, UnpackSpec

#: How EROFS makes a layer: from the tar, as an index beside the tar, or by a copy as the layer is an EROFS blob.
ErofsMode = Literal["convert", "tarIndex", "native"]

SOCI: Final = "soci"
EROFS: Final = "erofs"


@dataclass(frozen=True, slots=True)
class SociSpec:
    """The parallel pull and unpack mode of the SOCI snapshotter (soci-snapshotter docs/parallel-mode.md, 0.15).

    A limit that is None does not bind. The defaults are the daemon's own, which imitate containerd: three whole layers
    of an image at a time, one of which is unpacked, and blobs that are kept.
    """

    chunk_size: int = 0  # bytes of one GET; 0: whole layers
    downloads_per_image: int | None = 3  # GETs of one image at a time
    downloads: int | None = None  # GETs of the node at a time
    unpacks_per_image: int | None = 1  # layers of one image that are unpacked at a time
    unpacks: int | None = None  # layers of the node that are unpacked at a time
    discard_layers: bool = False  # whether compressed layers are dropped, and not stored for containerd
    decompressor: Decompressor = "gzip"
    rereads: float = 0.0  # the part of the compressed bytes that unpacking reads from the disk, and not from memory
    unpack: UnpackSpec = field(default_factory=UnpackSpec)  # costs of the streams that run side by side


@dataclass(frozen=True, slots=True)
class ErofsSpec:
    """The EROFS snapshotter with its differ (containerd plugins/snapshots/erofs and plugins/diff/erofs, from 2.1)."""

    mode: ErofsMode = "convert"
    immutable: bool = False  # set_immutable: the blob of a layer is on the disk before the layer is committed
