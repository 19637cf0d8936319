"""OpenMetrics text of metrics over simulated time (https://prometheus.io/docs/specs/om/open_metrics_spec/)."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from itertools import accumulate
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from pullsim.results.exports.kubelet_metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TextIO

    from pullsim.results.exports.kubelet_metrics import Metric
    from pullsim.run import Result


class Series(NamedTuple):
    """The observations of a metric with one set of labels, ordered by time."""

    labels: tuple[tuple[str, str], ...]
    times: Sequence[float]
    values: Sequence[float]


def write_openmetrics(result: Result, file: TextIO, *, by: str = "node", interval: float | None = None) -> None:
    """Write the kubelets' metrics as they are at the end of the run, or with timestamps every ``interval`` seconds.

    Timestamps are simulated seconds, the end of the run is the last one; a series begins with its first observation, as
    with a kubelet. ``by``: each node's metrics have a label ``node``, or the sums over each pool a label ``pool``. The
    text is what ``promtool tsdb create-blocks-from openmetrics`` reads.

    The run must have kept statuses and at least the detail ``pulls``; other rows are missing from it otherwise.
    """
    at = None if interval is None else [*_ticks(interval, result.end), result.end]
    for metric in METRICS:
        series = _series(metric, result, by)
        if series:
            file.write(f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} {metric.type}\n")
            for each in series:
                file.writelines(_points(metric, each, at))
    file.write("# EOF\n")


def _ticks(interval: float, end: float) -> Iterator[float]:
    count = 1
    while count * interval < end:
        yield count * interval
        count += 1


def _series(metric: Metric, result: Result, by: str) -> list[Series]:
    """Return the series of a metric by their labels."""
    times: defaultdict[tuple[str, ...], array[float]] = defaultdict(lambda: array("d"))
    values: defaultdict[tuple[str, ...], array[float]] = defaultdict(lambda: array("d"))
    for t, node, labels, value in metric.observe(result):
        group = (node if by == "node" else result.pools[node], *labels)
        times[group].append(t)
        values[group].append(value)
    names = (by, *metric.labels)
    found = []
    for labels in sorted(times):
        ordered = sorted(zip(times.pop(labels), values.pop(labels), strict=True), key=itemgetter(0))
        named = tuple(zip(names, labels, strict=True))
        found.append(Series(named, array("d", map(itemgetter(0), ordered)), array("d", map(itemgetter(1), ordered))))
    return found


def _points(metric: Metric, series: Series, at: Sequence[float] | None) -> Iterator[str]:
    """Yield the lines of a series: its final values (``at`` is None), or its values at each of the times."""
    sums = list(accumulate(series.values, initial=0.0))
    # The times of the observations of each bucket; a value that equals a bound is in its bucket.
    buckets = [array("d") for _ in range(len(metric.buckets) + 1)]
    if metric.type == "histogram":
        for observed, value in zip(series.times, series.values, strict=True):
            buckets[bisect_left(metric.buckets, value)].append(observed)
    for time in (None,) if at is None else at:
        count = len(series.times) if time is None else _until(series.times, time)
        if not count:
            continue
        stamp = "" if time is None else f" {_number(time)}"
        if metric.type != "histogram":
            suffix = "_total" if metric.type == "counter" else ""
            yield f"{metric.name}{suffix}{_labels(series.labels)} {_number(sums[count])}{stamp}\n"
            continue
        below = 0
        for bound, within in zip((*metric.buckets, math.inf), buckets, strict=True):
            below += len(within) if time is None else _until(within, time)
            yield f"{metric.name}_bucket{_labels((*series.labels, ('le', _bound(bound))))} {below}{stamp}\n"
        yield f"{metric.name}_count{_labels(series.labels)} {count}{stamp}\n"
        yield f"{metric.name}_sum{_labels(series.labels)} {_number(sums[count])}{stamp}\n"


def _until(times: Sequence[float], time: float) -> int:
    """Return how many of the times are not later than ``time``."""
    return bisect_right(times, time)


def _labels(labels: tuple[tuple[str, str], ...]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    """Return the shortest text of a number, rounded so that sums do not show errors of floating point."""
    rounded = round(value, 9)
    return str(int(rounded)) if rounded.is_integer() else repr(rounded)


def _bound(value: float) -> str:
    """Return a bucket's bound in the canonical form: ``1.0``, ``0.005``, ``+Inf``."""
    return "+Inf" if value == math.inf else repr(value)
