"""A fit of the lab's measurements, with the simulator itself: its link is known, only the node's figures are not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pullsim.errors import InputError, Location
from pullsim.study.fit import parameters as given
from pullsim.study.fit.estimate import Data, estimate
from pullsim.study.fit.fitted import Fit
from pullsim.study.fit.lab import CALIBRATION, Case, Lab
from pullsim.study.fit.outcome import Row

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pullsim.study.fit.parameters import Values

LEAST: Final = 5  # cases
LAB_CLOCK: Final = 0.003  # seconds that a case is off by at least


def fit_lab(lab: Lab, seed: int) -> Fit:
    """Fit the quiet cases of the calibration groups and judge the others. Raises InputError if there are too few."""
    cases, left_out = lab.comparable()
    notes = []
    fitted_on = [case for case in cases if case.group in CALIBRATION and not case.noisy]
    if len(fitted_on) < LEAST:
        noisy = [case for case in cases if case.group in CALIBRATION]
        if len(noisy) < LEAST:
            raise InputError(
                f"{len(noisy)} cases of groups {' and '.join(CALIBRATION)}, at least {LEAST} are needed",
                Location(lab.file),
            )
        notes.append("fewer than 5 quiet cases: fitted on noisy ones too, whose times are up to 25 % high")
        fitted_on = noisy
    seconds = np.array([case.seconds for case in fitted_on])
    data = Data(seconds, np.array([max(case.scatter, LAB_CLOCK) for case in fitted_on]), np.ones(len(seconds)))

    def predict(values: Values) -> NDArray[np.float64]:
        return np.array([lab.predict(case, values) for case in fitted_on])

    found = estimate(given.LAB, predict, data, seed, search=False)
    judged = [case for case in cases if case in fitted_on or not case.noisy or notes]
    if len(judged) < len(cases):
        left_out["noisy cases"] += len(cases) - len(judged)
    rows = [_lab_row(lab, case, found.values, used=case in fitted_on) for case in judged]
    outcome = Fit.of(found, given.LAB, rows, [lab.file], seed)
    outcome.left_out, outcome.notes = dict(left_out), notes
    outcome.held_out = "cases of the other groups"
    return outcome


def _lab_row(lab: Lab, case: Case, values: Values, *, used: bool) -> Row:
    size = sum(lab.bytes_of.get(image, 0) for image in case.images)
    return Row(case.id, case.seconds, lab.predict(case, values), used, size)
