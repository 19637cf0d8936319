"""Events of Chrome's trace format, which Perfetto reads as well.

The format is that of the document "Trace Event Format" (Google, 2016): complete events (X), counters (C), instants (i),
flows (s and f) and metadata (M). Slices of one thread nest or follow each other; the flow's end binds to the slice
around it (``bp: e``). Times are microseconds with three decimals. See also
https://perfetto.dev/docs/getting-started/other-formats#chrome-json-format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pullsim.printable import json_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self, TextIO

_MICROSECOND: Final = 1000  # nanoseconds


class Thread(NamedTuple):
    """A row of the trace, whose slices nest or follow each other."""

    process: int
    thread: int


class TraceEvents:
    """Writes events one after the other; to be used in a ``with``. Times are whole nanoseconds of the run."""

    def __init__(self, file: TextIO, about: Mapping[str, Any]) -> None:
        """``about``: what the trace says of itself."""
        self._file = file
        self._about = about
        self._separator = "\n"
        self._processes = 0
        self._threads = 1_000_000_000  # numbers of threads are none of processes
        self._flows = 0

    def __enter__(self) -> Self:
        """Begin the document."""
        self._file.write(f'{{"displayTimeUnit":"ms","otherData":{json_text(self._about)},"traceEvents":[')
        return self

    def __exit__(self, *_: object) -> None:
        """End the document."""
        self._file.write("\n]}\n")

    def process(self, name: str, labels: str = "") -> int:
        """Add a process below those that there are, and return its number."""
        self._processes += 1
        number = self._processes
        self._name(number, number, "process_name", {"name": name})
        self._name(number, number, "process_sort_index", {"sort_index": number})
        if labels:
            self._name(number, number, "process_labels", {"labels": labels})
        return number

    def thread(self, process: int, name: str) -> Thread:
        """Add a thread to a process, below those that it has."""
        self._threads += 1
        made = Thread(process, self._threads)
        self._name(process, self._threads, "thread_name", {"name": name})
        self._name(process, self._threads, "thread_sort_index", {"sort_index": self._threads})
        return made

    def slice(
        self, thread: Thread, category: str, name: str, span: tuple[int, int], args: Mapping[str, Any] | None = None
    ) -> None:
        """Add what took the time from begin to end. What is nested in it is to be added after it."""
        begin, end = span
        event = {
            "ph": "X",
            "pid": thread.process,
            "tid": thread.thread,
            "ts": begin / _MICROSECOND,
            "dur": (end - begin) / _MICROSECOND,
            "cat": category,
            "name": name,
        }
        self._write({**event, "args": args} if args else event)

    def flow(self, name: str, waiter: tuple[Thread, int], cause: tuple[Thread, int]) -> None:
        """Draw an arrow from the slice of a thread at a time to another, which is not earlier; add both before."""
        self._flows += 1
        event = {"cat": "waits", "name": name, "id": self._flows}
        (thread, at), (other, then) = waiter, cause
        self._write({"ph": "s", "pid": thread.process, "tid": thread.thread, "ts": at / _MICROSECOND, **event})
        there = {"pid": other.process, "tid": other.thread, "ts": then / _MICROSECOND}
        self._write({"ph": "f", "bp": "e", **there, **event})

    def instant(self, process: int, name: str, at: int, args: Mapping[str, Any]) -> None:
        """Mark a moment of a process."""
        event = {"ph": "i", "s": "p", "pid": process, "tid": process, "ts": at / _MICROSECOND, "name": name}
        self._write({**event, "args": args})

    def counter(self, process: int, name: str, unit: str, at: int, value: float) -> None:
        """Set a counter, which keeps its value until it is set again."""
        event = {"ph": "C", "pid": process, "ts": at / _MICROSECOND, "name": name}
        self._write({**event, "args": {unit: value}})

    def _name(self, process: int, thread: int, what: str, args: Mapping[str, Any]) -> None:
        self._write({"ph": "M", "pid": process, "tid": thread, "name": what, "args": args})

    def _write(self, event: dict[str, Any]) -> None:
        self._file.write(self._separator + json_text(event))
        self._separator = ",\n"
