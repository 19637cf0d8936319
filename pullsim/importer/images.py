"""The images of a scenario: from the built-in catalogues where these agree with the nodes, else by layers or size."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pullsim.importer.image_sizes import Known, repository_of
from pullsim.importer.notes import listed
from pullsim.oci.catalog import Catalog, builtin_names
from pullsim.oci.manifest import Index, select
from pullsim.oci.reference import InvalidReference, parse
from pullsim.oci.typical import kind_of
from pullsim.results.wording import counted
from pullsim.scenario.builder.missing_images import DIRECTORY, MissingImages
from pullsim.scenario.model.images import Images

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pullsim.importer.image_sizes import ImageSizes
    from pullsim.importer.notes import Notes
    from pullsim.oci.manifest import Image, Manifest
    from pullsim.oci.platform import Platform

#: Bytes of an image of which nothing is known, and which nobody failed to pull; those for GPUs are larger.
DEFAULT_SIZE: Final = 250_000_000
DEFAULT_GPU_SIZE: Final = 5_000_000_000
#: Programs that serve GPUs and have no libraries for them, by their names.
_SERVES_GPUS: Final = re.compile("plugin|operator|exporter|discovery|manager|toolkit|validator|scheduler|webhook")
#: A node counts index, manifest and config as well: what a size may differ from the sum of layers.
_OVERHEAD: Final = 200_000
_TOLERANCE: Final = 0.01


@dataclass(slots=True)
class ImageSection:
    """The section ``images``."""

    catalogs: list[str] = field(default_factory=list)
    define: list[tuple[dict[str, Any], str]] = field(default_factory=list)  # entries, and where they are from
    not_found: list[str] = field(default_factory=list)  # images that nobody has
    agreed: Catalog = field(default_factory=Catalog)  # the images that are taken from catalogues
    from_catalog: int = 0

    @property
    def mapping(self) -> dict[str, Any]:
        """The section as a scenario has it, without ``define``."""
        found: dict[str, Any] = {"catalogs": self.catalogs} if self.catalogs else {}
        return {**found, "unknown": "notFound"} if self.not_found else found


def make_images(
    needed: Mapping[str, set[Platform]], failing: Iterable[str], sizes: ImageSizes, notes: Notes
) -> ImageSection:
    """Return the section for the images that pods need on platforms; ``failing``: those whose pods cannot get them."""
    catalogues, merged = _catalogues()
    section, never = ImageSection(), {*failing}
    guessed: list[str] = []
    used: set[str] = set()
    repositories = Counter(map(repository_of, needed))
    for image in sorted(needed):
        try:
            reference = parse(image)
        except InvalidReference as error:
            notes.tally("image", "whose name cannot be pulled, so that containers do not start", f"{image!r}: {error}")
            continue
        platforms = sorted(needed[image], key=str)
        contents, file = sizes.layers(image, alone=repositories[repository_of(image)] == 1)
        found = merged.lookup(reference, 0.0)
        if contents:
            section.define += _from_layers(image, contents, platforms, file)
        elif found is not None and all(_agrees(select(found, each), sizes.of(image, each)) for each in platforms):
            used |= {name for name, each in catalogues.items() if each.lookup(reference, 0.0) is not None}
            section.from_catalog += 1
            section.agreed.add(image, found)
        elif any(sizes.of(image, each) for each in platforms) or (found is not None) or sizes.anywhere(image):
            section.define += _from_sizes(image, found, platforms, sizes, notes)
        elif image in never or sizes.never_pulled(image):
            section.not_found.append(image)
        else:
            guessed.append(image)
            stack = kind_of(image) == "gpu" and not _SERVES_GPUS.search(image)
            size = DEFAULT_GPU_SIZE if stack else DEFAULT_SIZE
            why = "default: nothing is known of its size"
            section.define += [({"image": image, "platform": str(each), "size": size}, why) for each in platforms]
    section.catalogs = [name for name in catalogues if name in used]
    _tell(section, guessed, sorted({each for found in needed.values() for each in found}, key=str), notes)
    return section


@lru_cache(maxsize=1)
def _catalogues() -> tuple[dict[str, Catalog], Catalog]:
    """Read the built-in catalogues, by name, and all of them in one; nobody changes them."""
    names = sorted(builtin_names(), key=lambda each: (each != "official", each))
    catalogues, merged = {name: Catalog.builtin(name) for name in names}, Catalog()
    for catalogue in catalogues.values():
        merged.merge(catalogue)
    return catalogues, merged


def _agrees(manifest: Manifest | None, known: Known | None) -> bool:
    """Whether a catalogue's content is what nodes say it is; without a size there is nothing against it."""
    if manifest is None:
        return False
    if known is None:
        return True
    total = _bytes(manifest) if known.compressed else sum(layer.unpacked for layer in manifest.layers)
    slack = _TOLERANCE if known.compressed else 0.5  # what layers unpack to is an estimate itself
    return abs(known.size - total) <= max(_OVERHEAD, slack * total)


def _from_layers(
    image: str, contents: list[tuple[Platform | None, Image]], platforms: list[Platform], file: str
) -> list[tuple[dict[str, Any], str]]:
    """Return definitions with the layers that a file has; content without a platform is that of all."""
    made = []
    for platform in platforms:
        manifest = next(
            (found for own, each in contents if own in (None, platform) and (found := select(each, platform))), None
        )
        if manifest is not None:
            made.append(({"image": image, "platform": str(platform), "layers": _layers(manifest)}, f"read: {file}"))
    if not made:
        own, each = contents[0]
        manifest = each.manifests[0][1] if isinstance(each, Index) else each
        made = [
            (
                {"image": image, "platform": str(platform), "layers": _layers(manifest)},
                f"read: {file} (of {own or 'another platform'})",
            )
            for platform in platforms
        ]
    return made


def _layers(manifest: Manifest) -> list[dict[str, Any]]:
    types = {"gzip": {}, "zstd": {"mediaType": "tar+zstd"}, "stored": {"mediaType": "tar"}}
    return [{"size": layer.size, "digest": layer.digest, **types[layer.compression]} for layer in manifest.layers]


def _bytes(manifest: Manifest) -> int:
    """Return the compressed bytes of all layers."""
    return sum(layer.size for layer in manifest.layers)


def _from_sizes(
    image: str, found: Image | None, platforms: list[Platform], sizes: ImageSizes, notes: Notes
) -> list[tuple[dict[str, Any], str]]:
    """Return definitions by size; layers of a catalogue stay for the platforms on which nodes agree with it."""
    made = []
    for platform in platforms:
        manifest, known = select(found, platform) if found is not None else None, sizes.of(image, platform)
        if manifest is not None and _agrees(manifest, known):
            made.append(({"image": image, "platform": str(platform), "layers": _layers(manifest)}, "catalogue"))
            continue
        if manifest is not None and known is not None:
            notes.tally(
                "image",
                "of which the catalogue has other content than the nodes, whose size counts",
                f"{image} for {platform}: {_bytes(manifest):,} and {known.size:,} bytes",
            )
        if known is None:
            known = sizes.anywhere(image)
            if known is not None:
                known = Known(known.size, known.compressed, f"guess: of another platform, {known.origin}")
        if known is not None:
            made.append(({"image": image, "platform": str(platform), **_content(known)}, _origin(known)))
    if not made and found is not None:
        manifest = found.manifests[0][1] if isinstance(found, Index) else found
        made = [
            (
                {"image": image, "platform": str(each), **_content(Known(_bytes(manifest), True, ""))},
                "guess: of another platform, in the catalogue",
            )
            for each in platforms
        ]
    return made


def _origin(known: Known) -> str:
    text = known.origin if known.origin.startswith("guess") else f"read: {known.origin}"
    return f"{text}; how it splits into layers is a guess"


def _content(known: Known) -> dict[str, Any]:
    return {"size" if known.compressed else "unpacked": known.size}


def _tell(section: ImageSection, guessed: list[str], platforms: list[Platform], notes: Notes) -> None:
    by_size = sorted({entry["image"] for entry, _ in section.define if "layers" not in entry} - {*guessed})
    if guessed:
        notes.guess(
            0,
            f"size of {counted(len(guessed), 'image')} of which nothing is known (250 MB, for GPUs 5 GB): "
            f"{listed(guessed)}",
            loop(guessed, platforms),
        )
    if by_size:
        notes.guess(
            4,
            f"layers of {counted(len(by_size), 'image')} of which only the size is known: {listed(by_size)}",
            loop(by_size, platforms),
        )
    for image in section.not_found:
        notes.tally("image", "whose pulls fail in the cluster, and of unknown size: not found here either", image)


def loop(images: list[str], platforms: list[Platform]) -> str:
    """Say how to get the layers: the command that writes each image's manifest into a directory, which is read too."""
    command = MissingImages(images, platforms, Images(), Path()).command()
    return f"`{command}`, then give `{DIRECTORY}` to pullsim init as well"
