"""Slots and keyed locks, given out first come, first served. An event is made only for a request that has to wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import simpy

from pullsim.kernel.event import Event

if TYPE_CHECKING:
    from collections.abc import Generator, Hashable

    from pullsim.kernel.agenda import Agenda


class Slots:
    """A number ``n`` of equal slots; None means without limit. Raises ValueError for less than one slot."""

    __slots__ = ("_env", "_free", "_waiting")

    def __init__(self, env: Agenda, n: int | None) -> None:
        if n is not None and n < 1:
            raise ValueError(f"at least one slot is needed, not {n}")
        self._env = env
        self._free = n
        self._waiting: list[Event] = []  # a list, as few requests wait: an empty deque takes 600 bytes

    @property
    def waiting(self) -> int:
        """The number of requests that wait for a slot."""
        return len(self._waiting)

    def acquire(self) -> Event | None:
        """Take a slot.

        Returns None if one was free, and otherwise an event that succeeds when the request is given a slot.
        """
        if self._free is None:
            return None
        if self._free:
            self._free -= 1
            return None
        request = Event(self._env)
        self._waiting.append(request)
        return request

    def wait(self, request: Event) -> Generator[Any, Any, None]:
        """Wait for a request that `acquire` returned.

        If the process is interrupted meanwhile, the request is withdrawn.
        """
        try:
            yield request
        except simpy.Interrupt:
            self.cancel(request)
            raise

    def release(self) -> None:
        """Give a slot back. The first request that waits gets it, and succeeds as an event of this instant."""
        if self._free is None:
            return
        if self._waiting:
            self._waiting.pop(0).succeed()
        else:
            self._free += 1

    def hand_over(self) -> None:
        """Give a slot back as `release` does, but the first who waits continues at once, before the running process."""
        if self._waiting:
            self._waiting.pop(0).happen()
        else:
            self.release()

    def cancel(self, request: Event) -> None:
        """Withdraw a request that `acquire` returned. If it has got its slot already, the slot is released."""
        if request.triggered:
            self.release()
        else:
            self._waiting.remove(request)


class KeyedLocks:
    """One lock for each key. A key whose lock nobody holds takes no memory."""

    __slots__ = ("_env", "_waiting")

    def __init__(self, env: Agenda) -> None:
        self._env = env
        self._waiting: dict[Hashable, list[Event] | None] = {}  # by key that is held; None: nobody has waited

    def __len__(self) -> int:
        """Return the number of keys whose lock is held."""
        return len(self._waiting)

    def acquire(self, key: Hashable) -> Event | None:
        """Take the lock of ``key``.

        Returns None if it was free, and otherwise an event that succeeds when the request is given the lock.
        """
        if key not in self._waiting:
            self._waiting[key] = None
            return None
        request = Event(self._env)
        queue = self._waiting[key]
        if queue is None:
            self._waiting[key] = [request]
        else:
            queue.append(request)
        return request

    def wait(self, key: Hashable, request: Event) -> Generator[Any, Any, None]:
        """Wait for a request that ``acquire(key)`` returned.

        If the process is interrupted meanwhile, the request is withdrawn.
        """
        try:
            yield request
        except simpy.Interrupt:
            self.cancel(key, request)
            raise

    def release(self, key: Hashable) -> None:
        """Give the lock of ``key`` back.

        The first request that waits gets it. Raises KeyError if nobody holds the lock.
        """
        queue = self._waiting[key]
        if queue:
            queue.pop(0).succeed()
        else:
            del self._waiting[key]

    def cancel(self, key: Hashable, request: Event) -> None:
        """Withdraw a request that ``acquire(key)`` returned. If it has got the lock already, the lock is released."""
        if request.triggered:
            self.release(key)
        else:
            queue = self._waiting[key]
            assert queue is not None
            queue.remove(request)
