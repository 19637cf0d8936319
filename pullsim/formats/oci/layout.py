"""OCI image layouts: directories that ``skopeo copy … oci:DIR``, ``crane pull --format=oci`` or ``docker save`` make.

The entries of a layout's index.json are images of their own, not platforms of one. Source: opencontainers/image-spec,
image-layout.md; the names of images are annotations (annotations.md, and containerd, core/images/annotations.go).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.errors import InputError
from pullsim.formats.oci.found import FoundImage, ImageFile, normalised
from pullsim.formats.oci.manifest import image_of, is_artifact, platform_of, platform_of_config
from pullsim.inputs import decoded
from pullsim.inputs.fields import text
from pullsim.oci.json_input import JsonObject

if TYPE_CHECKING:
    from collections.abc import Collection

    from pullsim.formats.oci.beside import Beside
    from pullsim.oci.platform import Platform

KIND: Final = "an OCI image layout"
_NAME: Final = "io.containerd.image.name"
_REFERENCE: Final = "org.opencontainers.image.ref.name"


def is_layout(index: JsonObject) -> bool:
    """Whether an index is that of an image layout: its entries have names, or no platforms."""
    entries = list(index.objects("manifests"))
    return bool(entries) and all(not entry.has("platform") or any(_annotations(entry)) for entry in entries)


def layout_images(
    index: JsonObject, beside: Beside, *, unpack_ratio: float, platforms: Collection[Platform] | None
) -> ImageFile:
    """Read the images of a layout; one whose content is not there gets a reason. Raises InputError for bad syntax."""
    images, reasons = [], []
    for entry in index.objects("manifests"):
        if entry.has("platform") and platform_of(entry) is None:
            continue
        digest = entry.digest("digest")
        found = beside.find(digest)
        if found is None:
            reasons.append(f"{index.file}: {entry.place}: {digest} is not among the blobs beside it")
            continue
        file, data = found
        try:
            image = image_of(data, file, beside, unpack_ratio=unpack_ratio, platforms=platforms)
            document = JsonObject.parse(decoded(data, str(file)), str(file))
            single = not document.has("manifests")
            artifact = single and is_artifact(document)
            platform = platform_of_config(document, beside) if single and not artifact else None
        except InputError as error:
            reasons.append(str(error))
            continue
        images.append(FoundImage(_names(entry), KIND, index.file, platform=platform, image=image, artifact=artifact))
    return ImageFile(KIND, tuple(images), tuple(reasons))


def _names(entry: JsonObject) -> tuple[str, ...]:
    """Return the name in the annotations; a tag alone is none."""
    name, reference = _annotations(entry)
    return normalised([name] if name else [reference] if "/" in reference or ":" in reference else [])


def _annotations(entry: JsonObject) -> tuple[str, str]:
    """Return the annotations with containerd's name of an image, and with its reference in the layout."""
    return text(entry.value, "annotations", _NAME), text(entry.value, "annotations", _REFERENCE)
