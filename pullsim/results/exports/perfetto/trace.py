"""The trace of a run: the registries and pods as one process, and each node as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.kernel.clock import nanoseconds
from pullsim.results.exports.perfetto.counters import write_cluster_counters, write_node_counters
from pullsim.results.exports.perfetto.node_rows import rows_by_node
from pullsim.results.exports.perfetto.node_tracks import placed, write_tracks
from pullsim.results.exports.perfetto.trace_events import TraceEvents

if TYPE_CHECKING:
    from typing import TextIO

    from pullsim.run import Result


def write_trace(result: Result, file: TextIO) -> None:
    """Write a run that kept at least the pulls; layers and stages are there if it kept the layers.

    Second 0 of the run is second 0 of the trace.
    """
    about = {"scenario": result.name, "seed": result.seed, "pullsim": result.version}
    with TraceEvents(file, about) as trace:
        cluster = trace.process("cluster")
        write_cluster_counters(trace, cluster, result)
        _write_faults(trace, cluster, result)
        for node, rows in rows_by_node(result):
            process = trace.process(node, result.pools[node])
            write_tracks(trace, process, rows)
            write_node_counters(trace, process, rows)
            for removal in rows.removals:
                about_it = {"images": ", ".join(removal.images), "reason": removal.reason, "freed": removal.freed}
                trace.instant(process, "image removed", nanoseconds(removal.t), about_it)


def _write_faults(trace: TraceEvents, process: int, result: Result) -> None:
    """Write the faults of registries as slices, up to the end of the run."""
    faults = sorted((fault for fault in result.faults if fault.began < result.end), key=lambda fault: fault.began)
    spans = [(nanoseconds(fault.began), nanoseconds(min(fault.ended, result.end))) for fault in faults]
    for fault, (thread, span) in zip(faults, placed(trace, process, "faults", spans), strict=True):
        trace.slice(thread, "fault", f"fault of {fault.host}", span, {"images": fault.image or "all"})
