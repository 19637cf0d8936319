"""The kubelet's exponential back-off of image pulls."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

EXPIRY = 2  # an entry expires when its last failure is more than EXPIRY times the maximum back-off ago


class Backoff:
    """The back-off of each key, which doubles from ``initial`` to ``maximum`` without jitter. Times are nanoseconds.

    Models client-go/util/flowcontrol/backoff.go (Next, IsInBackOffSinceUpdate, GC); unchanged in all releases.
    """

    __slots__ = ("_entries", "initial", "maximum")

    def __init__(self, initial: int, maximum: int) -> None:
        self.initial = initial
        self.maximum = maximum
        self._entries: dict[Hashable, tuple[int, int]] = {}  # key: (back-off, time of the last failure)

    def active(self, key: Hashable, now: int) -> bool:
        """Whether ``key`` is in back-off; at exactly the end of the back-off it is not."""
        entry = self._entries.get(key)
        return entry is not None and not self._expired(entry, now) and now - entry[1] < entry[0]

    def next(self, key: Hashable, now: int) -> None:
        """Note a failure: the back-off begins at ``initial``, or doubles."""
        entry = self._entries.get(key)
        delay = self.initial if entry is None or self._expired(entry, now) else min(2 * entry[0], self.maximum)
        self._entries[key] = (delay, now)

    def gc(self, now: int) -> None:
        """Forget the expired entries."""
        if self._entries:
            self._entries = {key: entry for key, entry in self._entries.items() if not self._expired(entry, now)}

    def left(self, key: Hashable, now: int) -> int:
        """Return the nanoseconds from ``now`` to the end of the back-off of ``key``; 0: it is not in back-off."""
        entry = self._entries.get(key)
        if entry is None or self._expired(entry, now):
            return 0
        return max(entry[1] + entry[0] - now, 0)

    def forget(self, key: Hashable) -> None:
        """Forget an entry: the next failure of ``key`` is its first one."""
        self._entries.pop(key, None)

    def _expired(self, entry: tuple[int, int], now: int) -> bool:
        return now - entry[1] > EXPIRY * self.maximum
