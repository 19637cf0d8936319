"""Sweeps: every variant of a scenario, each with the same seeds."""

from __future__ import annotations

from contextlib import closing
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING

from pullsim.errors import Location
from pullsim.results import metrics as metric_names
from pullsim.results.metric_list import check_groups
from pullsim.scenario import override
from pullsim.study.cluster_draws import add_clusters, check_draws, runs_of
from pullsim.study.design import check_size, count_variants, name_knob, named_variant, parse_knob, variants
from pullsim.study.executors import choose
from pullsim.study.kept_runs import keeping
from pullsim.study.variant_runs import run_variants

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from pullsim.scenario import Scenario
    from pullsim.study.dask_cluster import TlsFiles
    from pullsim.study.design import Knob, Variant
    from pullsim.study.variant_runs import Sweep


def sweep(
    scenario: Scenario,
    set: Iterable[str] = (),  # named as the option of the command line is
    *,
    seeds: int | Sequence[int] = 1,
    paired: bool = False,
    processes: int | None = 1,
    dask: str | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    force: bool = False,
    dask_tls: TlsFiles | None = None,
    progress: Callable[[int, int], None] | None = None,
    announce: Callable[[str], None] | None = None,
    metrics: Collection[str] = (),
    named: Mapping[str, Iterable[str]] = MappingProxyType({}),
    interval: int | None = None,
) -> Sweep:
    """Run every variant of a scenario with every seed.

    ``set`` has the knobs, ``KEY=V1,V2,…``. All combinations of values are run, or with ``paired`` all first values
    together, all second ones, and so on. ``seeds``: the seeds, or how many, counted up from the scenario's seed.
    All variants have the same seeds, and so the same random numbers. ``processes``: how many; None: one for each core.
    ``dask``: the address of a Dask scheduler; ``dask_tls``: its certificates, see `pullsim.study.dask_cluster.Dask`.
    ``out``: a directory in which ``runs.jsonl`` is written as runs end; ``resume`` reuses the runs in it. ``force``
    allows more runs than `pullsim.study.design.MAX_RUNS`. ``progress`` is called with the numbers of finished and of
    all runs, ``announce`` with messages about older runs in ``out``. ``metrics``: those of which the runs keep, beside
    those of `pullsim.results.metrics.DEFAULT`, what it takes to pool the pods of several seeds, 8 bytes a pod; where a
    scenario has more than `pullsim.results.metrics.FEW` workloads, pools and images also their figures themselves.

    ``named``: variants by name, each with its overrides ``KEY=VALUE``, none for the scenario as it is; each goes with
    each combination of ``set``.

    ``interval``: so many clusters are drawn besides, in each of which every variant runs (``clusters``).

    A variant that cannot be run is among the failures. After Ctrl-C (``interrupted``), or when a Dask cluster has lost
    all workers (``stopped``), the sweep ends with the runs that are done. Raises InputError for wrong knobs, if no
    variant can be run, and for errors that concern all runs.
    """
    knobs = [parse_knob(text) for text in set]
    count = seeds if isinstance(seeds, int) else len(seeds)
    given = [named_variant(name, overrides) for name, overrides in named.items()]
    check_size(count_variants(knobs, paired=paired) * max(len(given), 1), count, force=force)
    wanted = variants(knobs, paired=paired, named=given)
    if given:
        knobs = [name_knob(given), *knobs]
    check_metrics(scenario, wanted, dict.fromkeys(metrics, Location("metrics")))
    return run_sweep(
        scenario,
        knobs,
        wanted,
        seeds=seeds,
        processes=processes,
        dask=dask,
        dask_tls=dask_tls,
        out=out,
        resume=resume,
        force=force,
        progress=progress,
        announce=announce,
        metrics={*metric_names.DEFAULT, *metrics},
        interval=interval,
    )


def run_sweep(
    scenario: Scenario,
    knobs: Sequence[Knob],
    wanted: Sequence[Variant],
    *,
    seeds: int | Sequence[int],
    processes: int | None,
    dask: str | None,
    dask_tls: TlsFiles | None,
    out: str | Path | None,
    resume: bool,
    force: bool,
    progress: Callable[[int, int], None] | None,
    announce: Callable[[str], None] | None,
    metrics: Collection[str],
    interval: int | None,
) -> Sweep:
    """Run given variants, with ``interval`` in drawn clusters too; see `sweep`. Raises InputError as that does."""
    check_draws(interval, len(wanted), force=force)
    own = len(wanted) * (seeds if isinstance(seeds, int) else len(seeds))
    drawn = 0 if interval is None else len(wanted) * runs_of(interval)

    def telling(before: int) -> Callable[[int, int], None]:
        return lambda done, _: None if progress is None else progress(before + done, own + drawn)

    with closing(choose(processes, dask, max(own, drawn), dask_tls)) as executor:
        result = run_variants(
            scenario,
            knobs,
            wanted,
            seeds=seeds,
            executor=executor,
            out=out,
            resume=resume,
            force=force,
            progress=telling(0),
            announce=announce,
            metrics=metrics,
        )
        if interval is not None:
            add_clusters(
                result,
                scenario,
                interval,
                executor=keeping(executor, out, resume=resume),
                metrics=metrics,
                progress=telling(own),
                force=force,
            )
    return result


def check_metrics(scenario: Scenario, wanted: Sequence[Variant], metrics: Mapping[str, Location]) -> None:
    """Raise InputError for a metric of a workload, pool or image that no variant has; see `check_groups`."""
    check_groups(metrics, chain([scenario], (override(scenario, variant.overrides) for variant in wanted)))
