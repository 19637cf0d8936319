"""Where the time of pods went until they were ready."""

from __future__ import annotations

import math
from heapq import nsmallest
from typing import TYPE_CHECKING

from pullsim.frozen import dataclass
from pullsim.results.stages import total
from pullsim.rows import values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.records import PodRecord


@dataclass(frozen=True, slots=True)
class StageTime:
    """Seconds of one stage over a group of pods, and its share of their time."""

    seconds: float
    share: float


@dataclass(frozen=True, slots=True)
class Time:
    """Where the time of pods went until they were ready, or until the end of the run when they never were."""

    seconds: float
    stages: dict[str, StageTime]
    slowest_pods: int  # the slowest 1 %, one at least; pods that never were ready come first
    slowest_stages: dict[str, StageTime]


def time_until_ready(pods: Sequence[PodRecord]) -> Time:
    """Sum the stages of all pods, and those of the slowest."""
    slowest = slowest_pods(pods)
    stages = total(values(pods, "stages"))
    return Time(
        seconds=sum(stages.values()),
        stages=_stage_times(stages),
        slowest_pods=len(slowest),
        slowest_stages=_stage_times(total(pod.stages for pod in slowest)),
    )


def slowest_pods(pods: Sequence[PodRecord]) -> list[PodRecord]:
    """Return the slowest 1 % of the pods, one at least, slowest first; those that never were ready come first."""
    return nsmallest(math.ceil(len(pods) / 100), pods, key=lambda pod: (pod.ready is not None, -pod.ready_seconds))


def _stage_times(stages: dict[str, float]) -> dict[str, StageTime]:
    whole = sum(stages.values())
    return {stage: StageTime(seconds, seconds / whole) for stage, seconds in stages.items()}
