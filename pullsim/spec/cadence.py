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
    resync: Interval | None = None  # after one without; None: syncFrequency of the KubeletConfiguration, jitter 0.5
    tick_phase: float | None = None  # of the work queue's 1 s tick; None: drawn per node
    relist_phase: float | None = None  # of the PLEG's 1 s relist; None: drawn per node
    requeue_draws: Mapping[str, tuple[float, ...]] = field(default_factory=dict)  # by pod: delays instead of draws
    backoff_initial: float = 10.0
    backoff_max: float = 300.0
