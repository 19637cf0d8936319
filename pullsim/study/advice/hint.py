"""The hint that `pullsim run` prints: the single change that gains most of those that were tried.

Trying takes no longer than the run itself with its start. How long is judged by the number of nodes, pods, layers and
failures of the run, and not by a clock: the same scenario has the same hint on every machine. So a large run tries
nothing, and a small one first what could help most of the waiting.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pullsim.results import metrics as metric_names
from pullsim.results.wording import counted
from pullsim.study.advice.advice import GAIN, change
from pullsim.study.advice.advise import MAX_RUNS, Search, candidates, usual_objective
from pullsim.study.advice.levers import PRESENT
from pullsim.study.advice.situation import Situation
from pullsim.study.compare import Side
from pullsim.study.executors import InProcess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.results.summary.summary import Summary
    from pullsim.scenario import Scenario
    from pullsim.scenario.builder.estimate import Estimate
    from pullsim.study.advice.advice import Advice, Tried
    from pullsim.study.advice.advise import Candidate

#: Seconds of CPU time, as `Estimate.work` counts them, that the start of the program and the reading of a scenario take
#: at least, and that a change takes beside its run.
START: Final = 0.4
EACH: Final = 0.01
LEAST: Final = 3  # a run in whose time fewer changes can be tried is a long one
RELEVANT: Final = 0.08  # a lever that could help a smaller share of the waiting is not tried
_LONG: Final = 100  # letters of overrides that are told in words


def tried(scenario: Scenario, summary: Summary, *, force: bool = False) -> Advice | None:
    """Try what could help the run that has this summary, with its seed; None: there is too little time, or no wait."""
    if summary.bottleneck is None or summary.bottleneck.resource is None or summary.ended == "interrupted":
        return None
    situation = Situation.of(scenario, force=force)
    search = Search(situation, usual_objective(situation), [summary.seed], InProcess(), None, MAX_RUNS, force=force)
    search.start(Side("", {}, {summary.seed: metric_names.values(summary.to_dict())}, None, None))
    able = [each for each in candidates(situation, search.weights, RELEVANT) if each.lever.quick]
    count = affordable(_work(situation.estimate, summary))
    if not able or count < LEAST:
        return None
    search.run(_usual_first(able)[:count])
    advice = search.advice()
    return None if advice.interrupted else advice


def affordable(work: float) -> int:
    """Return how many changes can be tried in the time of a run of so much ``work`` and its start."""
    return int((START + work) / (EACH + work))


def _work(estimate: Estimate, summary: Summary) -> float:
    """Return the work of a run by what it had, and by its estimate where the summary does not know that."""
    pods, pulls, layers = summary.pods, summary.pulls, summary.layers
    if pods is None or pulls is None or layers is None:
        return estimate.work
    return replace(
        estimate,
        nodes=summary.nodes,
        pods=pods.total,
        layers=layers.fetched,
        retries=pulls.failed,
        looks=pulls.backoffs,
    ).work


def _usual_first(found: Sequence[Candidate]) -> list[Candidate]:
    """Return the most usual setting of each lever before the others of any."""
    count: Counter[str] = Counter()
    ranks = []
    for each in found:
        ranks.append(count[each.lever.name])
        count[each.lever.name] += 1
    return [each for _, each in sorted(zip(ranks, found, strict=True), key=lambda ranked: ranked[0])]


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
