"""Image garbage collection: the images that a kubelet removes, and the times at which it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pullsim.frozen import dataclass
from pullsim.kernel.clock import nanoseconds
from pullsim.kubelet.events import WARNING
from pullsim.records import ImageRemoval

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pullsim.cri import ListedImage
    from pullsim.kubelet.containers import Containers
    from pullsim.kubelet.context import NodeContext

PERIOD: Final = 300.0  # seconds between two collections or detections (pkg/kubelet/kubelet.go ImageGCPeriod)
NEVER: Final = -(2**63)  # the last use of an image that was never used (Go's zero time): longer ago than any age
ALL: Final = 2**63 - 1  # bytes: more than any disk has

#: Why an image was removed. The kubelet counts evictions as space in kubelet_image_garbage_collected_total.
AGE, SPACE, EVICTION = "age", "space", "eviction"


@dataclass(frozen=True, slots=True)
class ImageGCPolicy:
    """The conditions for removal; ages in nanoseconds (pkg/kubelet/images/image_gc_manager.go ImageGCPolicy)."""

    high: int  # percent of the disk in use from which images are removed
    low: int  # percent of the disk in use down to which images are removed
    min_age: int
    max_age: int  # 0: images have no maximum age

    @property
    def off(self) -> bool:
        """Whether there is no periodic collection (pkg/kubelet/kubelet.go StartGarbageCollection); evictions go on."""
        return self.high == 100 and not self.max_age


class ImageRecord:
    """The kubelet's record of an image on the node; times in nanoseconds."""

    __slots__ = ("first_detected", "image", "last_used")

    def __init__(self, image: ListedImage, detected: int) -> None:
        self.image = image
        self.first_detected = detected
        self.last_used = NEVER


class ImageGCManager:
    """Detects images and removes unused ones: those that are too old, and as many as the disk's thresholds ask for.

    Before pods are evicted, the eviction manager makes it remove all unused images. Images that are on a node when it
    joins count as first detected then. Models pkg/kubelet/images/image_gc_manager.go, read at 1.28 and 1.33.
    """

    def __init__(
        self, context: NodeContext, containers: Containers, policy: ImageGCPolicy, removed: Callable[[str], None]
    ) -> None:
        """``removed`` is told the ID of each image that is removed."""
        self._context = context
        self._env = context.env
        self._service = context.service
        self._containers = containers
        self._policy = policy
        self._removed = removed
        self._records: dict[tuple[str, str], ImageRecord] = {}  # by image ID and runtime handler
        self._failed = False  # whether the last collection failed
        self._began = nanoseconds(self._env.now)

    def run(self) -> Generator[Any, Any, None]:
        """Collect every 5 minutes from now on; where collection is off, only detect images."""
        began, rounds = self._env.now, 0
        while True:
            if self._policy.off:
                self._detect(nanoseconds(self._env.now))
            else:
                self._run_once()
            rounds += 1
            yield self._env.timeout(began + rounds * PERIOD - self._env.now)

    def delete_unused_images(self) -> None:
        """Remove every image that may be removed, whatever the disk's use (DeleteUnusedImages)."""
        now = nanoseconds(self._env.now)
        self._free_space(ALL, now, self._in_eviction_order(now), EVICTION)

    def _run_once(self) -> None:
        """Collect; emit a failure if the last one failed too (pkg/kubelet/kubelet.go StartGarbageCollection)."""
        error = self._collect()
        if error is not None and self._failed:
            self._context.emit_node(WARNING, "ImageGCFailed", error)
        self._failed = error is not None

    def _collect(self) -> str | None:
        """Remove too old images, then as many as the disk's use requires; return the error (GarbageCollect)."""
        now, policy = nanoseconds(self._env.now), self._policy
        images = self._in_eviction_order(now)
        if policy.max_age and now - self._began > policy.max_age:
            images = self._free_old(now, images)
        usage = self._service.image_fs()
        if usage.capacity is None:  # a disk that never fills up
            return None
        if usage.capacity == 0:
            error = "invalid capacity 0 on image filesystem"
            self._context.emit_node(WARNING, "InvalidDiskCapacity", error)
            return error
        if 100 - usage.available * 100 // usage.capacity < policy.high:
            return None
        wanted = usage.capacity * (100 - policy.low) // 100 - usage.available
        freed = self._free_space(wanted, now, images, SPACE)
        if freed >= wanted:
            return None
        error = (
            f"Failed to garbage collect required amount of images. Attempted to free {wanted} bytes, "
            f"but only found {freed} bytes eligible to free."
        )
        self._context.emit_node(WARNING, "FreeDiskSpaceFailed", error)
        return error

    def _detect(self, now: int) -> set[tuple[str, str]]:
        """Update the records of new, used and removed images; return the images in use (detectImages)."""
        used = self._containers.in_use()
        records = self._records
        self._records = {}
        for image in self._service.list_images():
            key = image.id, image.handler
            record = self._records[key] = records.get(key) or ImageRecord(image, now)
            record.image = image
            if key in used:
                record.last_used = now
        return used

    def _in_eviction_order(self, now: int) -> list[ImageRecord]:
        """Return the unused images that are not pinned, least recently used first, then first detected first.

        Where both times are equal the kubelet's order is undefined; here it is the order in which images arrived.
        """
        used = self._detect(now)
        images = [record for key, record in self._records.items() if key not in used and not record.image.pinned]
        return sorted(images, key=lambda record: (record.last_used, record.first_detected))

    def _free_old(self, now: int, images: list[ImageRecord]) -> list[ImageRecord]:
        """Remove images that were not used for longer than the maximum age; return the others (freeOldImages)."""
        old = [record for record in images if now - record.last_used > self._policy.max_age]
        for record in old:
            self._free(record, AGE)
        return [record for record in images if record not in old]

    def _free_space(self, wanted: int, now: int, images: list[ImageRecord], reason: str) -> int:
        """Remove ``images`` in order until their sizes sum to ``wanted`` bytes; return the sum (freeSpace).

        As images share layers, fewer bytes of the disk than this sum may become free.
        """
        freed = 0
        for record in images:
            if record.last_used >= now or now - record.first_detected < self._policy.min_age:
                continue
            self._free(record, reason)
            freed += record.image.size
            if freed >= wanted:
                break
        return freed

    def _free(self, record: ImageRecord, reason: str) -> None:
        """Remove an image (freeImage). A removal never fails here."""
        service, image = self._service, record.image
        before = service.image_fs().used
        service.remove_image(image.id)
        del self._records[image.id, image.handler]
        self._removed(image.id)
        self._context.recorder.removal(
            ImageRemoval(
                t=self._env.now,
                node=self._context.node,
                reason=reason,
                image_ref=image.id,
                images=image.names,
                handler=image.handler,
                size=image.size,
                freed=before - service.image_fs().used,
                unused_for=None if record.last_used == NEVER else self._env.now - record.last_used / 1e9,
            )
        )
