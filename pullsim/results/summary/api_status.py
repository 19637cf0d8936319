"""How long the API showed each status of the pods."""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from typing import TYPE_CHECKING

from pullsim.kubelet.api_status import RUNNING
from pullsim.kubelet.pod_status import COMPLETED, DELETED, EVICTED
from pullsim.rows import values

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pullsim.records import StatusRecord

#: Statuses in which a pod no longer waits: it runs, or it is gone.
OVER = (RUNNING, COMPLETED, DELETED, EVICTED)


def time_in_status(rows: Sequence[StatusRecord], end: float) -> dict[str, float]:
    """Return seconds by status, summed over pods, most first; a pod counts until it runs or is gone, or to the ``end``.

    ``rows`` are in the order of time.
    """
    parts: defaultdict[str, array[float]] = defaultdict(lambda: array("d"))
    # The status of each pod and the time at which it began; None: the pod no longer waits.
    current: dict[tuple[str, str], tuple[str, float] | None] = {}
    for namespace, pod, t, status in values(rows, "namespace", "pod", "t", "status"):
        before = current.get((namespace, pod))
        if before is not None:
            parts[before[0]].append(t - before[1])
        current[namespace, pod] = None if status in OVER else (status, t)
    for last in current.values():
        if last is not None:
            parts[last[0]].append(max(end - last[1], 0.0))
    seconds = {status: math.fsum(each) for status, each in parts.items()}
    return dict(sorted(((status, each) for status, each in seconds.items() if each), key=lambda item: -item[1]))


def status_at(rows: Iterable[StatusRecord], namespace: str, pod: str, at: float) -> StatusRecord | None:
    """Return the status of a pod at a time, in seconds; None: it has none yet. ``rows`` are in the order of time."""
    found = None
    for row in rows:
        if row.t > at:
            break
        if row.pod == pod and row.namespace == namespace:
            found = row
    return found
