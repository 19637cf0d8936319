"""The cadence of a kubelet's pod workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from pullsim.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """The time after which a pod is queued again: ``base * (1 + jitter * U)`` seconds, U uniform in [0, 1)."""

    base: float
    jitter: float


@dataclass(frozen=True, slots=True)
class LoopSpec:
    """When the kubelet syncs its pods again (pkg/kubelet/pod_workers.go, pkg/kubelet/kubelet.go; all releases).

    With ``minimal`` the kubelet syncs a pod again exactly ``retry`` after an error, without the 1 s tick of the work
    queue and without the PLEG's relist. The recorded traces named ``core_*`` are replayed in this way.
    """

    minimal: bool = False
    retry: Interval = Interval(10.0, 0.5)  # after a sync with an error
    resync: Interval | None = None  # after a sync without an error; None: the kubelet's syncFrequency with jitter 0.5
    tick_phase: float | None = None  # seconds from 0 to the first tick of the work queue; None: drawn per node
    relist_phase: float | None = None  # seconds from 0 to the first relist of the PLEG; None: drawn per node
    #: For each named pod the delays of its requeues in order, in seconds; when they are used up, delays are drawn.
    requeue_draws: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    backoff_initial: float = 10.0  # seconds of the image back-off after the first failed pull
    backoff_max: float = 300.0  # the longest image back-off, in seconds
