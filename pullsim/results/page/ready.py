"""The chart of pods that are created and ready over time, with the times of faults shaded."""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING

from pullsim.printable import shortened
from pullsim.results.axis_units import Unit, time_unit
from pullsim.results.levels import level
from pullsim.results.page.page import Chart, Rows
from pullsim.results.page.parts import HEIGHT, MAX_POINTS, field, from_zero, lines, over_time, tooltip
from pullsim.results.wording import counted, duration
from pullsim.rows import values

if TYPE_CHECKING:
    from typing import Any

    from pullsim.run import Result

_CREATED, _READY = "created", "ready"


def ready_over_time(result: Result) -> Chart | None:
    """Return the chart; None without pods."""
    if not result.pods:
        return None
    unit = time_unit(result.end)
    created = array("d", values(result.pods, "created"))
    ready = array("d", [at for at in values(result.pods, "ready") if at is not None])
    rows = []
    for name, rises in ((_CREATED, created), (_READY, ready)):
        for t, count in zip(*level(rises, (), result.end, MAX_POINTS), strict=True):
            at = duration(float(t))
            rows.append((round(float(t) / unit.size, 4), int(count), name, at, f"{at}: {int(count):,} pods {name}"))
    y = field("pods", "quantitative", "pods", scale=from_zero(len(created)), axis={"tickMinStep": 1, "format": ",d"})
    x = over_time(unit, result.end)
    tips = tooltip(series="pods that are", at="at", pods="pods")
    shades = fault_rows(result, unit)
    layers = [*([shading(x)] if shades.rows else []), *lines("counts", x, y, [_READY, _CREATED], tips)]
    first = f"{len(ready):,} of {counted(len(created), 'pod')} became ready"
    last = f", the last at {duration(max(ready))}" if ready else ""
    return Chart(
        "ready",
        "Pods ready over time",
        f"Two rising lines: pods created and pods ready. {first}{last}. {_told(shades)}".strip(),
        {"height": HEIGHT, "layer": layers},
        {"counts": Rows(("t", "pods", "series", "at", "said"), rows)} | ({"faults": shades} if shades.rows else {}),
        "Shaded: a registry fault." if shades.rows else "",
    )


def fault_rows(result: Result, unit: Unit) -> Rows:
    """Return the faults of registries that do not last for the whole run: their begin and end in a unit, and a text."""
    rows = []
    for fault in result.faults:
        if fault.began >= result.end or (fault.began <= 0 and fault.ended >= result.end):
            continue
        end = min(fault.ended, result.end)
        what = f"fault of {shortened(fault.host, 60)}" + (f" for {shortened(fault.image, 60)}" if fault.image else "")
        until = duration(fault.ended) if math.isfinite(fault.ended) else "the end"
        rows.append((fault.began / unit.size, end / unit.size, f"{what}, {duration(fault.began)} to {until}"))
    return Rows(("begin", "end", "fault"), rows)


def shading(x: dict[str, Any]) -> dict[str, Any]:
    """Return the layer that shades faults."""
    return {
        "data": {"name": "faults"},
        "mark": {"type": "rect", "style": "fault", "clip": True},
        "encoding": {
            "x": x | {"field": "begin"},
            "x2": {"field": "end"},
            "tooltip": tooltip(fault="fault"),
            "description": field("fault", "nominal"),
        },
    }


def _told(shades: Rows) -> str:
    if not shades.rows:
        return ""
    texts = [str(row[-1]) for row in shades.rows[:3]]
    more = f" and {len(shades.rows) - 3:,} more" if len(shades.rows) > 3 else ""
    return f"Shaded: {'; '.join(texts)}{more}."
