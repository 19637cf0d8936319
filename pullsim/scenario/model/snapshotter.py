"""The keys ``soci`` and ``erofs`` of a runtime: snapshotters that differ from overlayfs."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, field_validator

from pullsim.errors import shown
from pullsim.scenario.model.hardware import Short
from pullsim.scenario.model.quantities import Size  # noqa: TC001  # pydantic reads it
from pullsim.spec.snapshotter import ErofsMode, ErofsSpec, SociSpec
from pullsim.spec.unpack import Decompressor  # noqa: TC001  # pydantic reads it

_EROFS = ErofsSpec()
_SOCI = SociSpec()
_MOST: Final = 1_000_000
_UNLIMITED: Final = "unlimited"
_LEAST_CHUNK: Final = 100_000  # bytes: each GET is simulated, and a layer of 10 GB has 100,000 of them then


def _limit(value: Any) -> Any:
    """Read a limit: a number from 1 on; 0 stands for none, which is written as the daemon's -1 or as a word."""
    if value in (_UNLIMITED, -1):
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST:
        raise ValueError(f"{shown(value)} is no limit: a number from 1 to {_MOST:,}, or {_UNLIMITED}")
    return value


Limit = Annotated[
    int,
    BeforeValidator(_limit),
    PlainSerializer(lambda value: value or _UNLIMITED, when_used="unless-none"),
    WithJsonSchema({"type": ["integer", "string"], "examples": [20, _UNLIMITED]}),
]
#: Where SOCI's parallel mode comes with settings of its own.
SociPreset = Literal["eks-al2023", "bottlerocket", "eks-auto"]


class Soci(Short):
    """The parallel mode of the SOCI snapshotter: layers come in chunks and are unpacked side by side.

    Absent keys are those of the preset; without one those of the daemon, which pulls three whole layers of an image at
    a time, unpacks one and keeps the blobs.
    """

    preset: SociPreset | None = Field(
        default=None,
        description="eks-al2023: FastImagePull of Amazon's AL2023 nodes (16MB chunks, 20 downloads and 12 unpacks an "
        "image, layers dropped, unpigz; without effect below 4 cores). bottlerocket: the daemon's own settings, with "
        "unpigz. eks-auto: not published, those of eks-al2023.",
    )
    chunk_size: Size | None = Field(
        default=None,
        description="Bytes of one GET, at least 100kB: concurrent_download_chunk_size; 0: whole layers.",
    )
    downloads_per_image: Limit | None = Field(
        default=None, description="GETs of one image at a time, or unlimited: max_concurrent_downloads_per_image."
    )
    downloads: Limit | None = Field(
        default=None, description="GETs of the node at a time, or unlimited: max_concurrent_downloads."
    )
    unpacks_per_image: Limit | None = Field(
        default=None, description="Layers of one image unpacked at a time: max_concurrent_unpacks_per_image."
    )
    unpacks: Limit | None = Field(
        default=None, description="Layers of the node unpacked at a time: max_concurrent_unpacks."
    )
    discard_layers: bool | None = Field(
        default=None, description="Drop compressed layers instead of storing them: discard_unpacked_layers."
    )
    decompressor: Decompressor | None = Field(
        default=None,
        description="Program that inflates gzip (decompress_streams), gzip being Go's own; by default the preset's, or "
        "unpack.decompressor.",
    )
    rereads: float = Field(
        default=_SOCI.rereads,
        ge=0,
        le=1,
        description="Part of the compressed bytes that unpacking reads from the disk, as memory has lost them.",
    )

    @field_validator("chunk_size")
    @classmethod
    def _is_no_crumb(cls, size: int | None) -> int | None:
        if size is not None and 0 < size < _LEAST_CHUNK:
            raise ValueError(f"chunks of {size} bytes are too small: at least 100kB, or 0 for whole layers")
        return size


class Erofs(Short):
    """The EROFS snapshotter with its differ (containerd from 2.1 on): each layer becomes one file."""

    mode: ErofsMode = Field(
        default=_EROFS.mode,
        description="convert: the tar into a filesystem (mkfs.erofs); tarIndex: an index and the tar "
        "(enable_tar_index); native: the images' layers are EROFS blobs, uncompressed where a layer unpacks to its own "
        "size, else with zstd.",
    )
    immutable: bool = Field(
        default=_EROFS.immutable, description="Each layer is on the disk before it is committed: set_immutable."
    )
