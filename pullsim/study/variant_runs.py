"""Running the variants of a scenario, each with the same seeds."""

from __future__ import annotations

from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from pullsim.drawn import Drawn
from pullsim.errors import InputError
from pullsim.printable import printable, shortened
from pullsim.results import metrics as metric_names
from pullsim.results.waits import objectives
from pullsim.results.wording import counted
from pullsim.scenario.builder.estimate import LONG, time_text
from pullsim.study.clusters import Clusters
from pullsim.study.dask_cluster import WorkersLost
from pullsim.study.design import Knob, Variant, check_size
from pullsim.study.estimates import Run, estimate
from pullsim.study.executors import InProcess
from pullsim.study.job import Bundle, Job, Outcome
from pullsim.study.kept_runs import KeptRuns, RememberedRuns
from pullsim.study.store import RunStore

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    import pandas as pd

    from pullsim.results.waits import Objective
    from pullsim.scenario import Scenario
    from pullsim.study.executors import Executor
    from pullsim.study.intervals import Interval


_LONG_NAME: Final = 200  # letters of a text that names a sweep
_NAMED: Final = 3  # how many missing runs a message names


class Failure(NamedTuple):
    """A run that gave no metrics."""

    variant: Variant
    seed: int
    error: str


@dataclass(slots=True)
class Sweep(Drawn):
    """The runs of a sweep, by variant and seed."""

    drawn_by: ClassVar[str] = "pullsim.study.pages.notebook:sweep_html"

    name: str
    knobs: tuple[Knob, ...]
    variants: tuple[Variant, ...]
    seeds: tuple[int, ...]
    outcomes: dict[tuple[int, int], Outcome] = field(default_factory=dict)  # by the variant's position and the seed
    interrupted: bool = False
    stopped: str | None = None  # why it ended before all runs were made
    clusters: Clusters | None = None  # what the variants came to in drawn clusters; None: none were drawn

    def __repr__(self) -> str:
        """``Sweep(shop: kubelet.maxParallelImagePulls=1,2,4; 4 variants, 3 seeds, 12 runs)``."""
        knobs = " ".join(f"{knob.key}={','.join(knob.values)}" for knob in self.knobs)
        text = printable(shortened(f"{self.name}: {knobs}" if knobs else self.name, _LONG_NAME))
        sizes = {"variant": len(self.variants), "seed": len(self.seeds), "run": len(self.outcomes)}
        return f"Sweep({text}; {', '.join(counted(number, noun) for noun, number in sizes.items())})"

    def check_complete(self) -> None:
        """Raise KeyboardInterrupt or WorkersLost, an InputError, if the sweep ended before all runs were made."""
        if self.interrupted:
            raise KeyboardInterrupt
        if self.stopped is not None:
            raise WorkersLost(self.stopped)

    @property
    def axes(self) -> tuple[Knob, ...]:
        """The knobs that have several values; the others are the same in all variants."""
        return tuple(knob for knob in self.knobs if len(knob.values) > 1)

    def settings(self, variant: int) -> tuple[tuple[str, str], ...]:
        """Return what a variant sets of the axes."""
        axes = {knob.key for knob in self.axes}
        return tuple(setting for setting in self.variants[variant].settings if setting[0] in axes)

    @property
    def failures(self) -> list[Failure]:
        """The runs that failed, in order."""
        return [
            Failure(self.variants[variant], seed, outcome.error)
            for (variant, seed), outcome in sorted(self.outcomes.items())
            if outcome.error is not None
        ]

    def metric(self, variant: int, name: str) -> list[float | None]:
        """Return a metric of a variant's runs, in the order of the seeds; runs that failed are left out."""
        return [run.value(name) for run in self.by_seed(variant).values()]

    def by_seed(self, variant: int) -> dict[int, Run]:
        """Return a variant's runs by seed; those that failed are left out."""
        found = ((seed, self.outcomes.get((variant, seed))) for seed in self.seeds)
        return {seed: Run(o.metrics, o.waits) for seed, o in found if o is not None and o.metrics is not None}

    def interval(self, variant: int, name: str) -> Interval:
        """Return a metric over the seeds with its interval: a percentile of their pods together, or the mean.

        Raises InputError for a percentile that was not among the metrics asked for, of several seeds.
        """
        return estimate([*self.by_seed(variant).values()], name)

    def verdict(self, variant: int) -> dict[str, Any] | None:
        """Return the verdict of the variant's first run that has one."""
        for seed in self.seeds:
            outcome = self.outcomes.get((variant, seed))
            if outcome is not None and outcome.verdict is not None:
                return outcome.verdict
        return None

    def runs(self) -> pd.DataFrame:
        """Return one row for each run: ``variant``, the knobs, ``seed``, all metrics, ``error``."""
        import pandas as pd  # noqa: PLC0415  only when asked

        columns = list(dict.fromkeys(name for o in self.outcomes.values() for name in o.metrics or ()))
        rows = []
        for (position, seed), outcome in sorted(self.outcomes.items()):
            found = outcome.metrics
            known = {} if found is None else {name: metric_names.value(found, name) for name in columns}
            settings = dict(self.variants[position].settings)
            rows.append({"variant": position, **settings, "seed": seed, **known, "error": outcome.error})
        return pd.DataFrame(rows, columns=["variant", *(k.key for k in self.knobs), "seed", *columns, "error"])

    def table(self, metrics: Sequence[str] = metric_names.DEFAULT) -> pd.DataFrame:
        """Return a row for each variant and metric: knobs, ``metric``, ``mean``, ``low``, ``high`` (95 %), ``runs``.

        ``mean`` is a mean over the seeds, or where the metric is a percentile that of the pods of all seeds together.
        With ``clusters`` there are the figures of one cluster too (see `PredictedFigure`), ``best_in``, the number of
        clusters in which the variant is the best, and what it differs by from the first variant in each.
        """
        import pandas as pd  # noqa: PLC0415

        drawn = self.clusters
        best = {} if drawn is None else {name: drawn.best(name) for name in metrics}
        rows = []
        for position, variant in enumerate(self.variants):
            for name in metrics:
                mean, low, high, count = self.interval(position, name)
                figures = {"metric": name, "mean": mean, "low": low, "high": high, "runs": count}
                rows.append({"variant": position, **dict(variant.settings), **figures})
                if drawn is not None:
                    rows[-1] |= {"draws": drawn.draws, **drawn.columns(name, position), "best_in": best[name][position]}
                    rows[-1] |= drawn.columns_apart(name, 0, position or None)
        names = ["variant", *(k.key for k in self.knobs), "metric", "mean", "low", "high", "runs"]
        return pd.DataFrame(rows, columns=list(dict.fromkeys([*names, *(name for row in rows for name in row)])))


def run_variants(
    scenario: Scenario,
    knobs: Sequence[Knob],
    wanted: Sequence[Variant],
    *,
    seeds: int | Sequence[int] = 1,
    executor: Executor | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
    announce: Callable[[str], None] | None = None,
    metrics: Collection[str] = metric_names.DEFAULT,
    waits: Collection[Objective] = (),
) -> Sweep:
    """Run given variants; see `pullsim.study.sweep.sweep`.

    ``metrics``: all that are asked for; ``waits``: those that outcomes have anyway.
    A single seed needs no waits, unless others may be added to it in ``out``.
    """
    check_size(len(wanted), seeds if isinstance(seeds, int) else len(seeds), force=force)
    result = Sweep(scenario.name, tuple(knobs), tuple(wanted), _seeds(seeds, scenario.seed))
    total = len(wanted) * len(result.seeds)
    pooled = objectives(metrics) if len(result.seeds) > 1 or out is not None else frozenset()
    bundle = Bundle.of(scenario, wanted, metrics=metrics, waits={*waits, *pooled}, force=force)
    if announce is not None and bundle.seconds * total > LONG:
        announce(f"this takes about {time_text(bundle.seconds * total)} of CPU time: {total:,} runs")
    jobs: list[Job] = []
    places: list[tuple[int, int]] = []
    for position, variant in enumerate(wanted):
        for seed in result.seeds:
            jobs.append(Job(len(jobs), tuple(variant.overrides), seed))
            places.append((position, seed))
    with nullcontext() if out is None else RunStore(Path(out), bundle, resume=resume, tell=announce) as store:
        if store is not None:
            for job in jobs:
                if (outcome := store.get(job)) is not None:
                    result.outcomes[places[job.number]] = outcome
        left = [job for job in jobs if places[job.number] not in result.outcomes]
        if progress is not None:
            progress(total - len(left), total)
        try:
            with closing((executor or InProcess()).run(bundle, left)) as outcomes:  # type: ignore[type-var]
                for outcome in outcomes:
                    result.outcomes[places[outcome.number]] = outcome
                    if store is not None:
                        store.add(jobs[outcome.number], outcome)
                    if progress is not None:
                        progress(len(result.outcomes), total)
        except KeyboardInterrupt:
            result.interrupted = True
        except WorkersLost as error:
            kept = executor.out if isinstance(executor, KeptRuns | RememberedRuns) else out
            result.stopped = f"{error}: {_missing(result)}" + (
                "" if kept is None else f"; what is done is kept, --out {kept} --resume goes on with it"
            )
    if result.outcomes and all(outcome.error for outcome in result.outcomes.values()):
        first = result.failures[0]
        raise InputError(f"no run succeeded; the first ({first.variant}): {first.error}")
    return result


def _missing(result: Sweep) -> str:
    """Return a message that names the runs that are missing."""
    missing = [
        f"{variant} with seed {seed}"
        for position, variant in enumerate(result.variants)
        for seed in result.seeds
        if (position, seed) not in result.outcomes
    ]
    total = len(result.variants) * len(result.seeds)
    more = f" and {len(missing) - _NAMED:,} more" if len(missing) > _NAMED else ""
    return f"{len(missing):,} of {total:,} runs are missing ({'; '.join(missing[:_NAMED])}{more})"


def _seeds(wanted: int | Sequence[int], first: int) -> tuple[int, ...]:
    """Return the seeds that were given, or as many as were asked for, counted from the scenario's own."""
    if isinstance(wanted, int):
        if wanted < 1:
            raise InputError(f"{wanted} seeds are too few: at least 1")
        return tuple(range(first, first + wanted))
    if len({*wanted}) != len(wanted) or not wanted:
        raise InputError("seeds must be some, and all different")
    return tuple(wanted)
