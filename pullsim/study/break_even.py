"""The values of a knob from which on, or up to which, a scenario is better than with something else in its place.

For how many nodes is a mirror worth it? At each value that is tried the scenario runs as it is and with other settings,
with the same seeds. Between a value at which it gains and a neighbour at which it does not, the search bisects.
"""

from __future__ import annotations

import math
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from pullsim.errors import InputError, Location
from pullsim.frozen import dataclass
from pullsim.results import direction
from pullsim.results import metrics as metric_names
from pullsim.results.metric_list import check_groups
from pullsim.study.cluster_draws import check_draws
from pullsim.study.clusters import HALF, MOST
from pullsim.study.design import Knob, Variant, check_values, variant
from pullsim.study.estimates import difference
from pullsim.study.even_clusters import FIRST, GAIN, EvenClusters, bisect, draw_even, rows_of
from pullsim.study.executors import choose
from pullsim.study.goal import METRIC
from pullsim.study.kept_runs import keeping
from pullsim.study.ranges import parse_range
from pullsim.study.variant_runs import run_variants

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pullsim.scenario import Scenario
    from pullsim.study.dask_cluster import TlsFiles
    from pullsim.study.intervals import Interval
    from pullsim.study.ranges import Range


class Compared(NamedTuple):
    """One value of the knob, and what the objective is there with one side and with the other."""

    number: float
    own: Interval  # of the scenario as it is
    other: Interval  # with the other settings
    gain: Interval  # by how much it is better as it is; below 0: worse
    gains: bool  # the whole interval of the gain is at least a part of GAIN


@dataclass(frozen=True, slots=True)
class BreakEven:
    """What was tried, in order of the values, and where the scenario gains."""

    keys: tuple[str, ...]  # knobs, which all have the value
    range: Range
    against: tuple[str, ...]  # the other settings
    objective: str
    seeds: int
    tried: tuple[Compared, ...]
    clusters: EvenClusters | None = None  # where it gains in drawn clusters; None: none were drawn

    @property
    def spans(self) -> list[tuple[Compared, Compared]]:
        """The first and the last value of each row of neighbours at which the scenario gains."""
        by_number = {each.number: each for each in self.tried}
        rows = rows_of((each.number, each.gains) for each in self.tried)
        return [(by_number[low], by_number[high]) for low, high in rows]


def break_even(
    scenario: Scenario,
    knob: str | Sequence[str],
    range: str,  # named as the option of the command line is
    against: str | Sequence[str],
    *,
    objective: str = METRIC,
    seeds: int = 5,
    processes: int | None = 1,
    dask: str | None = None,
    dask_tls: TlsFiles | None = None,
    force: bool = False,
    progress: Callable[[int], None] | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    interval: int | None = None,
) -> BreakEven:
    """Find the values of a range at which a scenario gains by what it has, against other settings.

    ``knob``: a key of the scenario, or several that all get the value; ``range``: ``1..200``. ``against``: what is set
    on the other side, ``registries[docker.io].mirrors=[]``. ``objective``: a metric that can get better or worse. For
    the others see `pullsim.study.sweep.sweep`. ``progress`` is called with the number of runs made so far.
    ``out``: a directory that keeps runs as they end; ``resume`` reuses those in it. ``interval``: the values are found
    too at which it gains in half, and in nine of ten, of so many drawn clusters. Raises InputError.
    """
    check_draws(interval, 2 * FIRST, force=force)
    keys = (knob,) if isinstance(knob, str) else tuple(knob)
    other = (against,) if isinstance(against, str) else tuple(against)
    place = Location("--objective")
    objective = metric_names.check(objective, place)
    way = direction.direction(objective)
    if way == direction.NONE:
        raise InputError(f"{objective} gets neither better nor worse: pods.start.p99, bytes.downloaded", place)
    if len(set(keys)) < len(keys):
        raise InputError("a knob is given twice", Location("--knob"))
    other_side = variant(other)
    if len(other_side.settings) < len(other):
        raise InputError("is KEY=VALUE, as for --set", Location("--against"))
    if clash := [key for key, _ in other_side.settings if key in keys]:
        raise InputError(f"{clash[0]} is the knob", Location("--against"))
    for key, value in other_side.settings:
        check_values([value], Location(f"--against {key}"))
    check_groups({objective: place}, [scenario])
    numbers = parse_range(range)
    knobs = [Knob(key, ()) for key in dict.fromkeys((*keys, *(key for key, _ in other_side.settings)))]
    tried: dict[float, Compared] = {}

    def tell(now: int) -> None:
        if progress is not None:
            progress(2 * seeds * len(tried) + now)

    def sides(number: float) -> tuple[Variant, Variant]:
        own = tuple((key, numbers.value(number)) for key in keys)
        return Variant(own), Variant((*own, *other_side.settings))

    def judged(fresh: Sequence[float]) -> dict[float, bool]:
        made = run_variants(
            scenario,
            knobs,
            [side for number in fresh for side in sides(number)],
            seeds=seeds,
            executor=executor,
            force=force,
            progress=lambda now, _: tell(now),
            metrics=[objective],
        )
        made.check_complete()
        for failure in made.failures:
            raise InputError(f"{failure.variant}: {failure.error}")
        for position, number in enumerate(fresh):
            runs = [[*made.by_seed(2 * position + side).values()] for side in (0, 1)]
            less, more = runs if way == direction.UP else runs[::-1]
            gain = difference(less, more, objective)
            own, against_ = (made.interval(2 * position + side, objective) for side in (0, 1))
            tried[number] = Compared(number, own, against_, gain, _gains(gain, against_))
        return {number: tried[number].gains for number in fresh}

    clusters, first = None, 2 * FIRST * max(seeds, interval or 0)
    with closing(keeping(choose(processes, dask, first, dask_tls), out, resume=resume)) as executor:
        bisect(numbers, judged)
        if interval is not None:
            clusters = draw_even(
                scenario, numbers, sides, knobs, objective, interval, executor=executor, progress=tell, force=force
            )
    found = tuple(tried[number] for number in sorted(tried))
    return BreakEven(keys, numbers, other, objective, seeds, found, clusters)


def sentence(found: BreakEven) -> str:
    """Return the answer in a sentence for a ticket."""
    against, spans = " ".join(found.against), found.spans
    than = f"{_word(found)} than with {against}"
    if not spans:
        best = max(found.tried, key=_part)
        return (
            f"Nowhere in {found.range} of {_knobs(found)} is {found.objective} by {GAIN:.0%} {than}; "
            f"nearest is {_pair(found, best)}."
        )
    if len(spans) == 1 and len(found.tried) == sum(each.gains for each in found.tried):
        ends = f"{_pair(found, found.tried[0])}, {_pair(found, found.tried[-1])}"
        return f"For all of {found.range} of {_knobs(found)} {found.objective} is {than}: {ends}."
    first, last = found.tried[0], found.tried[-1]
    pairs = []
    for low, high in spans:
        pairs += [] if low is first else [_pair(found, low)]
        pairs += [] if high is last else [_pair(found, high)]
        if high is not last:
            beyond = found.tried[found.tried.index(high) + 1]
            pairs.append(_pair(found, beyond))
    where = _where(found.range, [(low.number, high.number) for low, high in spans], (first.number, last.number))
    return f"{found.objective} is {than} {where} of {_knobs(found)}: {', '.join(dict.fromkeys(pairs))}."


def in_clusters(found: BreakEven) -> str:
    """Return a text about where it gains in half, and in nine of ten, of the drawn clusters.

    It begins with a space, and is empty if none were drawn.
    """
    drawn = found.clusters
    if drawn is None:
        return ""
    ends = min(drawn.gains), max(drawn.gains)
    half, most = (_where(found.range, drawn.spans(level), ends) for level in (HALF, MOST))
    return f" In other clusters ({drawn.draws:,} draws) it is so in half of them {half}, and in nine of ten {most}."


def _where(range_: Range, spans: Sequence[tuple[float, float]], ends: tuple[float, float]) -> str:
    """Write at which values it gains; ``ends``: the smallest and the largest that were tried."""
    where = []
    for low, high in spans:
        begins, until = range_.value(low), range_.value(high)
        if (low, high) == ends:
            where.append(f"for all of {range_}")
        elif low == ends[0]:
            where.append(f"up to {until}")
        elif high == ends[1]:
            where.append(f"from {begins} on")
        else:
            where.append(f"at {begins}" if low == high else f"from {begins} to {until}")
    return " and ".join(where) or "nowhere"


def rows(found: BreakEven) -> list[tuple[str, str, str, str, bool]]:
    """Return (value, objective as it is, with the other settings, by what part it is better, whether that counts)."""
    return [
        (
            found.range.value(each.number),
            metric_names.text(found.objective, each.own.mean),
            metric_names.text(found.objective, each.other.mean),
            _percent(_part(each)),
            each.gains,
        )
        for each in found.tried
    ]


def cluster_rows(found: BreakEven) -> list[tuple[str, str, str]]:
    """Return (value, in how many of the drawn clusters it gains, whether that is half of them or nine in ten)."""
    drawn = found.clusters
    if drawn is None:
        return []
    marks = {"half": HALF, "nine in ten": MOST}
    return [
        (
            found.range.value(number),
            f"{gains:,} of {drawn.draws:,}",
            ", ".join(name for name, level in marks.items() if drawn.enough(number, level)),
        )
        for number, gains in drawn.gains.items()
    ]


def document(found: BreakEven) -> dict[str, object]:
    """Return the answer for JSON, in which what is infinite is null."""
    made: dict[str, object] = {
        "knobs": list(found.keys),
        "against": list(found.against),
        "objective": found.objective,
        "seeds": found.seeds,
        "sentence": sentence(found) + in_clusters(found),
        "gains": [
            {"from": found.range.value(low.number), "to": found.range.value(high.number)} for low, high in found.spans
        ],
        "tried": [
            {
                "value": found.range.value(each.number),
                "asItIs": _finite(each.own.mean),
                "against": _finite(each.other.mean),
                "gain": _finite(each.gain.mean),
                "low": _finite(each.gain.low),
                "high": _finite(each.gain.high),
                "gains": each.gains,
            }
            for each in found.tried
        ],
    }
    if (drawn := found.clusters) is not None:
        made["clusters"] = {
            "draws": drawn.draws,
            **{
                name: [
                    {"from": found.range.value(low), "to": found.range.value(high)} for low, high in drawn.spans(level)
                ]
                for name, level in (("half", HALF), ("nineInTen", MOST))
            },
            "tried": [{"value": found.range.value(number), "gains": gains} for number, gains in drawn.gains.items()],
        }
    return made


def _gains(gain: Interval, other: Interval) -> bool:
    """Whether the whole interval of a gain is at least a part of GAIN of what it is without."""
    mean, low, high, _ = gain
    ends = [end for end in (mean, low, high) if end is not None]
    if not ends or other.mean is None:
        return False
    least = min(ends)
    return least == math.inf or (least > 0.0 and least >= GAIN * abs(other.mean))


def _part(each: Compared) -> float:
    """Return the part of the objective that is gained; infinite where only one side comes to it."""
    gain, other = each.gain.mean, each.other.mean
    if not gain or other is None:
        return 0.0
    return math.copysign(math.inf, gain) if math.isinf(gain) or not other else gain / abs(other)


def _percent(part: float) -> str:
    """Write the part that is gained, which is infinite where only one side comes to the objective."""
    return "the one that comes" if part == math.inf else "never" if part == -math.inf else f"{part:+.1%}"


def _word(found: BreakEven) -> str:
    return "lower" if direction.direction(found.objective) == direction.UP else "higher"


def _knobs(found: BreakEven) -> str:
    return " and ".join(found.keys)


def _pair(found: BreakEven, each: Compared) -> str:
    own, other = (metric_names.text(found.objective, side.mean) for side in (each.own, each.other))
    return f"with {found.range.value(each.number)} {own} against {other} ({_percent(_part(each))})"


def _finite(number: float | None) -> float | None:
    return None if number is None or math.isinf(number) else number
