"""The style of all charts: colours, units of axes, axes without decoration, and the text of an empty chart."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from pullsim import printable
from pullsim.results.axis_units import Unit as Unit  # noqa: PLC0414  # the style has them for the charts
from pullsim.results.axis_units import rate_unit as rate_unit  # noqa: PLC0414
from pullsim.results.axis_units import time_unit as time_unit  # noqa: PLC0414
from pullsim.results.exports.chart_files import STUDY_FORMATS
from pullsim.results.levels import MAX_POINTS as MAX_POINTS  # noqa: PLC0414
from pullsim.results.levels import level as level  # noqa: PLC0414
from pullsim.results.palette import FAINT as FAINT  # noqa: PLC0414
from pullsim.results.palette import INK as INK  # noqa: PLC0414
from pullsim.results.palette import NEVER as NEVER  # noqa: PLC0414
from pullsim.results.palette import SERIES as SERIES  # noqa: PLC0414
from pullsim.stages import TABLE

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

MAX_NAME: Final = 80  # characters of a title or a label
TICK: Final = 28  # characters of a name beside an axis
_DPI: Final = 144
#: What a file says of itself, by format: not when it was made nor by which version of matplotlib.
_METADATA: Final[dict[str, dict[str, Any]]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def seconds_text(seconds: float) -> str:
    """Write a duration with three digits in a suitable unit: ``0.42 s``, ``12.3 s``, ``4.2 min``."""
    unit = time_unit(seconds)
    value = seconds / unit.size
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f} {unit.name}"


def rate_text(bytes_per_second: float) -> str:
    """Write a rate in bytes/s with three digits in a suitable unit; infinity is ``no limit``."""
    unit = rate_unit(bytes_per_second)
    return f"{bytes_per_second / unit.size:.3g} {unit.name}" if np.isfinite(bytes_per_second) else "no limit"


def new_axes(ax: Axes | None, width: float = 8.0, height: float = 4.2) -> Axes:
    """Return `ax`, or the axes of a new figure of `width` by `height` inches, in the style of the charts."""
    axes = ax if ax is not None else Figure(figsize=(width, height), layout="constrained").subplots()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(FAINT)
    axes.tick_params(colors=INK, length=3)
    axes.grid(visible=True, color="#e4e4e4", linewidth=0.7)
    axes.set_axisbelow(True)
    return axes


def title(ax: Axes, text: str, name: str = "") -> None:
    """Set the title, left-aligned; before it the name of the scenario, so that a chart on its own says whose it is."""
    before = f"{shortened(name, TICK)}: " if name else ""
    ax.set_title(before + safe(text), loc="left", fontsize=11, color=INK)


def time_axis(ax: Axes, end: float, label: str = "simulated time") -> Unit:
    """Set the x axis to time from 0 to `end` seconds; values to be drawn must be divided by the unit's size."""
    unit = time_unit(end)
    ax.set_xlabel(f"{label} ({unit.name})")
    ax.set_xlim(0, end / unit.size if end > 0 else 1)
    return unit


def count_axis(ax: Axes, label: str) -> None:
    """Set the y axis to counts from 0, in whole numbers with separated thousands."""
    ax.set_ylabel(label)
    ax.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    top = ax.dataLim.ymax
    ax.set_ylim(0, 1.05 * top if np.isfinite(top) and top > 0 else 1)


def legend_outside(ax: Axes, handles: Sequence[Artist] | None = None) -> None:
    """Put a legend to the right of the axes, for all labelled artists or for those in `handles`."""
    handles = ax.get_legend_handles_labels()[0] if handles is None else handles
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8.5, borderaxespad=0)


def stage_legend(ax: Axes, stages: set[str]) -> None:
    """Put a legend of the stages beside the axes, in the order in which a pod meets them."""
    legend_outside(ax, [Patch(color=each.colour, label=each.label) for each in TABLE if each.name in stages])


def save(
    figure: Figure | SubFigure | None, directory: Path, name: str, formats: Collection[str] = STUDY_FORMATS
) -> None:
    """Write a chart in some formats without warnings about letters that the font lacks or labels that have no room.

    The same chart gives the same SVG and PDF.
    """
    assert isinstance(figure, Figure)
    with warnings.catch_warnings(), mpl.rc_context({"svg.hashsalt": "pullsim", "pdf.fonttype": 42}):
        warnings.filterwarnings("ignore", message="Glyph|constrained_layout", category=UserWarning)
        figure.set_dpi(_DPI)
        canvas = FigureCanvasAgg(figure)
        if (engine := figure.get_layout_engine()) is not None:
            engine.execute(figure)  # places all parts, which otherwise happens for every format
            figure.set_layout_engine("none")
        for form in formats:
            path = directory / f"{name}.{form}"
            if form == "png":
                # Figure.savefig would draw once more, to measure.
                canvas.print_png(path, metadata=_METADATA[form])  # type: ignore[no-untyped-call]
            else:
                figure.savefig(path, dpi=_DPI, metadata=_METADATA[form])


def nothing(ax: Axes, text: str) -> None:
    """Write the reason why a chart is empty into the middle of its axes."""
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=INK, fontsize=11)
    ax.set_yticks([])
    ax.grid(visible=False)


def safe(text: str) -> str:
    """Return a name of at most MAX_NAME characters, escaped so that matplotlib does not read it as a formula."""
    return printable.chart(printable.shortened(text, MAX_NAME))


def shortened(text: str, width: int) -> str:
    """Shorten a name to `width` characters by leaving out its middle, since names differ in their ends; escape it."""
    return safe(printable.shortened(text, width))
