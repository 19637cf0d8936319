"""The part of the eviction manager that watches the disk with the images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pullsim.kernel.clock import nanoseconds
from pullsim.kubelet.events import NORMAL, WARNING
from pullsim.units import format_quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pullsim.cri import FilesystemUsage
    from pullsim.kubelet.containers import Containers
    from pullsim.kubelet.context import NodeContext
    from pullsim.kubelet.images.image_gc import ImageGCManager
    from pullsim.spec.eviction_thresholds import Threshold

PERIOD: Final = 10.0  # seconds between two checks of the disk (pkg/kubelet/kubelet.go evictionMonitoringPeriod)
CLEANUP: Final = 1.0  # seconds from an eviction to the next check (podCleanupPollFreq)
RESOURCE: Final = "ephemeral-storage"


class EvictionManager:
    """Under disk pressure removes exited containers and unused images, and then evicts one pod with each check.

    The kubelet checks the disk every 10 s from the node's join on. Checks are simulated only while one of them can find
    something: from when a threshold is met until the condition DiskPressure ends. The image and the container
    filesystem are the node's one disk, so that all its signals have the same value. The taint of the condition takes
    effect with the condition.

    What pods write to the disk is not modelled, so that all pods have the same rank, among which the kubelet's choice
    is arbitrary; here the pod that was bound last is evicted first. Models pkg/kubelet/eviction/eviction_manager.go
    synchronize and helpers.go, all releases.
    """

    def __init__(
        self,
        context: NodeContext,
        containers: Containers,
        images: ImageGCManager,
        evict: Callable[[str], bool],
        pressure: Callable[[bool], None],
    ) -> None:
        """``evict`` evicts a pod with the message that it is given, and tells whether there was a pod to evict.

        ``pressure`` is told when the condition DiskPressure begins (True) and ends (False).
        """
        config = context.config
        self._context = context
        self._env = context.env
        self._service = context.service
        self._containers = containers
        self._images = images
        self._thresholds = config.eviction_hard + config.eviction_soft
        self._transition = nanoseconds(config.eviction_pressure_transition_period)
        self._evict = evict
        self._pressure = pressure
        self._phase = self._env.now  # time of a check; the others are whole periods later
        self._checking = False
        self._joining = True  # `start` has not returned: the first check is still to come in this instant
        self._stopped = False
        self._observed: dict[Threshold, int] = {}  # time in nanoseconds since which a threshold is met
        self._acting: list[Threshold] = []  # thresholds whose grace period was over at the last check
        self._last_observed: int | None = None  # time in nanoseconds at which a threshold was met last
        self.under_pressure = False

    def start(self) -> None:
        """Watch the disk from now on."""
        capacity = self._service.image_fs().capacity
        if capacity is not None and self._thresholds:
            needed = max(threshold.value.of(capacity) for threshold in self._thresholds)
            self._service.watch_space(capacity - needed, self._wake)
        self._joining = False

    def stop(self) -> None:
        """Stop checking, as the node has left."""
        self._stopped = True

    def _wake(self) -> None:
        """Begin to check the disk; called when a threshold is met."""
        if not self._checking:
            self._checking = True
            # A check of this very instant has been made already, unless the node is just joining.
            wait = -(self._env.now - self._phase) % PERIOD
            self._env.process(self._check(wait or (0.0 if self._joining else PERIOD)))

    def _check(self, wait: float) -> Generator[Any, Any, None]:
        """Check the disk after ``wait`` seconds and then again and again, while a check can find something."""
        env = self._env
        yield env.timeout(wait)
        while not self._stopped:
            evicted = self._synchronize()
            if not (evicted or self.under_pressure or self._observed):
                break
            if evicted:  # the kubelet waits until the pod is gone, instead of for the next period
                self._phase = env.now + CLEANUP
            yield env.timeout(CLEANUP if evicted else PERIOD)
        self._checking = False

    def _synchronize(self) -> bool:
        """Check the disk once; return whether a pod was evicted."""
        now, usage = nanoseconds(self._env.now), self._service.image_fs()
        met = [threshold for threshold in self._thresholds if _met(threshold, usage, reclaim=False)]
        met += [each for each in self._acting if each not in met and _met(each, usage, reclaim=True)]
        self._observed = {threshold: self._observed.get(threshold, now) for threshold in met}
        if met:
            self._last_observed = now
        self._set_pressure(self._last_observed is not None and now - self._last_observed < self._transition)
        self._acting = [threshold for threshold, since in self._observed.items() if now - since >= threshold.grace]
        if not self._acting:
            return False
        self._context.emit_node(WARNING, "EvictionThresholdMet", f"Attempting to reclaim {RESOURCE}")
        self._containers.remove_exited(self._env.now)
        self._images.delete_unused_images()
        left = self._service.image_fs()
        if not any(_met(threshold, left, reclaim=True) for threshold in self._thresholds):
            return False
        return self._evict(self._message(self._acting[0], usage))

    def _set_pressure(self, under_pressure: bool) -> None:
        """Set the condition DiskPressure, and emit an event when it changes."""
        if under_pressure != self.under_pressure:
            self.under_pressure = under_pressure
            status = "NodeHasDiskPressure" if under_pressure else "NodeHasNoDiskPressure"
            self._context.emit_node(NORMAL, status, f"Node {self._context.node} status is now: {status}")
            self._pressure(under_pressure)

    def _message(self, threshold: Threshold, usage: FilesystemUsage) -> str:
        """Return the text of the event Evicted (evictionMessage), which ends with a space in the kubelet too."""
        text = f"The node was low on resource: {RESOURCE}. "
        if self._context.version >= (1, 27):
            quantity, available = threshold.value.of(usage.capacity or 0), usage.available
            text += f"Threshold quantity: {format_quantity(quantity)}, available: {format_quantity(available)}. "
        return text


def _met(threshold: Threshold, usage: FilesystemUsage, *, reclaim: bool) -> bool:
    """Whether less is available than the threshold asks for; ``reclaim``: plus its minimum reclaim."""
    capacity = usage.capacity or 0
    needed = threshold.value.of(capacity)
    if reclaim and threshold.reclaim is not None:
        needed += threshold.reclaim.of(capacity)
    return usage.available < needed
