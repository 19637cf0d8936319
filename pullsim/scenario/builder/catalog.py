"""Building the catalogue of a scenario from its section ``images``."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import InputError, shown
from pullsim.formats.oci.directory import read_named
from pullsim.formats.oci.found import by_name
from pullsim.formats.oci.reader import read_images
from pullsim.inputs.told import Told
from pullsim.oci.catalog import Catalog
from pullsim.oci.manifest import Image, Index, Layer, Manifest, compression_of, select, synthetic_digest
from pullsim.oci.reference import InvalidReference, parse
from pullsim.oci.typical import typical_splits
from pullsim.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from pullsim.formats.oci.found import FoundImage
    from pullsim.inputs.findings import Findings
    from pullsim.oci.platform import Platform
    from pullsim.scenario.model.images import Content, ImageDefinition, Images, ManifestFile

#: A size that a node tells is that of a known image if they differ by at most this share; otherwise the tag has moved.
_SAME: Final = 0.05


@lru_cache(maxsize=16)
def builtin_catalog(name: str, unpack_ratio: float) -> Catalog:
    """Read a built-in catalogue. Nobody changes it, as it is only merged into others, so that runs can share it."""
    return Catalog.builtin(name, unpack_ratio=unpack_ratio)


class CatalogBuilder:
    """Makes the catalogue from ``catalogs``, ``manifests`` and ``define``, in this order.

    An image that occurs again replaces the earlier one as a whole. Errors go to the findings. Images with a size and
    no layers are split as typical images are (`pullsim.oci.typical`), by ``images.split`` or the seed.
    """

    def __init__(
        self, images: Images, platforms: Collection[Platform], directory: Path, findings: Findings, seed: int
    ) -> None:
        self.catalog = Catalog()
        self.guessed: set[str] = set()  # normalised names of images whose layers are guesses
        self.artifacts: set[str] = set()  # normalised names of OCI artifacts
        self._images = images
        self._platforms = platforms
        self._directory = directory
        self._findings = findings
        self._streams = Streams(seed)

    def build(self) -> Catalog:
        """Return the catalogue."""
        for index, name in enumerate(self._images.catalogs):
            try:
                self.catalog.merge(self._load(name))
            except InputError as error:
                self._findings.take(error, "images", "catalogs", index)
        for index, entry in enumerate(self._images.manifests):
            try:
                self.catalog.merge(self._read(entry))
            except InputError as error:
                self._findings.take(error, "images", "manifests", index)
        self.catalog.merge(self._defined())
        return self.catalog

    def _load(self, name: str) -> Catalog:
        if "/" in name or name.endswith(".json"):
            return Catalog.load(self._directory / name, unpack_ratio=self._images.unpack_ratio)
        return builtin_catalog(name, self._images.unpack_ratio)

    def _read(self, entry: ManifestFile) -> Catalog:
        """Read a file or a directory. Raises InputError for one that has nothing of use."""
        path = self._directory / entry.path
        options: dict[str, Any] = {"unpack_ratio": self._images.unpack_ratio, "platforms": self._platforms}
        if entry.image is None:
            found = read_named(path, **options)
            if found.images:
                told = Told()
                for reason in found.reasons:
                    file, _, text = reason.partition(": ")
                    told.about(file, text)
                self._findings.warnings += told.lines()
            images: Sequence[FoundImage] = found.images
        else:
            found = read_images(path, **options)
            images = _of(entry.image, found.images, str(path))
        if not images:
            raise InputError(next(iter(found.reasons), f"{path}: has no image"))
        catalog = Catalog()
        for name, best in by_name(images).items():
            if best.artifact:
                self.artifacts.add(name)
            if best.image is not None:
                catalog.add(name, best.image)
                self.guessed.discard(name)
            elif sized := self._sized(name, [image for image in images if name in image.names]):
                catalog.add(name, sized)
                self.guessed.add(name)
        return catalog

    def _sized(self, name: str, images: Sequence[FoundImage]) -> Image | None:
        """Return an image of which sizes are known, by platform; None where a catalogue knows its layers, or nothing.

        A size of another platform than the nodes' is no use, and one without a platform is taken for all nodes.
        """
        known = self.catalog.lookup(parse(name), 0.0)
        manifests: dict[Platform | None, Manifest] = {}
        for image in sorted(images, key=lambda image: -image.certainty):
            size = image.estimated_compressed(self._images.unpack_ratio)
            if not size or image.platform in manifests:
                continue
            if known is not None and _is_size_of(known, size, image, self._platforms):
                return None
            manifests[image.platform] = self._split(name, size, image.unpacked, (name, str(image.platform)))
        if None in manifests or not manifests:
            return manifests.get(None)
        return Index.of((platform, manifest) for platform, manifest in manifests.items() if platform is not None)

    def _defined(self) -> Catalog:
        """Return the images that are defined by hand."""
        defined = Catalog()
        for name, group in self._by_image().items():
            if any(content.layers is None for entry in group.values() for content in (entry, *entry.tag_moves)):
                self.guessed.add(name)
            else:
                self.guessed.discard(name)
            for at, image in self._timeline(group):
                defined.add(name, image, at)
        return defined

    def _by_image(self) -> dict[str, dict[Platform, ImageDefinition]]:
        """Group definitions by image and platform."""
        groups: dict[str, dict[Platform, ImageDefinition]] = defaultdict(dict)
        sizes: dict[str, int] = {}
        for index, entry in enumerate(self._images.define):
            for position, layer in enumerate(entry.layers or ()):
                if layer.digest is not None and sizes.setdefault(layer.digest, layer.size) != layer.size:
                    message = f"{layer.digest} has {sizes[layer.digest]} bytes elsewhere: one digest is one content"
                    self._findings.error(message, "images", "define", index, "layers", position, "digest")
            try:
                groups[str(parse(entry.image))][entry.platform] = entry
            except InvalidReference as error:
                self._findings.error(f"image {shown(entry.image)}: {error}", "images", "define", index, "image")
        return groups

    def _timeline(self, group: dict[Platform, ImageDefinition]) -> list[tuple[float, Image]]:
        """Return the contents of an image, each with the time in seconds from which on the tag points to it."""
        contents: dict[float, dict[Platform, Manifest]] = defaultdict(dict)
        for platform, entry in group.items():
            contents[0.0][platform] = self._manifest(entry, 0.0, entry)
            for move in entry.tag_moves:
                contents[move.at][platform] = self._manifest(entry, move.at, move)
        timeline: list[tuple[float, Image]] = []
        current: dict[Platform, Manifest] = {}
        for at in sorted(contents):
            current |= contents[at]
            # It is an index even with one platform, since containerd accepts a manifest without index on any platform.
            timeline.append((at, Index.of(current.items())))
        return timeline

    def _manifest(self, entry: ImageDefinition, at: float, content: Content) -> Manifest:
        # A layer without a digest has content that no other layer has: its digest is made from where it is defined.
        unique = (str(parse(entry.image)), str(entry.platform), repr(at))
        if content.layers is None:
            size = content.size or max(round((content.unpacked or 0) / self._images.unpack_ratio), 1)
            return self._split(entry.image, size, content.unpacked, unique, entry.kind)
        return Manifest.of(
            [
                Layer.of(
                    layer.digest or synthetic_digest("layer", *unique, str(position), str(layer.size)),
                    layer.size,
                    unpacked=layer.unpacked,
                    files=layer.files,
                    compression=compression_of(layer.media_type),
                    diff_id=layer.diff_id,
                    unpack_ratio=self._images.unpack_ratio,
                    chunked=layer.contents,
                )
                for position, layer in enumerate(content.layers)
            ]
        )

    def _split(
        self, name: str, size: int, unpacked: int | None, unique: tuple[str, ...], kind: str | None = None
    ) -> Manifest:
        """Return an image of ``size`` compressed bytes with the layers of a typical one; no other image has them."""
        splits = typical_splits(size, name, kind)
        drawn = self._streams.get("image split", str(parse(name))).choice(len(splits))
        split = splits[drawn if self._images.split is None else self._images.split % len(splits)]
        sizes = split.scaled(size)
        tars: Sequence[int | None] = [None] * len(sizes) if unpacked is None else split.scaled(unpacked)
        return Manifest.of(
            [
                Layer.of(
                    synthetic_digest("layer", *unique, str(position), str(each)),
                    each,
                    unpacked=tar,
                    unpack_ratio=self._images.unpack_ratio,
                )
                for position, (each, tar) in enumerate(zip(sizes, tars, strict=True))
            ]
        )


def _of(name: str, images: Sequence[FoundImage], file: str) -> list[FoundImage]:
    """Return the images of a file that are the named one, with that name alone; a file of one image need not name it.

    Raises InputError for a text that is no image name, and for a file of several images of which none has the name.
    """
    try:
        wanted = str(parse(name))
    except InvalidReference as error:
        raise InputError(f"image {shown(name)}: {error}") from None
    own = [image for image in images if wanted in image.names]
    if not own and len(images) > 1:
        raise InputError(f"{file}: has {len(images)} images, and none of them is {shown(name)}")
    return [replace(image, names=(wanted,)) for image in own or images]


def _is_size_of(known: Image, size: int, image: FoundImage, platforms: Collection[Platform]) -> bool:
    """Whether a size can be that of an image of which a catalogue has the layers, on one of the platforms.

    ``size`` is in compressed bytes; where the tool told unpacked ones, these are compared.
    """
    for platform in platforms if image.platform is None else (image.platform,):
        manifest = select(known, platform)
        if manifest is None:
            continue
        told, own = size, manifest.total_size
        if image.compressed is None and image.unpacked is not None:
            told, own = image.unpacked, sum(layer.unpacked for layer in manifest.layers)
        if abs(told - own) <= _SAME * own:
            return True
    return False
