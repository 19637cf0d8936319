"""How the runs of a variant ended, where that made its figures rather than the knob; and knobs that move nothing."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim.results import metrics as metric_names
from pullsim.results.wording import counted, duration
from pullsim.stages import RESOURCES
from pullsim.study.design import Variant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.study.design import Knob
    from pullsim.study.variant_runs import Sweep

MOVED: Final = 0.001  # a knob that moves a figure by no larger part of it moves nothing
_PHRASES: Final = {resource.key: resource.phrase for resource in RESOURCES}
_CUT: Final = {"horizon": "until the horizon", "limit": "until the limit of 24 h"}


class Ending(NamedTuple):
    """What a reader of a variant's figures must know; of several runs the worst."""

    never: int  # pods that never started
    pods: int
    ended: str  # horizon | settled | limit | interrupted
    end: float  # seconds
    absent: int  # nodes that had not joined by the end

    def texts(self) -> list[str]:
        """Return a text for each thing that is so: ``3 of 40 pods never start until the horizon (10 min 00 s)``."""
        found = []
        if self.never:
            until = f" {_CUT[self.ended]} ({duration(self.end)})" if self.ended in _CUT else ""
            found.append(f"{self.never:,} of {counted(self.pods, 'pod')} never start{until}")
        if self.absent:
            found.append(f"{counted(self.absent, 'node')} would join only after the end ({duration(self.end)})")
        return found


def ending(sweep: Sweep, position: int) -> Ending:
    """Return how the runs of a variant ended."""
    found = Ending(0, 0, "", 0.0, 0)
    for seed in sweep.seeds:
        outcome = sweep.outcomes.get((position, seed))
        if outcome is None or outcome.metrics is None or outcome.verdict is None:
            continue
        never, pods, end = (
            metric_names.value(outcome.metrics, name) or 0.0 for name in ("pods.start.never", "pods.total", "end")
        )
        run = Ending(int(never), int(pods), outcome.verdict["ended"], end, outcome.verdict["absent"])
        found = max(found, run, key=lambda each: (each.never, each.absent, each.pods))
    return found


def common_texts(endings: Sequence[Ending]) -> list[str]:
    """Return sentences about what is so with all settings that were tried, with how many at the least."""
    found = []
    if endings and all(each.never for each in endings):
        found.append(f"Whatever is set, {min(endings, key=lambda each: each.never).texts()[0]}.")
    if endings and all(each.absent for each in endings):
        found.append(f"Whatever is set, {min(endings, key=lambda each: each.absent).texts()[-1]}.")
    return found


def unmoved(values: Sequence[float | None]) -> bool:
    """Whether all values are the same, within MOVED of the largest; no value and never are the same as themselves."""
    there = [value for value in values if value is not None and math.isfinite(value)]
    if len(there) < len(values):
        return len({*values}) == 1
    return not there or max(there) - min(there) <= MOVED * max(map(abs, there))


def of_those_that_did(metric: str) -> str:
    """Return the name of the same figure of the pods that started or became ready, where there is one."""
    for every, those in ((".start.", ".startOfStarted."), (".ready.", ".readyOfReady.")):
        named = metric.replace(every, those)
        if named != metric and named in metric_names.names():
            return named
    return metric


def notes(sweep: Sweep, metrics: Sequence[str]) -> list[str]:
    """Return sentences about knobs that move none of the metrics, and about variants whose ending made the figures."""
    found = [text for knob in sweep.axes if (text := _unmoved_knob(sweep, knob, metrics))]
    endings = {position: ending(sweep, position) for position in range(len(sweep.variants))}
    if len({each[:3] + each[4:] for each in endings.values()}) == 1:
        return found + common_texts([*endings.values()][:1])
    return found + [
        f"With {Variant(sweep.settings(position))}: {text}."
        for position, each in endings.items()
        for text in each.texts()
    ]


def _unmoved_knob(sweep: Sweep, knob: Knob, metrics: Sequence[str]) -> str | None:
    """Return a sentence about a knob of whose values none moves any time among the metrics (or, without times, any)."""
    groups: defaultdict[tuple[tuple[str, str], ...], list[int]] = defaultdict(list)
    for position, variant in enumerate(sweep.variants):
        groups[tuple(setting for setting in variant.settings if setting[0] != knob.key)].append(position)
    if any(len(group) < 2 for group in groups.values()):  # paired knobs move together
        return None
    flat = [
        name
        for name in metrics
        if all(unmoved([sweep.interval(position, name).mean for position in group]) for group in groups.values())
    ]
    timed = [name for name in metrics if metric_names.dimension(name) == metric_names.SECONDS] or list(metrics)
    if not set(timed) <= set(flat):
        return None
    what = "any of these figures" if len(flat) == len(metrics) > 1 else ", ".join(timed)
    verdict = sweep.verdict(0)
    binds = f" What binds is {_PHRASES[verdict['resource']]}." if verdict and verdict["resource"] else ""
    return f"None of {knob.key}={','.join(knob.values)} moves {what} by more than {MOVED * 100:g} %.{binds}"
