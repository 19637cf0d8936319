"""A fit of pulls of clusters, with the closed form of a pull that is alone on its node."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from pullsim.errors import InputError, Location
from pullsim.frozen import dataclass
from pullsim.study.fit import parameters as given
from pullsim.study.fit.closed_form import pull_seconds
from pullsim.study.fit.estimate import Data, Estimate, again, estimate
from pullsim.study.fit.fitted import Fit
from pullsim.study.fit.outcome import Held, Row
from pullsim.study.fit.spreads import spreads
from pullsim.study.fit.wording import more
from pullsim.study.fit.work import work_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pullsim.oci.catalog import Catalog
    from pullsim.oci.manifest import Layer
    from pullsim.releases.release import Release
    from pullsim.study.fit.observed import Observed
    from pullsim.study.fit.parameters import Parameter, Values
    from pullsim.study.fit.work import Work

LEAST: Final = 5  # pulls
MOST: Final = 2_000  # pulls that figures are fitted on: a minute
FOLDS: Final = 5
ONE_SIZE: Final = 1.5  # largest over smallest below which sizes are one
WEAK: Final = 0.1  # share of the time that a download takes below which its rate is doubtful
STEPS: Final = 10  # of the sharers' logarithm: equal work to 5 % is computed once
CONTENTION: Final = 3.0  # nodes at once from which the registry can show


@dataclass(frozen=True, slots=True)
class Model:
    """The closed form with some parameters, for a release of containerd."""

    parameters: tuple[Parameter, ...]
    containerd: Release

    def predict(self, work: Sequence[Work], values: Values) -> NDArray[np.float64]:
        """Give the seconds of each pull; equal work is computed once."""
        shared = given.EGRESS in self.parameters
        seconds: dict[tuple[tuple[Layer, ...], float], float] = {}
        predicted = []
        for each in work:
            key = each.layers, math.exp(round(STEPS * math.log(each.sharers)) / STEPS) if shared else 1.0
            if key not in seconds:
                seconds[key] = pull_seconds(*key, values, self.containerd)
            predicted.append(seconds[key])
        return np.array(predicted)


def fit_pulls(observed: Observed, catalog: Catalog, containerd: Release, seed: int) -> Fit:
    """Fit what the pulls tell, with and without a disk and a shared registry. Raises InputError if that is nothing."""
    work = work_of(observed, catalog)
    _one_kind_of_time(work, observed)
    work = [each for each in work if each.pull.seconds > 0]
    _check(work, observed)
    work = _thinned(work, observed)
    candidates = [Model(parameters, containerd) for parameters in _candidates(work)]
    estimates = [
        (estimate(model.parameters, partial(model.predict, work), _data(work), seed), model) for model in candidates
    ]
    found, model = min(estimates, key=lambda each: _criterion(each[0], len(each[1].parameters), len(work)))
    predicted = model.predict(work, found.values)
    rows = [_pull_row(each, float(seconds)) for each, seconds in zip(work, predicted, strict=True)]
    rows += _folds(work, model, found)
    outcome = Fit.of(found, model.parameters, rows, observed.files, seed)
    outcome.left_out = dict(observed.left_out.most_common())
    outcome.spreads = spreads(
        (each.pull.image, each.pull.node, math.log(each.pull.seconds / max(float(seconds), 1e-6)))
        for each, seconds in zip(work, predicted, strict=True)
        if each.pull.node
    )
    outcome.notes = [*observed.notes, *_notes(work, model.parameters), *_weak(work, model, found), more(outcome)]
    outcome.held_out = f"each fifth of the pulls, by figures fitted on the rest ({FOLDS} times)"
    never = "no pull shows it as the limit" if _has_layers(work) else "sizes alone do not tell it from the rest"
    outcome.held += [
        Held(parameter, None, never)
        for parameter in (given.DISK, given.CACHE, given.EGRESS)
        if parameter not in model.parameters
    ]
    return outcome


def _thinned(work: list[Work], observed: Observed) -> list[Work]:
    """Take pulls at equal distances if there are more than MOST: more of them cost time and tell nothing else."""
    if len(work) <= MOST:
        return work
    observed.notes.append(f"of {len(work):,} pulls {MOST:,} were taken, at equal distances")
    return [work[number * len(work) // MOST] for number in range(MOST)]


def _one_kind_of_time(work: list[Work], observed: Observed) -> None:
    """Leave out times that include the wait, if enough others do not (kubelets before and after 1.27)."""
    exact = [each for each in work if not each.pull.waits]
    if not exact or len(exact) == len(work):
        if work and not exact:
            observed.notes.append("all times include the wait in the kubelet's queue: pulls that waited look slow")
        return
    if len(exact) < LEAST:
        raise InputError(
            f"mixed releases of the kubelet: {len(exact)} pulls have their own time (1.27 and later), "
            f"{len(work) - len(exact)} only one with the wait in the queue; give events of one release, "
            f"or {LEAST} or more of the newer one",
            Location(observed.files[0]),
        )
    observed.left_out["pulls whose time includes the wait (kubelets before 1.27)"] += len(work) - len(exact)
    work[:] = exact


def _check(work: Sequence[Work], observed: Observed) -> None:
    count = sum(each.pull.count for each in work)
    place = Location(observed.files[0])
    reasons = observed.left_out_text()
    because = f"; left out: {reasons}" if reasons else ""
    if count < LEAST:
        raise InputError(f"{count} pulls can be used, at least {LEAST} of several sizes are needed{because}", place)
    if len({(each.pull.seconds, each.size) for each in work}) == 1:
        raise InputError(
            f"all {count} pulls are alike ({work[0].pull.seconds:g} s, {work[0].size:,} bytes): they tell no "
            f"rate from a fixed cost; pulls of other sizes are needed{because}",
            place,
        )


def _has_layers(work: Sequence[Work]) -> bool:
    return any(each.known for each in work)


def _candidates(work: Sequence[Work]) -> list[tuple[Parameter, ...]]:
    """Give the sets of parameters to compare: without and with the disk, memory before it, a shared registry."""
    models = [given.NODE]
    if _has_layers(work):
        models += [(*given.NODE, given.DISK), (*given.NODE, given.DISK, given.CACHE)]
    if max(each.sharers for each in work) >= CONTENTION:
        models += [(*model, given.EGRESS) for model in models]
    return models


def _data(work: Sequence[Work]) -> Data:
    return Data(
        np.array([each.pull.seconds for each in work]),
        np.array([each.pull.resolution for each in work]),
        np.array([float(each.pull.count) for each in work]),
    )


def _criterion(found: Estimate, parameters: int, count: int) -> float:
    """Give the Bayesian information criterion, with the robust loss in the place of squares."""
    return count * math.log(max(found.cost, 1e-4)) + parameters * math.log(count)


def _folds(work: Sequence[Work], model: Model, found: Estimate) -> list[Row]:
    """Predict each fifth of the pulls with figures fitted on the others."""
    if len(work) < 2 * FOLDS:
        return []
    rows = []
    for fold in range(FOLDS):
        rest = [each for number, each in enumerate(work) if number % FOLDS != fold]
        mine = [each for number, each in enumerate(work) if number % FOLDS == fold]
        values = again(model.parameters, partial(model.predict, rest), _data(rest), found)
        predicted = model.predict(mine, values)
        rows += [_pull_row(each, float(seconds), used=False) for each, seconds in zip(mine, predicted, strict=True)]
    return rows


def _pull_row(work: Work, predicted: float, *, used: bool = True) -> Row:
    label = f"{work.pull.image} on {work.pull.node}" if work.pull.node else work.pull.image
    return Row(label, work.pull.seconds, predicted, used, work.size)


def _notes(work: Sequence[Work], parameters: Sequence[Parameter]) -> list[str]:
    notes = []
    sizes = [each.size for each in work if each.size]
    if sizes and max(sizes) < ONE_SIZE * min(sizes):
        notes.append(
            "all pulls are of one size: the rate and the fixed cost of a pull cannot be told apart, and a "
            "prediction of other sizes is a guess"
        )
    if not _has_layers(work):
        notes.append(
            "layers are not known (--catalog, --manifests): each image is taken as 6 equal layers that unpack to "
            "2.6 of their size, so that download and unpacking cannot be told apart"
        )
    notes.append("NIC, per-connection cap and a registry's limit for each client are one figure here: it stands as nic")
    if given.EGRESS not in parameters:
        most = max(each.sharers for each in work)
        notes.append(
            f"registry.egress: never more than {most:.1f} nodes downloaded at once"
            if most < CONTENTION
            else "registry.egress: pulls beside many others were not slower"
        )
    return notes


def _weak(work: Sequence[Work], model: Model, found: Estimate) -> list[str]:
    """Warn of a rate that was found in downloads that hardly took time."""
    notes, seconds = [], model.predict(work, found.values)
    for parameter in (given.NIC, given.EGRESS):
        if parameter.name in found.intervals:
            boundless = model.predict(work, {**found.values, parameter.name: parameter.high})
            share = 1 - float(np.median(boundless / seconds))
            if share < WEAK:
                notes.append(
                    f"{parameter.name}: downloading made {100 * share:.0f} % of these pulls' times, so that any fixed "
                    "cost would look like a slow network; don't trust it for larger downloads"
                )
    return notes
