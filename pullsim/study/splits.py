"""Running a scenario with other typical splits of its images, where layers are guessed from sizes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pullsim.oci.typical import SPLITS
from pullsim.results.summary.pods import pods
from pullsim.results.summary.splits import Interval, SplitEffect
from pullsim.run import run
from pullsim.scenario import override

if TYPE_CHECKING:
    from pullsim.results.summary.summary import Summary
    from pullsim.scenario import Scenario

#: The most CPU time of a run, in seconds as the estimate has them for interpreted code, that is repeated unasked.
SHORT: Final = 1.0


def with_splits(scenario: Scenario, summary: Summary, *, always: bool = False) -> Summary:
    """Return the summary of a run with the effect of the split, from a run with each typical split and the same seed.

    It is the same summary where no layers are guessed, and for runs that take long or whose split is given, unless
    ``always`` is set. An interrupted run tells nothing and changes nothing.
    """
    if scenario.images.split is not None and not always:
        return summary
    built = scenario.assemble(force=True)
    if not built.guessed or (built.estimate.work > SHORT and not always):
        return summary
    figures = [] if summary.pods is None else [summary.pods.start]
    for split in range(SPLITS):
        result = run(override(scenario, [f"images.split={split}"]), detail="pods", force=True)
        if result.ended == "interrupted":
            return summary
        figures.append(pods(result).start)
    p50, p99, most = (_interval([getattr(figure, name) for figure in figures]) for name in ("p50", "p99", "max"))
    return replace(summary, splits=SplitEffect(list(built.guessed), len(figures), p50, p99, most))


def _interval(values: list[float | None]) -> Interval:
    known = [value for value in values if value is not None]
    return Interval(min(known), max(known)) if known else Interval(None, None)
