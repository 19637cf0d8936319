"""Running a scenario in many clusters that seeds draw, for intervals of its key figures.

Each draw is a run with another seed, so that what a scenario draws by itself (arrivals, phases of loops, faults) varies
too. How much of the variance is that alone is told by runs with the same seeds and without variation.
"""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from pullsim.errors import InputError
from pullsim.results.statistics import percentile
from pullsim.results.summary.prediction import PredictedFigure, Prediction
from pullsim.scenario.builder.variation import behind
from pullsim.spec.draws import student
from pullsim.study.design import Variant
from pullsim.study.executors import choose
from pullsim.study.sweep import run_variants

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from pullsim.results.summary.summary import Summary
    from pullsim.scenario import Scenario
    from pullsim.study.estimates import Run

FIGURES: Final = ("pods.start.p50", "pods.start.p99", "pods.start.max", "pulls.pull.p50", "pulls.pull.p99")
_WITHOUT: Final = 4  # one draw in so many is run without variation too, and two at least
_ENDS: Final = (50, 250, 500, 750, 950)  # of the draws, in thousandths


def with_prediction(
    scenario: Scenario,
    summary: Summary,
    draws: int,
    *,
    processes: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    force: bool = False,
) -> Summary:
    """Return the summary of a run with the intervals of its key figures over so many draws.

    A scenario without variation has that of its presets. Raises InputError if a draw cannot be run.
    After Ctrl-C it is the same summary.
    """
    own = scenario.variation is not None
    varied = Variant(() if own else (("variation", "preset"),))
    still = Variant((("variation", "none"),))
    without = max(2, draws // _WITHOUT)
    total = draws + without
    made: list[Mapping[int, Run]] = []
    with closing(choose(processes, None, total)) as executor:
        for variant, count in ((varied, draws), (still, without)):
            done = 0 if not made else draws

            def tell(finished: int, _: int, done: int = done) -> None:
                if progress is not None:
                    progress(done + finished, total)

            sweep = run_variants(
                scenario, (), [variant], seeds=count, executor=executor, progress=tell, metrics=FIGURES, force=force
            )
            if sweep.interrupted:
                return summary
            if sweep.failures:
                raise InputError(f"a draw failed, of seed {sweep.failures[0].seed}: {sweep.failures[0].error}")
            made.append(sweep.by_seed(0))
    found = {name: _figure(made[0], made[1], name) for name in FIGURES}
    prediction = Prediction(
        draws,
        "own" if scenario.variation is not None and scenario.variation.spreads == "own" else "preset",
        behind(scenario),
        {name: figure for name, figure in found.items() if figure is not None},
    )
    return replace(summary, prediction=prediction)


def _figure(varied: Mapping[int, Run], still: Mapping[int, Run], name: str) -> PredictedFigure | None:
    """Return a metric over the draws; None: some draw has no value."""
    seeds, values = _values(varied, name)
    if len(seeds) < len(varied):
        return None
    ordered = np.sort(values)
    low90, low50, median, high50, high90 = (percentile(ordered, each) for each in _ENDS)
    sampling, model = _parts(seeds, values, _values(still, name)[1])
    return PredictedFigure(median, low50, high50, low90, high90, sampling, model)


def _values(runs: Mapping[int, Run], name: str) -> tuple[list[int], NDArray[np.float64]]:
    found = {seed: value for seed, run in runs.items() if (value := run.value(name)) is not None}
    return [*found], np.array([*found.values()], dtype=np.float64)


def _parts(
    seeds: Sequence[int], values: NDArray[np.float64], still: NDArray[np.float64]
) -> tuple[float | None, float | None]:
    """Return which parts of the variance of the logarithm are sampling, and what the model is off by.

    The latter is drawn by the seed alone, so that the part is the squared correlation with it.
    """
    finite = np.isfinite(values) & (values > 0)
    if not finite.all() or not (np.isfinite(still) & (still > 0)).all() or len(still) < 2:
        return None, None
    logarithms = np.log(values)
    whole = float(logarithms.var(ddof=1))
    if math.isclose(whole, 0.0, abs_tol=1e-12):
        return None, None
    sampling = min(1.0, float(np.log(still).var(ddof=1)) / whole)
    off = np.array([student(seed, "model") for seed in seeds])
    model = float(np.corrcoef(logarithms, off)[0, 1]) ** 2
    return sampling, min(model, 1.0 - sampling)
