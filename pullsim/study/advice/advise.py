"""Trying the levers of a scenario: each alone, then the best together, all with the same seeds."""

from __future__ import annotations

import itertools
import math
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim.errors import InputError, Location
from pullsim.results import metrics as metric_names
from pullsim.results.model_error import model_error
from pullsim.scenario import override
from pullsim.scenario.builder.estimate import LONG, time_text
from pullsim.study.advice.advice import (
    GAIN,
    METRICS,
    OBJECTIVE,
    OBJECTIVE_OF_READS,
    Advice,
    Tried,
    gain,
    ordered,
)
from pullsim.study.advice.in_clusters import with_clusters
from pullsim.study.advice.levers import LEVERS, weights
from pullsim.study.advice.setting import Setting
from pullsim.study.advice.situation import Situation
from pullsim.study.cluster_draws import check_draws
from pullsim.study.compare import Comparison, Side
from pullsim.study.design import Variant, check_size, variant
from pullsim.study.ending import of_those_that_did
from pullsim.study.estimates import estimate
from pullsim.study.executors import choose
from pullsim.study.kept_runs import keeping
from pullsim.study.trade_off import money_of
from pullsim.study.variant_runs import run_variants

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pullsim.results.model_error import ModelError
    from pullsim.scenario import Scenario
    from pullsim.study.advice.levers import Lever
    from pullsim.study.dask_cluster import TlsFiles
    from pullsim.study.executors import Executor
    from pullsim.study.variant_runs import Sweep

SEEDS: Final = 3
MAX_RUNS: Final = 200
BEST: Final = 4  # levers that are tried in pairs because they gain most
IN_PROCESS: Final = 3.0  # estimated seconds of CPU time up to which other processes are not worth their start


class Candidate(NamedTuple):
    """A lever with one of its settings."""

    lever: Lever
    setting: Setting


def usual_objective(situation: Situation) -> str:
    """Return the metric by which changes are ranked where none is given."""
    return OBJECTIVE_OF_READS if situation.reads else OBJECTIVE


def candidates(situation: Situation, shares: Mapping[str, float], least: float = 0.0) -> list[Candidate]:
    """Return what there is to try, first what helps most of the waiting (``shares``: see `levers.weights`).

    ``least``: levers that could help a smaller share of it are left out.
    """
    able = [lever for lever in LEVERS if lever.relevance(shares) >= least]
    found = [Candidate(lever, setting) for lever in able for setting in lever.settings(situation)]
    return sorted(found, key=lambda each: -each.lever.relevance(shares))


def advise(
    scenario: Scenario,
    *,
    objective: str | None = None,
    set: Sequence[str] = (),
    seeds: int | Sequence[int] = SEEDS,
    processes: int | None = 1,
    dask: str | None = None,
    dask_tls: TlsFiles | None = None,
    max_runs: int = MAX_RUNS,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
    announce: Callable[[str], None] | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    interval: int | None = None,
) -> Advice:
    """Try what could start a scenario's pods earlier, and return what each change comes to.

    ``objective``: the metric by which changes are ranked; by default pods.start.p99, and pods.ready.p99 where workloads
    have ``reads``. ``set``: overrides that hold for all runs. All changes run with the same ``seeds``, so that
    differences are paired: what changes is the lever's doing. At most ``max_runs`` runs are made: first the scenario as
    it is, then single changes, those that help what binds first, then pairs. ``interval``: so many clusters are drawn
    besides, in each of which what helps runs (``clusters``), and these runs are not counted.
    For the other parameters see `pullsim.study.sweep.sweep`; ``out`` keeps the runs below ``runs``. After Ctrl-C what
    is done is returned (``interrupted``). Raises InputError for wrong input, or if the scenario itself cannot be run.
    """
    if objective is not None:
        metric_names.check(objective, Location("--objective"))
    most = max_runs // max(1, seeds if isinstance(seeds, int) else len(seeds))  # variants, the scenario as it is too
    check_draws(interval, most, force=force)
    scenario = override(scenario, set) if set else scenario
    situation = Situation.of(scenario, force=force)
    with searching(
        situation,
        objective or usual_objective(situation),
        seeds,
        max_runs,
        processes=processes,
        dask=dask,
        dask_tls=dask_tls,
        force=force,
        progress=progress,
        out=out,
        resume=resume,
    ) as search:
        found = candidates(situation, search.weights)
        search.tell_time(len(found), announce)
        search.run(found)
        search.pairs(found)
        return search.advice() if interval is None else search.in_clusters(interval)


@contextmanager
def searching(
    situation: Situation,
    objective: str,
    seeds: int | Sequence[int],
    max_runs: int,
    *,
    processes: int | None,
    dask: str | None,
    dask_tls: TlsFiles | None,
    force: bool,
    progress: Callable[[int, int], None] | None,
    out: str | Path | None,
    resume: bool,
) -> Iterator[Search]:
    """Run a scenario as it is, and give the search in which changes of it are tried; for the parameters see `advise`.

    Raises InputError, and KeyboardInterrupt if the scenario as it is was not run.
    """
    count = seeds if isinstance(seeds, int) else len(seeds)
    check_size(1, count, force=force)
    if max_runs < 2 * count:
        raise InputError(f"{max_runs} runs are too few: {count} seeds as it is and with one change are {2 * count}")
    if processes is None and dask is None and situation.estimate.seconds * max_runs < IN_PROCESS:
        processes = 1
    with closing(keeping(choose(processes, dask, max_runs, dask_tls), out, resume=resume)) as executor:
        search = Search(situation, objective, seeds, executor, progress, max_runs, force=force)
        search.base()
        yield search


class Search:
    """Runs changes of a scenario and compares them with the scenario as it is."""

    def __init__(
        self,
        situation: Situation,
        objective: str,
        seeds: int | Sequence[int],
        executor: Executor,
        progress: Callable[[int, int], None] | None,
        max_runs: int,
        *,
        force: bool,
    ) -> None:
        self.weights: dict[str, float] = {}
        self._scenario = situation.scenario
        self._seconds = situation.estimate.seconds  # of CPU time a run
        self._objective = self._judged = objective
        self._seeds: int | Sequence[int] = seeds
        self._executor = executor
        self._progress = progress
        self._left = max_runs
        self._done = 0
        self._force = force
        kinds = (spec.runtime.kind for spec in situation.specs.values())
        self._side = Side("as it is", {}, {}, None, model_error(kinds))
        self._shares: dict[str, float] = {}
        self._rows: list[Tried] = []
        self._untried: list[str] = []
        self._failed: list[str] = []
        self._interrupted = False
        self._stopped: str | None = None

    def base(self) -> None:
        """Run the scenario as it is. Raises KeyboardInterrupt if interrupted, InputError if it cannot be run."""
        made = self._sweep([Variant(())])
        made.check_complete()
        self.start(_side(made, 0, None))

    def start(self, side: Side) -> None:
        """Take the runs of the scenario as it is."""
        self._side = self._side._replace(runs=side.runs, waits=side.waits)
        self._seeds = list(side.runs)
        first = next(iter(side.runs.values()))
        shares, within = (metric_names.below(first, f"bottleneck.{key}") for key in ("shares", "sharesOfPulls"))
        self._shares = dict(sorted(shares.items(), key=lambda item: -item[1]))
        self.weights = weights(shares, within)
        if estimate(side.of_seeds(side.runs), self._objective).mean == math.inf:
            self._judged = of_those_that_did(self._objective)

    def tell_time(self, changes: int, announce: Callable[[str], None] | None) -> None:
        """Say how long so many single changes take with the runs that were made, where that is long."""
        count = len(self._side.runs)
        runs = count + min(self._left, changes * count)
        if announce is not None and self._seconds * runs > LONG:
            takes = time_text(self._seconds * runs)
            announce(f"this takes about {takes} of CPU time: {runs:,} runs, and those of pairs")

    def run(self, wanted: Sequence[Candidate]) -> None:
        """Try single changes, as many as there are runs for."""
        self._try([((each.lever.name,), each.setting) for each in wanted])

    def run_together(self, wanted: Sequence[tuple[tuple[str, ...], Setting]]) -> None:
        """Try changes that several levers make at once, as many as there are runs for; each has its levers' names."""
        self._try(wanted)

    def pairs(self, wanted: Sequence[Candidate]) -> None:
        """Try pairs of the changes that gain most, and each that helps what binds with each that helps the next.

        The latter may gain nothing alone: parallel pulls on one core, and more cores for pulls one after the other.
        """
        able = {each.lever.name: each.lever for each in wanted if each.lever.pairs}
        best: dict[str, Tried] = {}
        for row in ordered(self._rows, self._judged):
            if row.levers[0] in able:
                best.setdefault(row.levers[0], row)
        gaining = [name for name, row in best.items() if row.gain >= GAIN][:BEST]
        binding = [
            names
            for resource in sorted(self.weights, key=lambda resource: -self.weights[resource])
            if (names := [name for name in best if resource in able[name].helps])
        ]
        found = dict.fromkeys(
            tuple(sorted(pair, key=list(best).index))
            for pair in (*itertools.combinations(gaining, 2), *itertools.product(*binding[:2]))
            if len({*pair}) == 2
        )
        self._try([(pair, both) for pair in found if (both := _together(*(best[name].setting for name in pair)))])

    def advice(self) -> Advice:
        """Return what was found."""
        return Advice(
            self._scenario.name,
            self._objective,
            self._judged,
            self._metrics,
            tuple(self._side.runs),
            ordered(self._rows, self._judged),
            self._shares,
            self._side.error,
            self._untried,
            self._failed,
            self._interrupted,
            self._stopped,
        )

    def in_clusters(self, draws: int) -> Advice:
        """Return what was found with what helps run in so many clusters. Raises InputError."""
        return with_clusters(self.advice(), self._scenario, draws, self._executor, self._telling(), force=self._force)

    @property
    def _metrics(self) -> tuple[str, ...]:
        money = money_of(self._side.runs.values())
        return tuple(dict.fromkeys([*METRICS, *money, self._objective, self._judged]))

    def _try(self, wanted: Sequence[tuple[tuple[str, ...], Setting]]) -> None:
        room = self._left // len(self._side.runs)
        self._untried += [setting.sentence for _, setting in wanted[room:]]
        wanted = wanted[:room]
        if self._interrupted or self._stopped or not wanted:
            return
        try:
            made = self._sweep([variant(setting.overrides) for _, setting in wanted])
        except InputError as error:  # none of them can be made
            self._failed += [f"{setting.sentence}: {error.lines()[0]}" for _, setting in wanted]
            return
        self._interrupted, self._stopped = made.interrupted, made.stopped
        for position, (levers, setting) in enumerate(wanted):
            outcomes = [made.outcomes.get((position, seed)) for seed in made.seeds]
            errors = [outcome.error for outcome in outcomes if outcome is not None and outcome.error is not None]
            if errors:
                self._failed.append(f"{setting.sentence}: {errors[0]}")
            elif None not in outcomes:
                self._rows.append(self._tried(levers, setting, _side(made, position, self._side.error)))

    def _tried(self, levers: tuple[str, ...], setting: Setting, side: Side) -> Tried:
        differences = {each.metric: each for each in Comparison(self._side, side).differences(self._metrics)}
        made = gain(differences[self._objective]) or gain(differences[self._judged])
        return Tried(levers, setting, tuple(differences.values()), made)

    def _telling(self) -> Callable[[int, int], None]:
        """Return what tells how many runs are done, of those that follow and all before."""
        done = self._done

        def tell(now: int, total: int) -> None:
            self._done = done + now
            if self._progress is not None:
                self._progress(done + now, done + total)

        return tell

    def _sweep(self, wanted: Sequence[Variant]) -> Sweep:
        made = run_variants(
            self._scenario,
            (),
            wanted,
            seeds=self._seeds,
            executor=self._executor,
            force=self._force,
            progress=self._telling(),
            metrics=(*METRICS, self._objective),  # what is judged by takes the same waits
        )
        self._left -= len(made.outcomes)
        return made


def _side(made: Sweep, position: int, error: ModelError | None) -> Side:
    """Return a variant of a sweep as a side of a comparison."""
    found = made.by_seed(position).items()
    metrics, waits = {seed: run.metrics for seed, run in found}, {seed: run.waits for seed, run in found}
    return Side(str(made.variants[position]), {}, metrics, None, error, waits)


def _together(first: Setting, second: Setting) -> Setting | None:
    """Return two settings at once; None where they set the same key."""
    keys = [text.partition("=")[0] for text in (*first.overrides, *second.overrides)]
    if len({*keys}) < len(keys):
        return None
    return Setting(f"{first.sentence}, and {second.sentence}", (*first.overrides, *second.overrides))
