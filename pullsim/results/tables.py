"""Records as tables: pandas data frames and CSV, both from the columns of `pullsim.results.columns`.

Numbers in files are rounded to nine decimals, the nanosecond of the kubelet's clock, and written as the shortest text
that reads back to the same double: the same run gives the same bytes.
"""

from __future__ import annotations

import csv
import math
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pullsim.printable import cell, json_text
from pullsim.results import columns as schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TextIO

    import pandas as pd

    from pullsim.records import KubeletEvent
    from pullsim.results.columns import Column
    from pullsim.run import Result

_NANO: Final = 1e9
_CHUNK: Final = 10_000  # rows
_DTYPES: Final = {"str": "string", "float": "float64", "int": "int64", "bool": "bool"}


def pods(result: Result) -> pd.DataFrame:
    """One row per pod; columns `pullsim.results.columns.PODS`."""
    return _frame(result, result.pods, schema.PODS)


def pulls(result: Result) -> pd.DataFrame:
    """One row per pull that a kubelet asked for; columns `pullsim.results.columns.PULLS`."""
    return _frame(result, result.pulls, schema.PULLS)


def layers(result: Result) -> pd.DataFrame:
    """One row per layer and pull that had to have it; columns `pullsim.results.columns.LAYERS`."""
    return _frame(result, result.layers, schema.LAYERS)


def events(result: Result) -> pd.DataFrame:
    """One row per kubelet event, in the order emitted; columns `pullsim.results.columns.EVENTS`."""
    return _frame(result, result.events, schema.EVENTS)


def statuses(result: Result) -> pd.DataFrame:
    """One row per change of what the API shows of a pod, by time; columns `pullsim.results.columns.STATUSES`."""
    return _frame(result, result.statuses, schema.STATUSES)


def removals(result: Result) -> pd.DataFrame:
    """One row per image that a kubelet removed; columns `pullsim.results.columns.REMOVALS`."""
    return _frame(result, result.removals, schema.REMOVALS)


def rollouts(result: Result) -> pd.DataFrame:
    """One row per rolling update; columns `pullsim.results.columns.ROLLOUTS`."""
    return _frame(result, result.rollouts, schema.ROLLOUTS)


def prepulls(result: Result) -> pd.DataFrame:
    """One row per pod of a prepull job; columns `pullsim.results.columns.PODS`."""
    return _frame(result, result.prepulls, schema.PODS)


def departures(result: Result) -> pd.DataFrame:
    """One row per node that left; columns `pullsim.results.columns.DEPARTURES`."""
    return _frame(result, result.departures, schema.DEPARTURES)


def disks(result: Result) -> pd.DataFrame:
    """One row per node whose disk has a size; columns `pullsim.results.columns.DISKS`."""
    return _frame(result, result.disks, schema.DISKS)


def links(result: Result) -> pd.DataFrame:
    """One row per registry link and interval; columns `pullsim.results.columns.LINKS`."""
    return _frame(result, result.links, schema.LINKS)


def write_pods_csv(result: Result, file: TextIO) -> None:
    """Write the table of pods; open files with ``newline=""``."""
    _write_csv(result, result.pods, schema.PODS, file)


def write_pulls_csv(result: Result, file: TextIO) -> None:
    """Write the table of pulls; open files with ``newline=""``."""
    _write_csv(result, result.pulls, schema.PULLS, file)


def write_layers_csv(result: Result, file: TextIO) -> None:
    """Write the table of layers; open files with ``newline=""``."""
    _write_csv(result, result.layers, schema.LAYERS, file)


def write_status_csv(result: Result, file: TextIO) -> None:
    """Write the table of statuses; open files with ``newline=""``."""
    _write_csv(result, result.statuses, schema.STATUSES, file)


def write_removals_csv(result: Result, file: TextIO) -> None:
    """Write the table of removed images; open files with ``newline=""``."""
    _write_csv(result, result.removals, schema.REMOVALS, file)


def write_rollouts_csv(result: Result, file: TextIO) -> None:
    """Write the table of rolling updates; open files with ``newline=""``."""
    _write_csv(result, result.rollouts, schema.ROLLOUTS, file)


def write_prepulls_csv(result: Result, file: TextIO) -> None:
    """Write the table of pods of prepull jobs; open files with ``newline=""``."""
    _write_csv(result, result.prepulls, schema.PODS, file)


def write_departures_csv(result: Result, file: TextIO) -> None:
    """Write the table of nodes that left; open files with ``newline=""``."""
    _write_csv(result, result.departures, schema.DEPARTURES, file)


def write_disks_csv(result: Result, file: TextIO) -> None:
    """Write the table of disks; open files with ``newline=""``."""
    _write_csv(result, result.disks, schema.DISKS, file)


def write_events_jsonl(events: Iterable[KubeletEvent], file: TextIO) -> None:
    """Write one event a line, every key always there, in the order emitted."""
    for event in events:
        row = event._asdict() | {"t": round(event.t * _NANO) / _NANO}
        file.write(json_text(row) + "\n")


def safe_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose names and texts are safe as cells of CSV, see `pullsim.printable.cell`."""
    safe = frame.rename(columns=lambda name: cell(str(name)))
    for name in safe.select_dtypes(include=["object", "string"]).columns:
        safe[name] = [cell(value) if isinstance(value, str) else value for value in safe[name]]
    return safe


def _frame(result: Result, rows: Sequence[Any], columns: tuple[Column, ...]) -> pd.DataFrame:
    """Make a frame a chunk of rows at a time: of a million layers only the numbers are in memory at once."""
    import pandas as pd  # noqa: PLC0415  half a second that only tables are worth

    columns = schema.bound(columns, result.pools)
    parts: list[list[pd.Series[Any]]] = [[] for _ in columns]
    for chunk in _chunks(rows) if rows else [[]]:
        for column, found in zip(columns, parts, strict=True):
            found.append(pd.Series([column.value(row) for row in chunk], dtype=_DTYPES[column.kind]))
    return pd.DataFrame(
        {
            column.name: pd.concat(found, ignore_index=True) if len(found) > 1 else found[0]
            for column, found in zip(columns, parts, strict=True)
        }
    )


def _chunks(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """Take rows a chunk at a time, once."""
    rest = iter(rows)
    return iter(lambda: [*islice(rest, _CHUNK)], [])


def _write_csv(result: Result, rows: Iterable[Any], columns: tuple[Column, ...], file: TextIO) -> None:
    """Write a chunk of rows at a time: a table of a million layers is never in memory as cells."""
    columns = schema.bound(columns, result.pools)
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    for chunk in _chunks(rows):
        writer.writerows(zip(*(_cells(column, chunk) for column in columns), strict=True))


def _cells(column: Column, rows: list[Any]) -> Iterable[Any]:
    """Give what the CSV writer takes for a column; it writes floats by `repr` and None as nothing."""
    values = map(column.value, rows)
    if column.kind == "float":
        numbers = np.array(list(values), dtype=np.float64)  # None becomes NaN
        rounded = np.rint(numbers * _NANO) / _NANO + 0.0  # no -0.0
        return [None if math.isnan(number) else number for number in rounded.tolist()]
    if column.kind == "bool":
        return ["true" if value else "false" for value in values]
    if column.kind == "str":
        return [value if value is None else cell(value) for value in values]
    return values
