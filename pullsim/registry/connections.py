"""The connections of an HTTP client to one host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pullsim.kernel.event import Call, Event

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.kernel.environment import Environment

IDLE_CONNECTIONS: Final = 2  # idle connections that Go's http.Transport keeps for each host (MaxIdleConnsPerHost)


class Connections:
    """The connections of a client to a host, each given by its congestion window in bytes.

    Each serves one request at a time. Of those that are idle, ``keeps`` stay open, and the one that was used last
    serves the next request. A request that finds none dials, and takes what is free first: a connection that has been
    dialled, or one whose request has ended meanwhile. A dialled one that nobody waits for is idle.

    Models Go's net/http, transport.go (getConn, queueForIdleConn, tryPutIdleConn; since Go 1.14).
    """

    __slots__ = ("_env", "_idle", "_keeps", "_waiting", "_window", "in_use")

    def __init__(self, env: Environment, window: int, keeps: int = IDLE_CONNECTIONS) -> None:
        """``window``: bytes of the congestion window of a connection that has just been opened."""
        self._env = env
        self._window = window
        self._keeps = keeps
        self.in_use = 0  # connections that serve a request; those that broke while they did so count, too
        self._idle: list[int] = []
        self._waiting: list[Event] | None = None  # requests, first come, first served; None: none has waited

    @property
    def any_idle(self) -> bool:
        """Whether a request would find a connection."""
        return bool(self._idle)

    def take(self) -> int:
        """Take an idle connection for a request; return its window, or 0 if none is idle."""
        if not self._idle:
            return 0
        self.in_use += 1
        return self._idle.pop()

    def dialled(self) -> int:
        """Take a connection that is dialled for a request which waits for it alone; return its window."""
        self.in_use += 1
        return self._window

    def first(self, dial: float) -> Generator[Any, Any, int]:
        """Dial, which takes ``dial`` seconds, wait for what is free first and take it; return its window."""
        waiting = Event(self._env)
        queue = self._waiting
        if queue is None:
            queue = self._waiting = []
        queue.append(waiting)
        Call(self._env, self._opened, dial)
        try:
            window: int = yield waiting
        except BaseException:
            if waiting.triggered:
                self.free(waiting.value)
            else:
                queue.remove(waiting)
            raise
        return window

    def free(self, window: int) -> None:
        """Note that a connection's request has ended: the connection serves the next one, is idle, or is closed."""
        self.in_use -= 1
        self._offer(window)

    def clear(self) -> None:
        """Close all idle connections."""
        self._idle.clear()

    def _opened(self, _: Event) -> None:
        self._offer(self._window)

    def _offer(self, window: int) -> None:
        if self._waiting:
            self.in_use += 1
            self._waiting.pop(0).succeed(window)
        elif len(self._idle) < self._keeps:
            self._idle.append(window)
