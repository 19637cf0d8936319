"""How pull times differ between nodes and from pull to pull, where images are the same and figures explain nothing."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

PULLS: Final = 3  # of one image from which on their differences tell something
LEAST: Final = 10  # pulls of such images
FAR: Final = 3.0  # standard deviations beyond which a difference counts as that
_SIGMA: Final = 1.4826  # standard deviations of a normal distribution in its median absolute deviation


class Spreads(NamedTuple):
    """Standard deviations of the natural logarithm of pull times."""

    node: float
    pull: float
    pulls: int  # that told it
    nodes: int


def spreads(pulls: Iterable[tuple[str, str, float]]) -> Spreads | None:
    """Return the spreads of pulls, each an image, a node and the logarithm of observed over predicted seconds.

    What pulls of one image have in common is the image's, and is taken away. The rest is split by an analysis of
    variance, in which far differences are cut. None: there are too few pulls of the same images.
    """
    by_image: defaultdict[str, list[tuple[str, float]]] = defaultdict(list)
    for image, node, off in pulls:
        by_image[image].append((node, off))
    apart: list[tuple[str, float]] = []
    lost = 0  # degrees of freedom that the images' medians take
    for own in by_image.values():
        if len(own) >= PULLS:
            middle = float(np.median([off for _, off in own]))
            apart += [(node, off - middle) for node, off in own]
            lost += 1
    if len(apart) < LEAST:
        return None
    whole = np.array([off for _, off in apart])
    most = FAR * _SIGMA * float(np.median(np.abs(whole)))
    by_node: defaultdict[str, list[float]] = defaultdict(list)
    for node, off in apart:
        by_node[node].append(max(-most, min(most, off)))
    within = sum(float(((np.array(own) - np.mean(own)) ** 2).sum()) for own in by_node.values())
    degrees = len(apart) - len(by_node) - lost
    if len(by_node) < PULLS or degrees < PULLS:
        cut = np.clip(whole, -most, most)
        return Spreads(0.0, math.sqrt(float((cut**2).sum()) / (len(apart) - lost)), len(apart), len(by_node))
    pull = within / degrees
    each = len(apart) / len(by_node)
    between = sum(len(own) * float(np.mean(own)) ** 2 for own in by_node.values()) / (len(by_node) - 1)
    return Spreads(math.sqrt(max(0.0, between - pull) / each), math.sqrt(pull), len(apart), len(by_node))
