"""The style of all charts: colours, units of axes, axes without decoration, and the text of an empty chart."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from pullsim import printable
from pullsim.stages import TABLE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure
    from numpy.typing import NDArray

#: Colours for everything except stages: the palette of Okabe and Ito.
SERIES: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
INK: Final = "#333333"
FAINT: Final = "#999999"
NEVER: Final = "#f3d9d3"

MAX_NAME: Final = 80  # characters of a title or a label
TICK: Final = 28  # characters of a name beside an axis
MAX_POINTS: Final = 2000  # a line has no more; a screen shows no more


class Unit(NamedTuple):
    """A unit in which an axis is readable: values are divided by `size`."""

    size: float
    name: str


def time_unit(seconds: float) -> Unit:
    """Return seconds, minutes or hours, so that an axis up to `seconds` has small numbers."""
    if seconds <= 240:
        return Unit(1, "s")
    return Unit(60, "min") if seconds <= 4 * 3600 else Unit(3600, "h")


def rate_unit(bytes_per_second: float) -> Unit:
    """Return kB/s, MB/s or GB/s."""
    if bytes_per_second >= 2e9:
        return Unit(1e9, "GB/s")
    return Unit(1e6, "MB/s") if bytes_per_second >= 2e6 else Unit(1e3, "kB/s")


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


def title(ax: Axes, text: str) -> None:
    """Set the title, left-aligned."""
    ax.set_title(safe(text), loc="left", fontsize=11, color=INK)


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
    figure: Figure | SubFigure | None, path: Path, *, dpi: int = 144, metadata: dict[str, Any] | None = None
) -> None:
    """Write a chart to a file without warnings about letters that the font lacks or labels that have no room."""
    assert isinstance(figure, Figure)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph|constrained_layout", category=UserWarning)
        figure.savefig(path, dpi=dpi, metadata=metadata)


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


def level(
    rises: Sequence[float], falls: Sequence[float], end: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return times and levels (to be drawn as steps ``post``) of a count that starts at 0 and goes up and down by 1.

    Beyond MAX_POINTS changes the highest level of each of MAX_POINTS intervals is kept, so that no peak is lost.
    """
    changes = np.concatenate([np.asarray(falls, dtype=np.float64), np.asarray(rises, dtype=np.float64)])
    steps = np.repeat([-1.0, 1.0], [len(falls), len(rises)])
    order = np.argsort(changes, kind="stable")
    times = np.concatenate([[0.0], changes[order], [end]])
    levels = np.concatenate([[0.0], np.cumsum(steps[order])])
    levels = np.append(levels, levels[-1])
    final = np.append(np.diff(times) > 0, True)  # only the last change of an instant is seen
    times, levels = times[final], levels[final]
    if len(times) <= MAX_POINTS:
        return times, levels
    edges = np.linspace(0.0, end, MAX_POINTS + 1)[:-1]
    begins = np.unique(np.clip(np.searchsorted(times, edges, side="right") - 1, 0, len(times) - 1))
    return times[begins], np.maximum.reduceat(levels, begins)
