"""Which stages the time of a pod or pull was spent in: seconds by stage and, if asked for, spans with their causes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from pullsim.records import Span, Stages

# What a time line has while it has been in no stage for any time; nothing is ever added to them. In a large run most
# pods are in their first stage, and wait.
_NO_STAGES: Final[Stages] = {}
_NO_SPANS: Final[list[Span]] = []


def add_span(spans: list[Any], stage: str, begin: float, end: float, image: str | None, cause: str | None) -> None:
    """Append a span, which begins with the very object that the last one ends with, if that is the same time.

    Spans have most floats of a run with many pods. They are Any here: compiled, a Span would be taken apart.
    """
    if spans:
        last = spans[-1][2]
        time: float = last
        if time == begin:
            spans.append((stage, last, end, image, cause))
            return
    spans.append((stage, begin, end, image, cause))


class Division(Protocol):
    """Something that keeps its own account of stages, such as a fetch.

    A time line that waits for it takes this over.
    """

    def divide(self, begin: float, end: float, spans: list[Span] | None, image: str | None) -> Stages:
        """Return the seconds by stage between ``begin`` and ``end``; their sum is ``end - begin``.

        Append the spans of that time to ``spans``, in order and without gaps, unless it is None; they get ``image``.
        """


class Fork:
    """The state of a time line at a moment: the stages until then, and the number of spans."""

    __slots__ = ("at", "spans", "stages")

    def __init__(self, at: float, stages: Stages, spans: int) -> None:
        self.at = at
        self.stages = stages
        self.spans = spans


class TimeLine:
    """Assigns every second since ``start`` to exactly one stage. Times are simulated seconds.

    ``enter`` ends the present stage and begins another. ``split`` begins an interval whose stages are known when it
    ends: they come from the account of the `Division` that is waited for. So the seconds by stage sum to the time since
    ``start`` whenever they are read.

    With ``spans`` the line also keeps when it was in which stage and why, in order and without gaps. If two things are
    waited for in parallel, `split_from` assigns the time since the `fork` to the one that ended later.
    """

    __slots__ = ("_cause", "_fork", "_since", "_stage", "image", "spans", "stages")

    def __init__(self, start: float, stage: str, *, spans: bool = False, image: str | None = None) -> None:
        """Begin ``stage`` at ``start``. ``image``: the image that is pulled, as written in the pod; None: no pull."""
        self.stages: Stages = _NO_STAGES
        self.spans: list[Span] | None = _NO_SPANS if spans else None
        self.image = image
        self._since = start  # up to which the time is accounted for
        self._fork: Fork | None = None  # since when the present stage is to divide the time; None: since `_since`
        self._stage: str | Division = stage
        self._cause: str | None = None

    def enter(self, stage: str, now: float, cause: str | None = None) -> None:
        """End the present stage at ``now`` and begin ``stage``; ``cause``: what is waited for, None if not known."""
        before = self._stage
        if isinstance(before, str):  # the same as `close`, inline, because this runs a dozen times for each layer
            if now > self._since:
                if self.stages is _NO_STAGES:
                    self._begin()
                self.stages[before] = self.stages.get(before, 0.0) + (now - self._since)
                if self.spans is not None:
                    add_span(self.spans, before, self._since, now, self.image, self._cause)
                self._since = now
        else:
            self.close(now)
        self._stage = stage
        self._cause = cause

    def explain(self, cause: str) -> None:
        """Set the cause of the present stage, if it becomes known after the stage has begun."""
        self._cause = cause

    def split(self, by: Division, now: float) -> None:
        """Begin an interval at ``now`` that ``by`` divides into stages when it ends."""
        self.close(now)
        self._stage = by

    def waits_for(self, by: Division) -> bool:
        """Whether ``by`` divides the present interval."""
        return self._stage is by

    def fork(self, now: float) -> Fork:
        """Return the state at ``now``, to which `split_from` can return until it has returned to an earlier one."""
        return Fork(now, dict(self.close(now)), 0 if self.spans is None else len(self.spans))

    def split_from(self, fork: Fork, by: Division, now: float) -> None:
        """Begin an interval at ``now``, and let ``by``, which has run since ``fork``, divide all the time since then.

        The stages since ``fork`` are discarded when the interval ends.
        """
        self.close(now)
        self._stage = by
        self._fork = fork

    def restore(self, stage: str) -> None:
        """Keep the stages that `split_from` would discard, and let the interval that it began be in ``stage``."""
        self._fork = None
        self._stage = stage
        self._cause = None

    def relabel(self, stage: str) -> None:
        """Rename the present stage to ``stage``, from its beginning on."""
        self._stage = stage

    def close(self, now: float) -> Stages:
        """Account for the time up to ``now``, and return the seconds by stage since ``start``."""
        if self._fork is not None:
            self._return(self._fork)
        since, stage = self._since, self._stage
        elapsed = now - since
        if elapsed <= 0:
            return self.stages
        if self.stages is _NO_STAGES:
            self._begin()
        stages = self.stages
        if isinstance(stage, str):
            stages[stage] = stages.get(stage, 0.0) + elapsed
            if self.spans is not None:
                add_span(self.spans, stage, since, now, self.image, self._cause)
        else:
            for name, seconds in stage.divide(since, now, self.spans, self.image).items():
                stages[name] = stages.get(name, 0.0) + seconds
        self._since = now
        return stages

    def forget(self) -> None:
        """Drop the stages, which have been read for good."""
        self.stages = _NO_STAGES

    def divide(
        self,
        begin: float,  # noqa: ARG002 - this line began with the interval
        end: float,
        spans: list[Span] | None,
        image: str | None,  # noqa: ARG002 - its spans have one of their own
    ) -> Stages:
        """Return the seconds by stage up to ``end``: this line, as the part of another, began with the interval."""
        stages = self.close(end)
        if spans is not None and self.spans is not None:
            spans += self.spans
        return stages

    def _begin(self) -> None:
        """Have a place for stages, and for spans if they are kept, as there is something to note."""
        self.stages = {}
        if self.spans is not None:
            self.spans = []

    def _return(self, fork: Fork) -> None:
        """Discard everything since ``fork``."""
        self.stages = dict(fork.stages) if fork.stages else _NO_STAGES
        if self.spans is not None:
            del self.spans[fork.spans :]
        self._since = fork.at
        self._fork = None
