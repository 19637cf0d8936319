"""The start-up latency of pods as clusterloader2's measurement PodStartupLatency has it, for perfdash.

The form is PerfData (perf-tests, clusterloader2/pkg/measurement/util/perftype.go), the transitions are those of
pkg/measurement/common/slos/pod_startup_latency.go, the percentiles those of util/latency_metric.go. It takes a pod as
running and as watched in the instant in which its watch tells that the pod runs, so both are one here too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.kernel.clock import nanoseconds
from pullsim.printable import json_text
from pullsim.results.statistics import percentile
from pullsim.rows import values

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from pullsim.run import Result

VERSION: Final = "1.0"
_MILLISECOND: Final = 1e6  # nanoseconds
#: The names of the transitions, and between which moments of a pod they are: created, scheduled, started.
_TRANSITIONS: Final = {
    "create_to_schedule": (0, 1),
    "schedule_to_run": (1, 2),
    "run_to_watch": (2, 2),
    "schedule_to_watch": (1, 2),
    "pod_startup": (0, 2),
    "create_to_run": (0, 2),
}
_PERCENTILES: Final = {"Perc50": 500, "Perc90": 900, "Perc99": 990}


def write_perf_data(result: Result, file: TextIO) -> None:
    """Write percentiles in milliseconds over the pods that have both ends of a transition; 0 where none has."""
    moments = [*values(result.pods, "created", "scheduled", "started")]
    items = []
    for name, (since, to) in _TRANSITIONS.items():
        latencies = sorted(
            nanoseconds(pod[to]) - nanoseconds(pod[since])
            for pod in moments
            if pod[since] is not None and pod[to] is not None
        )
        items.append({"data": _percentiles(latencies), "unit": "ms", "labels": {"Metric": name}})
    labels = {"scenario": result.name, "seed": str(result.seed)}
    file.write(json_text({"version": VERSION, "dataItems": items, "labels": labels}, indent=2) + "\n")


def _percentiles(ordered: Sequence[int]) -> dict[str, float]:
    """Return the percentiles of nanoseconds in ascending order, in milliseconds."""
    return {name: percentile(ordered, each) / _MILLISECOND if ordered else 0.0 for name, each in _PERCENTILES.items()}
