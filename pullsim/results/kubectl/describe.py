"""A pod as `kubectl describe pod` shows it, as far as its images are concerned."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Protocol

from pullsim.errors import InputError
from pullsim.results.event_correlator import TTL, api_events
from pullsim.results.kubectl.age import age
from pullsim.results.summary.api_status import status_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pullsim.records import KubeletEvent, PodRecord, StatusRecord
    from pullsim.results.event_correlator import ApiEvent
    from pullsim.run import Result


class Described(Protocol):
    """What a description needs of a pod; times are seconds."""

    @property
    def namespace(self) -> str:
        """Its namespace."""

    @property
    def pod(self) -> str:
        """Its name."""

    @property
    def node(self) -> str | None:
        """The node that it got; None: none."""

    @property
    def created(self) -> float:
        """When it was created."""

    @property
    def scheduled(self) -> float | None:
        """When it got its node; None: never."""

    @property
    def message(self) -> str | None:
        """Why it got none; None: it did."""


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
    return lines(pod, result.statuses, result.events, at)


def lines(pod: Described, statuses: Iterable[StatusRecord], events: Iterable[KubeletEvent], at: float) -> list[str]:
    """Return the lines about a pod at a time, from statuses and events in the order of time, also of other pods."""
    row = status_at(statuses, pod.namespace, pod.pod, at)
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
    return [*(f"{name + ':':{width}}{value}" for name, value in fields.items()), *_events(events, pod, at)]


def _events(events: Iterable[KubeletEvent], pod: Described, at: float) -> Iterator[str]:
    rows = [*_scheduled(pod, at)]
    own = (event for event in events if event.pod == pod.pod and event.namespace == pod.namespace)
    rows += (
        (event.type, event.reason, interval(event, at), "kubelet", event.message.strip())
        for event in api_events(own, at)
    )
    if not rows:
        yield "Events:  <none>"
        return
    yield "Events:"
    yield from _table([*_HEADING, *rows])


def _scheduled(pod: Described, at: float) -> Iterator[tuple[str, ...]]:
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
