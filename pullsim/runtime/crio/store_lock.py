"""The lock of the layer store, which one writer holds at a time and for which readers wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.kernel.event import Event
from pullsim.kernel.locks import Slots

if TYPE_CHECKING:
    from pullsim.kernel.environment import Environment


class StoreLock(Slots):
    """The lock of a node's layer store: its one slot is the right to write, given out in the order of asking.

    Reading takes no time. Whoever wants to read while a writer has the lock waits until that writer gives it back, and
    reads before the next writer begins, however many writers wait. That is what Go's sync.RWMutex does, on which the
    lock is built (containers/storage pkg/lockfile, layers.go startReading and startWriting).
    """

    __slots__ = ("_readers",)

    def __init__(self, env: Environment) -> None:
        super().__init__(env, 1)
        self._readers: Event | None = None  # happens when the writer that has the lock gives it back

    def release(self) -> None:
        """See `Slots.release`; those who wait to read continue before the next writer."""
        readers, self._readers = self._readers, None
        if readers is not None:
            readers.succeed()
        super().release()

    def reading(self) -> Event | None:
        """Return the event after which the store can be read, or None if it can be read now."""
        if self._free:
            return None
        if self._readers is None:
            self._readers = Event(self._env)
        return self._readers
