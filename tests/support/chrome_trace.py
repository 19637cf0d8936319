"""A reader of Chrome's trace format that refuses what Perfetto's importer drops or draws wrongly.

By "Trace Event Format" (Google, 2016) and perfetto's json_trace_tokenizer, json_trace_parser, slice_tracker and
flow_tracker: slices of a thread nest or follow each other, and are open from their begin to before their end; events of
one time count in the order of the file; a flow begins and ends in an open slice, once each; every thread and process
that is used has a name.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field

FIELDS = {
    "M": {"ph", "pid", "tid", "name", "args"},
    "X": {"ph", "pid", "tid", "ts", "dur", "cat", "name", "args"},
    "C": {"ph", "pid", "ts", "name", "args"},
    "i": {"ph", "s", "pid", "tid", "ts", "name", "args"},
    "s": {"ph", "pid", "tid", "ts", "cat", "name", "id"},
    "f": {"ph", "bp", "pid", "tid", "ts", "cat", "name", "id"},
}
OPTIONAL = {"args"}


@dataclass(eq=False)
class Slice:
    """One slice; times in nanoseconds."""

    process: str
    thread: str
    category: str
    name: str
    begin: int
    end: int
    args: dict
    children: list[Slice] = field(default_factory=list)
    parent: Slice | None = None


@dataclass
class Trace:
    """What a trace holds."""

    about: dict
    processes: dict[int, str]
    slices: list[Slice]
    flows: list[tuple[str, Slice, Slice]]  # name, from, to
    counters: dict[tuple[str, str], list[tuple[int, float]]]  # by process and name
    instants: list[tuple[str, str, int]]

    def of(self, category):
        return [each for each in self.slices if each.category == category]


def read_trace(text: str) -> Trace:
    document = json.loads(text)
    assert document["displayTimeUnit"] in ("ms", "ns")
    processes, threads, order = {}, {}, []
    for place, event in enumerate(document["traceEvents"]):
        known = FIELDS[event["ph"]]
        assert known - OPTIONAL <= event.keys() <= known, event
        if event["ph"] == "M":
            named = {"process_name": processes, "thread_name": threads}.get(event["name"])
            if named is not None:
                key = event["pid"] if named is processes else (event["pid"], event["tid"])
                assert key not in named, f"two names: {event}"
                named[key] = event["args"]["name"]
        else:
            assert event["ts"] >= 0
            order.append((nanoseconds(event["ts"]), place, event))
    assert len({tid for _, tid in threads}) == len(threads), "numbers of threads are unique"
    assert not {tid for _, tid in threads} & processes.keys()
    trace = Trace(document["otherData"], processes, [], [], defaultdict(list), [])
    open_slices = defaultdict(list)
    begun = {}
    for ts, _, event in sorted(order, key=lambda item: item[:2]):
        _take(trace, event, ts, threads, open_slices, begun)
    assert begun == {}, "flows without an end"
    return trace


def nanoseconds(microseconds: float) -> int:
    found = round(microseconds * 1000)
    assert abs(found - microseconds * 1000) < 0.01, f"{microseconds} has more than three decimals"
    return found


def _take(trace, event, ts, threads, open_slices, begun):
    process = trace.processes[event["pid"]]
    thread = (event["pid"], event.get("tid"))
    stack = open_slices[thread]
    while stack and stack[-1].end <= ts:
        stack.pop()
    kind = event["ph"]
    if kind == "X":
        assert event["dur"] >= 0
        end = ts + nanoseconds(event["dur"])
        args = event.get("args", {})
        made = Slice(
            process, threads[thread], event["cat"], event["name"], ts, end, args, parent=stack[-1] if stack else None
        )
        if stack:
            assert end <= stack[-1].end, f"{event} overlaps with {stack[-1]}"
            stack[-1].children.append(made)
        stack.append(made)
        trace.slices.append(made)
    elif kind == "s":
        assert event["id"] not in begun, "two flows of one id"
        begun[event["id"]] = (event["name"], stack[-1])
    elif kind == "f":
        assert event["bp"] == "e"
        name, waiter = begun.pop(event["id"])
        assert name == event["name"]
        trace.flows.append((name, waiter, stack[-1]))
    elif kind == "C":
        ((unit, value),) = event["args"].items()
        assert isinstance(value, int | float)
        assert isinstance(unit, str)
        trace.counters[process, event["name"]].append((ts, value))
    else:
        assert event["s"] == "p"
        trace.instants.append((process, event["name"], ts))
