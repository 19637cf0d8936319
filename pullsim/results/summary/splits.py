"""What the split of images into layers changes, where only the images' sizes are known."""

from __future__ import annotations

from pullsim.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """The least and the greatest value; None where they are infinite, as pods never started, or there is none."""

    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class SplitEffect:
    """Figures of `pods.start` in seconds, over runs with other typical splits of the images of known size into layers.

    The run itself is among them.
    """

    images: list[str]  # whose layers are guesses
    runs: int
    p50: Interval
    p99: Interval
    max: Interval
