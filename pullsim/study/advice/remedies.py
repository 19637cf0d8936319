"""What would have started one pod earlier: each change that could help it, tried with the run's own seed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pullsim.errors import InputError
from pullsim.results.explanation.explanation import until_start
from pullsim.results.summary.bottleneck import bottleneck
from pullsim.run import run
from pullsim.scenario import override
from pullsim.stages import RESOURCES
from pullsim.study.advice.advice import GAIN
from pullsim.study.advice.advise import candidates
from pullsim.study.advice.hint import EACH
from pullsim.study.advice.levers import weights

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pullsim.results.explanation.explanation import Explanation
    from pullsim.run import Result
    from pullsim.scenario.builder.estimate import Estimate
    from pullsim.study.advice.advise import Candidate
    from pullsim.study.advice.setting import Setting
    from pullsim.study.advice.situation import Situation

UNASKED: Final = 1.0  # seconds of CPU time, as `hint.affordable` counts them, that are spent without being asked to
RELEVANT: Final = 0.05  # a lever that could help a smaller share of the pods' waiting is not tried


class Remedy(NamedTuple):
    """One change, and what became of the pod with it."""

    lever: str  # name of the row of `pullsim.study.advice.levers.LEVERS`
    setting: Setting
    seconds: float  # from the pod's creation to its start; infinite: it never started
    before: float  # the same of the run as it was

    @property
    def gained(self) -> float:
        """Seconds by which the pod starts earlier; negative: later; infinite: it starts where it never did."""
        return 0.0 if self.seconds == self.before else self.before - self.seconds

    @property
    def helps(self) -> bool:
        """Whether it gains something of what the pod waited."""
        return self.gained > 0 and (math.isinf(self.before) or self.gained >= GAIN * self.before)

    def to_dict(self) -> dict[str, Any]:
        """Return what `pullsim explain -o json` prints; what is infinite is null."""
        finite = {"startSeconds": self.seconds, "gainedSeconds": self.gained}
        told = {key: value if math.isfinite(value) else None for key, value in finite.items()}
        return {"lever": self.lever, "sentence": self.setting.sentence, "set": list(self.setting.overrides)} | told


@dataclass(slots=True)
class Remedies:
    """What was tried for some pods."""

    pods: dict[tuple[str, str], list[Remedy]]  # by namespace and name: the largest gain first
    failed: list[str] = field(default_factory=list)  # changes that cannot be made, and why
    untried: list[str] = field(default_factory=list)  # changes for which there were too few runs
    interrupted: bool = False


def quick(estimate: Estimate, runs: int) -> bool:
    """Whether so many changes of a scenario are tried in about a second; the same on every machine."""
    return runs * (EACH + estimate.work) <= UNASKED


def relevant(situation: Situation, result: Result, explanations: Sequence[Explanation]) -> list[Candidate]:
    """Return the changes that could help these pods of the result, first what helps most of their waiting."""
    stages = [until_start(each) for each in explanations]
    whole = sum(sum(each.values()) for each in stages)
    if whole <= 0:
        return []
    shares = {
        resource.key: sum(each.get(stage, 0.0) for each in stages for stage in resource.stages) / whole
        for resource in RESOURCES
    }
    return candidates(situation, weights(shares, bottleneck(result).shares_of_pulls or {}), RELEVANT)


def remedies(
    situation: Situation,
    explanations: Sequence[Explanation],
    wanted: Sequence[Candidate],
    max_runs: int,
    progress: Callable[[int, int], None] | None = None,
) -> Remedies:
    """Run the scenario with each change, at most ``max_runs``, and look at the same pods.

    The seed is the scenario's own, so that what differs is the change's doing. ``progress`` gets the number of runs
    that are done and of all. After Ctrl-C what is done is returned (``interrupted``).
    """
    found = Remedies({(each.namespace, each.pod): [] for each in explanations})
    found.untried = [each.setting.sentence for each in wanted[max_runs:]]
    wanted = wanted[:max_runs]
    for done, (lever, setting) in enumerate(wanted):
        if progress is not None:
            progress(done, len(wanted))
        try:
            result = run(override(situation.scenario, setting.overrides), detail="pods", force=True)
        except InputError as error:
            found.failed.append(f"{setting.sentence}: {error.lines()[0]}")
            continue
        except KeyboardInterrupt:
            found.interrupted = True
            break
        if result.ended == "interrupted":
            found.interrupted = True
            break
        seconds = _starts(result)
        for each in explanations:
            name = (each.namespace, each.pod)
            if name in seconds:
                before = each.seconds if each.started_at is not None else math.inf
                found.pods[name].append(Remedy(lever.name, setting, seconds[name], before))
    for rows in found.pods.values():
        rows.sort(key=lambda row: row.seconds)
    return found


def best(rows: Sequence[Remedy]) -> list[Remedy]:
    """Return the best setting of each lever, in the order of the ``rows``, in which the best come first."""
    found: dict[str, Remedy] = {}
    for row in rows:
        found.setdefault(row.lever, row)
    return [*found.values()]


def _starts(result: Result) -> dict[tuple[str, str], float]:
    return {(pod.namespace, pod.pod): pod.start_seconds if pod.started is not None else math.inf for pod in result.pods}
