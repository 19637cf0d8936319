"""The time after which a pull that gets no byte is given up."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from pullsim.runtime.containerd.failures import no_progress

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.runtime.containerd.pull import Pull

INTERVAL: Final = 10.0  # seconds between two looks


class ProgressWatch:
    """image_pull_progress_timeout: ends a pull with a request under way and no byte for longer than that.

    It looks every 10 s from the pull's start (timeout / 2 if that is shorter). A look that finds new bytes, or no
    request, starts the time anew; so a pull whose bytes stop is ended between one timeout and two looks more later.
    As only faults of a registry can bring that about, it looks while a request is stalled.

    Models internal/cri/server/images/image_pull.go pullProgressReporter (1.7: pkg/cri/server).
    """

    def __init__(self, pull: Pull, timeout: float) -> None:
        self._pull = pull
        self._timeout = timeout
        self._interval = INTERVAL if timeout >= INTERVAL else timeout / 2
        self._running = False

    def stalled(self, *, begun: bool) -> None:
        """Take note that a request of the pull gets nothing more; ``begun``: it got bytes before."""
        if not self._running:
            self._running = True
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
            if pull.flows(env.now - self._interval):
                seen = looked
            elif (looked - seen) * self._interval > self._timeout and pull.stalled_downloads():
                pull.fail(no_progress(pull.reference).outcome)
                return
            looked += 1
        self._running = False
