"""Slots and keyed locks, handed over first come, first served. No event is made where nothing has to wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import simpy

from pullsim.kernel.event import Event

if TYPE_CHECKING:
    from collections.abc import Generator, Hashable


class Slots:
    """``n`` equal slots (None: without limit)."""

    __slots__ = ("_env", "_free", "_waiting")

    def __init__(self, env: simpy.Environment, n: int | None) -> None:
        if n is not None and n < 1:
            raise ValueError(f"at least one slot is needed, not {n}")
        self._env = env
        self._free = n
        self._waiting: list[Event] = []  # few: a queue of its own takes 600 bytes even if nothing waits

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return len(self._waiting)

    def acquire(self) -> Event | None:
        """Take a slot: None if there was one, else the event that succeeds when the slot is handed over."""
        if self._free is None:
            return None
        if self._free:
            self._free -= 1
            return None
        request = Event(self._env)
        self._waiting.append(request)
        return request

    def wait(self, request: Event) -> Generator[Any, Any, None]:
        """Wait for the slot that `acquire` had none of; who is interrupted meanwhile withdraws."""
        try:
            yield request
        except simpy.Interrupt:
            self.cancel(request)
            raise

    def release(self) -> None:
        """Give a slot back: to the first who waits, if any does."""
        if self._free is None:
            return
        if self._waiting:
            self._waiting.pop(0).succeed()
        else:
            self._free += 1

    def hand_over(self) -> None:
        """Give a slot back to the first who waits, who goes on before the process that runs: an event less."""
        if self._waiting:
            self._waiting.pop(0).happen()
        else:
            self.release()

    def cancel(self, request: Event) -> None:
        """Withdraw a request that `acquire` returned; a slot already handed over to it is released."""
        if request.triggered:
            self.release()
        else:
            self._waiting.remove(request)


class KeyedLocks:
    """A lock for each key; a key that nobody holds takes no memory."""

    __slots__ = ("_env", "_waiting")

    def __init__(self, env: simpy.Environment) -> None:
        self._env = env
        self._waiting: dict[Hashable, list[Event] | None] = {}  # of the held keys; None: nobody waited so far

    def __len__(self) -> int:
        """Keys held."""
        return len(self._waiting)

    def acquire(self, key: Hashable) -> Event | None:
        """Take the lock of ``key``: None if it was free, else the event that succeeds when it is handed over."""
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
        """Wait for the lock that ``acquire(key)`` found held; who is interrupted meanwhile withdraws."""
        try:
            yield request
        except simpy.Interrupt:
            self.cancel(key, request)
            raise

    def release(self, key: Hashable) -> None:
        """Give the lock of ``key`` to the first who waits, if any does. Raises KeyError if nobody holds it."""
        queue = self._waiting[key]
        if queue:
            queue.pop(0).succeed()
        else:
            del self._waiting[key]

    def cancel(self, key: Hashable, request: Event) -> None:
        """Withdraw a request that ``acquire(key)`` returned; a lock already handed over to it is released."""
        if request.triggered:
            self.release(key)
        else:
            queue = self._waiting[key]
            assert queue is not None
            queue.remove(request)
