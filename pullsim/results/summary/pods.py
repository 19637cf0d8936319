"""Pods by outcome, and how long they took to start."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import field
from typing import TYPE_CHECKING, Final

from pullsim.frozen import dataclass
from pullsim.results.statistics import Distribution, Rate, Waits, distribution, event_rate, waits
from pullsim.rows import values

if TYPE_CHECKING:
    from pullsim.run import Result

POD_WINDOW: Final = 60.0  # seconds: the window of the peak rate of pods that become ready


@dataclass(frozen=True, slots=True)
class Pods:
    """Pods by outcome. In `start` and `ready` those that never were are the last; withdrawn ones are not in them."""

    total: int
    started: int
    not_started: int  # with the withdrawn ones
    not_started_by_reason: dict[str, int]
    withdrawn: int = field(default=0, kw_only=True)  # nobody waits for them any more, though they were not ready
    deadlines: int = field(default=0, kw_only=True)  # pods that were given a time to start in
    missed_deadlines: int
    start: Waits  # time from creation to start
    start_of_started: Distribution = field(default=Distribution(0), kw_only=True)  # the same of those that started
    ready: Waits  # time from creation until the pod is Ready
    ready_of_ready: Distribution = field(default=Distribution(0), kw_only=True)  # the same of those that were
    not_ready: int  # pods that never were, those that never started among them
    last_ready_at: float | None
    per_minute: Rate  # pods that became ready, from the first creation to the last of them


def pods(result: Result) -> Pods:
    """Return the figures of all pods."""
    started, until_start = _those_that_were(result, "started", "start_seconds")
    ready, until_ready = _those_that_were(result, "ready", "ready_seconds")
    waiting: Counter[str] = Counter()
    awaited = 0  # pods that never started although somebody waits for them
    for at, reason, scheduled, withdrawn in values(result.pods, "started", "reason", "scheduled", "withdrawn"):
        if at is None:
            waiting[waiting_reason(reason, scheduled)] += 1
            awaited += not withdrawn
    withdrawn = sum(values(result.pods, "withdrawn"))
    first = min(values(result.pods, "created"), default=0.0)
    per_second = event_rate(ready, first, POD_WINDOW)
    return Pods(
        total=len(result.pods),
        started=len(started),
        not_started=waiting.total(),
        not_started_by_reason=dict(sorted(waiting.items(), key=lambda item: (-item[1], item[0]))),
        withdrawn=withdrawn,
        deadlines=sum(deadline is not None for deadline in values(result.pods, "deadline")),
        missed_deadlines=sum(values(result.pods, "missed")),
        start=waits(until_start, awaited),
        start_of_started=distribution(until_start),
        ready=waits(until_ready, len(result.pods) - len(ready) - withdrawn),
        ready_of_ready=distribution(until_ready),
        not_ready=len(result.pods) - len(ready),
        last_ready_at=max(ready, default=None),
        per_minute=Rate(_a_minute(per_second.mean), _a_minute(per_second.peak), per_second.window),
    )


def _those_that_were(result: Result, instant: str, seconds: str) -> tuple[array[float], array[float]]:
    """Return when pods started or were ready, and how long that took, of those that were."""
    instants, durations = array("d"), array("d")
    for at, took in values(result.pods, instant, seconds):
        if at is not None:
            instants.append(at)
            durations.append(took)
    return instants, durations


def waiting_reason(reason: str | None, scheduled: float | None) -> str:
    """Return the reason that `kubectl get pods` would show."""
    return reason or ("Pending" if scheduled is None else "ContainerCreating")


def _a_minute(per_second: float | None) -> float | None:
    return None if per_second is None else per_second * 60
