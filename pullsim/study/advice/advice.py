"""Advice: what was tried, and what each came to."""

from __future__ import annotations

import math
from dataclasses import field
from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim.frozen import dataclass
from pullsim.results import direction
from pullsim.results import metrics as metric_names
from pullsim.results.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from pullsim.results.model_error import ModelError
    from pullsim.study.advice.setting import Setting
    from pullsim.study.clusters import Clusters
    from pullsim.study.compare import Difference

OBJECTIVE: Final = "pods.start.p99"
#: Where pods say what they read: some levers start them before their files are there, and gain nothing by that.
OBJECTIVE_OF_READS: Final = "pods.ready.p99"
#: The metrics that are told of each change beside the objective.
METRICS: Final = ("pods.start.p50", "pods.start.p99", "pods.lastReadyAt", "bytes.downloaded")
GAIN: Final = 0.01  # what gains a smaller part of the objective gains nothing
PAIRS: Final = 3  # how many of the pairs are told


class Tried(NamedTuple):
    """One change that was tried, or two at once, and what it did to the metrics."""

    levers: tuple[str, ...]  # names of the rows of `pullsim.study.advice.levers.LEVERS`
    setting: Setting
    differences: tuple[Difference, ...]  # by metric, from the scenario as it is to the changed one
    gain: float  # part of the objective that it gains; negative: loses; infinite: what never came comes

    @property
    def helps(self) -> bool:
        """Whether it gains something."""
        return self.gain >= GAIN

    def difference(self, metric: str) -> Difference:
        """Return what it did to one metric."""
        return next(each for each in self.differences if each.metric == metric)


@dataclass(frozen=True, slots=True)
class Advice:
    """The changes of a scenario that were tried, by what they gain in the objective."""

    name: str  # of the scenario
    objective: str
    judged: str  # by which metric changes are compared where the objective never comes: that of what did
    metrics: tuple[str, ...]  # with the objective
    seeds: tuple[int, ...]
    rows: list[Tried]  # the largest gain first
    shares: Mapping[str, float]  # of the waiting of the scenario as it is, by resource, the largest first
    error: ModelError | None
    untried: list[str] = field(default_factory=list)  # changes for which there were too few runs
    failed: list[str] = field(default_factory=list)  # changes that cannot be made, and why
    interrupted: bool = False
    stopped: str | None = None  # why it ended before all was tried: a Dask cluster that lost all workers
    clusters: Clusters | None = None  # the scenario as it is, and `gains` in their order; None: none were drawn

    @property
    def singles(self) -> list[Tried]:
        """The best setting of each lever, the largest gain first."""
        best: dict[tuple[str, ...], Tried] = {}
        for row in self.rows:
            if len(row.levers) == 1:
                best.setdefault(row.levers, row)
        return list(best.values())

    @property
    def gains(self) -> list[Tried]:
        """What is worth telling: single changes that help, and pairs that help more than either change of the two."""
        alone = {row.levers[0]: row for row in self.singles}
        singles = [row for row in alone.values() if row.helps]
        pairs = [
            row
            for row in self.rows
            if len(row.levers) > 1 and row.helps and _adds(row.gain, max(alone[lever].gain for lever in row.levers))
        ]
        return ordered([*singles, *ordered(pairs, self.judged)[:PAIRS]], self.judged)

    def told(self, row: Tried) -> Difference:
        """Return the difference that says why a change ranks where it does: of the objective, or what is judged by."""
        return row.difference(self.objective if math.isinf(row.gain) else self.judged)

    def table(self) -> pd.DataFrame:
        """Return a row for each change and metric: ``change``, ``set``, ``metric``, before, after, difference, ….

        ``difference`` is after - before with its 95 % interval ``low`` to ``high`` over the seeds, ``relative`` the
        same as a share of before; ``gain`` is the part of the objective that the change gains. With ``clusters`` there
        are the figures of one cluster as it is and with the changes that help, and of the difference in each.
        """
        import pandas as pd  # noqa: PLC0415  only when asked

        rows = [
            (
                " + ".join(row.levers),
                row.setting.sentence,
                " ".join(row.setting.overrides),
                each.metric,
                each.a.mean,
                each.b.mean,
                each.difference.mean,
                each.difference.low,
                each.difference.high,
                each.relative,
                each.verdict,
                row.gain,
            )
            for row in self.rows
            for each in row.differences
        ]
        names = ["change", "sentence", "set", "metric", "before", "after", "difference", "low", "high", "relative"]
        table = pd.DataFrame(rows, columns=[*names, "verdict", "gain"])
        if (drawn := self.clusters) is None:
            return table
        places: dict[int, int | None] = {id(row): place for place, row in enumerate(self.gains, 1)}
        more = []
        for row in self.rows:
            place = places.get(id(row))
            for metric in (each.metric for each in row.differences):
                own = {**drawn.columns(metric, 0, "before_"), **drawn.columns(metric, place, "after_")}
                more.append({"draws": drawn.draws, **own, **drawn.columns_apart(metric, 0, place)})
        return table.join(pd.DataFrame(more))

    def __repr__(self) -> str:
        """``Advice(shop: 5 pulls at a time on a node: pods.start.p99 12.6 s → 9.10 s (-28 %); 12 changes tried)``."""
        best = next(iter(self.gains), None)
        told = "nothing helps" if best is None else f"{best.setting.sentence}: {change(self.told(best))}"
        name = f"{self.name}: " if self.name else ""
        return f"Advice({name}{told}; {counted(len(self.rows), 'change')} tried)"


def change(difference: Difference) -> str:
    """Write what a change does to a metric: ``pods.start.p99 12.6 s → 9.10 s (-28 %)``."""
    name = difference.metric
    before, after = metric_names.text(name, difference.a.mean), metric_names.text(name, difference.b.mean)
    part = difference.relative
    return f"{name} {before} → {after}" + ("" if part is None else f" ({percent(part)})")


def percent(part: float) -> str:
    """Write a change as a percentage: with a decimal where it is small; an infinite one as never."""
    if math.isinf(part):
        return "never"
    return f"{part:+.1%}".replace("%", " %") if abs(part) < 0.0995 else f"{part:+.0%}".replace("%", " %")


def gain(difference: Difference) -> float:
    """Return the part of a metric that is gained: 0.25 where a time is a quarter shorter, infinite where it comes."""
    name, before, after = difference.metric, difference.a.mean, difference.b.mean
    if before is None or after is None or before == after:
        return 0.0
    way = direction.direction(name) or (
        direction.DOWN if metric_names.dimension(name) == metric_names.RATE else direction.UP
    )
    if math.isinf(before) or math.isinf(after) or not before:
        return math.copysign(math.inf, (before - after) * way)
    return (before - after) * way / abs(before)


def in_percent(difference: Difference) -> list[float]:
    """Return a finite gain and the ends of its interval in percent of what was before, for charts.

    An end is infinite where in a resample pods never come to it on one side; it is drawn as all of what was before.
    """
    middle, before = difference.difference.mean or 0.0, difference.a.mean or 1.0
    parts = (
        math.copysign(100, middle) / abs(before) * (middle if end is None else end) for end in difference.difference[:3]
    )
    return [part if math.isfinite(part) else math.copysign(100, part) for part in parts]


def ordered(rows: Sequence[Tried], judged: str) -> list[Tried]:
    """Return the changes, the largest gain first; of equal gains the better figure, then the simpler change."""

    def key(row: Tried) -> tuple[float, float, int]:
        difference = row.difference(judged)
        after = math.inf if difference.b.mean is None else difference.b.mean * (direction.direction(judged) or 1)
        return -round(row.gain, 6), round(after, 6), len(row.levers)

    return sorted(rows, key=key)


def _adds(pair: float, alone: float) -> bool:
    """Whether two changes gain more together than the better of them alone."""
    return not math.isinf(alone) and pair - alone >= GAIN
