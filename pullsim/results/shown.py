"""How long the API showed what."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pullsim.kubelet.api_status import RUNNING
from pullsim.kubelet.pod_status import COMPLETED, DELETED, EVICTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pullsim.records import StatusRecord

#: Statuses in which a pod waits for nothing any more.
OVER = (RUNNING, COMPLETED, DELETED, EVICTED)


def time_in_status(rows: Sequence[StatusRecord], end: float) -> dict[str, float]:
    """Return seconds by status, summed over pods, most first; a pod counts until it runs or is gone, or to the ``end``.

    ``rows`` are in the order of time.
    """
    parts: dict[str, list[float]] = {}
    shown: dict[tuple[str, str], StatusRecord] = {}
    for row in rows:
        before = shown.get((row.namespace, row.pod))
        if before is not None and before.status not in OVER:
            parts.setdefault(before.status, []).append(row.t - before.t)
        shown[row.namespace, row.pod] = row
    for row in shown.values():
        if row.status not in OVER:
            parts.setdefault(row.status, []).append(max(end - row.t, 0.0))
    seconds = {status: math.fsum(each) for status, each in parts.items()}
    return dict(sorted(((status, each) for status, each in seconds.items() if each), key=lambda item: -item[1]))


def shown_at(rows: Iterable[StatusRecord], namespace: str, pod: str, at: float) -> StatusRecord | None:
    """Return what is shown of a pod at a time, in seconds; ``rows`` are in the order of time."""
    found = None
    for row in rows:
        if row.t > at:
            break
        if row.pod == pod and row.namespace == namespace:
            found = row
    return found
