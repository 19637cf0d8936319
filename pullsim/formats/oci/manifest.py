"""Reading manifests as ``crane manifest``, ``skopeo inspect --raw`` or ``oras manifest fetch`` print them.

OCI image manifests and indexes, manifests of OCI artifacts, Docker schema 2 manifests and Docker manifest lists are
accepted. The digest of an image is the SHA-256 of the file's bytes, so the file must have the bytes that the registry
sent.

An index names its manifests by digest only; they are looked for beside the index file (`pullsim.formats.oci.beside`).
An image's config is looked for in the same way; if it is there, its diff IDs are used, otherwise they are derived from
the layers' digests.
"""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Final

from pullsim.errors import InputError, Location
from pullsim.formats.oci.beside import MAX_BYTES, Beside, digest_of
from pullsim.inputs import decoded, read_bytes
from pullsim.oci.json_input import JsonObject
from pullsim.oci.manifest import MOST_LAYERS, UNPACK_RATIO, Image, Index, Layer, Manifest, compression_of
from pullsim.oci.platform import Platform, best

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

#: The config media types of what a container can run; everything else is an OCI artifact (OCI image spec, manifest.md).
#: The annotation of a layer that is zstd:chunked (containers/storage pkg/chunked/internal/minimal ManifestChecksumKey).
_CHUNKED: Final = "io.github.containers.zstd-chunked.manifest-checksum"
_IMAGE_CONFIGS: Final = ("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json")


class MissingManifests(InputError):
    """An index some of whose manifests are in no file beside it."""


def read_image(
    path: str | Path, *, unpack_ratio: float = UNPACK_RATIO, platforms: Collection[Platform] | None = None
) -> Image:
    """Read a manifest, or an index with its manifests.

    With ``platforms``, only the manifests that nodes of these platforms would pull are read, and only these need to be
    there. ``unpack_ratio`` is the unpacked size of a layer divided by its compressed size. Raises InputError for a file
    that cannot be read or that is not a manifest or index.
    """
    file = Path(path)
    data = read_bytes(file, MAX_BYTES)
    return image_of(data, file, Beside(file.parent), unpack_ratio=unpack_ratio, platforms=platforms)


def image_of(
    data: bytes,
    file: Path,
    beside: Beside,
    *,
    unpack_ratio: float = UNPACK_RATIO,
    platforms: Collection[Platform] | None = None,
) -> Image:
    """Do as `read_image`, for the content of a file that was read already."""
    document = JsonObject.parse(decoded(data, str(file)), str(file))
    if document.has("manifests"):
        return _index(document, data, beside, unpack_ratio, platforms)
    if not document.has("layers"):
        what = (
            "a Docker schema 1 manifest, which runtimes no longer pull" if document.has("fsLayers") else "no manifest"
        )
        document.fail(
            f"is {what}: expected is an image manifest (with layers) or an index (with manifests), "
            "as `crane manifest IMAGE` prints"
        )
    return _manifest(document, data, beside, unpack_ratio)


def manifest_layers(document: JsonObject, diff_ids: list[str], unpack_ratio: float) -> tuple[Layer, ...]:
    """Return the layers of a manifest, bottom first; those of an OCI artifact are files that nothing unpacks."""
    stored = is_artifact(document)
    layers = []
    for position, descriptor in enumerate(document.objects("layers", MOST_LAYERS)):
        try:
            compression = "stored" if stored else compression_of(descriptor.text("mediaType"))
        except ValueError as error:
            descriptor.fail(str(error))
        annotations = descriptor.value.get("annotations")
        chunked = compression == "zstd" and isinstance(annotations, dict) and _CHUNKED in annotations
        layers.append(
            Layer.of(
                descriptor.digest("digest"),
                descriptor.count("size"),
                compression=compression,
                diff_id=diff_ids[position] if position < len(diff_ids) else None,
                unpack_ratio=unpack_ratio,
                chunked=() if chunked else None,
            )
        )
    return tuple(layers)


def is_artifact(document: JsonObject) -> bool:
    """Whether a manifest is that of an OCI artifact: it says so, and none of its layers is one of an image.

    Artifacts can be mounted as image volumes; no container starts from one (OCI image spec, manifest.md).
    """
    config = document.value.get("config")
    media_type = config.get("mediaType") if isinstance(config, dict) else None
    if not document.has("artifactType") and (media_type is None or media_type in _IMAGE_CONFIGS):
        return False
    for descriptor in document.objects("layers", MOST_LAYERS):
        try:
            compression_of(descriptor.text("mediaType"))
        except ValueError:
            continue
        return False
    return True


def platform_of(document: JsonObject) -> Platform | None:
    """Return the platform of a descriptor in an index; None for an attestation, whose platform is unknown."""
    platform = document.object("platform")
    system, architecture = platform.text("os"), platform.text("architecture")
    if "unknown" in (system, architecture):
        return None
    return Platform(system, architecture, platform.text("variant") if platform.has("variant") else "")


def platform_of_config(document: JsonObject, beside: Beside) -> Platform | None:
    """Return the platform in the config of a manifest's image, if the config is beside it and says one."""
    child = beside.find(document.object("config").digest("digest"))
    if child is None:
        return None
    file, data = child
    config = JsonObject.parse(decoded(data, str(file)), str(file))
    if not (config.has("os") and config.has("architecture")):
        return None
    return Platform(
        config.text("os"), config.text("architecture"), config.text("variant") if config.has("variant") else ""
    )


def _index(
    document: JsonObject, data: bytes, beside: Beside, unpack_ratio: float, platforms: Collection[Platform] | None
) -> Index:
    entries = list(_entries(document))
    available = [platform for platform, _ in entries]
    wanted = None if platforms is None else {best(available, platform) for platform in platforms}
    chosen = [entry for position, entry in enumerate(entries) if wanted is None or position in wanted]
    found = [
        (platform, descriptor, beside.find(descriptor.digest("digest")), descriptor.digest("digest"))
        for platform, descriptor in chosen
    ]
    if missing := [(platform, digest) for platform, _, child, digest in found if child is None]:
        first = next(descriptor for _, descriptor, child, _ in found if child is None)
        message = f"{first.place}: {_missing(missing, Path(document.file).parent)}"
        raise MissingManifests(message, Location(document.file))
    manifests = []
    for platform, descriptor, child, _ in found:
        assert child is not None
        name, content = child
        manifest = image_of(content, name, beside, unpack_ratio=unpack_ratio)
        if isinstance(manifest, Index):
            descriptor.fail(f"{name} is an index; an index of indexes is not supported")
        manifests.append((platform, manifest))
    return Index(digest_of(data), len(data), tuple(manifests))


def _missing(missing: list[tuple[Platform, str]], directory: Path) -> str:
    """Return what is wrong with an index some of whose manifests are in no file beside it, and how to get them."""
    if len(missing) == 1:
        platform, digest = missing[0]
        target = directory / f"sha256-{digest.partition(':')[2]}.json"
        return (
            f"the manifest for {platform} is not beside the index; "
            f"get it with `crane manifest REPOSITORY@{digest} > {quote(str(target))}`"
        )
    listed = ", ".join(f"{platform}: {digest}" for platform, digest in missing)
    return (
        f"the manifests for {len(missing)} platforms are not beside the index; get each with "
        f"`crane manifest REPOSITORY@DIGEST > {quote(str(directory / 'sha256-HEX.json'))}`: {listed}"
    )


def _entries(document: JsonObject) -> Iterator[tuple[Platform, JsonObject]]:
    """Yield the platform and the entry of each image in an index; attestations, of unknown platform, are skipped."""
    for descriptor in document.objects("manifests"):
        platform = platform_of(descriptor)
        if platform is not None:
            yield platform, descriptor


def _manifest(document: JsonObject, data: bytes, beside: Beside, unpack_ratio: float) -> Manifest:
    config = document.object("config")
    config_digest = config.digest("digest")
    layers = manifest_layers(document, _diff_ids(beside, config_digest), unpack_ratio)
    return Manifest(digest_of(data), len(data), config_digest, config.count("size"), layers)


def _diff_ids(beside: Beside, config_digest: str) -> list[str]:
    """Read the diff IDs from the image's config, if the config's file is beside the manifest's."""
    found = beside.find(config_digest)
    if found is None:
        return []
    name, data = found
    root = JsonObject.parse(decoded(data, str(name)), str(name)).object("rootfs")
    diff_ids = root.value.get("diff_ids")
    if not isinstance(diff_ids, list):
        root.fail("has no list 'diff_ids'")
    return [JsonObject({"diff_ids": item}, str(name), root.place).digest("diff_ids") for item in diff_ids]
