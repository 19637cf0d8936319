"""Outages in charts over time: a shaded span from the begin of a registry's fault to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.results.charts import style
from pullsim.results.summary.outages import lasting

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pullsim.run import Result


def shade_outages(ax: Axes, result: Result, unit: style.Unit) -> None:
    """Shade the outages; of each host the first has a label for the legend."""
    hosts: set[str] = set()
    for fault in lasting(result):
        label = None if fault.host in hosts else f"outage of {style.shortened(fault.host, 40)}"
        hosts.add(fault.host)
        end = min(fault.ended, result.end)
        ax.axvspan(fault.began / unit.size, end / unit.size, color=style.NEVER, linewidth=0, zorder=0, label=label)
