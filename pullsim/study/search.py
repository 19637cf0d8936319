"""Searching the ranges of knobs for the setting that meets a goal.

The search tries some values of the range in equal ratios and then bisects where a value that meets the limit and one
that does not are neighbours. This is exact if the limit is crossed once.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim.errors import InputError, Location
from pullsim.results import metrics as metric_names
from pullsim.study.design import Knob, Variant
from pullsim.study.ending import ending
from pullsim.study.estimates import estimate, pods
from pullsim.study.variant_runs import run_variants

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pullsim.scenario import Scenario
    from pullsim.study.ending import Ending
    from pullsim.study.estimates import Run
    from pullsim.study.executors import Executor
    from pullsim.study.goal import Goal
    from pullsim.study.intervals import Interval
    from pullsim.study.ranges import Range

FIRST: Final = 7  # how many values of a single knob are tried first
GRID: Final = 4  # how many values of each knob are tried where there are several
EQUAL: Final = 0.01  # an objective within this relative difference of the best one counts as equally good

Point = tuple[float, ...]


class Tried(NamedTuple):
    """One setting that was tried: its objective, the resources' shares in its first run, and how its runs ended.

    ``shares`` are of the pods' waiting, ``shares_of_pulls`` of the pulls alone, without their queue. ``pods``: of how
    many pods of all runs together the objective is a percentile; None where it is a mean over the runs, or of one run.
    """

    point: Point
    objective: Interval
    shares: dict[str, float]
    ending: Ending
    shares_of_pulls: Mapping[str, float]
    pods: int | None = None


def setting(knobs: Sequence[str], ranges: Sequence[Range], point: Point) -> Variant:
    """Return the variant that sets knobs to a point of their ranges."""
    return Variant(
        tuple((knob, range_.value(number)) for knob, range_, number in zip(knobs, ranges, point, strict=True))
    )


def first_points(ranges: Sequence[Range]) -> list[Point]:
    """Return the settings that a search tries first: values of one knob, or a grid of several."""
    values = FIRST if len(ranges) == 1 else GRID
    return list(itertools.product(*(range_.spread(values) for range_ in ranges)))


class Search:
    """Tries points of the ranges, each of them once."""

    def __init__(
        self,
        scenario: Scenario,
        knobs: tuple[tuple[str, Range], ...],
        goal: Goal,
        seeds: int,
        executor: Executor | None,
        progress: Callable[[int], None] | None,
        *,
        force: bool,
        prepared: Callable[[Variant], Variant] = lambda variant: variant,
        judged: Callable[[Sequence[Run], str], Interval] = estimate,
    ) -> None:
        """``prepared`` returns what is run for a variant of the knobs, ``judged`` what its runs come to."""
        self.tried: dict[Point, Tried] = {}
        self._scenario = scenario
        self._knobs = knobs
        self._goal = goal
        self._seeds = seeds
        self._executor = executor
        self._progress = progress
        self._force = force
        self._prepared = prepared
        self._judged = judged

    def find(self, ranges: Sequence[Range], trials: int | None = None) -> tuple[Tried | None, list[float]]:
        """Search the ranges, or as many settings as Optuna suggests.

        Return the answer, if there is one, and of one knob the values that miss the goal between those that meet it.
        Raises InputError for a setting that cannot be run, and KeyboardInterrupt.
        """
        if trials is not None:
            return self._suggested(ranges, trials), []
        return self._line(ranges[0]) if len(ranges) == 1 else (self._grid(ranges), [])

    def _line(self, range_: Range) -> tuple[Tried | None, list[float]]:
        """Search the range of one knob; see `find`."""
        self._try(first_points([range_]))
        if self._goal.limit is None:
            self._narrow(range_)
            return self._best(), []
        while True:
            numbers = self._numbers()
            middles = [
                middle
                for low, high in itertools.pairwise(numbers)
                if self._meets((low,)) != self._meets((high,)) and (middle := range_.between(low, high)) is not None
            ]
            if not middles:
                break
            self._try([(middle,) for middle in middles])
        met = [number for number in self._numbers() if self._meets((number,))]
        if not met:
            return None, []
        turns = [n for n in self._numbers() if met[0] < n < met[-1] and not self._meets((n,))]
        if self._goal.want == "best":
            return self._best(), turns
        return self.tried[(met[0] if self._goal.want == "smallest" else met[-1],)], turns

    def _grid(self, ranges: Sequence[Range]) -> Tried | None:
        """Search several knobs: a grid, then knob by knob around its best point until nothing gets better."""
        self._try(first_points(ranges))
        while (answer := self._chosen(ranges)) is not None:
            finer = []
            for index, range_ in enumerate(ranges):
                numbers = sorted({point[index] for point in self.tried})
                here = numbers.index(answer.point[index])
                for other in numbers[max(here - 1, 0) : here] + numbers[here + 1 : here + 2]:
                    middle = range_.between(*sorted((other, answer.point[index])))
                    if middle is not None:
                        finer.append((*answer.point[:index], middle, *answer.point[index + 1 :]))
            fresh = [point for point in finer if point not in self.tried]
            if not fresh:
                return answer
            self._try(fresh)
        return None

    def _suggested(self, ranges: Sequence[Range], trials: int) -> Tried | None:
        """Try what Optuna's tree-structured Parzen estimator suggests; settings that miss the limit count last."""
        try:
            import optuna  # noqa: PLC0415  an extra
        except ImportError:
            raise InputError("Optuna is not installed: pip install 'pullsim[optuna]'", Location("--trials")) from None
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        sampler = optuna.samplers.TPESampler(seed=self._scenario.seed % 2**32)
        study = optuna.create_study(sampler=sampler, direction="maximize" if self._goal.maximize else "minimize")
        for _ in range(trials):
            trial = study.ask()
            point = tuple(
                float(trial.suggest_int(key, int(each.low), int(each.high)))
                if each.whole
                else each.rounded(trial.suggest_float(key, each.low, each.high, log=each.low > 0))
                for (key, _), each in zip(self._knobs, ranges, strict=True)
            )
            self._try([point])
            mean = self.tried[point].objective.mean
            if mean is None or (self._goal.limit is not None and not self._meets(point)):
                mean = -math.inf if self._goal.maximize else math.inf
            study.tell(trial, mean)
        return self._chosen(ranges)

    def _chosen(self, ranges: Sequence[Range]) -> Tried | None:
        """Return the best point, or of those that meet the limit the one with the smallest (largest) knobs."""
        if self._goal.limit is None or self._goal.want == "best":
            return self._best()
        met = [point for point in self.tried if self._meets(point)]
        sign = 1 if self._goal.want == "smallest" else -1

        def size(point: Point) -> float:
            return sign * sum(number / (range_.high or 1) for number, range_ in zip(point, ranges, strict=True))

        return self.tried[min(met, key=lambda point: (size(point), point))] if met else None

    def _best(self) -> Tried | None:
        """Return the point with the best mean; among those within EQUAL of it, the one with the smallest knobs."""
        sign = -1 if self._goal.maximize else 1
        there = [
            (sign * each.objective.mean, each)
            for each in self.tried.values()
            if each.objective.mean is not None
            and math.isfinite(each.objective.mean)
            and (self._goal.limit is None or self._meets(each.point))
        ]
        if not there:
            return None
        best = min(mean for mean, _ in there)
        return min((each for mean, each in there if mean <= best + EQUAL * abs(best)), key=lambda each: each.point)

    def _narrow(self, range_: Range) -> None:
        """Halve the gaps beside the best value until its neighbours are near."""
        while (best := self._best()) is not None:
            numbers = self._numbers()
            here = numbers.index(best.point[0])
            gaps = list(itertools.pairwise(numbers[max(here - 1, 0) : here + 2]))
            middles = [middle for low, high in gaps if (middle := range_.between(low, high)) is not None]
            if not middles:
                return
            self._try([(middle,) for middle in middles])

    def _numbers(self) -> list[float]:
        return sorted(point[0] for point in self.tried)

    def _meets(self, point: Point) -> bool:
        """Whether the whole interval meets the limit."""
        limit = self._goal.limit
        assert limit is not None
        mean, low, high, _ = self.tried[point].objective
        return all(limit.holds(mean if end is None else end) for end in (mean, low, high))

    def _try(self, points: Sequence[Point]) -> None:
        fresh = [point for point in dict.fromkeys(points) if point not in self.tried]
        if not fresh:
            return
        keys, ranges = zip(*self._knobs, strict=True)
        wanted = [self._prepared(setting(keys, ranges, point)) for point in fresh]
        made = run_variants(
            self._scenario,
            [Knob(key, ()) for key in keys],
            wanted,
            seeds=self._seeds,
            executor=self._executor,
            force=self._force,
            progress=self._tell,
            metrics=[self._goal.metric],
        )
        made.check_complete()
        for position, point in enumerate(fresh):
            outcome = made.outcomes[position, made.seeds[0]]
            if outcome.error is not None:
                raise InputError(f"{wanted[position]}: {outcome.error}")
            found = outcome.metrics or {}
            shares, of_pulls = (metric_names.below(found, f"bottleneck.{key}") for key in ("shares", "sharesOfPulls"))
            runs = [*made.by_seed(position).values()]
            objective, together = self._judged(runs, self._goal.metric), pods(runs, self._goal.metric)
            self.tried[point] = Tried(point, objective, shares, ending(made, position), of_pulls, together)

    def _tell(self, now: int, _: int) -> None:
        if self._progress is not None:
            self._progress(len(self.tried) * self._seeds + now)
