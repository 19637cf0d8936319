"""The smallest deadline that a share of the pods meets, which is what a timeout has to be.

The pods of all seeds are pooled, as one seed may have too few: of a hundred pods, 99.9 % is the slowest. The interval
is a bootstrap over the seeds, each resample of which is pooled again, because the pods of one run depend on each other.
"""

from __future__ import annotations

import math
import re
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from pullsim.errors import InputError, Location, shown
from pullsim.results.metric_list import check_groups
from pullsim.results.waits import Objective, Waiting, parse_objective
from pullsim.results.wording import counted, duration
from pullsim.streams import Streams
from pullsim.study.design import Variant
from pullsim.study.executors import choose
from pullsim.study.intervals import LEVEL, RESAMPLES
from pullsim.study.sweep import run_variants

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pullsim.scenario import Scenario
    from pullsim.study.dask_cluster import TlsFiles

OBJECTIVE: Final = "pods.start"
_SHARE: Final = re.compile(r"\s*(\d{1,3}(?:\.\d{1,9})?|\.\d{1,9})\s*(%?)\s*", re.ASCII)


class Quantile(NamedTuple):
    """A quantile of pooled waits in seconds and its interval over the seeds; infinite where pods never came to it."""

    value: float
    low: float | None  # None: there is one seed
    high: float | None


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
) -> Deadline:
    """Find the smallest deadline that ``coverage`` of the pods meet.

    ``objective``: ``pods.start``, ``pods.ready``, or those of a workload, pool or image: ``workloads.web.start``. For
    the others see `pullsim.study.sweep.sweep`. Raises InputError.
    """
    share, place = parse_coverage(coverage), Location("--objective")
    whose = parse_objective(objective, place)
    check_groups({f"{whose}.p50": place}, [scenario])
    with closing(choose(processes, dask, seeds, dask_tls)) as executor:
        made = run_variants(
            scenario,
            (),
            [Variant(())],
            seeds=seeds,
            executor=executor,
            force=force,
            progress=progress,
            waits=whose,
        )
    made.check_complete()
    found = [outcome.waits for _, outcome in sorted(made.outcomes.items()) if outcome.waits is not None]
    pods = sum(len(each.seconds) + each.never for each in found)
    if not pods:
        raise InputError(f"{whose} has no pods that somebody waits for", place)
    quantiles = Quantiles(found)
    shares = sorted({Fraction(1, 2), Fraction(9, 10), Fraction(99, 100), Fraction(999, 1000), Fraction(1), share})
    curve = {each: quantiles.of(each) for each in shares}
    return Deadline(whose, share, curve[share], curve, pods, sum(each.never for each in found), len(found))


class Quantiles:
    """Quantiles of the pooled waits of several runs, and of resamples of these runs."""

    def __init__(self, runs: Sequence[Waiting]) -> None:
        """``runs`` have a pod at least among them."""
        self._sizes = np.array([len(each.seconds) + each.never for each in runs])
        parts = [np.asarray(each.seconds, dtype=np.float64) for each in runs]
        self._pooled = np.unique(np.concatenate(parts))
        #: How many pods of each run took no longer than each of the pooled values.
        self._counts = np.array([np.searchsorted(part, self._pooled, side="right") for part in parts])

    def of(self, share: Fraction) -> Quantile:
        """Return the smallest wait that so many pods do not exceed, with its interval over the runs."""
        runs = len(self._sizes)
        value = float(self._find(np.ones((1, runs), dtype=np.int64), share)[0])
        if runs == 1:
            return Quantile(value, None, None)
        weights = _resamples(runs)
        found = np.sort(self._find(weights[(weights @ self._sizes) > 0], share))
        ends = (math.ceil((1 + side * LEVEL) / 2 * len(found)) - 1 for side in (-1, 1))
        low, high = (float(found[max(end, 0)]) for end in ends)
        return Quantile(value, low, high)

    def _find(self, weights: np.ndarray, share: Fraction) -> np.ndarray:
        """Return the quantile of each row of weights, which say how often each run is taken, by bisection."""
        totals = weights @ self._sizes
        # Whole numbers keep the rank exact: 0.999 times 1,000 is 999, but not for all such pairs of floats.
        ranks = np.array([-(-share.numerator * int(total) // share.denominator) for total in totals])
        low, high = np.zeros(len(weights), dtype=np.int64), np.full(len(weights), len(self._pooled))
        while (active := low < high).any():
            middle = np.minimum((low + high) // 2, len(self._pooled) - 1)
            reached = (weights * self._counts[:, middle].T).sum(axis=1) >= ranks
            low, high = np.where(active & ~reached, middle + 1, low), np.where(active & reached, middle, high)
        return np.append(self._pooled, math.inf)[low]


@cache
def _resamples(runs: int) -> np.ndarray:
    """Return how often each run is taken in each resample; the same resamples as those of `intervals.bootstrap`."""
    stream = Streams(0).get("bootstrap", str(runs))
    picks = (np.array([stream.uniform() for _ in range(RESAMPLES * runs)]) * runs).astype(int)
    return np.array([np.bincount(each, minlength=runs) for each in picks.reshape(RESAMPLES, runs)])


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
