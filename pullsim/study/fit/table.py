"""Tables of pulls: JSON lines or CSV with a row a pull.

Columns: ``image``; ``pull_s`` (or ``seconds``: the pull without waiting); and, where known, ``including_waiting_s``,
``size_bytes`` (or ``bytes``), ``node``, ``pulled_t`` (seconds on a clock of all rows), ``cluster``. Others can be
chosen by (``where``).
"""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import InputError, Location
from pullsim.printable import from_cell
from pullsim.study.fit.observed import Observed, ObservedPull

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SECONDS: Final = ("pull_s", "seconds")
SIZES: Final = ("size_bytes", "bytes", "size")
_MIXED: Final = ("cluster", "instance_type")  # rows that differ in these are not one kind of node


def read_lines(text: str, file: str, where: Mapping[str, str]) -> Observed:
    """Read JSON lines. Raises InputError with the line of a mistake."""
    return _observed(_json_rows(text, file), file, where)


def read_csv(text: str, file: str, where: Mapping[str, str]) -> Observed:
    """Read CSV with a header. Raises InputError with the line of a mistake."""
    reader = csv.DictReader(io.StringIO(text))
    rows = (
        (reader.line_num, {key: from_cell(value) if isinstance(value, str) else value for key, value in row.items()})
        for row in reader
    )
    return _observed(rows, file, where)


def _json_rows(text: str, file: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(f"this line is not JSON: {error.msg}", Location(file, number, error.colno)) from None
        if not isinstance(row, dict):
            raise InputError("a line of a table is an object", Location(file, number))
        yield number, row


def _observed(rows: Iterable[tuple[int, Mapping[str, Any]]], file: str, where: Mapping[str, str]) -> Observed:
    observed, mixed = Observed(files=[file]), {key: dict[str, None]() for key in _MIXED}
    columns: set[str] = set()
    for number, row in rows:
        columns |= row.keys()
        if any(str(row.get(key)) != value for key, value in where.items()):
            continue
        for key in _MIXED:
            if row.get(key):
                mixed[key].setdefault(str(row[key]))
        if (seconds := _number(row, SECONDS, file, number)) is None:
            observed.left_out["rows without a time (pull_s)"] += 1
            continue
        if not row.get("image"):
            raise InputError("this row has no image", Location(file, number))
        ended = _number(row, ("pulled_t",), file, number)
        size = _number(row, SIZES, file, number)
        observed.pulls.append(
            ObservedPull(
                str(row["image"]),
                seconds,
                None if size is None else round(size),
                str(row.get("node") or ""),
                None if ended is None else ended - seconds,
                ended,
            )
        )
    if unknown := [key for key in where if key not in columns]:
        raise InputError(f"there is no column {unknown[0]!r}; there are {', '.join(sorted(columns))}", Location(file))
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


def _number(row: Mapping[str, Any], keys: Iterable[str], file: str, line: int) -> float | None:
    for key in keys:
        value = row.get(key)
        if value in (None, ""):
            continue
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise InputError(f"{key} is {value!r}; a number is needed", Location(file, line)) from None
        if not 0 <= number < float("inf"):
            raise InputError(f"{key} is {value!r}; a number of 0 or more is needed", Location(file, line))
        return number
    return None
