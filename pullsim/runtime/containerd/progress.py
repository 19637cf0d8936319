"""The time after which a pull that gets no byte is given up."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator

    import simpy

INTERVAL: Final = 10.0  # seconds between two looks


class Downloads(Protocol):
    """A part of the downloads of a pull."""

    def stalled(self) -> bool:
        """Whether a request is under way that gets nothing."""

    def received_since(self, since: float) -> bool:
        """Whether bytes come, or have come since then."""


class Watched(Protocol):
    """A pull whose progress is watched."""

    env: simpy.Environment
    began: float  # when the pull began
    running: bool  # the pull has not ended

    def stalled_downloads(self) -> bool:
        """Whether a request of the pull is under way that gets nothing."""

    def received_since(self, since: float) -> bool:
        """Whether bytes come, or have come since then."""

    def give_up(self) -> None:
        """End the pull, as it makes no progress."""


class ProgressWatch:
    """image_pull_progress_timeout: ends a pull with a request under way and no byte for longer than that.

    It looks every 10 s from the pull's start (timeout / 2 if that is shorter). A look that finds new bytes, or no
    request, starts the time anew; so a pull whose bytes stop is ended between one timeout and two looks more later.
    As only faults of a registry can bring that about, it looks while a request is stalled.

    Models internal/cri/server/images/image_pull.go pullProgressReporter (1.7: pkg/cri/server).
    """

    __slots__ = ("_interval", "_looks", "_pull", "_timeout")

    def __init__(self, pull: Watched, timeout: float) -> None:
        """``timeout`` in seconds; 0: the pull is never given up."""
        self._pull = pull
        self._timeout = timeout
        self._interval = INTERVAL if timeout >= INTERVAL else timeout / 2
        self._looks = False  # at intervals, now

    def stalled(self, *, begun: bool) -> None:
        """Take note that a request of the pull gets nothing more; ``begun``: it got bytes before."""
        if self._timeout and not self._looks:
            self._looks = True
            self._pull.env.process(self._run(begun=begun))

    def _run(self, *, begun: bool) -> Generator[Any, Any, None]:
        pull, env = self._pull, self._pull.env
        looks = (env.now - pull.began) / self._interval
        seen = looked = math.ceil(looks) if begun else math.floor(looks)  # looks, counted from the pull's start
        while pull.stalled_downloads():
            if looked * self._interval + pull.began <= env.now:
                looked += 1
            yield env.timeout(looked * self._interval + pull.began - env.now)
            if not pull.running:
                return
            if pull.received_since(env.now - self._interval):
                seen = looked
            elif (looked - seen) * self._interval > self._timeout and pull.stalled_downloads():
                pull.give_up()
                return
            looked += 1
        self._looks = False
