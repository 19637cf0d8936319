"""Images built otherwise: the same content compressed otherwise, or cut into other layers.

Layers are from the bottom up. What a change makes of a layer depends on that layer alone, and its digest on that of the
layer, so that layers that images share are shared afterwards too. A cut goes through compressed bytes: unpacked bytes
and files are divided in proportion, as if the content of a layer were the same everywhere, and sum to what they were.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim.oci.manifest import Layer, synthetic_digest
from pullsim.spec.unpack import INCOMPRESSIBLE

if TYPE_CHECKING:
    from collections.abc import Sequence

Layers = tuple[Layer, ...]

#: Most layers of an image: lower directories of an overlay mount (moby, layer/layer_store.go).
MOST_LAYERS: Final = 127


class Piece(NamedTuple):
    """A part of a layer, by its compressed bytes from ``begin`` to ``end``."""

    layer: Layer
    begin: int
    end: int

    @property
    def whole(self) -> bool:
        """Whether it is all of the layer."""
        return self.end - self.begin == self.layer.size

    def share(self, amount: int) -> int:
        """Return the part's share of what the layer has of something; shares of all parts sum to it."""
        size = self.layer.size
        return amount if not size else amount * self.end // size - amount * self.begin // size


def zstd(layers: Layers, factor: float) -> Layers:
    """Return the layers with zstd: those with gzip have ``factor`` times the bytes, unless nothing compresses them."""
    return tuple(
        _stored_as(layer, "zstd", layer.size if incompressible(layer) else max(round(layer.size * factor), 1))
        if layer.compression == "gzip" and layer.size
        else layer
        for layer in layers
    )


def uncompressed(layers: Layers, below: float) -> Layers:
    """Return the layers as plain tars where they unpack to less than ``below`` times their compressed bytes."""
    return tuple(
        _stored_as(layer, "stored", layer.unpacked)
        if layer.compression != "stored" and layer.unpacked < below * layer.size
        else layer
        for layer in layers
    )


def split_biggest(layers: Layers, parts: int) -> Layers:
    """Return the layers with the one of most compressed bytes in so many equal ones, which differ by a byte at most.

    Of equal layers it is the lowest. Layers that would be too many, or emptier than a byte, stay as they are.
    """
    if not layers or len(layers) + parts - 1 > MOST_LAYERS:
        return layers
    place = max(range(len(layers)), key=lambda position: layers[position].size)
    biggest = layers[place]
    if biggest.size < parts:
        return layers
    ends = [biggest.size * number // parts for number in range(parts + 1)]
    cut = [_joined([Piece(biggest, begin, end)]) for begin, end in pairwise(ends)]
    return (*layers[:place], *cut, *layers[place + 1 :])


def evened(layers: Layers, count: int) -> Layers:
    """Return the content in so many layers of equally many compressed bytes; one layer is the image squashed."""
    total = sum(layer.size for layer in layers)
    if total < count or count > MOST_LAYERS:
        return layers
    ends = [total * number // count for number in range(count + 1)]
    return tuple(_joined(_between(layers, begin, end)) for begin, end in pairwise(ends))


def merged(layers: Layers, least: int) -> Layers:
    """Return the layers with each run of neighbours that are smaller than ``least`` bytes in one."""
    made: list[Layer] = []
    run: list[Layer] = []
    for layer in layers:
        if layer.size < least:
            run.append(layer)
            continue
        made += _together(run)
        made.append(layer)
        run = []
    return (*made, *_together(run))


def on_base(layers: Layers, base: Layers) -> Layers:
    """Return the layers on top of those of a base, which take the place of as many bytes at the bottom.

    An image that stands on the base already, or has no more bytes than the base, stays as it is.
    """
    own, common = sum(layer.size for layer in layers), sum(layer.size for layer in base)
    if shares_bottom(layers, base) == len(base) or own <= common:
        return layers
    rest: list[Layer] = []
    below = 0
    for layer in layers:
        begin = max(common - below, 0)
        if begin < layer.size:
            rest.append(_joined([Piece(layer, begin, layer.size)]))
        below += layer.size
    return (*base, *rest)


def shares_bottom(layers: Layers, other: Layers) -> int:
    """Return how many layers from the bottom on two images have in common."""
    count = 0
    for layer, its in zip(layers, other, strict=False):
        if layer.digest != its.digest:
            break
        count += 1
    return count


def as_weights(layers: Layers, least: int) -> Layers:
    """Return the layers with those of at least so many bytes as what does not compress: model weights."""
    return tuple(replace(layer, unpacked=layer.size) if layer.size >= least else layer for layer in layers)


def incompressible(layer: Layer) -> bool:
    """Whether compression has made so little of a layer that it unpacks like stored data."""
    return layer.unpacked < INCOMPRESSIBLE * layer.size


def _stored_as(layer: Layer, compression: str, size: int) -> Layer:
    """Return a layer that unpacks to the same tar."""
    digest = synthetic_digest("recompressed", layer.digest, compression, str(size))
    return replace(layer, digest=digest, size=size, compression=compression, chunked=None)


def _together(run: Sequence[Layer]) -> list[Layer]:
    return [_joined([Piece(layer, 0, layer.size) for layer in run])] if run else []


def _between(layers: Layers, begin: int, end: int) -> list[Piece]:
    """Return the pieces of layers that lie between two places of all their bytes; one of no bytes is where it lay."""
    found, below, total = [], 0, sum(layer.size for layer in layers)
    for layer in layers:
        first, last = max(begin - below, 0), min(end - below, layer.size)
        if first < last or (not layer.size and begin <= below and (below < end or end == total)):
            found.append(Piece(layer, first, last))
        below += layer.size
    return found


def _joined(pieces: Sequence[Piece]) -> Layer:
    """Return one layer of pieces; it is compressed as most of its unpacked bytes were."""
    if len(pieces) == 1 and pieces[0].whole:
        return pieces[0].layer
    bytes_as: dict[str, int] = {}
    for piece in pieces:
        kind = piece.layer.compression
        bytes_as[kind] = bytes_as.get(kind, 0) + piece.share(piece.layer.unpacked)
    names = [f"{piece.layer.digest} {piece.begin} {piece.end}" for piece in pieces]
    return Layer.of(
        synthetic_digest("layer of", *names),
        sum(piece.end - piece.begin for piece in pieces),
        unpacked=sum(piece.share(piece.layer.unpacked) for piece in pieces),
        files=sum(piece.share(piece.layer.files) for piece in pieces),
        compression=max(bytes_as, key=lambda kind: bytes_as[kind]),
    )
