"""Fit CRI-O's costs on the lab's pulls: `python -m benchmarks.fidelity.fit_crio`.

Prints the figures that the calibration rows give, which are the defaults of CRI-O nodes (`pullsim.spec.unpack`), and
what figures that were fitted without a group of cases predict of that group (`cross_validated`).

It is least squares of log(predicted / measured) over quiet cases, where large differences count less, with what the
time lines of single layers told beforehand as further terms (the same method as `fit_clusters`).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.optimize import least_squares

from benchmarks.fidelity.clusters import Row
from benchmarks.fidelity.lab import SHORT, makespan
from benchmarks.fidelity.lab_crio import CALIBRATED, LAB, is_calibration
from benchmarks.fidelity.priors import Prior
from pullsim.releases.release import parse
from pullsim.spec.runtime import CrioSpec
from pullsim.spec.unpack import CRIO_UNPACK, InflateSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Case = dict[str, Any]

EXACTNESS: Final = 0.05  # of a measured median, as a part of it
JITTER: Final = 5e-3  # seconds, for short pulls
#: What time lines and core-seconds tell. An unpack alone on two cores takes 43 ms a layer, 8.4 ms a MB and 85 us a
#: file, and keeps both busy, each of which then works at 0.85 of its speed; inflating takes 11 ms a MB; a whole pull
#: takes 77 ms of a core a layer, 47 of them for unpacking; two writes take 6 ms.
FIGURES: Final = (
    Prior("unpack.gzip", 1e6 / (0.85 * 8.4e-3), 0.15, "rate"),
    Prior("unpack.perFile", 0.85 * 85e-6, 0.25, "duration"),
    Prior("unpack.perLayer", 43e-3, 0.25, "duration"),
    Prior("unpack.secondCore", 1.0, 0.2, "part", most=1.0),
    Prior("unpack.inflate", 1e6 / 11e-3, 0.15, "rate"),
    Prior("unpack.inflatePerLayer", 30e-3, 0.4, "duration"),
    Prior("metadata.write", 3e-3, 0.3, "duration"),
)
#: The groups that are left out in turn, which together are all cases.
FOLDS: Final[Mapping[str, Callable[[Case], bool]]] = {
    "one pull": lambda case: case["crio"] == CALIBRATED and case["group"] in "ab",
    "pulls side by side": lambda case: case["crio"] == CALIBRATED and case["group"] == "d",
    "one after the other, again, missing": lambda case: case["crio"] == CALIBRATED and case["group"] in "efg",
    "the other release": lambda case: case["crio"] != CALIBRATED,
}


def runtime(case: Case, x: Array) -> CrioSpec:
    """Return CRI-O with the figures of which ``x`` has the logarithms."""
    gzip, per_file, per_layer, second_core, inflate, inflate_per_layer, write = np.exp(x).tolist()
    unpack = replace(CRIO_UNPACK, gzip=gzip, per_file=per_file, per_layer=per_layer, second_core=second_core)
    return CrioSpec(parse(case["crio"]), write, unpack, InflateSpec(gzip=inflate, per_layer=inflate_per_layer))


def fit(cases: Sequence[Case]) -> Array:
    """Return the logarithms of the figures that fit the quiet ones of the cases best."""
    quiet = [case for case in cases if not case["all_noisy"]]
    beforehand = np.log([prior.value for prior in FIGURES])
    spread = np.array([prior.spread for prior in FIGURES])
    most = np.log([prior.most for prior in FIGURES]) + 1e-9

    def residuals(x: Array) -> Array:
        off = [
            math.log(makespan(case, runtime(case, x)) / case["makespan"][1])
            / (EXACTNESS + JITTER / case["makespan"][1])
            for case in quiet
        ]
        return np.concatenate([off, (x - beforehand) / spread])

    found = least_squares(
        residuals, beforehand, loss="soft_l1", diff_step=0.02, max_nfev=8, bounds=(beforehand - 3.0, most)
    )
    return np.asarray(found.x)


def cross_validated() -> dict[str, tuple[list[Row], list[Row]]]:
    """Return by group that was left out the rows that were fitted on, and its own, both of 0.2 s or more.

    Noisy rows are among those that were left out, but nothing is fitted on them.
    """
    found = {}
    for name, left_out in FOLDS.items():
        others = [case for case in LAB["cases"] if not left_out(case)]
        x = fit(others)
        own = [case for case in LAB["cases"] if left_out(case)]
        quiet = [case for case in others if not case["all_noisy"]]
        found[name] = (_rows(quiet, x, name, calibration=True), _rows(own, x, name, calibration=False))
    return found


def _rows(cases: Sequence[Case], x: Array, name: str, *, calibration: bool) -> list[Row]:
    return [
        Row("crio", name, case["id"], calibration, makespan(case, runtime(case, x)), case["makespan"][1])
        for case in cases
        if case["makespan"][1] >= SHORT
    ]


def main() -> None:
    """Print the figures and the errors."""
    x = fit([case for case in LAB["cases"] if is_calibration(case)])
    for prior, value in zip(FIGURES, np.exp(x).tolist(), strict=True):
        print(f"{prior.name}: {prior.text(value)}  # beforehand {prior.text(prior.value)}")
    for name, (fitted, left_out) in cross_validated().items():
        for what, rows in (("fitted", fitted), ("left out", left_out)):
            errors = [row.error for row in rows]
            median, p90 = np.quantile(errors, (0.5, 0.9))
            print(f"without {name}: {what} {len(rows)}, median {median:.1%}, p90 {p90:.1%}")


if __name__ == "__main__":
    main()
