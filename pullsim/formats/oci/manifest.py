"""Reading manifests as ``crane manifest``, ``skopeo inspect --raw`` or ``regctl manifest get`` print them.

OCI image manifests and indexes, Docker schema 2 manifests and Docker manifest lists are accepted. The digest of an
image is the SHA-256 of the file's bytes, so the file must have the bytes that the registry sent.

An index names its manifests by digest only. They are looked for beside the index file, by digest, for example for
``sha256:0123…`` as the first of ``sha256-0123….json``, ``0123….json``, ``0123….manifest.json`` (the ``dir:`` transport
of skopeo), ``0123…`` and ``blobs/sha256/0123…`` (an OCI image layout). An image's config is looked for in the same
way; if it is there, its diff IDs are used, otherwise they are derived from the layers' digests.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pullsim.errors import InputError, Location
from pullsim.inputs import decoded, is_file, read_bytes
from pullsim.oci.json_input import JsonObject
from pullsim.oci.manifest import MOST_LAYERS, UNPACK_RATIO, Image, Index, Layer, Manifest, compression_of
from pullsim.oci.platform import Platform, best

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

MAX_BYTES: Final = 16_000_000  # registries accept manifests of up to 4 MB; an image's config may be larger


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
    return _image(data, file, unpack_ratio, platforms)


def _image(data: bytes, file: Path, unpack_ratio: float, platforms: Collection[Platform] | None) -> Image:
    document = JsonObject.parse(decoded(data, str(file)), str(file))
    if document.has("manifests"):
        return _index(document, data, file, unpack_ratio, platforms)
    if not document.has("layers"):
        what = (
            "a Docker schema 1 manifest, which runtimes no longer pull" if document.has("fsLayers") else "no manifest"
        )
        document.fail(
            f"is {what}: expected is an image manifest (with layers) or an index (with manifests), "
            "as `crane manifest IMAGE` prints"
        )
    return _manifest(document, data, file, unpack_ratio)


def _index(
    document: JsonObject, data: bytes, file: Path, unpack_ratio: float, platforms: Collection[Platform] | None
) -> Index:
    entries = list(_entries(document))
    available = [platform for platform, _ in entries]
    wanted = None if platforms is None else {best(available, platform) for platform in platforms}
    manifests = []
    for position, (platform, descriptor) in enumerate(entries):
        if wanted is not None and position not in wanted:
            continue
        digest = descriptor.digest("digest")
        child = _beside(file, digest)
        if child is None:
            hexadecimal = digest.partition(":")[2]
            descriptor.fail(
                f"the manifest for {platform} is not beside the index; "
                f"get it with `crane manifest REPOSITORY@{digest} > {file.parent / f'sha256-{hexadecimal}.json'}`"
            )
        name, content = child
        manifest = _image(content, name, unpack_ratio, None)
        if isinstance(manifest, Index):
            descriptor.fail(f"{name} is an index; an index of indexes is not supported")
        manifests.append((platform, manifest))
    return Index(_digest(data), len(data), tuple(manifests))


def _entries(document: JsonObject) -> Iterator[tuple[Platform, JsonObject]]:
    """Yield the platform and the entry of each image in an index; attestations, of unknown platform, are skipped."""
    for descriptor in document.objects("manifests"):
        platform = descriptor.object("platform")
        system, architecture = platform.text("os"), platform.text("architecture")
        if "unknown" in (system, architecture):
            continue
        variant = platform.text("variant") if platform.has("variant") else ""
        yield Platform(system, architecture, variant), descriptor


def _manifest(document: JsonObject, data: bytes, file: Path, unpack_ratio: float) -> Manifest:
    config = document.object("config")
    config_digest = config.digest("digest")
    diff_ids = _diff_ids(file, config_digest)
    layers = []
    for position, descriptor in enumerate(document.objects("layers", MOST_LAYERS)):
        try:
            compression = compression_of(descriptor.text("mediaType"))
        except ValueError as error:
            descriptor.fail(str(error))
        layers.append(
            Layer.of(
                descriptor.digest("digest"),
                descriptor.count("size"),
                compression=compression,
                diff_id=diff_ids[position] if position < len(diff_ids) else None,
                unpack_ratio=unpack_ratio,
            )
        )
    return Manifest(_digest(data), len(data), config_digest, config.count("size"), tuple(layers))


def _diff_ids(file: Path, config_digest: str) -> list[str]:
    """Read the diff IDs from the image's config, if the config's file is beside the manifest's."""
    found = _beside(file, config_digest)
    if found is None:
        return []
    name, data = found
    root = JsonObject.parse(decoded(data, str(name)), str(name)).object("rootfs")
    diff_ids = root.value.get("diff_ids")
    if not isinstance(diff_ids, list):
        root.fail("has no list 'diff_ids'")
    return [JsonObject({"diff_ids": item}, str(name), root.place).digest("diff_ids") for item in diff_ids]


def _beside(file: Path, digest: str) -> tuple[Path, bytes] | None:
    """Find the file with the content of a digest in the same directory; its content must have that digest."""
    algorithm, _, encoded = digest.partition(":")
    names = (f"{algorithm}-{encoded}.json", f"{encoded}.json", f"{encoded}.manifest.json", encoded)
    for candidate in (*names, f"blobs/{algorithm}/{encoded}"):
        path = file.parent / candidate
        if is_file(path):
            data = read_bytes(path, MAX_BYTES)
            if algorithm == "sha256" and _digest(data) != digest:
                raise InputError(
                    f"holds {_digest(data)}, not {digest}: the bytes must be exactly the registry's",
                    Location(str(path)),
                )
            return path, data
    return None


def _digest(data: bytes) -> str:
    return "sha256:" + sha256(data).hexdigest()
