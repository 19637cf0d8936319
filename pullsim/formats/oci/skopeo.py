"""What ``skopeo inspect`` prints of an image: its layers, in newer releases with their sizes."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from pullsim.formats.oci.found import FoundImage, ImageFile, normalised
from pullsim.oci.manifest import MOST_LAYERS, UNPACK_RATIO, Index, Layer, Manifest, compression_of
from pullsim.oci.platform import Platform

if TYPE_CHECKING:
    from pullsim.oci.json_input import JsonObject

KIND = "skopeo inspect"


def inspect(document: JsonObject, *, unpack_ratio: float = UNPACK_RATIO) -> ImageFile:
    """Read ``skopeo inspect`` without ``--raw``.

    ``Name`` has no tag and ``RepoTags`` are all tags of the repository, so the image's only name is that with its
    digest. The digest is that of the index, if there is one. Source: skopeo, cmd/skopeo/inspect.go, and
    containers/image, types.ImageInspectInfo.
    """
    repository, digest = document.text("Name"), document.digest("Digest")
    names = normalised([f"{repository}@{digest}"])
    if not document.has("LayersData"):
        count = len(layers) if isinstance(layers := document.value.get("Layers"), list) else 0
        reason = (
            f"{document.file}: has the digests of {count} layers and no sizes, as older releases of skopeo print; "
            f"get them with `skopeo inspect --raw {quote(f'docker://{repository}@{digest}')}`"
        )
        return ImageFile(KIND, (), (reason,))
    platform = Platform(document.text("Os"), document.text("Architecture"))
    layers = tuple(_layer(entry, unpack_ratio) for entry in document.objects("LayersData", MOST_LAYERS))
    # An index, since containerd pulls a manifest without one on any platform, and this one is for one platform.
    image = Index.of([(platform, Manifest.of(layers))], digest=digest)
    return ImageFile(KIND, (FoundImage(names, KIND, document.file, platform=platform, image=image),))


def _layer(entry: JsonObject, unpack_ratio: float) -> Layer:
    try:
        compression = compression_of(entry.text("MIMEType"))
    except ValueError as error:
        entry.fail(str(error))
    return Layer.of(entry.digest("Digest"), entry.count("Size"), compression=compression, unpack_ratio=unpack_ratio)
