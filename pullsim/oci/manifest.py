"""Layers, manifests and indexes, and the identities that runtimes derive from them.

Sizes are bytes; digests are ``algorithm:hex``. A value that is not known is derived from the digests that are, so
that equal layers are equal in all images.
"""

from __future__ import annotations

import re
from dataclasses import field, replace
from hashlib import sha256
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from pullsim.errors import shown
from pullsim.frozen import dataclass
from pullsim.oci.platform import Platform, best

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Uncompressed bytes per compressed byte of a layer: median of a crawl of Docker Hub (Zhao et al., CLUSTER 2019).
UNPACK_RATIO: Final = 2.6
#: Mean bytes of a file in the same crawl: 167 TB in 5.28 G files.
BYTES_A_FILE: Final = 32_000
#: Median bytes of an image's config for each of its layers, over 172 images of 2024.
CONFIG_BYTES_A_LAYER: Final = 500
#: Bytes of a Docker schema 2 manifest: 320 + 205 for each layer (kubelet-reported sizes minus layers and config).
MANIFEST_BYTES: Final = (320, 205)
#: Bytes of an index: 250 + 300 for each of its manifests, with the indentation that registries keep.
INDEX_BYTES: Final = (250, 300)

#: Most layers of an image that are read; snapshotters can mount a few hundred.
MOST_LAYERS: Final = 10_000

_LAYER_TYPE: Final = re.compile(
    r"(?:application/vnd\.(?:oci\.image\.layer(?:\.nondistributable)?\.v1|docker\.image\.rootfs(?:\.foreign)?\.diff)\.)?"
    r"tar(?:[+.](gzip|zstd))?"
)


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: its blob (compressed) and the tar archive that it unpacks to. Sizes are bytes."""

    digest: str
    size: int  # bytes of the blob
    unpacked: int  # bytes of the tar that the blob unpacks to
    files: int  # number of files in the tar
    compression: str  # gzip | zstd | stored
    diff_id: str  # digest of the tar
    #: Named contents with their bytes of the blob, of a zstd:chunked layer; a name is the same files in every layer,
    #: and the rest is in no other layer. None: the layer is not zstd:chunked.
    chunked: tuple[tuple[str, int], ...] | None = None
    #: Whether nobody said what it unpacks to.
    guessed: bool = field(default=False, compare=False, repr=False)

    @classmethod
    def of(
        cls,
        digest: str,
        size: int,
        *,
        unpacked: int | None = None,
        files: int | None = None,
        compression: str = "gzip",
        diff_id: str | None = None,
        unpack_ratio: float = UNPACK_RATIO,
        chunked: tuple[tuple[str, int], ...] | None = None,
    ) -> Layer:
        """Make a layer, with estimates for the values that are None; ``unpack_ratio``: unpacked bytes for each byte."""
        guessed = unpacked is None and compression != "stored"
        if unpacked is None:
            unpacked = size if compression == "stored" else round(size * unpack_ratio)
        if files is None:
            files = unpacked // BYTES_A_FILE
        diff_id = diff_id or synthetic_digest("diff-id", digest)
        return cls(digest, size, unpacked, files, compression, diff_id, chunked, guessed)

    def part(self, unpacked: int) -> Layer:
        """Return the first part of the layer, which unpacks to ``unpacked`` bytes.

        That is what a pull has unpacked when the disk is full.
        """
        share = unpacked / self.unpacked
        return replace(self, size=round(self.size * share), unpacked=unpacked, files=round(self.files * share))


@dataclass(frozen=True, slots=True)
class Manifest:
    """The image for one platform. Layers are from the bottom up, sizes are bytes."""

    digest: str
    size: int  # bytes of the manifest itself
    config_digest: str
    config_size: int
    layers: tuple[Layer, ...]
    total_size: int = field(init=False, compare=False, repr=False)
    _chain_ids: tuple[str, ...] = field(init=False, compare=False, repr=False, default=())

    def __post_init__(self) -> None:
        """Set the total size: manifest, config and layers, which containerd reports as the size of an image."""
        total = self.size + self.config_size + sum(layer.size for layer in self.layers)
        object.__setattr__(self, "total_size", total)

    @classmethod
    def of(
        cls,
        layers: Sequence[Layer],
        *,
        digest: str | None = None,
        size: int | None = None,
        config_digest: str | None = None,
        config_size: int | None = None,
    ) -> Manifest:
        """Make a manifest.

        Digests that are None are derived from the layers, and sizes that are None are typical ones.
        """
        count, (fixed, each) = len(layers), MANIFEST_BYTES
        if config_digest is None:
            config_digest = synthetic_digest("config", *(layer.diff_id for layer in layers))
        if digest is None:
            digest = synthetic_digest("manifest", config_digest, *(layer.digest for layer in layers))
        return cls(
            digest,
            fixed + each * count if size is None else size,
            config_digest,
            CONFIG_BYTES_A_LAYER * count if config_size is None else config_size,
            tuple(layers),
        )

    @property
    def chain_ids(self) -> tuple[str, ...]:
        """The chain ID of each layer, which names its snapshot on top of those below (OCI image spec, config.md)."""
        if len(self._chain_ids) != len(self.layers):  # computed once, when the first pull needs them
            chain = accumulate((layer.diff_id for layer in self.layers), lambda below, diff: _sha256(f"{below} {diff}"))
            object.__setattr__(self, "_chain_ids", tuple(chain))
        return self._chain_ids


@dataclass(frozen=True, slots=True)
class Index:
    """The manifests of one image by platform (OCI index, Docker manifest list)."""

    digest: str
    size: int  # bytes of the index itself
    manifests: tuple[tuple[Platform, Manifest], ...]

    @classmethod
    def of(
        cls, manifests: Iterable[tuple[Platform, Manifest]], *, digest: str | None = None, size: int | None = None
    ) -> Index:
        """Make an index.

        A digest that is None is derived from the manifests, and a size that is None is a typical one.
        """
        entries, (fixed, each) = tuple(manifests), INDEX_BYTES
        if digest is None:
            digest = synthetic_digest("index", *(f"{platform} {manifest.digest}" for platform, manifest in entries))
        return cls(digest, fixed + each * len(entries) if size is None else size, entries)


Image = Manifest | Index


def select(image: Image, platform: Platform) -> Manifest | None:
    """Return the manifest that a node of the platform pulls, or None if the index has none for it.

    A manifest without index is pulled on any platform. Source: containerd, core/images/image.go Manifest and
    core/images/handlers.go LimitManifests.
    """
    if isinstance(image, Manifest):
        return image
    position = best([entry for entry, _ in image.manifests], platform)
    return None if position is None else image.manifests[position][1]


def synthetic_digest(kind: str, *parts: str) -> str:
    """Return a digest for content that is not known; it is the same for the same kind and parts."""
    return _sha256("\n".join(("pullsim", kind, *parts)))


def compression_of(media_type: str) -> str:
    """Return the compression of a layer: gzip | zstd | stored. Raises ValueError if the media type is no layer's.

    ``media_type`` may be the end of a media type alone, as in ``tar+gzip``.

    Source: containerd, core/images/mediatypes.go DiffCompression. Docker's ``tar`` without a suffix is taken for
    uncompressed.
    """
    match = _LAYER_TYPE.fullmatch(media_type)
    if match is None:
        raise ValueError(
            f"media type {shown(media_type)} is no layer of an image: layers are tar, tar+gzip or tar+zstd, "
            "alone or after application/vnd.oci.image.layer.v1. or application/vnd.docker.image.rootfs.diff."
        )
    return match[1] or "stored"


def _sha256(text: str) -> str:
    return "sha256:" + sha256(text.encode()).hexdigest()
