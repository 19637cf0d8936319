"""Searching for a setting: the smallest or largest value that meets a limit on a metric, or the best value.

A value meets the limit if the metric's whole 95 % interval over the seeds does, so that one lucky seed does not decide.
Where the limit is crossed more than once the solution lists the values that miss it between values that meet it, and
all that was tried; see `pullsim.study.search`.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

from pullsim.drawn import Drawn
from pullsim.errors import InputError, Location
from pullsim.printable import printable
from pullsim.results import metrics as metric_names
from pullsim.results.metric_list import check_groups
from pullsim.results.wording import counted
from pullsim.study.cluster_draws import check_draws
from pullsim.study.ending import unmoved
from pullsim.study.executors import choose
from pullsim.study.goal import Goal, parse_goal
from pullsim.study.kept_runs import keeping
from pullsim.study.ranges import parse_range
from pullsim.study.search import FIRST, Search, first_points, setting
from pullsim.study.solved_clusters import solve_in_clusters

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pullsim.scenario import Scenario
    from pullsim.study.dask_cluster import TlsFiles
    from pullsim.study.ranges import Range
    from pullsim.study.search import Point, Tried
    from pullsim.study.solved_clusters import SolvedClusters

#: Keys of which 0 sets no limit.
_NONE_AT_ZERO: Final = ("registryPullQPS", "progressTimeout", "imageMaximumGCAge")


@dataclass(slots=True)
class Solution(Drawn):
    """The setting that was found (None: no setting meets the goal), and all settings that were tried, in order."""

    drawn_by: ClassVar[str] = "pullsim.study.pages.notebook:solution_html"

    knobs: tuple[str, ...]
    ranges: tuple[Range, ...]
    goal: Goal
    seeds: int
    answer: Tried | None
    tried: list[Tried]
    turns: list[float] = field(default_factory=list)  # values that miss the goal between values that meet it
    clusters: SolvedClusters | None = None  # what is so in drawn clusters; None: none were drawn

    def __repr__(self) -> str:
        """``Solution(kubelet.maxParallelImagePulls=2: pods.start.p99 52.1 s; 7 settings tried, 5 seeds)``."""
        found = "none meets it"
        if self.answer is not None:
            mean = metric_names.text(self.goal.metric, self.answer.objective.mean)
            found = f"{', '.join(self.settings(self.answer.point))}: {self.goal.metric} {mean}"
        tried = f"{counted(len(self.tried), 'setting')} tried, {counted(self.seeds, 'seed')}"
        return f"Solution({printable(found)}; {tried})"

    @property
    def flat(self) -> bool:
        """Whether several settings were tried, and the objective is the same with all."""
        return len(self.tried) > 1 and unmoved([tried.objective.mean for tried in self.tried])

    def settings(self, point: Point) -> list[str]:
        """Write a setting as ``--set`` takes it."""
        return setting(self.knobs, self.ranges, point).overrides


def solve(
    scenario: Scenario,
    knob: str | Sequence[str],
    range: str | Sequence[str],
    *,
    objective: str | None = None,
    slo: str | None = None,
    want: str | None = None,
    maximize: bool = False,
    trials: int | None = None,
    seeds: int = 5,
    processes: int | None = 1,
    dask: str | None = None,
    dask_tls: TlsFiles | None = None,
    force: bool = False,
    progress: Callable[[int], None] | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    interval: int | None = None,
) -> Solution:
    """Search the ranges of one or more knobs for the setting that meets a goal.

    ``knob`` and ``range``: keys of the scenario and as many ranges, ``1..32`` or ``100MiB/s..1000MiB/s``.
    ``objective``: a metric, by default that of ``slo``, or `goal.METRIC`; ``slo``: a limit on it, ``< 90s``, or with
    its metric ``pulls.failed == 0``; ``want``: of the values that meet it the smallest (default), largest or best;
    without a limit the best: the lowest objective, or the highest with ``maximize``.
    ``trials``: let Optuna choose so many settings instead of a grid (extra ``pullsim[optuna]``; for several knobs).
    ``seeds``: runs a value. ``processes``, ``dask``, ``dask_tls`` and ``force``: see `pullsim.study.sweep.sweep`.
    ``progress`` is called with the number of runs made so far. ``out``: a directory that keeps runs as they end;
    ``resume`` reuses those in it. ``interval``: the setting that meets the goal in half and in nine of ten of so many
    drawn clusters is searched for too (``clusters``). Raises InputError.
    """
    if interval is not None and trials is not None:
        raise InputError("does not go with --trials, which are of one search", Location("--interval"))
    knobs, goal = _knobs(knob, range), parse_goal(objective, slo, want, maximize=maximize)
    check_groups({goal.metric: Location("--objective")}, [scenario])
    ranges = [range_ for _, range_ in knobs]
    if interval is not None:
        check_draws(interval, len(first_points(ranges)), force=force)
    clusters = None
    with closing(
        keeping(choose(processes, dask, FIRST * max(seeds, interval or 0), dask_tls), out, resume=resume)
    ) as executor:
        search = Search(scenario, tuple(knobs), goal, seeds, executor, progress, force=force)
        answer, turns = search.find(ranges, trials)
        tried = [search.tried[point] for point in sorted(search.tried)]
        if interval is not None:
            made, known = len(tried) * seeds, None if answer is None else answer.point

            def tell(runs: int) -> None:
                if progress is not None:
                    progress(made + runs)

            clusters = solve_in_clusters(scenario, knobs, goal, interval, executor, known, tell, force=force)
    return Solution(tuple(key for key, _ in knobs), tuple(ranges), goal, seeds, answer, tried, turns, clusters)


def _knobs(keys: str | Sequence[str], ranges: str | Sequence[str]) -> list[tuple[str, Range]]:
    keys, ranges = ([each] if isinstance(each, str) else list(each) for each in (keys, ranges))
    if len(keys) != len(ranges):
        raise InputError(f"{len(keys)} knobs and {len(ranges)} ranges: give a range for each", Location("--range"))
    if len(set(keys)) < len(keys):
        raise InputError("a knob is given twice", Location("--knob"))
    found = [(key, parse_range(text)) for key, text in zip(keys, ranges, strict=True)]
    for key, range_ in found:
        if range_.low == 0 and key.rpartition(".")[2] in _NONE_AT_ZERO:
            raise InputError(
                f"{key}: 0 is no limit, and so no smaller than {range_.value(range_.high)} but more: begin above it; "
                f"`pullsim run --set {key}=0` tries it",
                Location("--range"),
            )
    return found
