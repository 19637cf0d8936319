"""What a fit found."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pullsim

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes

    from pullsim.study.fit.estimate import Estimate
    from pullsim.study.fit.parameters import Parameter


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
class Fit:
    """Figures of a node and its registry, what they were fitted on, and how well they predict it."""

    source: str  # files, in one line
    fitted: list[Fitted]
    held: list[Held]
    rows: list[Row]
    seed: int
    version: str  # of pullsim
    left_out: dict[str, int] = field(default_factory=dict)  # why, and how many pulls
    notes: list[str] = field(default_factory=list)
    held_out: str = ""  # what the rows are that the figures were not fitted on

    @classmethod
    def of(
        cls, found: Estimate, parameters: Sequence[Parameter], rows: list[Row], files: Sequence[str], seed: int
    ) -> Fit:
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
        return cls(", ".join(Path(file).name for file in files), fitted, held, rows, seed, pullsim.__version__)

    @property
    def errors(self) -> Errors:
        """Give the errors of the rows that the figures were fitted on."""
        return Errors.of(row for row in self.rows if row.used)

    @property
    def held_out_errors(self) -> Errors:
        """Give the errors of the other rows."""
        return Errors.of(row for row in self.rows if not row.used)

    def preset(self) -> str:
        """Give the YAML of a preset for ``nodes[].preset``."""
        from pullsim.study.fit.preset import preset_text  # noqa: PLC0415

        return preset_text(self)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw predicted against observed seconds, both logarithmic."""
        from pullsim.study.fit.chart import plot_fit  # noqa: PLC0415  matplotlib

        return plot_fit(self, ax)

    def write(self, directory: str | Path) -> Path:
        """Write preset.yaml, fit.json, pulls.csv and the chart into a directory. Raises InputError."""
        from pullsim.study.fit.files import write  # noqa: PLC0415  matplotlib

        return write(self, directory)

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
