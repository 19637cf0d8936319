"""A node's housekeeping of images: garbage collection and eviction, put together where there is something to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import simpy

from pullsim.kernel.clock import nanoseconds
from pullsim.kubelet.eviction.manager import EvictionManager
from pullsim.kubelet.images.image_gc import PERIOD, ImageGCManager, ImageGCPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pullsim.cri import ImageService
    from pullsim.kubelet.containers import Containers
    from pullsim.records import Recorder
    from pullsim.releases.kubelet import Version
    from pullsim.spec.kubelet import KubeletConfig


class Housekeeping:
    """Collects and evicts on one node, and knows since when nothing has changed there."""

    def __init__(
        self,
        env: simpy.Environment,
        node: str,
        config: KubeletConfig,
        version: Version,
        service: ImageService,
        containers: Containers,
        emit: Callable[[str, str, str], None],
        removed: Callable[[str], None],
        evict: Callable[[str], bool],
        pressure: Callable[[bool], None],
        looked: Callable[[], None],
        recorder: Recorder,
    ) -> None:
        """``removed`` is told each image's ID; ``looked`` is called after every collection; see `EvictionManager`."""
        self._env = env
        self._emit = emit
        self._removed = removed
        self._looked = looked
        self._changed = env.now
        self._collection: simpy.Process | None = None
        self._images = ImageGCManager(
            env,
            node,
            service,
            containers,
            policy(config),
            emit,
            self._remove,
            recorder,
        )
        self._eviction = EvictionManager(
            env,
            node,
            service,
            containers,
            self._images,
            config.eviction_hard + config.eviction_soft,
            config.eviction_pressure_transition_period,
            emit,
            evict,
            pressure,
            quantities=version >= (1, 27),
        )
        self._settles = 2 * PERIOD + sum(
            (config.image_minimum_gc_age, config.image_maximum_gc_age, config.eviction_pressure_transition_period)
        )

    def start(self) -> None:
        """Begin with the first collection, at once."""
        self._collection = self._env.process(self._collect())
        self._eviction.start()

    def stop(self) -> None:
        """Do nothing any more: the node has left."""
        self._eviction.stop()
        if self._collection is not None and self._collection.is_alive:
            self._collection.interrupt()

    @property
    def restless(self) -> bool:
        """Whether the node is under disk pressure that may yet end."""
        return self._eviction.under_pressure and not self.calm(self._env.now)

    def changed(self) -> None:
        """Note that an image came or went, or that a pod ended."""
        self._changed = self._env.now

    def calm(self, at: float) -> bool:
        """Whether everything that could be removed was removed at ``at``: what had no space then never will."""
        return at >= self._changed + self._settles

    def _collect(self) -> Generator[Any, Any, None]:
        for step in self._images.run():
            self._looked()
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


def needed(config: KubeletConfig, service: ImageService) -> bool:
    """Whether anything can ever be removed: images age out, or the disk has a size and something looks at it."""
    if service.image_fs().capacity is None:
        return config.image_maximum_gc_age > 0
    return not policy(config).off or bool(config.eviction_hard or config.eviction_soft)
