"""What a run's figures come to in other clusters: their intervals over draws of how reality varies."""

from __future__ import annotations

from pullsim.frozen import dataclass


@dataclass(frozen=True, slots=True)
class PredictedFigure:
    """A metric over the draws. Infinite where pods never start, which is None in the JSON."""

    median: float
    low50: float  # the ends of the interval with half of the draws
    high50: float
    low90: float  # and of that with nine in ten
    high90: float
    sampling: float | None  # part of the variance that is there without variation; None: there is no variance
    model: float | None  # part of it that goes with what the model is off by


@dataclass(frozen=True, slots=True)
class Prediction:
    """Intervals of key figures over clusters that seeds draw."""

    draws: int
    spreads: str  # whose spreads: preset, or own for those of the scenario
    clusters: dict[str, int | None]  # by pool: clusters behind its figures; None: spreads are taken as they are
    figures: dict[str, PredictedFigure]  # by metric
