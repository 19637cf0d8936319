"""Counters of a trace: levels over time of links, disks, slots and pods."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from pullsim.kernel.clock import nanoseconds
from pullsim.results.exports.perfetto.node_tracks import download_span, unpack_span
from pullsim.rows import values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pullsim.results.exports.perfetto.node_rows import NodeRows
    from pullsim.results.exports.perfetto.trace_events import TraceEvents
    from pullsim.run import Result

Change = tuple[int, int]  # nanoseconds, and by how much a level changes then


def write_node_counters(trace: TraceEvents, process: int, rows: NodeRows) -> None:
    """Write how many pulls of a node wait and run, how many layers it downloads and unpacks, and what its disk got.

    What the disk had beforehand is not known, so that its counter begins at 0 and can fall below it.
    """
    waiting = ((nanoseconds(pull.requested), nanoseconds(pull.started)) for pull in rows.pulls)
    running = ((nanoseconds(pull.started), nanoseconds(pull.ended)) for pull in rows.pulls)
    _write_levels(trace, process, "pulls queued", "pulls", _between(waiting))
    _write_levels(trace, process, "pulls running", "pulls", _between(running))
    _write_levels(trace, process, "download slots", "layers", _between(map(download_span, rows.layers)))
    _write_levels(trace, process, "unpacking", "layers", _between(map(unpack_span, rows.layers)))
    if rows.layers:
        _write_levels(trace, process, "disk: images", "bytes since the start", _disk(rows))


def write_cluster_counters(trace: TraceEvents, process: int, result: Result) -> None:
    """Write the mean use of each registry's egress, and how many pods are created and ready."""
    for link, samples in groupby(result.links, key=lambda sample: sample.link):
        level, until = 0, 0.0
        for sample in samples:
            if sample.t0 > until and level:
                level = _set_egress(trace, process, link, until, 0)
            if level != round(sample.bytes_per_second):
                level = _set_egress(trace, process, link, sample.t0, round(sample.bytes_per_second))
            until = sample.t1
        if level:
            _set_egress(trace, process, link, until, 0)
    for name in ("created", "ready"):
        times = ((nanoseconds(at), 1) for at in values(result.pods, name) if at is not None)
        _write_levels(trace, process, f"pods {name}", "pods", times)


def _set_egress(trace: TraceEvents, process: int, link: str, at: float, level: int) -> int:
    trace.counter(process, f"egress of {link}", "bytes/s", nanoseconds(at), level)
    return level


def _between(spans: Iterable[tuple[int, int] | None]) -> Iterator[Change]:
    """Yield the changes of the number of spans that cover a time."""
    for span in spans:
        if span is not None and span[0] < span[1]:
            yield span[0], 1
            yield span[1], -1


def _disk(rows: NodeRows) -> Iterator[Change]:
    """Yield by how much images on the disk grow and shrink: blobs when they are durable, layers when unpacked."""
    for layer in rows.layers:
        if layer.committed is not None and layer.downloaded:
            yield nanoseconds(layer.committed), layer.size
        if layer.unpack_ended is not None:
            yield nanoseconds(layer.unpack_ended), layer.unpacked
    for removal in rows.removals:
        yield nanoseconds(removal.t), -removal.freed


def _write_levels(trace: TraceEvents, process: int, name: str, unit: str, changes: Iterable[Change]) -> None:
    """Write a level that begins at 0, once for each time at which it changes."""
    level = 0
    for at, group in groupby(sorted(changes), key=itemgetter(0)):
        change = sum(by for _, by in group)
        if change:
            level += change
            trace.counter(process, name, unit, at, level)
