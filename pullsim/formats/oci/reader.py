"""Files about images, recognised by what they hold, and whole directories of them.

What is read: manifests and indexes (``crane manifest``, ``skopeo inspect --raw``, ``oras manifest fetch``, ``docker
manifest inspect`` with and without ``-v``), OCI image layouts, ``skopeo inspect``, ``image inspect`` and ``images
--format json`` of Docker, nerdctl and Podman, ``crictl images -o json``, ``ctr images ls``, and Nodes as ``kubectl get
nodes -o json`` prints them. An image's config and a bare descriptor have no sizes of layers and are refused with the
command that does.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import InputError, Location
from pullsim.formats.oci import docker, layout, skopeo
from pullsim.formats.oci.beside import Beside
from pullsim.formats.oci.found import FoundImage, ImageFile
from pullsim.formats.oci.manifest import MissingManifests, image_of, is_artifact, platform_of_config
from pullsim.formats.oci.node_images import CTR_HEADER, crictl_images, ctr_images, node_images
from pullsim.frozen import dataclass
from pullsim.inputs import decoded, json_lines, parse_json, read_bytes
from pullsim.oci.json_input import JsonObject
from pullsim.oci.manifest import UNPACK_RATIO

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from pullsim.oci.platform import Platform

#: Most bytes of a file that lists many images, as ``kubectl get nodes -o json`` of a large cluster does.
MOST_BYTES: Final = 100_000_000
_KNOWN: Final = (
    "known are manifests (`crane manifest`, `skopeo inspect --raw`), `skopeo inspect`, `docker manifest inspect -v`, "
    "`docker image inspect`, `docker images --format json`, `crictl images -o json`, `ctr images ls` and nodes"
)


@dataclass(frozen=True, slots=True)
class _Content:
    """The content of a file, and what is needed to make images of it."""

    data: bytes
    file: Path
    beside: Beside
    unpack_ratio: float
    platforms: Collection[Platform] | None
    runtime: str | None


def read_images(
    path: str | Path,
    *,
    unpack_ratio: float = UNPACK_RATIO,
    platforms: Collection[Platform] | None = None,
    runtime: str | None = None,
) -> ImageFile:
    """Read what a file has of images, whatever tool printed it.

    With ``platforms``, only the manifests for nodes of these platforms must be beside an index. ``runtime``, of which
    ``crictl images`` says nothing, is ``containerd``, ``cri-o`` or ``docker``. Raises InputError for a file that cannot
    be read or is of no known kind; what is of a known kind without sizes is in the result's ``reasons``.
    """
    file = Path(path)
    data = read_bytes(file, MOST_BYTES)
    return images_of(data, file, Beside(file.parent), unpack_ratio=unpack_ratio, platforms=platforms, runtime=runtime)


def images_of(
    data: bytes,
    file: Path,
    beside: Beside,
    *,
    unpack_ratio: float = UNPACK_RATIO,
    platforms: Collection[Platform] | None = None,
    runtime: str | None = None,
) -> ImageFile:
    """Do as `read_images`, for the content of a file that was read already."""
    content = _Content(data, file, beside, unpack_ratio, platforms, runtime)
    text = decoded(data, str(file))
    if not text.strip():
        raise InputError("is empty: the command that was to write it has failed", Location(str(file)))
    if CTR_HEADER.match(text):
        return ctr_images(text, str(file))
    value = _parsed(text, str(file)) if text.lstrip().startswith(("{", "[")) else None
    kind, rows = recognised(value, str(file))
    if kind is None:
        raise InputError(f"holds nothing that is known of images; {_KNOWN}", Location(str(file)))
    return _READERS[kind](rows, content)


def recognised(value: Any, file: str) -> tuple[str | None, list[JsonObject]]:
    """Return what kind of output about images a parsed JSON value is, and its objects; None for no such output.

    The kinds are ``index``, ``manifest``, ``config``, ``descriptor``, ``skopeo``, ``manifest inspect``, ``inspect``,
    ``lines``, ``crictl`` and ``nodes``.
    """
    rows = [value] if isinstance(value, dict) else value
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        return None, []
    many = isinstance(value, list)
    if not many and "format" in value:
        return None, []  # a catalogue of pullsim, which is read by `pullsim.oci.catalog`
    objects = [JsonObject(row, file, f"[{position}]" if many else "") for position, row in enumerate(rows)]
    for kind, (keys, may_be_many) in _KINDS.items():
        if (may_be_many or not many) and all(key in row for key in keys for row in rows):
            if kind == "crictl" and not _lists_images(rows[0]["images"]):
                continue
            return kind, objects
    if not many and (nodes := _nodes(objects[0])):
        return "nodes", nodes
    return None, []


#: By kind, the keys that tell it, and whether it may be a list of objects; the first one that fits counts.
_KINDS: Final[Mapping[str, tuple[tuple[str, ...], bool]]] = {
    "manifest inspect": (("Ref", "Descriptor"), True),
    "skopeo": (("Name", "Digest", "Layers"), False),
    "inspect": (("Id", "RepoTags"), True),
    "lines": (("Repository", "Size"), True),
    "crictl": (("images",), False),
    "index": (("manifests",), False),
    "manifest": (("layers",), False),
    "schema 1": (("fsLayers",), False),
    "config": (("rootfs",), False),
    "descriptor": (("mediaType", "digest", "size"), False),
}


def _lists_images(images: Any) -> bool:
    """Whether the value of a key that many files have is a list of images as the CRI has them."""
    return isinstance(images, list) and all(
        isinstance(row, dict) and ("id" in row or "repoTags" in row) for row in images
    )


def _nodes(document: JsonObject) -> list[JsonObject]:
    """Return the Nodes in a Node, a NodeList or a List; the items of a NodeList have no kind."""
    kind = document.value.get("kind")
    if kind == "Node":
        return [document]
    if kind not in ("List", "NodeList") or not isinstance(document.value.get("items"), list):
        return []
    items = [
        JsonObject(item, document.file, f"items[{position}]")
        for position, item in enumerate(document.value["items"])
        if isinstance(item, dict)
    ]
    return [item for item in items if kind == "NodeList" or item.value.get("kind") == "Node"]


def _parsed(text: str, file: str) -> Any:
    """Parse JSON, or lines of JSON into a list."""
    try:
        return parse_json(text, file)
    except InputError:
        first = text.lstrip().partition("\n")[0].rstrip()
        if not (first.startswith("{") and first.endswith("}")):
            raise
    return [value for _, value in json_lines(text, file)]


def _of_manifest(rows: list[JsonObject], content: _Content) -> ImageFile:
    """Read a manifest or an index, which have no name.

    A manifest has no platform; it is that of the image's config if that is beside it. containerd pulls a manifest that
    is in no index on any platform.
    """
    document = rows[0]
    image = image_of(
        content.data, content.file, content.beside, unpack_ratio=content.unpack_ratio, platforms=content.platforms
    )
    if document.has("manifests"):
        return ImageFile("an index", (FoundImage((), "an index", str(content.file), image=image),))
    artifact = is_artifact(document)
    platform = None if artifact else platform_of_config(document, content.beside)
    kind = "an OCI artifact" if artifact else "a manifest"
    said = "" if artifact or platform is not None else ", which says no platform"
    found = FoundImage((), f"{kind}{said}", str(content.file), platform=platform, image=image, artifact=artifact)
    return ImageFile(kind, (found,))


def _of_index(rows: list[JsonObject], content: _Content) -> ImageFile:
    """Read an index, or the index.json of an image layout, each entry of which is an image.

    Without its manifests beside it, it is no error but a reason, as it may be one file of many.
    """
    if layout.is_layout(rows[0]):
        return layout.layout_images(
            rows[0], content.beside, unpack_ratio=content.unpack_ratio, platforms=content.platforms
        )
    try:
        return _of_manifest(rows, content)
    except MissingManifests as error:
        return ImageFile("an index", (), (str(error),))


def _of_config(_: list[JsonObject], content: _Content) -> ImageFile:
    reason = (
        f"{content.file}: is an image's config, which has no sizes of layers; its manifest has them: "
        "`crane manifest IMAGE`, or `skopeo inspect --raw docker://IMAGE`"
    )
    return ImageFile("an image's config", (), (reason,))


def _of_descriptor(rows: list[JsonObject], content: _Content) -> ImageFile:
    reason = (
        f"{content.file}: is a descriptor, which has no layers; fetch what it describes: "
        f"`oras manifest fetch REPOSITORY@{rows[0].digest('digest')}`"
    )
    return ImageFile("a descriptor", (), (reason,))


def _of_nodes(rows: list[JsonObject], _: _Content) -> ImageFile:
    """Read the images of all nodes; what several nodes have under the same names and platform is there once."""
    found: dict[tuple[object, ...], FoundImage] = {}
    for node in rows:
        for image in node_images(node).images:
            found.setdefault((image.names, image.platform, image.source), image)
    return ImageFile("a Node's status.images", tuple(found.values()), ())


_READERS: Final[Mapping[str, Callable[[list[JsonObject], _Content], ImageFile]]] = {
    "manifest inspect": lambda rows, content: docker.manifest_inspect(rows, unpack_ratio=content.unpack_ratio),
    "skopeo": lambda rows, content: skopeo.inspect(rows[0], unpack_ratio=content.unpack_ratio),
    "inspect": lambda rows, _: docker.image_inspect(rows),
    "lines": lambda rows, _: docker.images_lines(rows),
    "crictl": lambda rows, content: crictl_images(rows[0], content.runtime),
    "index": _of_index,
    "manifest": _of_manifest,
    "schema 1": _of_manifest,
    "config": _of_config,
    "descriptor": _of_descriptor,
    "nodes": _of_nodes,
}
