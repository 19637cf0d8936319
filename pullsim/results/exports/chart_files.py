"""The names of the chart files of a run. `pullsim.results.charts` draws them, and would load matplotlib to say so."""

from __future__ import annotations

from typing import Final

DIRECTORY: Final = "charts"
NAMES: Final = (
    "start-cdf",
    "start-cdf-by-workload",
    "throughput",
    "time-by-pool",
    "time-by-image",
    "pulls",
    "slowest-pulls",
)
FORMATS: Final = ("png", "svg", "pdf")
DEFAULT_FORMATS: Final = ("png",)  # of a run, which takes less time than drawing
STUDY_FORMATS: Final = ("png", "svg")  # of a study, which has few charts


def chart_files() -> list[str]:
    """Return the paths of all charts within the output directory, in any format."""
    return [f"{DIRECTORY}/{name}.{form}" for name in NAMES for form in FORMATS]
