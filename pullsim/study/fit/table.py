"""Tables of pulls: JSON lines or CSV with a row a pull.

Columns: ``image``; ``pull_s`` (or ``seconds``: the pull without waiting); and, where known, ``including_waiting_s``,
``size_bytes`` (or ``bytes``), ``node``, ``pulled_t`` (seconds on a clock of all rows), ``cluster``. Others can be
chosen by (``where``).
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import InputError, Location, shown
from pullsim.inputs.suggestion import did_you_mean
from pullsim.printable import from_cell
from pullsim.study.fit.observed import MOST_BYTES, MOST_CLOCK, MOST_SECONDS, Observed, ObservedPull

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SECONDS: Final = ("pull_s", "seconds")
SIZES: Final = ("size_bytes", "bytes", "size")
_MIXED: Final = ("cluster", "instance_type")  # rows that differ in these are not one kind of node


def read_rows(rows: Iterable[tuple[int, Any]], file: str, where: Mapping[str, str]) -> Observed:
    """Read JSON's objects with their line numbers. Raises InputError with the line of a mistake."""
    return _observed(((number, _object(row, file, number)) for number, row in rows), file, where)


def read_csv(text: str, file: str, where: Mapping[str, str]) -> Observed:
    """Read CSV with a header. Raises InputError with the line of a mistake."""
    return _observed(_csv_rows(text, file), file, where)


def _object(row: Any, file: str, number: int) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise InputError(f"{shown(row)} is no row of a table, which is an object", Location(file, number))
    return row


def _csv_rows(text: str, file: str) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.reader(io.StringIO(text, newline=""))
    header: list[str] = []
    try:
        for cells in reader:
            place = Location(file, reader.line_num)
            if not header:
                header = cells
            elif len(cells) > len(header):
                raise InputError(f"this row has {len(cells)} cells, the header has {len(header)}", place)
            elif cells:
                yield reader.line_num, dict(zip(header, map(from_cell, cells), strict=False))
    except csv.Error as error:
        raise InputError(f"this is no CSV: {error}", Location(file, reader.line_num)) from None


def _observed(rows: Iterable[tuple[int, Mapping[str, Any]]], file: str, where: Mapping[str, str]) -> Observed:
    observed, mixed = Observed(files=[file]), {key: dict[str, None]() for key in _MIXED}
    columns: set[str] = set()
    for number, row in rows:
        columns |= row.keys()
        if any(str(row.get(key)) != value for key, value in where.items()):
            continue
        place = Location(file, number)
        for key in _MIXED:
            if value := _text(row, key, place):
                mixed[key].setdefault(value)
        if (seconds := _number(row, SECONDS, MOST_SECONDS, place)) is None:
            observed.left_out["rows without a time (pull_s)"] += 1
            continue
        image = _text(row, "image", place)
        if not image:
            raise InputError("this row has no image", place)
        ended = _number(row, ("pulled_t",), MOST_CLOCK, place)
        size = _number(row, SIZES, MOST_BYTES, place)
        observed.pulls.append(
            ObservedPull(
                image,
                seconds,
                None if size is None else round(size),
                _text(row, "node", place),
                None if ended is None else ended - seconds,
                ended,
            )
        )
    if unknown := [key for key in where if key not in columns]:
        raise InputError(
            f"there is no column {shown(unknown[0])}{did_you_mean(unknown[0], columns, 3)}", Location(file)
        )
    _refuse_mixture(mixed, file)
    return observed


def _refuse_mixture(mixed: Mapping[str, Mapping[str, None]], file: str) -> None:
    for key, values in mixed.items():
        if len(values) > 1:
            first = next(iter(values))
            raise InputError(
                f"pulls of {len(values)} values of {key!r}: their nodes have no figures in common; "
                f"choose one, for example --where {key}={first}",
                Location(file),
            )


def _number(row: Mapping[str, Any], keys: Iterable[str], most: float, place: Location) -> float | None:
    """Give the first of the fields that there is, at most ``most``."""
    for key in keys:
        value = row.get(key)
        if value in (None, ""):
            continue
        number = _float(value)
        if number is None:
            raise InputError(f"{key} is {shown(value)}; a number is needed", place)
        if not 0 <= number <= most:
            raise InputError(f"{key} is {shown(value)}; a number from 0 to {most:g} is needed", place)
        return number
    return None


def _float(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _text(row: Mapping[str, Any], key: str, place: Location) -> str:
    """Give a field as text, empty where there is none."""
    value = row.get(key)
    if isinstance(value, dict | list | bool):
        raise InputError(f"{key} is {shown(value)}; text is needed", place)
    return "" if value is None else str(value)
