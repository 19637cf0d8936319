"""The values of a knob at which a scenario gains by what it has in half, and in nine of ten, of drawn clusters."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim.errors import InputError
from pullsim.results import direction
from pullsim.study.cluster_draws import varied
from pullsim.study.clusters import HALF, MOST
from pullsim.study.variant_runs import run_variants

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pullsim.scenario import Scenario
    from pullsim.study.design import Knob, Variant
    from pullsim.study.estimates import Run
    from pullsim.study.executors import Executor
    from pullsim.study.ranges import Range

FIRST: Final = 7  # how many values are tried first
GAIN: Final = 0.01  # what gains a smaller part of the objective gains nothing


class EvenClusters(NamedTuple):
    """In how many of the drawn clusters the scenario gains, by the values that were tried, in order."""

    draws: int
    gains: dict[float, int]

    def spans(self, level: int) -> list[tuple[float, float]]:
        """Return the first and the last value of each row of neighbours at which so many thousandths gain."""
        return rows_of((number, self.enough(number, level)) for number in self.gains)

    def enough(self, number: float, level: int) -> bool:
        """Whether the scenario gains at a value in so many thousandths of the clusters."""
        return self.gains[number] * 1000 >= level * self.draws


def rows_of(tried: Iterable[tuple[float, bool]]) -> list[tuple[float, float]]:
    """Return the first and the last of each row of neighbours that are True, of values in order."""
    rows = [[number for number, _ in same] for good, same in itertools.groupby(tried, key=lambda each: each[1]) if good]
    return [(row[0], row[-1]) for row in rows]


def bisect(numbers: Range, judged: Callable[[Sequence[float]], dict[float, bool]]) -> None:
    """Try values of a range, and between neighbours that are judged differently those in between."""
    tried: dict[float, bool] = {}
    fresh = numbers.spread(FIRST)
    while fresh:
        tried |= judged(fresh)
        fresh = [
            middle
            for low, high in itertools.pairwise(sorted(tried))
            if tried[low] != tried[high] and (middle := numbers.between(low, high)) is not None
        ]


def draw_even(
    scenario: Scenario,
    numbers: Range,
    sides: Callable[[float], tuple[Variant, Variant]],
    knobs: Sequence[Knob],
    objective: str,
    draws: int,
    *,
    executor: Executor,
    progress: Callable[[int], None],
    force: bool,
) -> EvenClusters:
    """Search in so many clusters; ``sides``: the scenario at a value, and with the other settings there.

    Both sides of all values run in the same clusters. ``progress`` is called with the number of runs made. Raises
    InputError if a draw cannot be run, WorkersLost and KeyboardInterrupt.
    """
    gains: dict[float, int] = {}

    def run(fresh: Sequence[float]) -> None:
        before = 2 * draws * len(gains)
        made = run_variants(
            scenario,
            knobs,
            [varied(scenario, side) for number in fresh for side in sides(number)],
            seeds=range(scenario.seed, scenario.seed + draws),
            executor=executor,
            force=force,
            progress=lambda now, _: progress(before + now),
            metrics=[objective],
        )
        made.check_complete()
        for failure in made.failures:
            raise InputError(f"a draw failed, of seed {failure.seed} ({failure.variant}): {failure.error}")
        for place, number in enumerate(fresh):
            own, other = (made.by_seed(2 * place + side).values() for side in (0, 1))
            gains[number] = sum(gains_in(*pair, objective) for pair in zip(own, other, strict=True))

    for level in (HALF, MOST):

        def judged(fresh: Sequence[float], level: int = level) -> dict[float, bool]:
            if new := [number for number in fresh if number not in gains]:
                run(new)
            found = EvenClusters(draws, gains)
            return {number: found.enough(number, level) for number in fresh}

        bisect(numbers, judged)
    return EvenClusters(draws, dict(sorted(gains.items())))


def gains_in(own: Run, other: Run, objective: str) -> bool:
    """Whether a scenario gains at least a part of GAIN of the objective in one cluster, or alone comes to it."""
    mine, theirs = own.value(objective), other.value(objective)
    if mine is None or theirs is None:
        return False
    if math.isinf(mine) or math.isinf(theirs):
        return math.isfinite(mine)
    gain = (theirs - mine) * direction.direction(objective)
    return gain > 0.0 and gain >= GAIN * abs(theirs)
