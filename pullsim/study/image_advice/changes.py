"""The changes of images that are tried: a table of what can be built otherwise, in one or several sizes."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim.results.wording import size
from pullsim.study.image_advice import layering

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pullsim.oci.platform import Platform
    from pullsim.study.advice.setting import Setting
    from pullsim.study.image_advice.chosen import ChosenImage
    from pullsim.study.image_advice.layering import Layers

#: Bytes of a zstd layer for each byte of the same layer with gzip -6, by level: measured with zstd 1.5.4 and gzip 1.12
#: on 250 MB (level 19: 100 MB) of programs and libraries of Debian 12 as one tar. Whole images come to 0.92 at the
#: default level 3 (CopilotKit/OpenBot#369) and 0.78 at a level that is not said (home-assistant/core#160665).
ZSTD: Final = {3: 0.97, 9: 0.88, 19: 0.79}
PARTS: Final = (2, 4, 8, 16)  # into how many the biggest layer is split
COUNTS: Final = (4, 8, 16, 32)  # of equal layers
SMALL: Final = 1_000_000  # bytes up to which layers are merged with their neighbours
HARDLY: Final = 1.5  # what unpacks to less than this multiple of its bytes is hardly compressed

COMPRESSION, LAYERING, BASE, NODES = "compression", "layering", "base", "nodes"
SPLIT, EQUAL = "biggest layer split", "equal layers"
SIDE_BY_SIDE: Final = "unpacks side by side"
#: The levers in several sizes, and what their sizes are.
STEPS: Final = {
    SPLIT: "parts of the biggest layer",
    EQUAL: "equal layers",
    f"{SPLIT} + {SIDE_BY_SIDE}": "parts of the biggest layer with unpacks side by side",
    f"{EQUAL} + {SIDE_BY_SIDE}": "equal layers with unpacks side by side",
}


class Change(NamedTuple):
    """One way to build images otherwise."""

    lever: str  # short, for a list; changes of one lever differ in size
    sentence: str  # what is done, for people
    apply: Callable[[Platform, Layers], Layers]
    kind: str  # COMPRESSION, LAYERING or BASE: two of different kinds can be made at once; NODES: none with others
    steps: int = 0  # how far it goes, of a lever in several sizes: parts of a layer, layers of an image
    present: ChosenImage | None = None  # what nodes have beforehand
    nodes: tuple[str, ...] = ()  # overrides of the nodes

    def to(self, images: Iterable[ChosenImage]) -> list[ChosenImage]:
        """Return the images as the change makes them."""
        return [image.changed(self.apply) for image in images]


def changes(
    images: Sequence[ChosenImage], base: ChosenImage | None, zstd: Mapping[int, float], unpacks: Setting | None
) -> list[Change]:
    """Return what there is to try: changes that change nothing of the images are left out.

    ``base``: an image that all are to stand on; ``zstd``: bytes for each byte of gzip, by level; ``unpacks``: a
    setting by which nodes unpack layers of an image side by side, where they do not. It is tried with images as they
    are and cut otherwise, as it decides what a cut gains.
    """
    before = [image.layers for image in images]
    layered = [*_layering()]
    found = [*_compression(zstd), *layered, *_base(images, base)]
    able = [each for each in found if each.present is not None or [new.layers for new in each.to(images)] != before]
    if unpacks is not None:
        alone = Change(SIDE_BY_SIDE, unpacks.sentence, _as_it_is, NODES, nodes=unpacks.overrides)
        able += (
            each._replace(
                lever=f"{each.lever} + {SIDE_BY_SIDE}",
                sentence=f"{each.sentence}, and {alone.sentence}",
                kind=NODES,
                nodes=alone.nodes,
            )
            for each in layered
            if each in able and each.steps
        )
        able.append(alone)
    return able


def both(first: Change, second: Change) -> Change:
    """Return two changes at once: layers are cut before they are compressed otherwise, as a builder does."""
    order = (BASE, LAYERING, COMPRESSION)
    earlier, later = sorted((first, second), key=lambda change: order.index(change.kind))
    return Change(
        f"{earlier.lever} + {later.lever}",
        f"{earlier.sentence}, and {later.sentence}",
        lambda platform, layers: later.apply(platform, earlier.apply(platform, layers)),
        earlier.kind,
    )


def _compression(zstd: Mapping[int, float]) -> Iterator[Change]:
    for level, factor in zstd.items():
        yield Change(
            f"zstd -{level}",
            f"layers compressed with zstd -{level}, taken as {factor:g} of their bytes with gzip",
            _everywhere(layering.zstd, factor=factor),
            COMPRESSION,
        )
    yield Change(
        "weights as plain tar",
        f"layers that unpack to less than {HARDLY:g} times their bytes not compressed at all",
        _everywhere(layering.uncompressed, below=HARDLY),
        COMPRESSION,
    )
    yield Change("plain tar", "no layer compressed", _everywhere(layering.uncompressed, below=math.inf), COMPRESSION)


def _layering() -> Iterator[Change]:
    for parts in PARTS:
        sentence = f"the biggest layer in {parts} equal ones"
        yield Change(SPLIT, sentence, _everywhere(layering.split_biggest, parts=parts), LAYERING, parts)
    for count in COUNTS:
        sentence = f"the image in {count} layers of equal size"
        yield Change(EQUAL, sentence, _everywhere(layering.evened, count=count), LAYERING, count)
    yield Change(
        "small layers merged",
        f"neighbouring layers of less than {size(SMALL)} in one",
        _everywhere(layering.merged, least=SMALL),
        LAYERING,
    )
    yield Change("one layer", "the image squashed into one layer", _everywhere(layering.evened, count=1), LAYERING)


def _base(images: Sequence[ChosenImage], base: ChosenImage | None) -> Iterator[Change]:
    """Yield the changes to a shared base: a given one, or the largest bottom layer that fits below all images."""
    if base is not None:
        on_it = partial(_on, base.layers)
        sentence = f"{'it' if len(images) == 1 else 'all'} on {base.familiar}, in place of as many bytes"
        if len(images) > 1:
            yield Change("shared base", sentence, on_it, BASE)
        yield Change("base on the nodes", f"{sentence}, which nodes have beforehand", on_it, BASE, present=base)
        return
    bottoms = {platform: _bottom([image.layers[platform] for image in images]) for platform in images[0].layers}
    common = next(iter(bottoms.values()))
    if len(images) > 1 and common:
        sentence = f"one bottom layer of {size(common[0].size)} under all images, in place of as many bytes"
        yield Change("shared base", sentence, partial(_on, bottoms), BASE)


def _bottom(images: Sequence[Layers]) -> Layers:
    """Return the largest bottom layer that all images have the bytes for, if one is."""
    smallest = min(sum(layer.size for layer in layers) for layers in images)
    bottoms = [layers[0] for layers in images if layers and layers[0].size < smallest]
    return (max(bottoms, key=lambda layer: layer.size),) if bottoms else ()


def _on(bases: Mapping[Platform, Layers], platform: Platform, layers: Layers) -> Layers:
    return layering.on_base(layers, bases[platform])


def _as_it_is(_: Platform, layers: Layers) -> Layers:
    return layers


def _everywhere(change: Callable[..., Layers], **options: float) -> Callable[[Platform, Layers], Layers]:
    """Return a change that is the same on all platforms."""
    return lambda _, layers: change(layers, **options)
