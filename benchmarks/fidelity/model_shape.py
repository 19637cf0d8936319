"""How heavy are the tails of what the model is off by? `python -m benchmarks.fidelity.model_shape` prints it.

By the pulls alone that presets were fitted on: Student's t of each number of degrees of freedom is fitted to what they
are still off by (a centre and a scale for each preset, beside what the median over nodes differs by), and its greatest
likelihood is set beside that of the best. Within 1.92 of it in the logarithm is the interval of 95 % (Wilks, 1938).
Presets whose pulls are no more than the figures that were fitted on them tell nothing. Of perfstudy most figures are
what layers unpack to, so that its pulls are fitted better than others, and tell less than they seem to.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import stats
from scipy.optimize import minimize

from benchmarks.fidelity import priors
from benchmarks.fidelity.moved_rows import SHORT, rows
from benchmarks.fidelity.node_levels import Levels, fit_levels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from benchmarks.fidelity.moved_rows import Moved

    Array = NDArray[np.float64]

GRID: Final = (0.7, 0.8, 0.9, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.5, 3.0, 4.0, 6.0, 10.0, 30.0, math.inf)
DROP: Final = 1.92  # of the logarithm of the likelihood
POINTS: Final = 15  # at which a normal distribution is looked at


def profile(pulls: Sequence[Moved], levels: Levels) -> dict[float, float]:
    """Return the logarithm of the greatest likelihood by degrees of freedom; infinite ones are the normal."""
    presets = sorted({row.preset for row in pulls})
    of = np.array([presets.index(row.preset) for row in pulls])
    off = np.array([row.off for row in pulls])
    noise = np.array([math.hypot(*levels.median_differs(row)) for row in pulls])
    points, weights = np.polynomial.hermite_e.hermegauss(POINTS)
    weights /= weights.sum()

    def unlikely(x: Array, freedom: float) -> float:
        centre, scale = x[: len(presets)][of], np.exp(x[len(presets) :])[of]
        apart = (off - centre - noise * points[:, None]) / scale
        return -float(np.log(weights @ stats.t.pdf(apart, freedom) / scale + np.finfo(float).tiny).sum())

    begin = np.repeat([0.0, math.log(0.04)], len(presets))
    return {each: -float(minimize(unlikely, begin, args=(each,), method="L-BFGS-B").fun) for each in GRID}


def main() -> None:
    """Print the profile by source."""
    levels = fit_levels()
    fitted = [row for row in rows() if row.calibration and row.measured >= SHORT]
    count = Counter(row.preset for row in fitted)
    for source in ("chonks", "perfstudy"):
        pulls = [row for row in fitted if row.source == source and count[row.preset] > len(priors.of(row.preset))]
        found = profile(pulls, levels)
        best = max(found.values())
        told = [each for each, likely in found.items() if best - likely <= DROP]
        print(f"{source}: {len(pulls)} pulls of {len({row.preset for row in pulls})} presets")
        print(f"  likeliest {max(found, key=lambda each: found[each])}, {told[0]} to {told[-1]}")
        print("  " + ", ".join(f"{each}: {likely - best:.1f}" for each, likely in found.items()))


if __name__ == "__main__":
    main()
