"""A pod as `kubectl describe pod` shows it, as far as its images are concerned."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from pullsim.errors import InputError
from pullsim.results.event_correlator import TTL, api_events
from pullsim.results.kubectl.age import age
from pullsim.results.summary.api_status import status_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pullsim.records import PodRecord
    from pullsim.results.event_correlator import ApiEvent
    from pullsim.run import Result

_HEADING: Final = (("Type", "Reason", "Age", "From", "Message"), ("----", "------", "----", "----", "-------"))
_PADDING: Final = 2


def describe(result: Result, pod: PodRecord, at: float) -> list[str]:
    """Return lines about a pod of the result at a time, in seconds: name, node, status, events with counts and ages.

    The run must have kept statuses and the detail ``pulls`` at least; InputError otherwise. The form is that of
    staging/src/k8s.io/kubectl/pkg/describe/describe.go DescribeEvents; events are those that the API has, see
    `EventCorrelator`.
    """
    if not result.statuses or not result.keeps("pulls"):
        raise InputError("describing a pod needs statuses and events: run with status=True and detail pulls or layers")
    row = status_at(result.statuses, pod.namespace, pod.pod, at)
    fields = {
        "Name": pod.pod,
        "Namespace": pod.namespace,
        "Node": (pod.scheduled is not None and pod.scheduled <= at and pod.node) or "<none>",
        "Age": age(at - math.floor(pod.created)),
        "Ready": f"{row.ready}/{row.containers}" if row else "<none>",
        "Status": row.status if row else "<none>",
        **({"Message": row.message} if row and row.message else {}),
    }
    width = max(map(len, fields)) + 1 + _PADDING
    return [*(f"{name + ':':{width}}{value}" for name, value in fields.items()), *_events(result, pod, at)]


def _events(result: Result, pod: PodRecord, at: float) -> Iterator[str]:
    rows = [*_scheduled(pod, at)]
    own = (event for event in result.events if event.pod == pod.pod and event.namespace == pod.namespace)
    rows += (
        (event.type, event.reason, interval(event, at), "kubelet", event.message.strip())
        for event in api_events(own, at)
    )
    if not rows:
        yield "Events:  <none>"
        return
    yield "Events:"
    yield from _table([*_HEADING, *rows])


def _scheduled(pod: PodRecord, at: float) -> Iterator[tuple[str, ...]]:
    """Yield the scheduler's event, which has another source than the kubelet's and so a rate limit of its own."""
    if pod.scheduled is not None and 0 <= at - pod.scheduled < TTL:
        text = f"Successfully assigned {pod.namespace}/{pod.pod} to {pod.node}"
        yield "Normal", "Scheduled", age(at - pod.scheduled), "default-scheduler", text
    elif pod.message is not None and at >= pod.created:
        yield "Warning", "FailedScheduling", age(at - math.floor(pod.created)), "default-scheduler", pod.message


def interval(event: ApiEvent, at: float) -> str:
    """Return the column Age: ``13m (x4 over 15m)``; the API's timestamps are whole seconds."""
    first, last = (age(at - math.floor(t)) for t in (event.first, event.last))
    return f"{last} (x{event.times} over {first})" if event.times > 1 else first


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) + _PADDING for column in range(len(rows[0]) - 1)]
    for row in rows:
        yield "  " + "".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)) + row[-1]
