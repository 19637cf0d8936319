"""The space of a node's image filesystem."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.spec.hardware import FilesystemSpec


class Filesystem:
    """Counts the used bytes of a filesystem, which never exceed its size.

    Space is claimed when a write begins, so all bytes of a write count as used from its start. A write that finds too
    little space gets what is left.
    """

    __slots__ = ("_alarm", "_limit", "capacity", "peak", "used")

    def __init__(self, spec: FilesystemSpec) -> None:
        self.capacity = spec.size
        self.used = self.peak = min(spec.used, spec.size)
        self._limit = spec.size  # the alarm is called when more bytes than this are used
        self._alarm: Callable[[], None] | None = None

    @property
    def available(self) -> int:
        """The bytes that are free."""
        return self.capacity - self.used

    def watch(self, limit: int, alarm: Callable[[], None]) -> None:
        """Call ``alarm`` after every claim that leaves more than ``limit`` bytes used, and now if it is so already."""
        self._limit, self._alarm = limit, alarm
        if self.used > limit:
            alarm()

    def claim(self, size: int) -> int:
        """Claim ``size`` bytes, or all that are free if these are fewer. Returns the bytes claimed."""
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
    """Return the filesystem, or None without a ``spec``: then it never fills up, and nothing is counted."""
    return None if spec is None else Filesystem(spec)
