"""What `pullsim.fit` returns: the outcome of a fit, which can be written, drawn and made into a preset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pullsim.study.fit.outcome import Outcome
from pullsim.study.fit.preset import preset_text

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes


@dataclass(slots=True)
class Fit(Outcome):
    """Figures of a node and its registry, what they were fitted on, and how well they predict it."""

    def preset(self) -> str:
        """Give the YAML of a preset for ``nodes[].preset``."""
        return preset_text(self)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw predicted against observed seconds, both logarithmic."""
        from pullsim.study.fit.chart import plot_fit  # noqa: PLC0415  matplotlib

        return plot_fit(self, ax)

    def write(self, directory: str | Path) -> Path:
        """Write preset.yaml, fit.json, pulls.csv and the chart into a directory. Raises InputError."""
        from pullsim.study.fit.files import write  # noqa: PLC0415  matplotlib

        return write(self, directory)
