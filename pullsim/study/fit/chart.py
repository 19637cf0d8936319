"""The picture of a fit: predicted against observed seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.results.charts import style
from pullsim.study.fit.wording import error_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pullsim.study.fit.outcome import Outcome

_BAND = 1.2  # drawn around the diagonal: 20 % off


def plot_fit(fit: Outcome, ax: Axes | None = None) -> Axes:
    """Draw a point a row, on logarithmic axes with the diagonal and a band of 20 % around it."""
    ax = style.new_axes(ax, width=6.2, height=6.0)
    style.title(ax, f"Predicted and observed: {error_text(fit.errors)}")
    seconds = [value for row in fit.rows for value in (row.observed, row.predicted)]
    low, high = min(seconds, default=0.1) / 1.3, max(seconds, default=10.0) * 1.3
    ax.plot([low, high], [low, high], color=style.INK, linewidth=1.0)
    ax.fill_between(
        [low, high], [low / _BAND, high / _BAND], [low * _BAND, high * _BAND], color="#eeeeee", label="±20 %"
    )
    for used, label, colour, marker in ((True, "fitted on", 0, "o"), (False, "held out", 1, "x")):
        rows = [row for row in fit.rows if row.used is used]
        if rows:
            ax.plot(
                [row.observed for row in rows],
                [row.predicted for row in rows],
                marker,
                color=style.SERIES[colour],
                markersize=4.5,
                alpha=0.7,
                label=f"{label} ({len(rows):,})",
            )
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(low, high)
    ax.set_ylim(low, high)
    ax.set_aspect("equal")
    ax.set_xlabel("observed (s)")
    ax.set_ylabel("predicted (s)")
    ax.legend(loc="upper left", frameon=False, fontsize=8.5)
    return ax
