"""What Docker, nerdctl and Podman print of images, in ``manifest inspect -v``, ``image inspect`` and ``images``.

A size in them is seldom what a pull downloads:

- Docker's own store counts unpacked layers; ``docker images`` on containerd's store counts compressed and unpacked
  bytes in one number (moby, daemon/containerd/image_list.go, totalSize), ``docker image inspect`` the compressed ones
  (moby, daemon/containerd/image_inspect.go, size). On containerd's store an image's ID is the digest of its index or
  manifest, so the two stores can be told apart.
- nerdctl has two sizes, of which the smaller one is compressed. Podman counts unpacked layers.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NoBase64
from typing import TYPE_CHECKING

from pullsim.errors import shown
from pullsim.formats.oci.found import FoundImage, ImageFile, normalised, texts, with_names
from pullsim.formats.oci.manifest import is_artifact, manifest_layers, platform_of
from pullsim.oci.json_input import JsonObject
from pullsim.oci.manifest import UNPACK_RATIO, Index, Manifest
from pullsim.oci.platform import Platform
from pullsim.oci.reference import InvalidReference, parse
from pullsim.units import parse_size

if TYPE_CHECKING:
    from collections.abc import Sequence


def manifest_inspect(entries: Sequence[JsonObject], *, unpack_ratio: float = UNPACK_RATIO) -> ImageFile:
    """Read ``docker manifest inspect -v``: an object for an image without an index, a list for one with an index.

    Entries of unknown platform are attestations. The index itself, and so its digest, is not in the output.
    Source: docker/cli, cli/manifest/types/types.go ImageManifest.
    """
    kind = "docker manifest inspect -v"
    manifests: dict[str, dict[Platform, Manifest]] = {}
    artifacts = set()
    for entry in entries:
        name = entry.text("Ref").partition("@")[0]
        descriptor = entry.object("Descriptor")
        platform = platform_of(descriptor) if descriptor.has("platform") else Platform("linux", "amd64")
        if platform is None:
            continue
        document = _manifest_of(entry)
        config = document.object("config")
        manifests.setdefault(name, {})[platform] = Manifest(
            descriptor.digest("digest"),
            descriptor.count("size"),
            config.digest("digest"),
            config.count("size"),
            manifest_layers(document, [], unpack_ratio),
        )
        if is_artifact(document):
            artifacts.add(name)
    images = []
    for name, found in manifests.items():
        single = next(iter(found.values())) if len(entries) == 1 else None
        tagged = [name] if ":" in name.rpartition("/")[2] else []  # a Ref may have the digest alone
        names = normalised([*tagged, *_by_digest(name, None if single is None else single.digest)])
        image = single or Index.of(found.items())
        platform = next(iter(found)) if len(found) == 1 else None
        images.append(
            FoundImage(names, kind, entries[0].file, platform=platform, image=image, artifact=name in artifacts)
        )
    return ImageFile(kind, tuple(images), () if images else (f"{entries[0].file}: has attestations only, no image",))


def _by_digest(name: str, digest: str | None) -> list[str]:
    """Return the name of an image's repository with the image's digest, if the digest is known."""
    try:
        return [] if digest is None else [f"{parse(name).repository}@{digest}"]
    except InvalidReference:
        return []


def _manifest_of(entry: JsonObject) -> JsonObject:
    """Return the manifest in an entry of ``docker manifest inspect -v``: spelt out, or from its bytes in base64."""
    for key in ("OCIManifest", "SchemaV2Manifest"):
        if entry.has(key) and entry.object(key).has("layers"):
            return entry.object(key)
    if not entry.has("Raw"):
        entry.fail("has no manifest with layers: neither OCIManifest nor SchemaV2Manifest")
    try:
        text = b64decode(entry.text("Raw"), validate=True).decode()
    except (NoBase64, ValueError):
        entry.fail("Raw is no base64 of a manifest")
    return JsonObject.parse(text, entry.file)


def image_inspect(entries: Sequence[JsonObject]) -> ImageFile:
    """Read ``docker image inspect``, ``nerdctl image inspect`` or ``podman image inspect``: sizes, and no layers.

    ``RootFS.Layers`` are the digests of unpacked layers, without sizes.
    """
    return ImageFile("image inspect", *with_names(map(_inspected, entries), entries[0].file))


def _inspected(entry: JsonObject) -> FoundImage:
    # `podman images --format json` has tags as Names, and null as RepoTags.
    names = normalised([*texts(entry, "RepoTags"), *texts(entry, "Names"), *texts(entry, "RepoDigests")])
    platform = None
    if entry.has("Os") and entry.has("Architecture"):
        variant = entry.text("Variant") if entry.has("Variant") else ""
        platform = Platform(entry.text("Os"), entry.text("Architecture"), variant)
    sizes = [size for key in ("Size", "VirtualSize") if (size := entry.optional_count(key))]
    given: dict[str, int] = {}
    if len(set(sizes)) > 1:
        source, given = "nerdctl image inspect", {"compressed": min(sizes), "unpacked": max(sizes)}
    elif sizes and _on_containerd(entry):
        source, given = "docker image inspect (containerd's store: compressed)", {"compressed": sizes[0]}
    else:
        source = "image inspect (unpacked)"
        given = {"unpacked": sizes[0]} if sizes else {}
    return FoundImage(names, source, entry.file, platform=platform, **given)  # type: ignore[arg-type]


def _on_containerd(entry: JsonObject) -> bool:
    """Whether an image is in containerd's store, by its ID, which is then that of its index or manifest."""
    identity, descriptor = entry.value.get("Id"), entry.value.get("Descriptor")
    if isinstance(descriptor, dict) and identity is not None and descriptor.get("digest") == identity:
        return True
    digests = [text.rpartition("@")[2] for text in texts(entry, "RepoDigests")]
    return "GraphDriver" in entry.value and isinstance(identity, str) and identity in digests


def images_lines(rows: Sequence[JsonObject]) -> ImageFile:
    """Read the lines of ``docker images --format json``, whose sizes have three digits, or of nerdctl's.

    Source: docker/cli, cli/command/formatter/image.go; nerdctl, pkg/cmd/image/list.go (BlobSize is compressed).
    """
    return ImageFile("docker images", *with_names(map(_listed, rows), rows[0].file))


def _listed(row: JsonObject) -> FoundImage:
    repository, tag = row.text("Repository"), row.text("Tag") if row.has("Tag") else "<none>"
    digest = row.text("Digest") if row.has("Digest") else "<none>"
    identity = row.text("ID") if row.has("ID") else ""
    names = normalised([f"{repository}:{tag}", f"{repository}@{digest}"])
    size = _size(row, "Size")
    if row.has("BlobSize"):
        source = "nerdctl images (three digits)"
        return FoundImage(names, source, row.file, compressed=_size(row, "BlobSize"), unpacked=size)
    short = identity.removeprefix("sha256:")
    if short and digest.removeprefix("sha256:").startswith(short):
        source = "docker images (containerd's store: compressed and unpacked together, three digits)"
        return FoundImage(names, source, row.file, total=size)
    return FoundImage(names, "docker images (unpacked, three digits)", row.file, unpacked=size)


def _size(row: JsonObject, key: str) -> int | None:
    """Return the bytes of a size that is written for people; None for one that is not known."""
    text = row.text(key)
    if text in ("", "N/A", "0B"):
        return None
    try:
        return parse_size(text)
    except ValueError as error:
        row.fail(f"{key} {shown(text)}: {error}")
