"""A node's housekeeping of images: garbage collection and eviction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import simpy

from pullsim.kernel.clock import nanoseconds
from pullsim.kubelet.eviction.manager import EvictionManager
from pullsim.kubelet.images.image_gc import PERIOD, ImageGCManager, ImageGCPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pullsim.kubelet.containers import Containers
    from pullsim.kubelet.context import NodeContext
    from pullsim.spec.kubelet import KubeletConfig


class Housekeeping:
    """The housekeeping of a node on which no image is ever removed and no pod evicted."""

    def start(self) -> None:
        """Start, with the first garbage collection at once."""

    def stop(self) -> None:
        """Stop, as the node has left."""

    def changed(self) -> None:
        """Note that an image was pulled or removed, or that a pod ended."""

    @property
    def pressure_may_end(self) -> bool:
        """Whether the node is under disk pressure, and something may still be removed or expire that ends it."""
        return False

    def finished(self, at: float) -> bool:  # noqa: ARG002 - subclasses use it
        """Whether nothing can be removed any more after ``at``: a pull that had no space then will never have it."""
        return True


class ImageHousekeeping(Housekeeping):
    """Collects images and evicts pods on one node, and knows when nothing more can be removed there."""

    def __init__(
        self,
        context: NodeContext,
        containers: Containers,
        removed: Callable[[str], None],
        evict: Callable[[str], bool],
        pressure: Callable[[bool], None],
        collected: Callable[[], None],
    ) -> None:
        """``removed`` is told the ID of each image that is removed; ``collected`` is called after every collection.

        ``evict`` and ``pressure`` are those of `EvictionManager`.
        """
        config = context.config
        self._env = context.env
        self._removed = removed
        self._collected = collected
        self._changed = self._env.now
        self._collection: simpy.Process | None = None
        self._images = ImageGCManager(context, containers, policy(config), self._remove)
        self._eviction = EvictionManager(context, containers, self._images, evict, pressure)
        #: Seconds after the last change by which everything is removed that ever will be. At the latest an image comes
        #: to its minimum age, then to its maximum age, and then the condition DiskPressure ends; up to two periods of
        #: the collection pass until a collection has seen that.
        self._longest = 2 * PERIOD + sum(
            (config.image_minimum_gc_age, config.image_maximum_gc_age, config.eviction_pressure_transition_period)
        )

    def start(self) -> None:
        """See `Housekeeping.start`."""
        self._collection = self._env.process(self._collect())
        self._eviction.start()

    def stop(self) -> None:
        """See `Housekeeping.stop`."""
        self._eviction.stop()
        if self._collection is not None and self._collection.is_alive:
            self._collection.interrupt()

    def changed(self) -> None:
        """See `Housekeeping.changed`."""
        self._changed = self._env.now

    @property
    def pressure_may_end(self) -> bool:
        """See `Housekeeping.pressure_may_end`."""
        return self._eviction.under_pressure and not self.finished(self._env.now)

    def finished(self, at: float) -> bool:
        """See `Housekeeping.finished`."""
        return at >= self._changed + self._longest

    def _collect(self) -> Generator[Any, Any, None]:
        """Run the garbage collection until the node leaves."""
        for step in self._images.run():
            self._collected()
            try:
                yield step
            except simpy.Interrupt:  # the node has left
                return

    def _remove(self, image: str) -> None:
        self.changed()
        self._removed(image)


def policy(config: KubeletConfig) -> ImageGCPolicy:
    """Return the policy of a KubeletConfiguration."""
    return ImageGCPolicy(
        config.image_gc_high_threshold_percent,
        config.image_gc_low_threshold_percent,
        nanoseconds(config.image_minimum_gc_age),
        nanoseconds(config.image_maximum_gc_age),
    )


def needed(context: NodeContext) -> bool:
    """Whether anything can ever be removed: images have a maximum age, or the disk has a size and a threshold."""
    config = context.config
    if context.service.image_fs().capacity is None:
        return config.image_maximum_gc_age > 0
    return not policy(config).off or bool(config.eviction_hard or config.eviction_soft)
