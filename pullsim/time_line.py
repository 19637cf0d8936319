"""Where the time of a pod or pull went: its stages, and the spans in which it was in them."""

from __future__ import annotations

from pullsim.records import Span, Stages


class Division:
    """Something with an account of its own time, such as a fetch: a time line that waits for it takes that over."""

    __slots__ = ()

    def divide(self, begin: float, end: float) -> Stages:
        """Return the seconds by stage between ``begin`` and ``end``; they sum to the time between."""
        raise NotImplementedError

    def trace(self, begin: float, end: float) -> list[Span]:
        """Return the same as spans in order, without gaps."""
        raise NotImplementedError


class Fork:
    """The state of a time line at a moment: the stages and spans until then."""

    __slots__ = ("at", "spans", "stages")

    def __init__(self, at: float, stages: Stages, spans: list[Span] | None) -> None:
        self.at = at
        self.stages = stages
        self.spans = spans


class TimeLine(Division):
    """Gives every second since ``start`` to exactly one stage.

    ``enter`` closes the stage under way and begins another; ``split`` begins an interval whose stages come from the
    account of what is waited for, when it ends. So the stages sum to the time since ``start`` whenever they are read.

    With ``spans`` it also keeps when it was in which stage, and why, in order and without gaps. They are what the line
    waited for in the end: where two things went on side by side, `split_from` gives the time to the later one.
    """

    __slots__ = ("_cause", "_since", "_stage", "image", "spans", "stages")

    def __init__(self, start: float, stage: str, *, spans: bool = False, image: str | None = None) -> None:
        """``image`` is the image that is being pulled, as written in the pod."""
        self.stages: Stages = {}
        self.spans: list[Span] | None = [] if spans else None
        self.image = image
        self._since = start
        self._stage: str | Division = stage
        self._cause: str | None = None

    def enter(self, stage: str, now: float, cause: str | None = None) -> None:
        """Begin ``stage`` at ``now``; ``cause`` is what is waited for, if that is known."""
        before = self._stage
        if isinstance(before, str):  # the same as `close`, inline, because this runs a dozen times for each layer
            if now > self._since:
                self.stages[before] = self.stages.get(before, 0.0) + (now - self._since)
                if self.spans is not None:
                    self.spans.append(Span(before, self._since, now, self.image, self._cause))
                self._since = now
        else:
            self.close(now)
        self._stage = stage
        self._cause = cause

    def explain(self, cause: str) -> None:
        """Note what the stage under way has waited for."""
        self._cause = cause

    def split(self, by: Division, now: float) -> None:
        """Begin an interval that ``by`` divides into stages when it ends."""
        self.close(now)
        self._stage = by

    def fork(self, now: float) -> Fork:
        """Return the state at ``now``, to which `split_from` can return."""
        return Fork(now, dict(self.close(now)), None if self.spans is None else self.spans.copy())

    def split_from(self, fork: Fork, by: Division) -> None:
        """Give the time since ``fork`` to something else that went on meanwhile and is waited for; see `split`."""
        self._return(fork)
        self._stage = by

    def restore(self, fork: Fork, stage: str) -> None:
        """Return to the state at ``fork``, from when on it was ``stage``."""
        self._return(fork)
        self._stage = stage
        self._cause = None

    def relabel(self, stage: str) -> None:
        """Let the stage under way be ``stage`` instead, since it began."""
        self._stage = stage

    def close(self, now: float) -> Stages:
        """Account for the time up to ``now`` and return all stages so far."""
        stages, since, stage = self.stages, self._since, self._stage
        elapsed = now - since
        if elapsed > 0:
            if isinstance(stage, str):
                stages[stage] = stages.get(stage, 0.0) + elapsed
                if self.spans is not None:
                    self.spans.append(Span(stage, since, now, self.image, self._cause))
            else:
                for name, seconds in stage.divide(since, now).items():
                    stages[name] = stages.get(name, 0.0) + seconds
                if self.spans is not None:
                    self._add(stage.trace(since, now))
            self._since = now
        return stages

    def divide(self, begin: float, end: float) -> Stages:  # noqa: ARG002 - it begins with the interval
        """Return the stages up to ``end``: this is the line of a part, from the begin of the interval on."""
        return self.close(end)

    def trace(self, begin: float, end: float) -> list[Span]:  # noqa: ARG002 - as above
        """Return the spans up to ``end``; see `divide`."""
        self.close(end)
        return self.spans or []

    def _add(self, spans: list[Span]) -> None:
        assert self.spans is not None
        image = self.image
        self.spans += spans if image is None else [span._replace(image=image) for span in spans]

    def _return(self, fork: Fork) -> None:
        self.stages = dict(fork.stages)
        self.spans = None if fork.spans is None else fork.spans.copy()
        self._since = fork.at
