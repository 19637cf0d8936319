"""Images as the files of registries' and runtimes' tools describe them: names, platform, and layers or a size."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pullsim.frozen import dataclass
from pullsim.oci.manifest import UNPACK_RATIO
from pullsim.oci.reference import InvalidReference, parse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pullsim.oci.json_input import JsonObject
    from pullsim.oci.manifest import Image
    from pullsim.oci.platform import Platform

_PREFIXES: Final = ("docker-pullable://", "docker://")
_NO_NAME: Final = re.compile(r"(?:sha256:)?[0-9a-f]{64}|(?:.*/)?import-\d{4}-\d{2}-\d{2}@.*|.*<none>.*")


@dataclass(frozen=True, slots=True)
class FoundImage:
    """One image of a file, with what the file tells of it: its layers, or one or two of the sizes, or nothing.

    ``names`` are normalised (``docker.io/library/nginx:1.27``), those with tags first. Sizes are bytes of one platform.
    What a figure counts differs between the tools; ``source`` says where it comes from.
    """

    names: tuple[str, ...]
    source: str  # what printed it, and what its size counts: "crictl images of containerd: compressed"
    file: str  # the file that it stands in
    platform: Platform | None = None  # None: the file does not say one
    image: Image | None = None  # with its layers, if they are known
    compressed: int | None = None  # what a pull downloads: layers, and where the tool counts them manifest and config
    unpacked: int | None = None  # what the layers take on a disk
    total: int | None = None  # compressed and unpacked bytes in one number, as Docker on containerd's store has it
    artifact: bool = False  # an OCI artifact, which only an image volume can mount

    @property
    def tagged(self) -> tuple[str, ...]:
        """The names with a tag and without a digest, as pods mostly have them."""
        return tuple(name for name in self.names if "@" not in name)

    @property
    def certainty(self) -> int:
        """How much is known of what a pull downloads, from 0 for nothing to 4 for all layers."""
        known = (self.total, self.unpacked, self.compressed, self.image)
        return max((rank for rank, value in enumerate(known, 1) if value is not None), default=0)

    def estimated_compressed(self, unpack_ratio: float = UNPACK_RATIO) -> int | None:
        """Return the bytes that a pull downloads: as known, or as the unpacked size divided by ``unpack_ratio``."""
        if self.compressed is not None:
            return self.compressed
        if self.unpacked is not None:
            return round(self.unpacked / unpack_ratio)
        return None if self.total is None else round(self.total / (1 + unpack_ratio))

    def named(self, *names: str) -> FoundImage:
        """Return the image with more names."""
        return replace(self, names=normalised((*names, *self.names)))


@dataclass(frozen=True, slots=True)
class ImageFile:
    """What one file, or a directory, has of images; ``reasons``: why something cannot be used, and what has it."""

    kind: str  # what printed the file: "skopeo inspect", "crictl images"
    images: tuple[FoundImage, ...] = ()
    reasons: tuple[str, ...] = ()


def by_name(images: Iterable[FoundImage]) -> dict[str, FoundImage]:
    """Return what is known best of each name: layers before a compressed size before others; of equals the first."""
    best: dict[str, FoundImage] = {}
    for image in images:
        for name in image.names:
            if name not in best or image.certainty > best[name].certainty:
                best[name] = image
    return best


def with_names(images: Iterable[FoundImage], file: str) -> tuple[tuple[FoundImage, ...], tuple[str, ...]]:
    """Return the images that have names, and how many do not, which nothing can pull by a name."""
    found = list(images)
    named = tuple(image for image in found if image.names)
    nameless = len(found) - len(named)
    return named, (f"{file}: images without a name that can be pulled are left out: {nameless}",) if nameless else ()


def texts(row: JsonObject, key: str) -> list[str]:
    """Return the texts in the list at a key, which may be absent or null."""
    found = row.value.get(key)
    return [text for text in found if isinstance(text, str)] if isinstance(found, list) else []


def normalised(names: Iterable[Any]) -> tuple[str, ...]:
    """Return image names in full, each once, those with tags first.

    What names nothing that can be pulled is left out: ``<none>:<none>``, an image's ID, the names that runtimes give to
    images that were loaded by hand (``import-2026-09-01@sha256:…``), and everything that is no image name.
    """
    found: dict[str, None] = {}
    for name in names:
        if not isinstance(name, str):
            continue
        text = name
        for prefix in _PREFIXES:
            text = text.removeprefix(prefix)
        if not text or _NO_NAME.fullmatch(text):
            continue
        try:
            found[str(parse(text))] = None
        except InvalidReference:
            continue
    return tuple(sorted(found, key=lambda name: "@" in name))
