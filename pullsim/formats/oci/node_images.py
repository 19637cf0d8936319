"""What a node tells of the images that it has: ``crictl images -o json``, ``ctr images ls``, a Node's status.images.

The size of an image in the CRI is left to the runtime. containerd counts what the manifest says, so compressed bytes:
index, one platform's manifest, config and layers (containerd, internal/cri/store/image/image.go, Usage with
WithManifestUsage). CRI-O counts unpacked layers (cri-o, internal/storage/image.go imageSize), as Docker does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pullsim.errors import shown
from pullsim.formats.oci.found import FoundImage, ImageFile, normalised, texts, with_names
from pullsim.oci.platform import Platform
from pullsim.units import parse_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.oci.json_input import JsonObject

#: Whether a runtime's size counts compressed bytes; one that is not listed is not known.
_COMPRESSED: Final = {"containerd": True, "cri-o": False, "docker": False}
_CTR_ROW: Final = re.compile(
    r"(?P<name>\S+)\s+\S+\s+(?P<digest>sha256:[0-9a-f]{64})\s+"
    r"(?P<size>[0-9]{1,4}(?:\.[0-9]{1,4})?\s?(?:[KMGT]i|[kMGT])?B)\s+(?P<platforms>\S+)"
)
CTR_HEADER: Final = re.compile(r"REF\s+TYPE\s+DIGEST\s+SIZE\b")


def crictl_images(document: JsonObject, runtime: str | None = None) -> ImageFile:
    """Read ``crictl images -o json``.

    ``runtime`` is ``containerd``, ``cri-o`` or ``docker``. Without it the runtime is told by its images' IDs and names:
    those of CRI-O have no ``sha256:``, and cri-dockerd's names have no host, as Docker's.
    """
    kind = "crictl images"
    rows = list(document.objects("images"))
    runtime = runtime or _runtime(rows)
    found = []
    for row in rows:
        names = normalised([*texts(row, "repoTags"), *texts(row, "repoDigests")])
        found.append(_sized(names, f"{kind} of {runtime}", row.file, None, _bytes(row, "size"), runtime))
    return ImageFile(kind, *with_names(found, document.file))


def node_images(node: JsonObject) -> ImageFile:
    """Read ``status.images`` of a Node, whose sizes are those of its runtime. Absent and null lists are empty.

    Source: kubernetes, pkg/kubelet/nodestatus/setters.go Images: largest first, cut off at ``nodeStatusMaxImages``.
    """
    kind = "a Node's status.images"
    status = node.object("status") if node.has("status") else None
    if status is None or not status.has("images"):
        return ImageFile(kind)
    info = status.object("nodeInfo") if status.has("nodeInfo") else None
    runtime = platform = None
    if info is not None:
        if info.has("containerRuntimeVersion"):
            runtime = info.text("containerRuntimeVersion").partition("://")[0]
        if info.has("operatingSystem") and info.has("architecture"):
            platform = Platform(info.text("operatingSystem"), info.text("architecture"))
    found = [
        _sized(
            normalised(texts(row, "names")),
            f"status.images of a node with {runtime or 'an unknown runtime'}",
            row.file,
            platform,
            row.optional_count("sizeBytes"),
            runtime,
        )
        for row in status.objects("images")
    ]
    return ImageFile(kind, *with_names(found, node.file))


def ctr_images(text: str, file: str) -> ImageFile:
    """Read the table of ``ctr images ls``, whose sizes have four digits. One image has a line for each of its names.

    Source: containerd, cmd/ctr/commands/images/images.go.
    """
    kind = "ctr images ls"
    by_digest: dict[str, tuple[list[str], int]] = {}
    strange = 0
    for line in text.splitlines()[1:]:
        if not line.strip():
            continue
        match = _CTR_ROW.match(line)
        if match is None:
            strange += 1
            continue
        names, _ = by_digest.setdefault(match["digest"], ([], parse_size(match["size"].replace(" ", ""))))
        names.append(match["name"])
    found = [
        FoundImage(normalised(names), f"{kind} (compressed, four digits)", file, compressed=size)
        for names, size in by_digest.values()
    ]
    images, reasons = with_names(found, file)
    if strange:
        reasons += (f"{file}: {strange} lines have no digest and size and are left out",)
    return ImageFile(kind, images, reasons)


def _runtime(rows: Sequence[JsonObject]) -> str:
    """Return the runtime whose images these are, by the forms of IDs and names."""
    identities = [text for row in rows if isinstance(text := row.value.get("id"), str)]
    if identities and not any(text.startswith("sha256:") for text in identities):
        return "cri-o"
    tags = [tag for row in rows for tag in texts(row, "repoTags")]
    if any((full := normalised([tag])) and tag not in full for tag in tags):
        return "docker"
    return "containerd"


def _sized(
    names: tuple[str, ...], source: str, file: str, platform: Platform | None, size: int | None, runtime: str | None
) -> FoundImage:
    """Return an image whose size is compressed or unpacked, as its runtime counts; without one for other runtimes."""
    compressed = _COMPRESSED.get(runtime or "")
    meaning = {True: "compressed", False: "unpacked", None: "what its sizes count is not known"}[compressed]
    return FoundImage(
        names,
        f"{source} ({meaning})",
        file,
        platform=platform,
        compressed=size if compressed is True else None,
        unpacked=size if compressed is False else None,
    )


def _bytes(row: JsonObject, key: str) -> int | None:
    """Return a count that protobuf's JSON writes as a text; None for 0, which is a size that is not known."""
    value = row.value.get(key)
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) < 20):
            row.fail(f"{key} is {shown(value)}, a number of bytes is expected")
        return int(value) or None
    return row.optional_count(key) or None
