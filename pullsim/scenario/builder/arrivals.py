"""When the pods of a workload are created."""

from __future__ import annotations

import csv
import math
from itertools import accumulate
from typing import TYPE_CHECKING, Protocol

from pullsim.errors import InputError, Location, shown
from pullsim.inputs import read_text
from pullsim.inputs.document import MAX_BYTES
from pullsim.units import parse_duration

if TYPE_CHECKING:
    from pathlib import Path

    from pullsim.scenario.model.workloads import Arrivals


class Exponential(Protocol):
    """A source of random waiting times."""

    def exponential(self, rate: float) -> float:
        """Draw a waiting time of mean 1/rate seconds."""


def arrival_times(
    arrivals: Arrivals | None, count: int | None, start: float, random: Exponential, directory: Path
) -> list[float]:
    """Return the times at which ``count`` pods are created, in seconds, in order.

    A count of None means as many pods as the arrivals list has times, or one pod. ``start`` is the workload's own time,
    from which arrivals count. Raises InputError for a trace that cannot be read, and ValueError for a count that is not
    the number of listed times.
    """
    if arrivals is None:
        return [start] * (count or 1)
    if arrivals.poisson is not None:
        rate = arrivals.poisson
        return list(accumulate((random.exponential(rate) for _ in range(count or 1)), initial=start))[1:]
    if arrivals.every is not None:
        return [start + index * arrivals.every for index in range(count or 1)]
    listed = arrivals.at if arrivals.trace is None else read_trace(directory / arrivals.trace)
    assert listed is not None
    if count not in (None, len(listed)):
        raise ValueError(f"count is {count}, but arrivals list {len(listed)} times; leave count out")
    return [start + time for time in sorted(listed)]


def read_trace(path: Path) -> list[float]:
    """Read the times in the column ``t`` of a CSV file, or in its first column if it has no header.

    Times are seconds or Go durations. Raises InputError for a file or a time that cannot be read.
    """
    times: list[float] = []
    column: int | None = None
    reader = csv.reader(read_text(path, MAX_BYTES).splitlines())
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            place = Location(str(path), reader.line_num)
            if column is None:
                header = not cells[0][:1].isdigit() and not cells[0].startswith(".")
                column = _column(cells, place) if header else 0
                if header:
                    continue
            if column >= len(cells):
                raise InputError(f"the line has {len(cells)} columns, times are in column {column + 1}", place)
            times.append(_time(cells[column], place))
    except csv.Error as error:
        raise InputError(f"this is no CSV: {error}", Location(str(path), reader.line_num)) from None
    if not times:
        raise InputError("the trace has no times", Location(str(path)))
    return times


def _column(header: list[str], place: Location) -> int:
    if "t" not in header:
        raise InputError(f"there is no column t, the time of arrival; columns are {', '.join(header)}", place)
    return header.index("t")


def _time(text: str, place: Location) -> float:
    try:
        time = float(text)
    except ValueError:
        try:
            time = parse_duration(text)
        except ValueError as error:
            raise InputError(str(error), place) from None
    if not (time >= 0 and math.isfinite(time)):
        raise InputError(f"time {shown(text)} must be a number of seconds, 0 or more", place)
    return time
