"""Comparing two scenarios or two results: the differences of their inputs, and the differences of their metrics."""

from __future__ import annotations

import math
from contextlib import closing
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from pullsim.drawn import Drawn
from pullsim.errors import InputError, Location
from pullsim.frozen import dataclass
from pullsim.inputs.document import parse_document
from pullsim.printable import printable, shortened
from pullsim.results import metrics as metric_names
from pullsim.results.metric_list import check_groups
from pullsim.results.model_error import model_error, within
from pullsim.results.wording import counted
from pullsim.scenario import effective_yaml, override
from pullsim.stages import STAGES
from pullsim.study.cluster_draws import check_draws, draw_clusters, runs_of
from pullsim.study.clusters import Clusters
from pullsim.study.design import Variant, check_size, parse_knob
from pullsim.study.estimates import Run, difference, estimate
from pullsim.study.executors import choose
from pullsim.study.kept_runs import keeping
from pullsim.study.variant_runs import Sweep, run_variants

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from pullsim.results.model_error import ModelError
    from pullsim.results.waits import Objective, Waiting
    from pullsim.scenario import Scenario
    from pullsim.study.dask_cluster import TlsFiles
    from pullsim.study.executors import Executor
    from pullsim.study.intervals import Interval

_SOURCES: Final = "bytes.bySource."
SMALL: Final = 1e-9  # relative difference up to which two sums count as equal


class Side(NamedTuple):
    """One side of a comparison: its name, its inputs, and by seed its runs' metrics and their pods' waits."""

    name: str
    inputs: Mapping[str, Any]  # value by path of the key
    runs: Mapping[int, Mapping[str, float | None]]
    verdict: str | None
    error: ModelError | None
    waits: Mapping[int, Mapping[Objective, Waiting] | None] = MappingProxyType({})

    def of_seeds(self, seeds: Iterable[int]) -> list[Run]:
        """Return the runs of some seeds."""
        return [Run(self.runs[seed], self.waits.get(seed)) for seed in seeds]


class Difference(NamedTuple):
    """A metric on both sides, and b - a over the seeds that both have; each as `pullsim.study.estimates` has it."""

    metric: str
    a: Interval
    b: Interval
    difference: Interval
    within_model_error: bool

    @property
    def relative(self) -> float | None:
        """The difference as a share of a's value; None: there is none, or a pod never started on one of the sides."""
        mean = self.difference.mean
        if mean is None or not self.a.mean or math.inf in (self.a.mean, self.b.mean):
            return None
        return mean / self.a.mean

    @property
    def verdict(self) -> str:
        """The verdict in words: same, lower, higher, unclear (the interval spans zero), below the model's error."""
        mean, low, high, _ = self.difference
        if mean is None:
            return "no value" if low is None else "unclear"
        if math.isfinite(mean) and abs(mean) <= SMALL * max(abs(self.a.mean or 0.0), abs(self.b.mean or 0.0)):
            return "same"
        if low is not None and high is not None and low <= 0 <= high:
            return "unclear"
        if self.within_model_error:
            return "within model error"
        return "lower" if mean < 0 else "higher"


class Moved(NamedTuple):
    """The mean seconds of a pod in a stage, on both sides."""

    stage: str
    a: float
    b: float


@dataclass(frozen=True, slots=True)
class Comparison(Drawn):
    """Two sides and their differences."""

    drawn_by: ClassVar[str] = "pullsim.study.pages.notebook:comparison_html"

    a: Side
    b: Side
    clusters: Clusters | None = None  # both sides in drawn clusters; None: none were drawn

    def __repr__(self) -> str:
        """``Comparison(old → new; 2 inputs differ, 3 seeds)``."""
        sides = " → ".join(printable(shortened(side.name, 80)) for side in (self.a, self.b))
        differ = f"{counted(len(self.changes()), 'input')} differ{'s' * (len(self.changes()) == 1)}"
        return f"Comparison({sides}; {differ}, {counted(len(self.a.runs), 'seed')})"

    def changes(self) -> list[tuple[str, Any, Any]]:
        """Return the inputs that differ, as (path, a, b); None where one side does not have the key."""
        a, b = self.a.inputs, self.b.inputs
        return [(path, a.get(path), b.get(path)) for path in dict.fromkeys([*a, *b]) if a.get(path) != b.get(path)]

    def differences(self, metrics: Sequence[str] = metric_names.DEFAULT) -> list[Difference]:
        """Compare metrics, paired by seed.

        Raises InputError for a percentile that was not among the metrics asked for, of several seeds.
        """
        seeds = [seed for seed in self.a.runs if seed in self.b.runs]
        a, b = self.a.of_seeds(seeds), self.b.of_seeds(seeds)
        made = []
        for name in metrics:
            left, right = estimate(a, name), estimate(b, name)
            timed = metric_names.dimension(name) in (metric_names.SECONDS, metric_names.RATE)
            small = (
                timed
                and left.mean is not None
                and right.mean is not None
                and any(within(side.error, left.mean, right.mean) for side in (self.a, self.b))
            )
            made.append(Difference(name, left, right, difference(a, b, name), small))
        return made

    def moved(self) -> list[Moved]:
        """Return the stages in which the seconds of a pod differ, the largest difference first."""
        a, b = stage_seconds(self.a), stage_seconds(self.b)
        rows = [Moved(stage, a[stage], b[stage]) for stage in STAGES]
        differing = [row for row in rows if abs(row.b - row.a) > 1e-6]  # less is shown as 0.00 s
        return sorted(differing, key=lambda row: -abs(row.b - row.a))

    def sources(self) -> list[tuple[str, float, float]]:
        """Return the hosts that served another number of bytes on the two sides, as (host, a, b), means over seeds."""
        names = sorted({name for side in (self.a, self.b) for run in side.runs.values() for name in run})
        rows = self.differences([name for name in names if name.startswith(_SOURCES)])
        return [
            (row.metric.removeprefix(_SOURCES), row.a.mean or 0.0, row.b.mean or 0.0)
            for row in rows
            if row.verdict != "same"
        ]

    def table(self, metrics: Sequence[str] = metric_names.DEFAULT) -> pd.DataFrame:
        """Return one row for each metric: a, b, b - a with its 95 % interval, the same as a share of a, the verdict.

        With ``clusters`` there are the figures of one cluster on both sides and of their difference in each.
        """
        import pandas as pd  # noqa: PLC0415  only when asked

        rows = [
            (
                d.metric,
                d.a.mean,
                d.b.mean,
                d.difference.mean,
                d.difference.low,
                d.difference.high,
                d.relative,
                d.verdict,
            )
            for d in self.differences(metrics)
        ]
        table = pd.DataFrame(rows, columns=["metric", "a", "b", "difference", "low", "high", "relative", "verdict"])
        if (drawn := self.clusters) is None:
            return table
        more = [
            {
                "draws": drawn.draws,
                **drawn.columns(m, 0, "a_"),
                **drawn.columns(m, 1, "b_"),
                **drawn.columns_apart(m, 0, 1),
            }
            for m in metrics
        ]
        return table.join(pd.DataFrame(more))


def compare(
    a: Scenario,
    b: Scenario | None = None,
    *,
    set: Sequence[str] = (),
    set_a: Sequence[str] = (),
    set_b: Sequence[str] = (),
    seeds: int | Sequence[int] = 1,
    processes: int | None = 1,
    dask: str | None = None,
    dask_tls: TlsFiles | None = None,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
    metrics: Collection[str] = (),
    out: str | Path | None = None,
    resume: bool = False,
    interval: int | None = None,
) -> Comparison:
    """Run two scenarios, or one with two settings, with the same seeds: those of ``a``.

    ``set`` has overrides for both sides; ``KEY=V1,V2`` sets V1 in A and V2 in B. ``set_a`` and ``set_b`` have overrides
    for one side. For the others see `pullsim.study.sweep.sweep`; ``out`` keeps the runs below ``runs``.
    ``interval``: so many clusters are drawn besides, in each of which both sides run. Raises InputError.
    """
    both_a, both_b = _sides(set)
    overrides_a, overrides_b = [*both_a, *set_a], [*both_b, *set_b]
    if b is None and overrides_a == overrides_b:
        raise InputError("there is one side only: give B, or --set KEY=V1,V2, or --a and --b")
    count = seeds if isinstance(seeds, int) else len(seeds)
    check_size(2, count, force=force)
    check_draws(interval, 2, force=force)
    both = [text for text in overrides_a if text in overrides_b]
    sides = override(a, overrides_a), override(b or a, overrides_b)
    check_groups(dict.fromkeys(metrics, Location("--metric")), sides)

    drawn = 0 if interval is None else runs_of(interval)
    kept = {*metric_names.DEFAULT, *metrics}

    def telling(before: int) -> Callable[[int, int], None]:
        return lambda done, _: None if progress is None else progress(before + done, 2 * (count + drawn))

    def run(side: int, seeds: int | Sequence[int], executor: Executor) -> Side:
        overrides = (overrides_a, overrides_b)[side]
        variants = run_variants(
            sides[side],
            (),
            [Variant(())],
            seeds=seeds,
            executor=executor,
            force=force,
            progress=telling(side * count),
            metrics=kept,
        )
        name = ", ".join(text for text in overrides if text not in both) or sides[side].name
        return _side(name, sides[side], variants, force=force)

    def draw(side: int, interval: int, executor: Executor) -> Clusters:
        return draw_clusters(
            sides[side],
            [Variant(())],
            interval,
            executor=executor,
            metrics=kept,
            first=sides[0].seed,
            progress=telling(2 * count + side * drawn),
            force=force,
        )

    with closing(keeping(choose(processes, dask, count + drawn, dask_tls), out, resume=resume)) as executor:
        first = run(0, seeds, executor)
        second = run(1, list(first.runs), executor)
        clusters = None
        if interval is not None:
            clusters = draw(0, interval, executor).beside(draw(1, interval, executor))
        return Comparison(first, second, clusters)


def _sides(texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the overrides of A and of B: a single value is for both, of two values each side has one."""
    a, b = [], []
    for knob in map(parse_knob, texts):
        if len(knob.values) > 2:
            raise InputError(
                f"{knob.key} has {len(knob.values)} values; a comparison has two sides (pullsim sweep takes more)",
                Location("--set"),
            )
        first, *others = knob.values  # noqa: PD011  # these are the values of a knob, not of a data frame
        a.append(f"{knob.key}={first}")
        b.append(f"{knob.key}={(others or [first])[0]}")
    return a, b


def _side(name: str, scenario: Scenario, result: Sweep, *, force: bool) -> Side:
    """Return a side from the runs of its scenario. Raises InputError or KeyboardInterrupt if runs are missing."""
    result.check_complete()
    found = sorted(result.by_seed(0).items())
    verdict = result.verdict(0)
    return Side(
        name,
        dict(flat(parse_document(effective_yaml(scenario), "scenario").tree, "")),
        {seed: run.metrics for seed, run in found},
        verdict["sentence"] if verdict else None,
        model_error(spec.runtime.kind for spec in scenario.assemble(force=force).cluster.pools.values()),
        {seed: run.waits for seed, run in found},
    )


def flat(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the scalars of a scenario by path; entries of lists by their name where they have one."""
    if isinstance(node, dict):
        for key, inner in node.items():
            if path or key not in ("name", "description", "seed"):
                yield from flat(inner, f"{path}.{key}" if path else key)
    elif isinstance(node, list):
        for index, inner in enumerate(node):
            names = [inner.get(key) for key in ("name", "host", "image")] if isinstance(inner, dict) else []
            name = next((each for each in names if isinstance(each, str)), str(index))
            below = [*flat(inner, f"{path}[{name}]")]
            # An entry that has a name and no values of its own, as `{shortestMissing: {}}`, is what it is called.
            yield from below or [(f"{path}[{name}]", ", ".join(inner))] * bool(inner)
    else:
        yield path, node


def stage_seconds(side: Side) -> dict[str, float]:
    """Return the mean seconds of a pod in each stage, over all runs."""
    totals = dict.fromkeys(STAGES, 0.0)
    for run in side.runs.values():
        pods = metric_names.value(run, "pods.total")
        for stage in STAGES if pods else ():
            totals[stage] += (metric_names.value(run, f"time.stages.{stage}.seconds") or 0.0) / (pods or 1)
    return {stage: seconds / max(len(side.runs), 1) for stage, seconds in totals.items()}
