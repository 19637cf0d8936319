"""The kubelet's own histogram: text exposition of ``kubelet_image_pull_duration_seconds``, from 1.30.

Each size bucket gives its median time at the middle of its bounds (pkg/kubelet/metrics, GetImageSizeBucket: powers of
1024). The times include the wait in the kubelet's queue.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from pullsim.errors import InputError, Location, shown
from pullsim.study.fit.observed import MOST_SECONDS, Observed, ObservedPull

if TYPE_CHECKING:
    from collections.abc import Iterator

METRIC: Final = "kubelet_image_pull_duration_seconds"
SIZE_LABEL: Final = "image_size_in_bytes"
_SAMPLE: Final = re.compile(METRIC + r"_bucket\{(?P<labels>[^}]*)\}\s*(?P<value>\S+)")
_LABEL: Final = re.compile(r'(\w+)="([^"]*)"')
_BOUND: Final = re.compile(r"([0-9]{1,6})\s*([KMGT]?)B?")
_UNITS: Final = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
MOST_PULLS: Final = 1e9  # in a bucket
_SMALLEST: Final = 1e6  # bytes: the lower end of a bucket that begins at 0

#: Counts of pulls by upper bound in seconds, as a histogram has them: up to and including it.
Histogram = dict[float, float]


def read_metrics(text: str, file: str) -> Observed:
    """Take one observation a size bucket, of as many pulls as it has. Raises InputError if there is none."""
    histograms: dict[str, Histogram] = defaultdict(lambda: defaultdict(float))
    for size, bound, value in _samples(text, file):
        histograms[size][bound] += value
    observed = Observed(files=[file])
    for label, histogram in histograms.items():
        count = round(max(histogram.values(), default=0))
        bounds = _bounds(label)
        if bounds is None:
            observed.left_out["pulls without a size in the histogram"] += count
        elif count:
            observed.pulls.append(_median(label, bounds, histogram, count))
    if not observed.pulls:
        why = "no pull in it" if histograms else f"the metric {METRIC} is not in it"
        raise InputError(
            f"there is {why}: kubelets have the histogram with image sizes from 1.30 on "
            "(`kubectl get --raw /api/v1/nodes/NODE/proxy/metrics`)",
            Location(file),
        )
    observed.notes.append(
        "histograms: a size is known to its bucket, a time to its bucket and with the wait in the kubelet's queue; "
        "events tell both exactly"
    )
    return observed


def _samples(text: str, file: str) -> Iterator[tuple[str, float, float]]:
    """Yield label of size, upper bound and count of each bucket; others of the kubelet's metrics are passed over."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.lstrip().startswith(f"{METRIC}_bucket"):
            continue
        place = Location(file, number)
        match = _SAMPLE.match(line.lstrip())
        if match is None:
            raise InputError(f'{shown(line.strip())} is no sample: {METRIC}_bucket{{le="1"}} 3 is', place)
        labels = dict(_LABEL.findall(match["labels"]))
        bound, value = _float(labels.get("le", "")), _float(match["value"])
        if not (0 <= bound <= MOST_SECONDS or bound == math.inf):
            raise InputError(f"le is {shown(labels.get('le'))}; a number of seconds or +Inf is needed", place)
        if not 0 <= value <= MOST_PULLS:
            raise InputError(f"the bucket has {shown(match['value'])} pulls; 0 to {MOST_PULLS:g} can be", place)
        yield labels.get(SIZE_LABEL, "N/A"), bound, value


def _float(text: str) -> float:
    """Read a number as the exposition format writes it; NaN for what is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _bounds(label: str) -> tuple[float, float] | None:
    """Read ``10MB-100MB``, ``0-10MB`` or ``GT100GB``."""
    found = [int(number) * _UNITS[unit] for number, unit in _BOUND.findall(label)]
    if not found or label == "N/A":
        return None
    low, high = (found[0], 2 * found[0]) if len(found) == 1 else (found[0], found[1])
    return max(low, _SMALLEST), high


def _median(label: str, bounds: tuple[float, float], histogram: Histogram, count: int) -> ObservedPull:
    """Interpolate the median; what it could be off by is half of its bucket."""
    below, low = 0.0, 0.0
    for bound in sorted(histogram):
        if histogram[bound] >= count / 2:
            high = bound if math.isfinite(bound) else 2 * low
            share = (count / 2 - below) / max(histogram[bound] - below, 1e-9)
            seconds = low + share * (high - low)
            break
        below, low = histogram[bound], bound
    size = round(math.sqrt(bounds[0] * bounds[1]))
    return ObservedPull(f"images of {label}", seconds, size, resolution=(high - low) / 2, waits=True, count=count)
