"""The timeout of a pull that gets no bytes: containerd's image_pull_progress_timeout."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.kernel.environment import Environment

INTERVAL: Final = 10.0  # seconds between two checks


class Downloads(Protocol):
    """The downloads of a pull's documents, or those of its layers."""

    def stalled(self) -> bool:
        """Whether a request is under way and gets no bytes."""

    def received_since(self, since: float) -> bool:
        """Whether bytes are coming now, or have come since the time ``since`` (seconds)."""


class Watched(Protocol):
    """A pull whose progress is watched."""

    env: Environment
    began: float  # when the pull began
    running: bool  # the pull has not ended

    def stalled_downloads(self) -> bool:
        """Whether a request of the pull is under way and gets no bytes."""

    def received_since(self, since: float) -> bool:
        """Whether bytes of the pull are coming now, or have come since the time ``since`` (seconds)."""

    def give_up(self) -> None:
        """End the pull with the error of the progress timeout."""


class ProgressWatch:
    """Ends a pull that has a request under way and has got no bytes for longer than image_pull_progress_timeout.

    containerd checks every 10 s from the start of the pull, or every half timeout if the timeout is shorter than 10 s.
    A check that finds new bytes, or no request under way, starts the timeout anew. A pull whose bytes stop therefore
    ends between the timeout and the timeout plus two intervals later. As only a fault of a registry can stop the bytes,
    checks are simulated only while a request is stalled.

    Models internal/cri/server/images/image_pull.go pullProgressReporter (1.7: pkg/cri/server).
    """

    __slots__ = ("_checking", "_interval", "_pull", "_timeout")

    def __init__(self, pull: Watched, timeout: float) -> None:
        """``timeout`` in seconds; 0: the pull is never given up."""
        self._pull = pull
        self._timeout = timeout
        self._interval = INTERVAL if timeout >= INTERVAL else timeout / 2
        self._checking = False  # whether checks are being simulated now

    def stalled(self, *, begun: bool) -> None:
        """Note that a request of the pull gets no more bytes; ``begun``: it got some before."""
        if self._timeout and not self._checking:
            self._checking = True
            self._pull.env.process(self._run(begun=begun))

    def _run(self, *, begun: bool) -> Generator[Any, Any, None]:
        """Check the progress at containerd's times until no request is stalled, or the pull is given up."""
        pull, env = self._pull, self._pull.env
        checks = (env.now - pull.began) / self._interval
        # Numbers of checks since the pull began. The timeout starts anew at the next check if that will find the bytes
        # that have come until now, else at the last check, which found bytes or no request under way.
        restarted = check = math.ceil(checks) if begun else math.floor(checks)
        while pull.stalled_downloads():
            if check * self._interval + pull.began <= env.now:
                check += 1
            yield env.timeout(check * self._interval + pull.began - env.now)
            if not pull.running:
                return
            if pull.received_since(env.now - self._interval):
                restarted = check
            elif (check - restarted) * self._interval > self._timeout and pull.stalled_downloads():
                pull.give_up()
                return
            check += 1
        self._checking = False
