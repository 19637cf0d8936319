"""Metrics in words for people who do not know their paths."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pullsim.results import metrics

if TYPE_CHECKING:
    from pullsim.results.assertions import Assertion

_FIGURES: Final = {
    "p50": "half of the pods",
    "p90": "9 of 10 pods",
    "p95": "95 of 100 pods",
    "p99": "99 of 100 pods",
    "p99.9": "999 of 1,000 pods",
    "max": "the last pod",
}
_EVENTS: Final = {
    "start": ("had started", "had started"),
    "startOfStarted": ("that started had started", "that started had started"),
    "ready": ("were ready", "was ready"),
    "readyOfReady": ("that were ever ready were ready", "that was ever ready was ready"),
}
_WORDS: Final = {
    "pods.lastReadyAt": "time when the last pod was ready",
    "pods.notStarted": "number of pods that never started",
    "pods.notReady": "number of pods that were never ready",
    "pods.missedDeadlines": "number of missed deadlines",
    "pulls.failed": "number of failed pulls",
    "pulls.backoffs": "number of back-offs",
    "bytes.downloaded": "amount downloaded",
    "bytes.perSecond.peak": "highest rate of downloads",
    "churn.perDay.cost": "cost of a day's downloads",
    "cost": "cost of the run",
    "costs.perDay": "cost of a day",
    "idleAcceleratorMinutes": "number of minutes that accelerators waited for images",
    "churn.perDay.downloadedBytes": "amount downloaded in a day",
    "housekeeping.refetched": "amount that nodes fetched again",
    "housekeeping.refetchedShare": "share of the downloads that nodes fetched again",
}
_OF: Final = {"workloads": "of", "pools": "on nodes of", "images": "with"}
#: The words by the form of the path; ``{}`` is the name in it.
_NAMED: Final = (
    (r"outages\.(.+)\.lastUpAfter", "time from the end of the fault of {} until the last pod was up"),
    (r"outages\.(.+)\.never", "number of pods that the fault of {} kept down"),
    (r"rollouts\.(.+)\.seconds", "time that the update of {} took"),
    (r"workloads\.(.+)\.notStarted", "number of pods of {} that never started"),
    (r"workloads\.(.+)\.missedDeadlines", "number of deadlines that pods of {} missed"),
    (r"pulls\.failuresByCause\.(.+)", "number of pulls that failed by the cause {}"),
)


def in_words(metric: str) -> str:
    """Return a metric in words: ``time until 99 of 100 pods had started``; its path, where there are none."""
    return _words(metric) or metric


def the(metric: str) -> str:
    """Return the same as a part of a sentence, with its article where it is in words."""
    words = _words(metric)
    return f"the {words}" if words else metric


def begin(metric: str) -> str:
    """Return the same as the begin of a sentence; a path stays as it is written."""
    words = _words(metric)
    return f"The {words}" if words else metric


def headline(metric: str) -> str:
    """Return the same as a title."""
    words = _words(metric)
    return f"{words[0].upper()}{words[1:]}" if words else metric


def limit_text(limit: Assertion) -> str:
    """Write a limit in words: ``below 80.0 s``."""
    words = {"<": "below", "<=": "at most", ">": "above", ">=": "at least", "==": "exactly", "!=": "not"}
    return f"{words.get(limit.compare, limit.compare)} {metrics.text(limit.metric, limit.limit)}"


def _words(metric: str) -> str | None:
    if metric in _WORDS:
        return _WORDS[metric]
    for pattern, words in _NAMED:
        if match := re.fullmatch(pattern, metric):
            return words.format(match[1])
    for figure, who in _FIGURES.items():
        for event, (many, one) in _EVENTS.items():
            head = metric.removesuffix(f".{event}.{figure}")
            happened = one if figure == "max" else many
            if head == "pods":
                return f"time until {who} {happened}"
            if head != metric and (group := metrics.of_group(metric)):
                return f"time until {who} {_OF[group[0]]} {group[1]} {happened}"
    return None
