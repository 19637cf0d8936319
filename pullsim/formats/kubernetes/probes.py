"""Reading how long a pod's probes keep it from being ready at the least."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.errors import shown

if TYPE_CHECKING:
    from pullsim.formats.kubernetes.item import Item

_PROBES: Final = ("readinessProbe", "startupProbe")
_MAX: Final = 2**31 - 1  # the field is an int32


def initial_delay(pod: Item) -> float | None:
    """Return the longest initialDelaySeconds of the probes that decide when a pod is ready; None: it has no such probe.

    No container is ready before its readiness probe, and before that its startup probe, was tried
    (pkg/kubelet/prober/worker.go doProbe). Raises InputError for a delay that the API server refuses.
    """
    delays = [
        _delay(container.mapping(probe))
        for container in pod.items("containers")
        for probe in _PROBES
        if container.value.get(probe) is not None
    ]
    return max(delays, default=None)


def _delay(probe: Item) -> float:
    value = probe.value.get("initialDelaySeconds", 0)
    if value is None:
        return 0.0
    if type(value) is not int or not 0 <= value <= _MAX:
        probe.fail(f"it must be a whole number of seconds from 0 on, not {shown(value)}", "initialDelaySeconds")
    return float(value)
