"""What images take on a node's disk, and what they share there and on the way to it.

A node fetches a layer whose snapshot it has not, and of which it has no blob; a snapshot is that of a layer on top of
the same layers. With discarded blobs (containerd's ``discard_unpacked_layers``, CRI-O) snapshots alone count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pullsim.oci.manifest import Manifest
from pullsim.spec.runtime import ContainerdSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pullsim.spec.cluster import NodeSpec
    from pullsim.study.image_advice.layering import Layers


class Shared(NamedTuple):
    """What two images have in common; sizes are bytes."""

    first: int  # positions of the images
    second: int
    layers: int  # blobs that both have
    blobs: int  # bytes of these blobs
    download: int  # bytes that a node that has one of the images saves when it pulls the other
    disk: int  # bytes that it saves on its disk


class Node:
    """A node's store, as far as layers are in it."""

    def __init__(self, *, keeps_blobs: bool) -> None:
        self.downloaded = 0
        self._keeps = keeps_blobs
        self._blobs: dict[str, int] = {}
        self._snapshots: dict[str, int] = {}

    @property
    def disk(self) -> int:
        """Bytes of all blobs and snapshots."""
        return sum(self._blobs.values()) + sum(self._snapshots.values())

    def pull(self, layers: Layers) -> None:
        """Add what the node lacks of an image."""
        for layer, chain_id in zip(layers, Manifest.of(layers).chain_ids, strict=True):
            if chain_id in self._snapshots:
                continue
            self._snapshots[chain_id] = layer.unpacked
            if layer.digest not in self._blobs:
                self.downloaded += layer.size
                if self._keeps:
                    self._blobs[layer.digest] = layer.size


def stores_blobs(spec: NodeSpec) -> bool:
    """Whether the compressed layers stay on nodes."""
    return isinstance(spec.runtime, ContainerdSpec) and not spec.runtime.discard_unpacked_layers


def node_with(images: Iterable[Layers], *, keeps_blobs: bool) -> Node:
    """Return a node that has pulled images; manifests and configs do not count."""
    node = Node(keeps_blobs=keeps_blobs)
    for layers in images:
        node.pull(layers)
    return node


def matrix(images: Sequence[Layers], *, keeps_blobs: bool) -> list[Shared]:
    """Return what each two of the images have in common, in their order."""
    alone = [node_with([layers], keeps_blobs=keeps_blobs) for layers in images]
    found = []
    for first, its in enumerate(images):
        sizes = {layer.digest: layer.size for layer in its}
        for second in range(first + 1, len(images)):
            common = {layer.digest for layer in images[second]} & sizes.keys()
            together = node_with([its, images[second]], keeps_blobs=keeps_blobs)
            found.append(
                Shared(
                    first,
                    second,
                    len(common),
                    sum(sizes[digest] for digest in common),
                    alone[first].downloaded + alone[second].downloaded - together.downloaded,
                    alone[first].disk + alone[second].disk - together.disk,
                )
            )
    return found
