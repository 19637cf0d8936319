"""Charts of what was in use over time: pulls and layers at a time, the network, the registries' links, the disks."""

from __future__ import annotations

from array import array
from collections import defaultdict
from typing import TYPE_CHECKING, Final

import numpy as np

from pullsim.printable import shortened
from pullsim.results.axis_units import Unit, rate_unit, time_unit
from pullsim.results.levels import flow, level
from pullsim.results.page.page import Cell, Chart, Column, Rows, Table
from pullsim.results.page.parts import HEIGHT, MAX_POINTS, field, from_zero, lines, over_time, tooltip
from pullsim.results.page.ready import fault_rows, shading
from pullsim.results.wording import duration, percentage, size
from pullsim.rows import values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from pullsim.run import Result

_INTERVALS: Final = 200  # into which a run is cut for rates
_SERIES: Final = 6  # hosts or links that have a line of their own
_NODES: Final = 50  # rows of the table of disks

#: What is counted: its name, the fields of its begin and end, whether these are of pulls or of layers.
_COUNTS: Final = (
    ("pulls waiting for the kubelet", "pulls", "requested", "started"),
    ("pulls running", "pulls", "started", "ended"),
    ("layers waiting for a download slot", "layers", "queued", "slot"),
    ("layers downloading", "layers", "requested", "fetched"),
    ("layers unpacking", "layers", "unpack_started", "unpack_ended"),
)


def at_a_time(result: Result) -> Chart | None:
    """Return the chart of pulls and layers that wait or are worked on, over all nodes; None if none took any time."""
    found = {}
    for name, table, begin, end in _COUNTS:
        spans = [pair for pair in values(getattr(result, table), begin, end) if None not in pair and pair[1] > pair[0]]
        if spans:
            begins, ends = zip(*spans, strict=True)
            found[name] = level(begins, ends, result.end, MAX_POINTS)
    if not found:
        return None
    peaks = ", ".join(f"{name} {int(counts.max()):,}" for name, (_, counts) in found.items())
    return _over_time(
        result,
        "at-a-time",
        "Pulls and layers at a time, all nodes together",
        f"At most at a time: {peaks}.",
        {name: (*pair, lambda count: f"{int(count):,}") for name, pair in found.items()},
        Unit(1.0, "number"),
    )


def network(result: Result) -> Chart | None:
    """Return the chart of bytes per second that nodes received, by the host that sent them; None without layers."""
    spans: defaultdict[str, tuple[array[float], array[float], array[float]]] = defaultdict(
        lambda: (array("d"), array("d"), array("d"))
    )
    for source, *span in values(result.layers, "source", "first_byte", "fetched", "downloaded"):
        if span[-1]:
            for column, value in zip(spans[source], span, strict=True):
                column.append(value)
    ranked = sorted(spans, key=lambda host: (-sum(spans[host][2]), host))[:_SERIES]
    edges = _edges(result)
    rates = {host: (edges, _closed(flow(*spans[host], edges))) for host in ranked}
    if not rates:
        return None
    peak = max(float(rate.max()) for _, rate in rates.values())
    return _over_time(
        result,
        "network",
        "Received from the network, all nodes together",
        f"Bytes per second from {', '.join(shortened(host, 40) for host in ranked)}; at most {size(peak)}/s from one.",
        {shortened(host, 40): (*pair, _rate_text) for host, pair in rates.items()},
        rate_unit(peak),
        "Each layer's bytes count evenly from its first byte to its last.",
    )


def links(result: Result) -> Chart | None:
    """Return the chart of how full the shared links of registries were; None if there are none."""
    by_link: dict[str, list[tuple[float, float, float, float]]] = {}
    for sample in result.links:
        by_link.setdefault(sample.link, []).append((sample.t0, sample.t1, sample.bytes_per_second, sample.capacity))
    finite = {name: sorted(rows) for name, rows in by_link.items() if 0 < rows[-1][3] < float("inf")}
    busiest = sorted(finite, key=lambda name: (-sum((t1 - t0) * rate for t0, t1, rate, _ in finite[name]), name))
    if not busiest:
        return None
    drawn = {}
    for name in busiest[:_SERIES]:
        samples = _thinned(finite[name])
        times = np.array([*(row[0] for row in samples), samples[-1][1]])
        share = np.array([row[2] / row[3] * 100 for row in samples])
        label = f"{shortened(name, 40)} ({size(samples[-1][3])}/s)"
        drawn[label] = (times, np.append(share, share[-1]), lambda percent: f"{percent:.0f} %")
    peaks = "; ".join(f"{name} at most {float(share.max()):.0f} %" for name, (_, share, _) in drawn.items())
    return _over_time(
        result,
        "links",
        "How full the registries' links were",
        f"{peaks}.",
        drawn,
        Unit(1.0, "% of the link"),
        "In brackets: what the link can carry. A line at 100 % means that the link is what pods waited for.",
    )


def disk_writes(result: Result) -> Chart | None:
    """Return the chart of bytes per second that nodes wrote: layers as they came, and as they were unpacked."""
    kinds = {
        "compressed layers": ("first_byte", "fetched", "downloaded"),
        "unpacked layers": ("unpack_started", "unpack_ended", "unpacked"),
    }
    edges = _edges(result)
    drawn = {}
    for name, fields in kinds.items():
        spans = [row for row in values(result.layers, *fields) if None not in row]
        if spans:
            begins, ends, amounts = zip(*spans, strict=True)
            drawn[name] = (edges, _closed(flow(begins, ends, amounts, edges)), _rate_text)
    if not drawn:
        return None
    peak = max(float(rate.max()) for _, rate, _ in drawn.values())
    return _over_time(
        result,
        "disks",
        "Layers written, all nodes together",
        f"Bytes per second of compressed and of unpacked layers; at most {size(peak)}/s of one kind.",
        drawn,
        rate_unit(peak),
        "Each layer's bytes count evenly over the time in which it was fetched or unpacked; memory takes up bursts.",
    )


def disk_table(result: Result) -> Table | None:
    """Return the table of how full the disks were; None if no disk has a size."""
    if not result.disks:
        return None
    ranked = sorted(result.disks, key=lambda disk: (-disk.peak / disk.capacity, disk.node))
    rows = [
        (
            Cell(disk.node),
            Cell(size(disk.capacity), disk.capacity),
            Cell(f"{size(disk.peak)} ({percentage(disk.peak / disk.capacity)})", disk.peak),
            Cell(size(disk.used), disk.used),
        )
        for disk in ranked[:_NODES]
    ]
    left = len(ranked) - len(rows)
    return Table(
        "How full the disks with images were",
        (
            Column("node"),
            Column("size", number=True),
            Column("most used", number=True),
            Column("at the end", number=True),
        ),
        rows,
        f"The {len(rows):,} fullest of {len(ranked):,} disks." if left else "",
        filtered=len(rows) > 12,
    )


def _over_time(
    result: Result,
    name: str,
    title: str,
    told: str,
    drawn: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64], Callable[[float], str]]],
    unit: Unit,
    note: str = "",
) -> Chart:
    """Return a chart of step lines by their names; the third of each line writes a value as text."""
    time = time_unit(result.end)
    rows = []
    for label, (times, heights, text) in drawn.items():
        for t, height in zip(times.tolist(), heights.tolist(), strict=True):
            shown = text(height)
            at = duration(t)
            rows.append(
                (
                    round(t / time.size, 4),
                    float(f"{height / unit.size:.4g}"),
                    label,
                    at,
                    shown,
                    f"{at}: {label} {shown}",
                )
            )
    x = over_time(time, result.end)
    y = field("value", "quantitative", unit.name, scale=from_zero(max(row[1] for row in rows)))
    tips = tooltip(series="what", at="at", text="value")
    shades = fault_rows(result, time)
    layers = [*([shading(x)] if shades.rows else []), *lines("values", x, y, list(drawn), tips)]
    data = {"values": Rows(("t", "value", "series", "at", "text", "said"), rows)}
    if shades.rows:
        data["faults"] = shades
    return Chart(name, title, f"Lines over time. {told}", {"height": HEIGHT - 40, "layer": layers}, data, note)


def _edges(result: Result) -> NDArray[np.float64]:
    return np.linspace(0.0, result.end or 1.0, _INTERVALS + 1)


def _closed(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Repeat the last rate, which holds to the end of its interval."""
    return np.append(rates, rates[-1])


def _thinned(samples: Sequence[tuple[float, float, float, float]]) -> list[tuple[float, float, float, float]]:
    """Join neighbouring samples, by their mean, until there are few enough to be drawn."""
    step = -(-len(samples) // MAX_POINTS)
    thinned = []
    for first in range(0, len(samples), step):
        group = samples[first : first + step]
        t0, t1 = group[0][0], group[-1][1]
        carried = sum((end - begin) * rate for begin, end, rate, _ in group)
        thinned.append((t0, t1, carried / (t1 - t0) if t1 > t0 else 0.0, group[-1][3]))
    return thinned


def _rate_text(rate: float) -> str:
    return f"{size(rate)}/s"
