"""The smallest deadline that a share of the pods meets, which is what a timeout has to be.

The pods of all seeds are pooled, as one seed may have too few: of a hundred pods, 99.9 % is the slowest.
"""

from __future__ import annotations

import math
import re
from contextlib import closing
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from pullsim.errors import InputError, Location, shown
from pullsim.frozen import dataclass
from pullsim.results.metric_list import check_groups
from pullsim.results.waits import parse_objective
from pullsim.results.wording import counted, duration
from pullsim.study.cluster_draws import check_draws, runs_of
from pullsim.study.clusters import HALF, MOST
from pullsim.study.deadline_clusters import draw_deadlines
from pullsim.study.design import Variant
from pullsim.study.executors import choose
from pullsim.study.kept_runs import keeping
from pullsim.study.quantiles import Quantiles
from pullsim.study.variant_runs import run_variants

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pullsim.results.waits import Objective
    from pullsim.scenario import Scenario
    from pullsim.study.dask_cluster import TlsFiles
    from pullsim.study.deadline_clusters import DeadlineClusters
    from pullsim.study.quantiles import Quantile

OBJECTIVE: Final = "pods.start"
_SHARE: Final = re.compile(r"\s*(\d{1,3}(?:\.\d{1,9})?|\.\d{1,9})\s*(%?)\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Deadline:
    """The answer: the smallest time within which ``coverage`` of the pods of all seeds started or were ready."""

    objective: Objective
    coverage: Fraction
    answer: Quantile
    curve: dict[Fraction, Quantile]  # the same of other coverages, in ascending order, with the one asked for
    pods: int  # of all seeds, without those that nobody waited for
    never: int  # of them, those that never came to it
    seeds: int
    clusters: DeadlineClusters | None = None  # the deadlines in drawn clusters; None: none were drawn


def parse_coverage(text: str) -> Fraction:
    """Read a share of pods, ``99.9%`` or ``0.999``, exactly. Raises InputError."""
    place = Location("--coverage")
    match = _SHARE.fullmatch(text)
    if match is None:
        raise InputError(f"{shown(text)} is no share of pods: 99.9%, 0.999", place)
    share = Fraction(match[1]) / (100 if match[2] else 1)
    if not 0 < share <= 1:
        raise InputError(f"{shown(text)} is not above 0 and at most 100%: 99.9%, 0.999", place)
    return share


def deadline(
    scenario: Scenario,
    coverage: str = "99.9%",
    *,
    objective: str = OBJECTIVE,
    seeds: int = 5,
    processes: int | None = 1,
    dask: str | None = None,
    dask_tls: TlsFiles | None = None,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    interval: int | None = None,
) -> Deadline:
    """Find the smallest deadline that ``coverage`` of the pods meet.

    ``objective``: ``pods.start``, ``pods.ready``, or those of a workload, pool or image: ``workloads.web.start``. For
    the others see `pullsim.study.sweep.sweep`; ``out`` keeps the runs below ``runs``. ``interval``: the deadlines of
    so many drawn clusters are found too. Raises InputError.
    """
    check_draws(interval, 1, force=force)
    share, place = parse_coverage(coverage), Location("--objective")
    whose = parse_objective(objective, place)
    check_groups({f"{whose}.p50": place}, [scenario])
    more = 0 if interval is None else runs_of(interval)

    def tell(done: int, _: int, before: int = 0) -> None:
        if progress is not None:
            progress(before + done, seeds + more)

    with closing(keeping(choose(processes, dask, seeds + more, dask_tls), out, resume=resume)) as executor:
        made = run_variants(
            scenario,
            (),
            [Variant(())],
            seeds=seeds,
            executor=executor,
            force=force,
            progress=tell,
            metrics=(),
            waits={whose},
        )
        made.check_complete()
        found = [outcome.waits[whose] for _, outcome in sorted(made.outcomes.items()) if outcome.waits]
        sizes = [len(each.seconds) + each.never for each in found]
        pods = sum(sizes)
        if not pods:
            raise InputError(f"{whose} has no pods that somebody waits for", place)
        quantiles = Quantiles([each for each, size in zip(found, sizes, strict=True) if size])
        shares = sorted({Fraction(1, 2), Fraction(9, 10), Fraction(99, 100), Fraction(999, 1000), Fraction(1), share})
        curve = {each: quantiles.of(each) for each in shares}
        clusters = None
        if interval is not None:
            clusters = draw_deadlines(
                scenario,
                whose,
                shares,
                interval,
                executor=executor,
                progress=lambda done, total: tell(done, total, seeds),
                force=force,
            )
    never = sum(each.never for each in found)
    return Deadline(whose, share, curve[share], curve, pods, never, len(found), clusters)


def sentence(found: Deadline) -> str:
    """Return the answer in a sentence for a ticket."""
    covered, value = percent(found.coverage), found.answer.value
    pods = f"{found.pods:,} pods of {counted(found.seeds, 'seed')}"
    if math.isinf(value):
        come = "start" if found.objective.what == "start" else "are ready"
        share, left = percent(Fraction(found.never, found.pods)), percent(1 - found.coverage)
        never = f"{found.never:,} of {pods} never {come} ({found.objective})"
        return f"No deadline: {never}, {share}; {covered} leaves {left}."
    answer = f"{duration(value)} is the smallest deadline that {covered} of {pods} meet"
    return f"{answer} ({found.objective}){_spread(found)}."


def in_clusters(found: Deadline) -> str:
    """Return a text about the deadlines that are enough in half, and in nine of ten, of the drawn clusters.

    It begins with a space, and is empty if none were drawn.
    """
    if found.clusters is None:
        return ""
    begin, covered = f" In other clusters ({found.clusters.draws:,} draws) ", percent(found.coverage)
    half, most = (found.clusters.enough(found.coverage, level) for level in (HALF, MOST))
    if math.isinf(half):
        return f"{begin}{covered} of the pods meet none in half of them."
    nine = "none in nine of ten" if math.isinf(most) else f"{duration(most)} in nine of ten"
    return f"{begin}{covered} of the pods meet {duration(half)} in half of them and {nine}."


def notes(found: Deadline) -> list[str]:
    """Return what a reader must know before relying on the answer."""
    value, _, high = found.answer
    if math.isinf(value):
        return []
    said = []
    needed = math.ceil(1 / (1 - found.coverage)) if found.coverage < 1 else 0
    if found.pods < needed:
        enough = math.ceil(needed * found.seeds / found.pods)
        said.append(
            f"{percent(found.coverage)} of {found.pods:,} pods are all of them: it takes {needed:,} to leave one out, "
            f"--seeds {enough:,}."
        )
    if high is not None and math.isinf(high):
        said.append("With some of the seeds so many meet no deadline.")
    elif high is not None and duration(high) != duration(value):
        said.append(f"To be safe with other seeds too take the end of the interval, {duration(high)}.")
    return said


def percent(share: Fraction) -> str:
    """Write a share: ``99.9 %``; with up to nine decimals where these are all it has, else with three digits."""
    exact = f"{float(share * 100):.11g}"
    return f"{exact if Fraction(exact) == share * 100 else f'{float(share * 100):.3g}'} %"


def interval(quantile: Quantile) -> str:
    """Write a quantile with its interval: ``5 min 51 s [5 min 50 s, never]``."""
    ends = [] if quantile.low is None else [duration(quantile.low), duration(quantile.high)]
    return duration(quantile.value) + (f" [{', '.join(ends)}]" if len({*ends}) > 1 else "")


def _spread(found: Deadline) -> str:
    _, low, high = found.answer
    if low is None or high is None:
        return ""
    if duration(low) == duration(high):
        return f"; the same for all {found.seeds} seeds" if found.seeds > 1 else ""
    return f"; 95 % interval over the seeds {duration(low)} to {duration(high)}"
