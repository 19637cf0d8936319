"""The space of a node's image filesystem."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.spec.hardware import FilesystemSpec


class Filesystem:
    """Counts bytes: never more than there are.

    Space is claimed when a write begins, so that what is being written counts as used from its start. A write that
    finds too little gets what is left.
    """

    __slots__ = ("_alarm", "_limit", "capacity", "peak", "used")

    def __init__(self, spec: FilesystemSpec) -> None:
        self.capacity = spec.size
        self.used = self.peak = min(spec.used, spec.size)
        self._limit = spec.size  # bytes used above which the alarm goes off
        self._alarm: Callable[[], None] | None = None

    @property
    def available(self) -> int:
        """Bytes that are free."""
        return self.capacity - self.used

    def watch(self, limit: int, alarm: Callable[[], None]) -> None:
        """Call ``alarm`` whenever a claim leaves more than ``limit`` bytes used, and now if that is so already."""
        self._limit, self._alarm = limit, alarm
        if self.used > limit:
            alarm()

    def claim(self, size: int) -> int:
        """Take ``size`` bytes, or as many as there are; returns how many."""
        granted = min(size, self.capacity - self.used)
        self.used += granted
        self.peak = max(self.peak, self.used)
        if self.used > self._limit and self._alarm is not None:
            self._alarm()
        return granted

    def release(self, size: int) -> None:
        """Give ``size`` claimed bytes back."""
        self.used -= size


def filesystem(spec: FilesystemSpec | None) -> Filesystem | None:
    """Return the filesystem; None: nothing is counted, as it never fills up."""
    return None if spec is None else Filesystem(spec)
