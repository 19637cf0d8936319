"""A metric of several runs: a percentile of the pods of all runs together, or the mean of another metric.

A mean of percentiles is none: it is no pod's time, it is infinite as soon as in one run too many pods never started,
and of few pods a run it tends to something else than the percentile of many. See docs/percentiles.md.
"""

from __future__ import annotations

import math
from array import array
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim.errors import InputError
from pullsim.results import metrics as metric_names
from pullsim.results.waits import Waiting, pod_percentile
from pullsim.study.intervals import Interval, bootstrap
from pullsim.study.quantiles import Quantiles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pullsim.results.waits import Objective

_WHOLE: Final = 1000  # thousandths


class Run(NamedTuple):
    """The metrics of a run, and the waits of its pods that were kept."""

    metrics: Mapping[str, float | None]
    waits: Mapping[Objective, Waiting] | None = None

    def value(self, metric: str) -> float | None:
        """Return a metric of this run, see `pullsim.results.metrics.value`."""
        return metric_names.value(self.metrics, metric)


def estimate(runs: Sequence[Run], metric: str) -> Interval:
    """Return a metric over runs with its interval. Raises InputError if the waits that it takes were not kept."""
    there = [run for run in runs if run.value(metric) is not None]
    if len(there) < 2 or pod_percentile(metric) is None:
        return bootstrap([run.value(metric) for run in runs])
    return Interval(*_quantiles(there, metric).of(_share(metric)), len(there))


def difference(a: Sequence[Run], b: Sequence[Run], metric: str) -> Interval:
    """Return how much larger a metric is in ``b`` than in ``a``, of runs that are paired; else as `estimate`.

    Pairs of which one has no value are left out.
    """
    pairs = [
        (one, other)
        for one, other in zip(a, b, strict=True)
        if one.value(metric) is not None and other.value(metric) is not None
    ]
    if len(pairs) < 2 or pod_percentile(metric) is None:
        values = ((one.value(metric) or 0.0, other.value(metric) or 0.0) for one, other in pairs)
        return bootstrap([_minus(after, before) for before, after in values])
    before, after = (_quantiles(side, metric) for side in zip(*pairs, strict=True))
    return Interval(*before.difference(after, _share(metric)), len(pairs))


def pods(runs: Sequence[Run], metric: str) -> int | None:
    """Return of how many pods together a metric over runs is a percentile; None where it is a mean or of one run."""
    there = [run for run in runs if run.value(metric) is not None]
    if len(there) < 2 or pod_percentile(metric) is None:
        return None
    return round(sum(run.value(f"{metric_names.distribution_of(metric)}.count") or 0 for run in there))


def _share(metric: str) -> Fraction:
    found = pod_percentile(metric)
    assert found is not None
    return Fraction(found.thousandths, _WHOLE)


def _quantiles(runs: Sequence[Run], metric: str) -> Quantiles:
    """Return the pooled waits of runs that have a value of the metric."""
    found = pod_percentile(metric)
    assert found is not None
    values = [run.value(metric) for run in runs]
    if found.thousandths == _WHOLE or len({*values}) == 1:
        # The largest of all is the largest of the runs' own, and a percentile that all runs share is that of all pods.
        return Quantiles([_alone(value) for value in values])
    waits = [(run.waits or {}).get(found.objective) for run in runs]
    kept = [each if found.every else each._replace(never=0) for each in waits if each is not None]
    if len(kept) < len(runs):
        raise InputError(
            f"{metric} of several seeds is that of their pods together, whose times are kept of the metrics that are "
            f"asked for: metrics=[{metric!r}]"
        )
    return Quantiles(kept)


def _alone(value: float | None) -> Waiting:
    """Return the waits of one pod."""
    if value is None or math.isinf(value):
        return Waiting(array("d"), 1)
    return Waiting(array("d", [value]), 0)


def _minus(b: float, a: float) -> float:
    """Subtract; two infinite values, of runs in which pods never started, do not differ."""
    return 0.0 if a == b else b - a
