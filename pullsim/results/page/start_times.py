"""The chart of how long pods took to start: for each workload the share of its pods that had started after a time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from pullsim.printable import shortened
from pullsim.results.axis_units import time_unit
from pullsim.results.page.page import Chart, Rows
from pullsim.results.page.parts import HEIGHT, MAX_POINTS, field, lines, over_time, tooltip
from pullsim.results.statistics import percentile
from pullsim.results.waits import by_workload
from pullsim.results.wording import duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pullsim.run import Result

_LINES: Final = 8  # workloads that have a line of their own; the others share one


def start_times(result: Result) -> Chart | None:
    """Return the chart; None if no pod took any time to start."""
    waits = by_workload(result)
    longest = max((each for seconds in waits.values() for each in seconds if math.isfinite(each)), default=0.0)
    if not longest:
        return None
    unit = time_unit(longest)
    ranked = sorted(waits, key=lambda name: (-percentile(waits[name], 990), -waits[name][-1], name))
    alone = ranked if len(ranked) <= _LINES else ranked[: _LINES - 1]
    drawn = {f"{shortened(name, 40)} ({len(waits[name]):,})": waits[name] for name in alone}
    if others := ranked[len(alone) :]:
        together = sorted(each for name in others for each in waits[name])
        drawn[f"{len(others):,} others ({len(together):,})"] = together
    rows = []
    for name, seconds in drawn.items():
        for at, share in _steps(seconds, 1.05 * longest):
            said = f"{name}: {share:.0f} % within {duration(at)}"
            rows.append((round(at / unit.size, 4), round(share, 2), name, duration(at), f"{share:.1f} %", said))
    y = field(
        "share",
        "quantitative",
        "pods started (%)",
        scale={"domain": [0, 103]},
        axis={"values": [0, 20, 40, 60, 80, 100]},
    )
    x = over_time(unit, 1.05 * longest, title="time from creation to start")
    tips = tooltip(series="workload", at="within", text="started")
    whole = sorted(each for seconds in waits.values() for each in seconds)
    half, most = percentile(whole, 500), percentile(whole, 990)
    never = sum(map(math.isinf, whole))
    told = (
        f"Of all pods half started within {duration(half)} and 99 in 100 within {duration(most)}."
        if not never
        else (f"{never:,} of {len(whole):,} pods never started: the line of their workload ends below 100 %.")
    )
    return Chart(
        "starts",
        "How long pods took to start",
        f"A rising line for each of {len(drawn):,} groups of pods, from 0 to at most 100 %. {told}",
        {"height": HEIGHT, "layer": lines("waits", x, y, list(drawn), tips)},
        {"waits": Rows(("t", "share", "series", "at", "text", "said"), rows)},
        "In brackets: how many pods. A line that ends below 100 % is that of a workload of which pods never started.",
    )


def _steps(seconds: Sequence[float], end: float) -> Iterator[tuple[float, float]]:
    """Yield times and the percentage that had started by then, from 0 up to ``end``, few enough to be drawn."""
    there = [each for each in seconds if math.isfinite(each)]
    yield 0.0, 0.0
    ranks = np.unique(np.linspace(0, max(len(there) - 1, 0), MAX_POINTS).round().astype(int))[: len(there)]
    for rank in ranks.tolist():
        yield there[rank], (rank + 1) * 100 / len(seconds)
    yield end, len(there) * 100 / len(seconds)
