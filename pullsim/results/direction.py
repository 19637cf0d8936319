"""Which way a metric gets worse: a later start, a failure, a byte more; fewer pods a minute.

Only what somebody outside of the model would notice has a direction. How the time of a pull divides into queue,
download and unpacking, which host served the bytes and how many pods or nodes there were has none: a change that starts
every pod earlier may lengthen a pull, as pulls beside one another do.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from pullsim.results import metrics as metric_names

if TYPE_CHECKING:
    from collections.abc import Mapping

UP, DOWN, NONE = 1, -1, 0  # more is worse, less is worse, neither is
#: The direction by pattern of the name. The first pattern that fits decides; a metric that none fits has none.
_DIRECTIONS: Final = (
    ("*.count", NONE),
    ("*.window", NONE),
    ("pools.*", NONE),  # the pods of the workloads, sorted in another way
    ("images.*", NONE),
    ("*.startOfStarted.*", NONE),  # later where pods that never started do so now
    ("*.readyOfReady.*", NONE),
    ("*.start.*", UP),
    ("*.ready.*", UP),
    ("*.lastReadyAt", UP),
    ("*.notStarted", UP),
    ("*.notReady", UP),
    ("*.missedDeadlines", UP),
    ("*.perMinute.*", DOWN),
    ("outages.*.pods", UP),
    ("outages.*.never", UP),
    ("outages.*.lastUp*", UP),
    ("pulls.failed", UP),
    ("pulls.backoffs", UP),
    ("pulls.includingWaiting.*", UP),
    ("bytes.downloaded", UP),
    ("caches.*.receivedBytes", UP),
    ("housekeeping.refetched", UP),
    ("housekeeping.refetchedShare", UP),
    ("housekeeping.evictedPods", UP),
    ("rollouts.*.seconds", UP),
    ("rollouts.*.completedAt", UP),
    ("churn.cutBytes", UP),
    ("churn.successorsBytes", UP),
    ("churn.perDay.downloadedBytes", UP),
    ("churn.perDay.cost", UP),
    ("cost", UP),
    ("costs.*", UP),
    ("idleAcceleratorMinutes", UP),
    ("unusedImages.*", UP),
    ("prepulls.*.seconds.*", UP),
    ("prepulls.*.lastAt", UP),
    ("prepulls.*.givenUp", UP),
    ("prepulls.*.downloadedBytes", UP),
    ("time.seconds", UP),
)
#: Times of what may never come: no value where there was one is later than any time.
_MAY_NEVER_COME: Final = (
    "*.start.*",
    "*.ready.*",
    "*.lastReadyAt",
    "rollouts.*.seconds",
    "rollouts.*.completedAt",
    "prepulls.*.lastAt",
)
#: Counts and times by a name that appears only where there is one: a missing one is 0.
_BY_NAME: Final = (
    "*.notStartedByReason.*",
    "*.failuresByCause.*",
    "bytes.bySource.*",
    "bytesByClass.*",
    "costs.byClass.*",
    "costs.byHost.*",
    "time.stages.*",
    "time.slowestStages.*",
    "timeInStatus.*",
    "bottleneck.shares*",
    "housekeeping.removed.*",
)


def direction(name: str) -> int:
    """Return UP if more of the metric is worse, DOWN if less is, NONE if a change of it is neither better nor worse."""
    return next((way for pattern, way in _DIRECTIONS if fnmatchcase(name, pattern)), NONE)


def may_never_come(name: str) -> bool:
    """Whether the metric is a time, and no value where there was one means never."""
    return not name.endswith(".count") and any(fnmatchcase(name, pattern) for pattern in _MAY_NEVER_COME)


def text(name: str, number: float | None) -> str:
    """Write a value of a metric for people, ``never`` for a time that did not come."""
    return "never" if number is None and may_never_come(name) else metric_names.text(name, number)


def has(metrics: Mapping[str, float | None], name: str) -> bool:
    """Whether a run has a metric: by its name, as 0 of what did not occur, or as a part of what the run has not."""
    if metric_names.of_group(name):
        return name in metrics
    if name in metrics or any(fnmatchcase(name, pattern) for pattern in _BY_NAME):
        return True
    return metric_names.value(metrics, name) is None
