"""The section of a study's page about other clusters: intervals of one cluster as bars, and all figures as a table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pullsim.printable import shortened
from pullsim.results.axis_units import Unit
from pullsim.results.page.metric_words import headline, the
from pullsim.results.page.page import Cell, Chart, Column, Rows, Section, Table, Text
from pullsim.results.page.parts import field, from_zero, tooltip
from pullsim.results.prediction_table import HEADINGS
from pullsim.study.cluster_tables import spread
from pullsim.study.pages.parts import metric_unit

if TYPE_CHECKING:
    from pullsim.study.cluster_tables import ClusterTable

_LINES = 40  # of the chart


def cluster_section(table: ClusterTable | None) -> list[Section]:
    """Return the section; none without clusters."""
    if table is None:
        return []
    names = [Column("figure" if number == 0 else name) for number, name in enumerate(table.names)]
    figures = [Column(heading, number=True) for heading in (*HEADINGS, *table.counts)]
    caption = "Medians, and intervals of one cluster"
    first, last = len(names), len(names) + len(HEADINGS)  # the figures, which are sorted by their medians
    cells = [
        [Cell(text, row.median if first <= place < last else None) for place, text in enumerate(row.texts)]
        for row in table.rows
    ]
    shown = Table(caption, [*names, *figures], cells, filtered=len(cells) > 30)
    return [Section("In other clusters", [*_chart(table), shown, Text(table.notes)])]


def _chart(table: ClusterTable) -> list[Chart]:
    """Return a bar with nine in ten of the clusters for each span, half of them thicker, and a point at the median."""
    spans = [span for span in table.spans if math.isfinite(span.figure.high90) and math.isfinite(span.figure.low90)]
    if not spans or len(spans) > _LINES:
        return []
    highest = max(span.figure.high90 for span in spans)
    lowest = min(span.figure.low90 for span in spans)
    unit = Unit(0.01, "%") if table.share else metric_unit(table.charted, highest)
    rows = []
    for span in spans:
        ends = [span.figure.median, span.figure.low50, span.figure.high50, span.figure.low90, span.figure.high90]
        median, half, most = spread(table.charted, span.figure, share=table.share)
        told = f"{median}; half of the clusters {half}, nine in ten {most}"
        places = [float(f"{end / unit.size:.6g}") for end in ends]
        rows.append((shortened(span.name, 60), *places, told, f"{span.name}: {told}"))
    y = field("name", "nominal", sort=None, axis={"labelLimit": "names"})
    what = f"change of {the(table.charted)}" if table.share else the(table.charted)
    scale = from_zero(highest / unit.size, lowest / unit.size)
    x = field("median", "quantitative", f"{what} ({unit.name})" if unit.name else what, scale=scale)

    def rule(low: str, high: str, width: int) -> dict[str, Any]:
        mark = {"type": "rule", "strokeWidth": width, "opacity": 0.6, "aria": False}
        return {"mark": mark, "encoding": {"y": y, "x": x | {"field": low}, "x2": {"field": high}}}

    point = {
        "mark": {"type": "point", "filled": True, "size": 90, "style": "value"},
        "encoding": {
            "y": y,
            "x": x,
            "tooltip": tooltip(name="variant", text="in one cluster"),
            "description": field("said", "nominal"),
        },
    }
    layers = [rule("low90", "high90", 3), rule("low50", "high50", 9), point]
    for layer in layers:
        layer["data"] = {"name": "spans"}
    columns = ("name", "median", "low50", "high50", "low90", "high90", "text", "said")
    title = f"{headline(table.charted)}, in one cluster"
    if table.share:
        title = f"What each changes of {the(table.charted)}, in one cluster"
    told = f"A line for each of {len(rows)}. {'; '.join(str(row[-1]) for row in rows[:8])}."
    spec = {"height": {"step": 36}, "layer": layers}
    note = "Points: the median of the clusters; thick lines: half of them; thin ones: nine in ten."
    return [Chart("clusters", title, told, spec, {"spans": Rows(columns, rows)}, note)]
