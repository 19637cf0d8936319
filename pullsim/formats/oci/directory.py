"""A directory of files about images: which image each file is of, by what it says or by its name.

A file that does not say its image's name is named after it, with ``+`` (or ``%2F``) for each slash, and after a comma
with the platform if the file is of one: ``ghcr.io+team+app:1.2,linux+arm64.json``. Files that are named after a digest
(``sha256-….json``) are the manifests and configs that indexes and manifests refer to. ``index.json`` of an OCI image
layout and ``manifest.json`` of skopeo's ``dir:`` transport are named after their directory.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from pullsim.errors import InputError, Location
from pullsim.formats.oci.beside import Beside
from pullsim.formats.oci.found import FoundImage, ImageFile, normalised
from pullsim.formats.oci.reader import MOST_BYTES, images_of, read_images
from pullsim.inputs import is_directory, is_file, list_directory, read_bytes
from pullsim.oci.manifest import UNPACK_RATIO, Index, Manifest
from pullsim.oci.platform import Platform
from pullsim.oci.reference import parse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

MOST_FILES: Final = 10_000
MOST_IN_ALL: Final = 500_000_000  # bytes of all files of a directory
_ENDS: Final = re.compile(r"(?:\.manifest)?\.(?:json|jsonl|txt)$")
_DIGEST: Final = re.compile(r"(?:sha256[-:])?[0-9a-f]{64}")
#: Names that files have in every directory of their kind, so that they say nothing of the image.
_USUAL: Final = ("index", "manifest")


def read_directory(
    path: str | Path,
    *,
    unpack_ratio: float = UNPACK_RATIO,
    platforms: Collection[Platform] | None = None,
    runtime: str | None = None,
) -> ImageFile:
    """Read all files of a directory, without those of directories in it; files that begin with a dot are left out.

    The arguments are those of `pullsim.formats.oci.reader.read_images`. A file that cannot be used is in the result's
    ``reasons``, and the others are read. Raises InputError for a directory that cannot be read, or is too large.
    """
    directory = Path(path)
    reasons: dict[Path, str] = {}
    contents = _contents(directory, reasons)
    return read_contents(directory, contents, reasons, unpack_ratio=unpack_ratio, platforms=platforms, runtime=runtime)


def read_contents(
    directory: Path,
    contents: Mapping[Path, bytes],
    reasons: dict[Path, str],
    *,
    unpack_ratio: float = UNPACK_RATIO,
    platforms: Collection[Platform] | None = None,
    runtime: str | None = None,
) -> ImageFile:
    """Do as `read_directory`, for files of a directory that were read already; ``reasons`` are those of others."""
    beside = Beside(directory, contents)
    found: dict[Path, ImageFile] = {}
    for file, data in contents.items():
        try:
            found[file] = images_of(data, file, beside, unpack_ratio=unpack_ratio, platforms=platforms, runtime=runtime)
        except InputError as error:
            reasons[file] = str(error)
    images: list[FoundImage] = []
    for file, read in found.items():
        if file not in beside.found and not (read.reasons and _DIGEST.fullmatch(_stem(file))):
            images += _named(read, file, reasons)
    told = [*reasons.items(), *((file, reason) for file, read in found.items() for reason in read.reasons)]
    return ImageFile(
        "a directory", tuple(together(images)), tuple(reason for file, reason in told if file not in beside.found)
    )


def read_named(
    path: str | Path,
    *,
    unpack_ratio: float = UNPACK_RATIO,
    platforms: Collection[Platform] | None = None,
    runtime: str | None = None,
) -> ImageFile:
    """Read a directory, or one file as it is read in a directory: with the name that the file itself has.

    The arguments and errors are those of `pullsim.formats.oci.reader.read_images`.
    """
    if is_directory(path):
        return read_directory(path, unpack_ratio=unpack_ratio, platforms=platforms, runtime=runtime)
    read = read_images(path, unpack_ratio=unpack_ratio, platforms=platforms, runtime=runtime)
    reasons: dict[Path, str] = {}
    images = tuple(_named(read, Path(path), reasons))
    return ImageFile(read.kind, images, (*reasons.values(), *read.reasons))


def name_of(file: Path) -> tuple[str | None, Platform | None]:
    """Return the image and the platform that a file is named after, each None if the name has none.

    ``app:1.2`` is an image's name, and so is every file name that could be one; a digest is none.
    """
    stem, _, platform = _stem(file).partition(",")
    if stem in _USUAL:
        stem = file.parent.name
    if _DIGEST.fullmatch(stem):
        return None, None
    names = normalised([unquote(stem).replace("+", "/")])
    try:
        parsed = Platform.parse(unquote(platform).replace("+", "/")) if platform else None
    except ValueError:
        return None, None
    return (names[0] if names else None), parsed


def together(images: Iterable[FoundImage]) -> list[FoundImage]:
    """Make one index of the manifests of one image that are in files of their own, one a platform."""
    groups: dict[tuple[str, ...], dict[Platform, FoundImage]] = {}
    single: list[FoundImage] = []
    for found in images:
        if found.platform is not None and _only_manifest(found) is not None:
            groups.setdefault(found.names, {})[found.platform] = found
        else:
            single.append(found)
    for group in groups.values():
        first = next(iter(group.values()))
        if len(group) == 1:
            single.append(first)
            continue
        entries = [(platform, manifest) for platform, one in group.items() if (manifest := _only_manifest(one))]
        single.append(replace(first, image=Index.of(entries), platform=None))
    return single


def _only_manifest(found: FoundImage) -> Manifest | None:
    """Return the manifest of an image for one platform."""
    if isinstance(found.image, Index):
        return found.image.manifests[0][1] if len(found.image.manifests) == 1 else None
    return found.image


def _contents(directory: Path, reasons: dict[Path, str]) -> dict[Path, bytes]:
    """Read all files of a directory; one that cannot be read gets a reason. Raises InputError for too many bytes."""
    files = [file for file in list_directory(directory) if is_file(file) and not file.name.startswith(".")]
    if len(files) > MOST_FILES:
        message = f"has {len(files):,} files, the most that is read of a directory are {MOST_FILES:,}"
        raise InputError(message, Location(str(directory)))
    contents: dict[Path, bytes] = {}
    total = 0
    for file in files:
        try:
            contents[file] = read_bytes(file, MOST_BYTES)
        except InputError as error:
            reasons[file] = str(error)
            continue
        total += len(contents[file])
        if total > MOST_IN_ALL:
            message = f"has more than {MOST_IN_ALL / 10**6:,.0f} MB in its files, the most that is read"
            raise InputError(message, Location(str(directory)))
    return contents


def _named(read: ImageFile, file: Path, reasons: dict[Path, str]) -> Iterable[FoundImage]:
    """Return the images of a file with the names that the file's own name gives those that have none."""
    name, platform = name_of(file)
    for found in read.images:
        image = found if platform is None or found.platform is not None else _for(found, platform)
        if name is not None and (not image.names or _same_repository(name, image)):
            yield image.named(name)
        elif image.names:
            yield image
        elif not _DIGEST.fullmatch(_stem(file)):
            reasons[file] = (
                f"{file}: is {read.kind} and does not say of which image; name the file after it, with + for each "
                "slash, as ghcr.io+team+app:1.2.json, or give it with its image: {image: NAME, path: FILE}"
            )


def _for(found: FoundImage, platform: Platform) -> FoundImage:
    """Return an image as one for a platform only: in an index, since a manifest alone is pulled on any platform."""
    image = found.image
    if isinstance(image, Manifest):
        image = Index.of([(platform, image)])
    return replace(found, image=image, platform=platform)


def _same_repository(name: str, found: FoundImage) -> bool:
    """Whether an image with digests for names only, as `skopeo inspect` prints it, is of the named repository."""
    return not found.tagged and any(parse(own).repository == parse(name).repository for own in found.names)


def _stem(file: Path) -> str:
    return _ENDS.sub("", file.name)
