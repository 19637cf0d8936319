"""Metrics in words for people who do not know their paths."""

from __future__ import annotations

from typing import Final

from pullsim.results import metrics

_FIGURES: Final = {
    "p50": "half of the pods",
    "p90": "9 of 10 pods",
    "p95": "95 of 100 pods",
    "p99": "99 of 100 pods",
    "p99.9": "999 of 1,000 pods",
    "max": "the last pod",
}
_EVENTS: Final = {"start": ("had started", "had started"), "ready": ("were ready", "was ready")}
_WORDS: Final = {
    "pods.lastReadyAt": "time when the last pod was ready",
    "pods.notStarted": "number of pods that never started",
    "pods.notReady": "number of pods that were never ready",
    "pods.missedDeadlines": "number of missed deadlines",
    "pulls.failed": "number of failed pulls",
    "pulls.backoffs": "number of back-offs",
    "bytes.downloaded": "amount downloaded",
    "bytes.perSecond.peak": "highest rate of downloads",
}
_OF: Final = {"workloads": "of", "pools": "on nodes of", "images": "with"}


def in_words(metric: str) -> str:
    """Return a metric in words that follow "the": ``time until 99 of 100 pods had started``; else its path."""
    if metric in _WORDS:
        return _WORDS[metric]
    for figure, who in _FIGURES.items():
        for event, (many, one) in _EVENTS.items():
            happened = one if figure == "max" else many
            head = metric.removesuffix(f".{event}.{figure}")
            if head == metric:
                continue
            if head == "pods":
                return f"time until {who} {happened}"
            if group := metrics.of_group(metric):
                return f"time until {who} {_OF[group[0]]} {group[1]} {happened}"
    return metric
