"""How clusters of one preset disagree, by the pulls that it was fitted on: nothing that a preset is judged on is read.

An image that several of them pulled tells it whatever the preset's figures and the image's layers are: what those are
off by is the same in all of the clusters.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from typing import TYPE_CHECKING

from benchmarks.fidelity.cluster_data import data
from benchmarks.fidelity.moved_rows import GROUPS, SHORT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from benchmarks.fidelity.moved_rows import Moved
    from benchmarks.fidelity.node_levels import Levels

Image = int | tuple[int, int]


def pulled_by_several(found: Iterable[Moved]) -> dict[str, dict[Image, list[Moved]]]:
    """Return by preset and image the pulls of images that several clusters pulled, on which their preset was fitted.

    Pulls that only told a registry's egress are left out: they were fitted with a figure of their own.
    """
    alike: dict[str, dict[Image, list[Moved]]] = defaultdict(lambda: defaultdict(list))
    for row in found:
        if row.calibration and row.cluster in GROUPS[row.preset].calibration and row.measured >= SHORT:
            alike[row.preset][_image(row.image)].append(row)
    several = {
        preset: {image: rows for image, rows in images.items() if len(rows) > 1} for preset, images in alike.items()
    }
    return {preset: images for preset, images in several.items() if images}


def disagreement(found: Iterable[Moved], between: Mapping[str, float], levels: Levels, sure: float) -> dict[str, float]:
    """Return by preset how many times as wide as those of all presets the spreads between its clusters are.

    The variance of an image between clusters, over that which the common spreads ``between`` clusters and the
    ``levels`` within them lead to expect, is 1 in the mean where they hold; of n clusters it has n - 1 degrees of
    freedom, however many images they pulled. It is shrunk towards 1 by as many degrees of freedom as the common spreads
    have: a variance with d of them is known to the root of 2/d, a spread to half of that, which is ``sure``.
    """
    prior = 1 / (2 * sure**2)
    widths = {}
    for preset, images in pulled_by_several(found).items():
        ratios = []
        for rows in images.values():
            noise = statistics.fmean(sum(part**2 for part in levels.median_differs(row)) for row in rows)
            expected = statistics.fmean(
                sum((row.by[name] * spread) ** 2 for name, spread in between.items()) for row in rows
            )
            ratios.append(statistics.variance(row.off for row in rows) / (expected + noise))
        freedom = len({row.cluster for rows in images.values() for row in rows}) - 1
        widths[preset] = math.sqrt((prior + freedom * statistics.fmean(ratios)) / (prior + freedom))
    return widths


def _image(number: int) -> Image:
    """Return what is the same in images that have the same layers: of generated ones number and bytes of these."""
    _, _, *generated = data()["images"][number]
    return (generated[0], generated[1]) if generated else number
