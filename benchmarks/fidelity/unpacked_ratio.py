"""What layers unpack to where nobody says it: how far it is from the usual ratio, and what that does to a pull.

Ratios are told by calibration pulls (`data/unpacked.json`), of layers together that the same pulls brought: of a ratio
of many layers the variance is less by the sum of the squares of their shares of the bytes.
"""

from __future__ import annotations

import math
import statistics
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.fidelity.cluster_data import data, fitted, new_layers, ratios, rebuilt, unpacked, usual_ratio

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from benchmarks.fidelity.cluster_data import Ratios

#: Compressed bytes from which a class of layers tells its ratio well, rather than what is known beforehand.
TOLD: Final = 100_000_000


@lru_cache(maxsize=1)
def ratio_spread() -> float:
    """Return the spread of one layer's ratio: the root of the mean square of logarithms over the usual one."""
    return math.sqrt(
        statistics.fmean(
            math.log(entry["ratio"] / _usual(entry["layers"])) ** 2 / _concentration(entry["layers"])
            for entry in fitted()
            if entry["bytes"] >= TOLD
        )
    )


def guessed(pull: dict[str, Any]) -> list[int]:
    """Return the new layers of a pull that have the usual ratio; of generated images all but a small base is known."""
    known = ratios()
    new = new_layers(pull, pull["before"]) if "before" in pull else []
    return [layer for layer in new if data()["layers"][layer][1] is None and layer not in known]


def apart(pull: dict[str, Any], part: float) -> float:
    """Return the spread of the logarithm of a pull's time, as its guessed layers unpack to more or less.

    ``part``: what disk and unpacking have of its time.
    """
    layers, known = guessed(pull), ratios()
    if not layers:
        return 0.0
    whole = sum(unpacked(layer, known) for layer in new_layers(pull, pull["before"]))
    return ratio_spread() * part * math.sqrt(sum(unpacked(layer, known) ** 2 for layer in layers)) / whole


def drawn(count: int) -> list[Ratios]:
    """Return what is known of ratios, and so many draws of the others; a layer that was built again has the same."""
    rng = np.random.default_rng(18)
    sizes, known = data()["layers"], ratios()
    found = []
    for _ in range(count):
        normal = rng.normal(0, ratio_spread(), len(sizes))
        others = {n: usual_ratio(n) * math.exp(normal[first]) for n, first in enumerate(rebuilt())}
        found.append(others | known)
    return found


def _usual(layers: Sequence[int]) -> float:
    return usual_ratio(max(layers, key=lambda layer: data()["layers"][layer][0]))


def _concentration(layers: Sequence[int]) -> float:
    sizes = [data()["layers"][layer][0] for layer in layers]
    return float(sum(size**2 for size in sizes) / sum(sizes) ** 2)
