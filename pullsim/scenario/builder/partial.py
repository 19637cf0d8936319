"""Building partial pulls, and warning where they have nothing to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.oci.manifest import Manifest
from pullsim.scenario.builder.spec_of import spec_of
from pullsim.spec.partial import PartialSpec
from pullsim.units import size_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pullsim.inputs.document import Route
    from pullsim.inputs.findings import Findings
    from pullsim.oci.manifest import Image, Layer
    from pullsim.scenario.model.images import Images
    from pullsim.scenario.model.images import Layer as LayerModel
    from pullsim.scenario.model.nodes import NodePool
    from pullsim.scenario.model.partial import PartialImages
    from pullsim.spec.cluster import NodeSpec


def partial_spec(given: PartialImages | None) -> PartialSpec | None:
    """Return how a pool's CRI-O pulls layers in parts; None: it does not."""
    return None if given is None or not given.enabled else spec_of(given, PartialSpec)


def check_contents(images: Images, findings: Findings) -> None:
    """Add an error for each name of a content that has other bytes in another layer."""
    sizes: dict[str, int] = {}
    for index, entry in enumerate(images.define):
        places: list[tuple[Route, Sequence[LayerModel]]] = [(("layers",), entry.layers or ())]
        places += ((("tagMoves", move, "layers"), each.layers or ()) for move, each in enumerate(entry.tag_moves))
        for route, layers in places:
            for position, layer in enumerate(layers):
                for name, size in layer.contents or ():
                    if sizes.setdefault(name, size) != size:
                        message = f"has {size_text(sizes[name])} elsewhere: one name is the same files everywhere"
                        findings.error(message, "images", "define", index, *route, position, "chunked", name)


def partial_warnings(pools: Sequence[NodePool], nodes: Iterable[NodeSpec], images: Iterable[Image]) -> Iterator[str]:
    """Yield a warning for each pool whose partial pulls have no effect, and one if named contents have none."""
    asked = [pool for pool in pools if pool.runtime.partial_images is not None and pool.runtime.partial_images.enabled]
    layers = [layer for image in images for layer in _layers(image) if layer.chunked is not None]
    by_pool = {node.pool: node for node in nodes}
    for pool in asked:
        node = by_pool.get(pool.name)
        if pool.runtime.crio is None:
            what = "the fixed runtime" if pool.runtime.fixed is not None else "containerd"
            yield f"nodes[{pool.name}].runtime.partialImages is CRI-O's, and this pool has {what}: it is ignored"
        elif node is not None and node.peers is not None:
            yield f"nodes[{pool.name}].runtime.partialImages is ignored: its peers fetch whole blobs alone"
        elif not layers:
            yield (
                f"nodes[{pool.name}].runtime.partialImages has no effect: no layer of the images is zstd:chunked "
                "(images.define[].layers[].chunked)"
            )
    if not asked and any(layer.chunked for layer in layers):
        yield (
            "images: the contents of zstd:chunked layers are not looked at, as no pool has CRI-O with "
            "runtime.partialImages: layers are pulled whole"
        )


def _layers(image: Image) -> Iterator[Layer]:
    manifests = [image] if isinstance(image, Manifest) else [manifest for _, manifest in image.manifests]
    return (layer for manifest in manifests for layer in manifest.layers)
