"""What people have: pulls with their times, and why some of them cannot be used."""

from __future__ import annotations

from collections import Counter
from dataclasses import field, replace
from typing import Final

from pullsim.frozen import dataclass

#: What no pull, image or clock has more of: seconds of a pull (three years), bytes, seconds since 1970.
MOST_SECONDS: Final = 1e8
MOST_BYTES: Final = 1e15
MOST_CLOCK: Final = 1e12


@dataclass(frozen=True, slots=True)
class ObservedPull:
    """One pull, or as many equal ones as ``count`` says. Seconds and bytes."""

    image: str
    seconds: float  # of the pull alone where ``waits`` is false
    size: int | None = None  # as the kubelet reports it: with containerd the compressed bytes
    node: str = ""
    began: float | None = None  # on any clock that all pulls share
    ended: float | None = None
    resolution: float = 0.0  # of ``seconds``
    waits: bool = False  # the time includes the wait in the kubelet's queue
    count: int = 1

    def measured_from(self, began: float, ended: float) -> ObservedPull:
        """Return the pull with its place in time."""
        return replace(self, began=began, ended=ended)


@dataclass(slots=True)
class Observed:
    """The pulls of one or several inputs, in the order in which they were found."""

    pulls: list[ObservedPull] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)  # why, and how many
    notes: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    def merge(self, other: Observed) -> None:
        """Take over what another input has."""
        self.pulls += other.pulls
        self.left_out.update(other.left_out)
        self.notes += other.notes
        self.files += other.files

    def left_out_text(self) -> str:
        """Say what was left out and why, most frequent first; empty if nothing was."""
        return "; ".join(f"{count:,} {why}" for why, count in self.left_out.most_common())
