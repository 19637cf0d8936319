"""What came out of a run: its events, and the records of its pods, pulls and layers."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pullsim.run import Result


def times(result: Result, reason: str, *, pod: str | None = None, container: str | None = None, text: str = "") -> list:
    """Times of the events of a reason."""
    return [
        event.t
        for event in result.events
        if event.reason == reason
        and text in event.message
        and pod in (None, event.pod)
        and container in (None, event.container)
    ]


def story(result: Result, pod: str | None = None) -> list[tuple[float, str]]:
    """Time and reason of all events of a pod, or of all pods."""
    return [(round(event.t, 6), event.reason) for event in result.events if pod in (None, event.pod)]


def messages(result: Result, reason: str) -> list[str]:
    return [event.message for event in result.events if event.reason == reason]


def started(result: Result) -> dict[str, float | None]:
    """When each pod started."""
    return {row.pod: row.started for row in result.pods}


def ended(result: Result) -> dict[str, float]:
    """When each pod's last pull ended."""
    return {row.pod: row.ended for row in sorted(result.pulls, key=lambda row: row.ended)}


def row(result: Result, pod: str):
    """The record of a pod."""
    (found,) = (each for each in result.pods if each.pod == pod)
    return found


def pull(result: Result, pod: str, attempt: int = 1):
    """The record of a pod's pull."""
    (found,) = (each for each in result.pulls if each.pod == pod and each.attempt == attempt)
    return found


def layers(result: Result, pod: str) -> list:
    """The records of a pod's layers, from the bottom up."""
    return sorted((each for each in result.layers if each.pod == pod), key=lambda each: each.position)


def stages(record: Any) -> dict[str, float]:
    """The stages of a pod or a pull that took time, to the microsecond."""
    return {stage: round(seconds, 6) for stage, seconds in record.stages.items() if round(seconds, 6)}


def fetches(result: Result) -> Counter[tuple[str, str]]:
    """How often each node fetched each blob of a layer."""
    return Counter((each.node, each.digest) for each in result.layers if each.source != "local")


def whole(record: Any) -> bool:
    """Whether the stages of a pod or a pull are all positive and sum to what they divide."""
    total = record.start_seconds if hasattr(record, "start_seconds") else record.ended - record.started
    return all(seconds >= 0 for seconds in record.stages.values()) and math.isclose(
        sum(record.stages.values()), total, rel_tol=1e-9, abs_tol=1e-9
    )
