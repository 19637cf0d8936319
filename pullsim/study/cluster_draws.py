"""Running the variants of a scenario in clusters that seeds draw.

Each draw is a run with another seed, so that what a scenario draws by itself (arrivals, phases of loops, faults) varies
too. How much of the variance is that alone is told by runs with the same seeds and without variation.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pullsim.errors import InputError, Location
from pullsim.scenario.builder.variation import behind
from pullsim.study.clusters import ClusterRuns, Clusters
from pullsim.study.dask_cluster import WorkersLost
from pullsim.study.design import Variant, check_size
from pullsim.study.variant_runs import run_variants

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from pullsim.results.waits import Objective
    from pullsim.scenario import Scenario
    from pullsim.study.estimates import Run
    from pullsim.study.executors import Executor
    from pullsim.study.variant_runs import Sweep

LEAST: Final = 10  # draws: fewer say nothing of nine in ten clusters
_KEY: Final = "variation"
_OPTION: Final = Location("--interval")
_WITHOUT: Final = 4  # one draw in so many is run without variation too, and two at least


def check_draws(draws: int | None, variants: int, *, force: bool = False) -> None:
    """Raise InputError for too few draws, or more runs than `pullsim.study.design.check_size` lets a study make.

    Studies ask before they run anything, as draws come last.
    """
    if draws is None:
        return
    if draws < LEAST:
        raise InputError(f"{draws:,} draws are too few: at least {LEAST}", _OPTION)
    check_size(variants, draws, force=force, noun="draw", place=_OPTION)


def draw_clusters(
    scenario: Scenario,
    variants: Sequence[Variant],
    draws: int,
    *,
    executor: Executor,
    metrics: Collection[str],
    waits: Collection[Objective] = (),
    first: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    force: bool = False,
) -> Clusters:
    """Run variants of a scenario in so many clusters, those of the seeds from ``first`` on, by default its own.

    ``waits``: whose times all runs keep. A variant without variation has that of its presets. Raises InputError if a
    draw cannot be run, WorkersLost and KeyboardInterrupt.
    """
    first = scenario.seed if first is None else first
    total = len(variants) * runs_of(draws)
    made: list[list[Mapping[int, Run]]] = []
    for wanted, count in (
        ([varied(scenario, each) for each in variants], draws),
        (_still(variants), runs_of(draws) - draws),
    ):
        done = len(variants) * draws if made else 0

        def tell(finished: int, _: int, done: int = done) -> None:
            if progress is not None:
                progress(done + finished, total)

        seeds = range(first, first + count)
        sweep = run_variants(
            scenario,
            (),
            wanted,
            seeds=seeds,
            executor=executor,
            progress=tell,
            metrics=metrics,
            waits=waits,
            force=force,
        )
        sweep.check_complete()
        if sweep.failures:
            failure = sweep.failures[0]
            raise InputError(f"a draw failed, of seed {failure.seed} ({failure.variant}): {failure.error}")
        made.append([sweep.by_seed(position) for position in range(len(wanted))])
    own = scenario.variation is not None and scenario.variation.spreads == "own"
    runs = tuple(ClusterRuns(drawn, still) for drawn, still in zip(*made, strict=True))
    return Clusters(draws, "own" if own else "preset", behind(scenario), runs)


def add_clusters(
    sweep: Sweep,
    scenario: Scenario,
    draws: int,
    *,
    executor: Executor,
    metrics: Collection[str],
    progress: Callable[[int, int], None] | None = None,
    force: bool = False,
) -> None:
    """Draw clusters for the variants of a sweep that could be run; the others have no figures.

    After Ctrl-C, or where a Dask cluster lost its workers, the sweep says so as if its own runs had ended, and has no
    clusters. Raises InputError if a draw cannot be run.
    """
    if sweep.interrupted or sweep.stopped is not None:
        return
    able = [position for position in range(len(sweep.variants)) if len(sweep.by_seed(position)) == len(sweep.seeds)]
    try:
        made = draw_clusters(
            scenario,
            [sweep.variants[position] for position in able],
            draws,
            executor=executor,
            metrics=metrics,
            progress=progress,
            force=force,
        )
    except KeyboardInterrupt:
        sweep.interrupted = True
        return
    except WorkersLost as error:
        sweep.stopped = str(error)
        return
    runs = dict(zip(able, made.runs, strict=True))
    none = ClusterRuns({}, {})
    sweep.clusters = replace(made, runs=tuple(runs.get(position, none) for position in range(len(sweep.variants))))


def runs_of(draws: int) -> int:
    """Return how many runs so many draws of a variant take."""
    return draws + max(2, draws // _WITHOUT)


def varied(scenario: Scenario, variant: Variant) -> Variant:
    """Return a variant with variation: its own, the scenario's, or that of its presets."""
    own = scenario.variation is not None or any(key.split(".")[0] == _KEY for key, _ in variant.applied)
    return Variant((*(() if own else ((_KEY, "preset"),)), *variant.applied))


def _still(variants: Sequence[Variant]) -> list[Variant]:
    return [Variant((*each.applied, (_KEY, "none"))) for each in variants]
