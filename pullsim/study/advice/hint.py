"""The hint that `pullsim run` prints: the single change that gains most of what would have been tried, and was.

A scenario is tried only where that takes no longer than the run itself and its start. How long is judged by the number
of nodes, pods and layers, and not by a clock: the same scenario has the same hint on every machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.results import metrics as metric_names
from pullsim.results.wording import counted
from pullsim.study.advice.advice import GAIN, OBJECTIVE, change
from pullsim.study.advice.advise import MAX_RUNS, Search, candidates
from pullsim.study.advice.levers import PRESENT
from pullsim.study.advice.situation import Situation
from pullsim.study.executors import InProcess

if TYPE_CHECKING:
    from pullsim.results.summary.summary import Summary
    from pullsim.scenario import Scenario
    from pullsim.study.advice.advice import Advice, Tried

#: Most seconds of CPU time that trying may take, as they are estimated for the interpreted model. With the reading of
#: the scenario for each change it is about a second, which is what a small run and its start take.
WORK: Final = 0.7
RELEVANT: Final = 0.08  # a lever that could help a smaller share of the waiting is not tried
_LONG: Final = 100  # letters of overrides that are told in words


def tried(scenario: Scenario, summary: Summary, *, force: bool = False) -> Advice | None:
    """Try what could help the run that has this summary, with its seed; None: that takes too long, or nobody waited."""
    if summary.bottleneck is None or summary.bottleneck.resource is None or summary.ended == "interrupted":
        return None
    situation = Situation.of(scenario, force=force)
    search = Search(situation, OBJECTIVE, [summary.seed], InProcess(), None, MAX_RUNS, force=force)
    search.start({summary.seed: metric_names.values(summary.to_dict())})
    found = candidates(situation, search.weights, RELEVANT)
    if not found or len(found) * situation.estimate.work > WORK:
        return None
    search.run(found)
    advice = search.advice()
    return None if advice.interrupted else advice


def lines(advice: Advice | None, command: str) -> list[str]:
    """Return the lines of the hint: what gains most, and if that is to pull nothing, what gains most beside it.

    ``command`` is the one that tries more; without ``advice`` the hint says to ask it.
    """
    if advice is None:
        return [f"ask `{command}`, which tries what could help"]
    helping = [row for row in advice.singles if row.helps]
    told = helping[: 2 if helping and helping[0].levers == (PRESENT,) else 1]
    if not told:
        return [
            f"no gain of {GAIN * 100:g} % of {advice.judged} from {counted(len(advice.rows), 'change')} (tried)",
            f"`{command}` tries more, and pairs",
        ]
    return [*(_line(advice, row) for row in told), f"`{command}` tries more, and pairs"]


def _line(advice: Advice, row: Tried) -> str:
    """``nodes[*].cores.count=8 (twice the cores): pods.start.p99 12.6 s → 9.10 s (-28 %) (tried)``."""
    overrides = ", ".join(row.setting.overrides)
    what = row.setting.sentence if len(overrides) > _LONG else f"{overrides} ({row.setting.sentence})"
    return f"{what}: {change(advice.told(row))} (tried)"
