"""The cadence of a kubelet's pod workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Interval:
    """A requeue interval: base * (1 + jitter * U), U uniform in [0, 1). Seconds."""

    base: float
    jitter: float


@dataclass(frozen=True, slots=True)
class LoopSpec:
    """When the kubelet looks at its pods again (pkg/kubelet/pod_workers.go, pkg/kubelet/kubelet.go; all releases).

    ``minimal`` syncs again exactly ``retry`` after an error and has neither tick nor relist (as the traces ``core_*``).
    """

    minimal: bool = False
    retry: Interval = Interval(10.0, 0.5)  # after a sync with an error
    resync: Interval | None = None  # after a sync without an error; None: syncFrequency of the kubelet, jitter 0.5
    tick_phase: float | None = None  # seconds from 0 to the first tick of the work queue; None: drawn per node
    relist_phase: float | None = None  # seconds from 0 to the first relist of the PLEG; None: drawn per node
    #: The delays of a pod's requeues, one after the other, by the name of the pod; after the last they are drawn.
    requeue_draws: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    backoff_initial: float = 10.0
    backoff_max: float = 300.0
