"""Printing statuses of pods during a run as `kubectl get pods --watch` prints them."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

from pullsim.results.kubectl.age import age
from pullsim.results.wording import qualified

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pullsim.records import StatusRecord

AHEAD: Final = 1.0  # seconds by which a row may arrive before its time: the longest wait for a relist
HEADING: Final = ("NAME", "READY", "STATUS", "RESTARTS", "AGE")
_PADDING: Final = 3
_MIN_WIDTH: Final = 6


class Watch:
    """Sorts status rows by time and writes a line for each; call `finish` at the end of the run.

    Ages are simulated time since a pod's creation. Pods outside the namespace ``default`` have it before their name.
    Restarts are always 0: containers do not crash here. Columns grow with what they hold, as kubectl's do.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        """``write`` is called with each line, without the line break."""
        self._write = write
        self._rows: list[tuple[float, int, StatusRecord]] = []
        self._latest = 0.0
        self._count = 0
        self._widths = [0] * (len(HEADING) - 1)

    def __call__(self, row: StatusRecord) -> None:
        """Take a row, and write all rows that are so old that no earlier row can follow."""
        heappush(self._rows, (row.t, self._count, row))
        self._count += 1
        self._latest = max(self._latest, row.t)
        self._write_until(self._latest - AHEAD)

    def finish(self, end: float) -> None:
        """Write the remaining rows up to the time ``end``, in seconds."""
        self._write_until(end)

    def _write_until(self, limit: float) -> None:
        while self._rows and self._rows[0][0] <= limit:
            if not self._widths[0]:
                self._start()
            self._write(self._line(_cells(heappop(self._rows)[2])))

    def _start(self) -> None:
        """Write the heading, with columns as wide as the rows known so far need."""
        for cells in (HEADING, *(_cells(row) for _, _, row in self._rows)):
            self._widen(cells)
        self._write(self._line(HEADING))

    def _line(self, cells: Sequence[str]) -> str:
        self._widen(cells)
        padded = (cell.ljust(width) for cell, width in zip(cells[:-1], self._widths, strict=True))
        return "".join(padded) + cells[-1]

    def _widen(self, cells: Sequence[str]) -> None:
        self._widths = [
            max(width, len(cell) + _PADDING, _MIN_WIDTH) for width, cell in zip(self._widths, cells[:-1], strict=True)
        ]


def _cells(row: StatusRecord) -> tuple[str, ...]:
    name = qualified(row.namespace, row.pod)
    return name, f"{row.ready}/{row.containers}", row.status, "0", age(row.t - row.created)
