"""Attribution of elapsed time to stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.records import Stages


class Fork:
    """A moment and the stages until then."""

    __slots__ = ("at", "stages")

    def __init__(self, at: float, stages: Stages) -> None:
        self.at = at
        self.stages = stages


class StageClock:
    """Gives every second since ``start`` to exactly one stage.

    ``enter`` closes the stage under way and begins another; ``split`` begins an interval whose stages are found out
    when it ends, by a function of the interval's ends that returns stages summing to its length. So the stages sum to
    the time since ``start`` whenever the clock is read.
    """

    __slots__ = ("_since", "_stage", "stages")

    def __init__(self, start: float, stage: str) -> None:
        self.stages: Stages = {}
        self._since = start
        self._stage: str | Callable[[float, float], Stages] = stage

    def enter(self, stage: str, now: float) -> None:
        """Begin ``stage`` at ``now``."""
        before = self._stage
        if isinstance(before, str):  # as `close`, which is called a dozen times a layer
            if now > self._since:
                self.stages[before] = self.stages.get(before, 0.0) + (now - self._since)
                self._since = now
        else:
            self.close(now)
        self._stage = stage

    def split(self, of: Callable[[float, float], Stages], now: float) -> None:
        """Begin an interval that ``of(begin, end)`` divides into stages when it ends."""
        self.close(now)
        self._stage = of

    def fork(self, now: float) -> Fork:
        """Return the state at ``now``, to which `split_from` can return."""
        return Fork(now, dict(self.close(now)))

    def split_from(self, fork: Fork, of: Callable[[float, float], Stages]) -> None:
        """Give the time since ``fork`` to something else that went on meanwhile and is waited for; see `split`."""
        self.stages = dict(fork.stages)
        self._since = fork.at
        self._stage = of

    def restore(self, fork: Fork, stage: str) -> None:
        """Return to the state at ``fork``, from when on it was ``stage``."""
        self.stages = dict(fork.stages)
        self._since = fork.at
        self._stage = stage

    def relabel(self, stage: str) -> None:
        """Let the stage under way be ``stage`` instead, since it began."""
        self._stage = stage

    def close(self, now: float) -> Stages:
        """Account for the time up to ``now`` and return all stages so far."""
        stages, elapsed, stage = self.stages, now - self._since, self._stage
        if elapsed > 0:
            if isinstance(stage, str):
                stages[stage] = stages.get(stage, 0.0) + elapsed
            else:
                for name, seconds in stage(self._since, now).items():
                    stages[name] = stages.get(name, 0.0) + seconds
            self._since = now
        return stages

    def until(self, _begin: float, end: float) -> Stages:
        """Return the stages up to ``end``: the clock of a part, for the ``split`` of the whole."""
        return self.close(end)
