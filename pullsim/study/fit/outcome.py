"""What a fit found."""

from __future__ import annotations

import math
import statistics
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from pullsim.frozen import dataclass
from pullsim.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pullsim.study.fit.estimate import Estimate
    from pullsim.study.fit.parameters import Parameter
    from pullsim.study.fit.spreads import Spreads


@dataclass(frozen=True, slots=True)
class Fitted:
    """A figure that the data tell: bytes/s, bytes, seconds or a factor, and its 90 % interval."""

    parameter: Parameter
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Held:
    """A figure that they do not tell, and why; ``value`` is the default that it was held at, None: never binds."""

    parameter: Parameter
    value: float | None
    why: str


@dataclass(frozen=True, slots=True)
class Row:
    """One observation: seconds observed and predicted, and whether the figures were fitted on it."""

    label: str
    observed: float
    predicted: float
    used: bool
    size: int  # bytes downloaded

    @property
    def error(self) -> float:
        """|predicted - observed| / observed."""
        return abs(self.predicted - self.observed) / self.observed


class Errors(NamedTuple):
    """Relative errors of some rows; not a number without any."""

    rows: int
    median: float
    p90: float

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Errors:
        """Give the median and the 90th percentile (nearest rank)."""
        errors = sorted(row.error for row in rows)
        if not errors:
            return cls(0, math.nan, math.nan)
        return cls(len(errors), statistics.median(errors), errors[math.ceil(0.9 * len(errors)) - 1])


@dataclass(slots=True)
class Outcome:
    """The data of a `Fit`."""

    source: str  # files, in one line
    fitted: list[Fitted]
    held: list[Held]
    rows: list[Row]
    seed: int
    version: str  # of pullsim
    left_out: dict[str, int] = field(default_factory=dict)  # why, and how many pulls
    notes: list[str] = field(default_factory=list)
    held_out: str = ""  # what the rows are that the figures were not fitted on
    spreads: Spreads | None = None  # of pull times; None: too few pulls of the same images

    @classmethod
    def of(
        cls, found: Estimate, parameters: Sequence[Parameter], rows: list[Row], files: Sequence[str], seed: int
    ) -> Self:
        """Put an estimate's figures together."""
        fitted = [
            Fitted(parameter, found.values[parameter.name], *found.intervals[parameter.name])
            for parameter in parameters
            if parameter.name in found.intervals
        ]
        held = [
            Held(parameter, found.values[parameter.name], found.held[parameter.name])
            for parameter in parameters
            if parameter.name in found.held
        ]
        return cls(", ".join(Path(file).name for file in files), fitted, held, rows, seed, __version__)

    @property
    def errors(self) -> Errors:
        """Give the errors of the rows that the figures were fitted on."""
        return Errors.of(row for row in self.rows if row.used)

    @property
    def held_out_errors(self) -> Errors:
        """Give the errors of the other rows."""
        return Errors.of(row for row in self.rows if not row.used)

    def mapping(self) -> dict[str, Any]:
        """Give everything but the rows as plain values."""
        return {
            "source": self.source,
            "version": self.version,
            "seed": self.seed,
            "fitted": {
                each.parameter.name: {"value": each.value, "low": each.low, "high": each.high} for each in self.fitted
            },
            "held": {each.parameter.name: {"value": each.value, "why": each.why} for each in self.held},
            "errors": _mapping(self.errors),
            "heldOutErrors": {**_mapping(self.held_out_errors), "of": self.held_out} if self.held_out else None,
            "leftOut": self.left_out,
            "notes": self.notes,
        }


def _mapping(errors: Errors) -> dict[str, float | None]:
    rows, median, p90 = errors
    return {"rows": rows, "median": median if rows else None, "p90": p90 if rows else None}
