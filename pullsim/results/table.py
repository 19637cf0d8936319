"""A table of a run: which rows it has, its columns, and how it becomes a pandas data frame or a CSV file.

Numbers in files are rounded to nine decimals, the nanosecond of the kubelet's clock, and written as the shortest text
that reads back to the same double: the same run gives the same bytes.
"""

from __future__ import annotations

import csv
import math
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from pullsim.printable import cell
from pullsim.results.columns import bound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import TextIO

    import pandas as pd
    from numpy.typing import NDArray

    from pullsim.results.columns import Column
    from pullsim.run import Result

NANOSECONDS: Final = 1e9  # nanoseconds in a second
_CHUNK: Final = 10_000  # rows
_DTYPES: Final = {"str": "string", "float": "float64", "int": "int64", "bool": "bool"}


class Table(NamedTuple):
    """Rows of a result and their columns, and the CSV file that a run writes of them."""

    rows: Callable[[Result], Sequence[Any]]
    columns: tuple[Column, ...]
    content: str  # what a row is, in the reference of the files
    file: str | None = None  # None: a run does not write it
    detail: str = "none"  # least value of --detail that keeps its rows
    written: Callable[[Result], object] | None = None  # whether there is anything to write; None: always

    def frame(self, result: Result) -> pd.DataFrame:
        """Return the table as a data frame with these columns, a row for each of `rows`; a missing value is NA or NaN.

        It is made a chunk of rows at a time, so that a million layers are never in memory as Python objects.
        """
        import pandas as pd  # noqa: PLC0415  half a second that only tables are worth

        rows = self.rows(result)
        columns = bound(self.columns, result.pools)
        parts: list[list[pd.Series[Any]]] = [[] for _ in columns]
        for chunk in chunks(rows) if rows else [[]]:
            for column, found in zip(columns, parts, strict=True):
                found.append(pd.Series([column.value(row) for row in chunk], dtype=_DTYPES[column.kind]))
        return pd.DataFrame(
            {
                column.name: pd.concat(found, ignore_index=True) if len(found) > 1 else found[0]
                for column, found in zip(columns, parts, strict=True)
            }
        )

    def write_csv(self, result: Result, file: TextIO) -> None:
        """Write the table, a chunk of rows at a time, so that a million layers are never in memory as cells.

        Files are to be opened with ``newline=""``.
        """
        columns = bound(self.columns, result.pools)
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([column.name for column in columns])
        for chunk in chunks(self.rows(result)):
            writer.writerows(zip(*(_cells(column, chunk) for column in columns), strict=True))


def chunks(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """Yield the rows in chunks, going through them once."""
    rest = iter(rows)
    return iter(lambda: [*islice(rest, _CHUNK)], [])


def rounded(values: Iterable[float | None]) -> NDArray[np.float64]:
    """Return numbers as files have them, to the nanosecond, without a negative zero; None becomes NaN."""
    numbers = np.array(list(values), dtype=np.float64)
    nearest: NDArray[np.float64] = np.rint(numbers * NANOSECONDS) / NANOSECONDS + 0.0  # turns -0.0 into 0.0
    return nearest


def _cells(column: Column, rows: list[Any]) -> Iterable[Any]:
    """Return the cells of a column for the CSV writer, which writes floats by `repr` and None as an empty cell."""
    values = map(column.value, rows)
    if column.kind == "float":
        return [None if math.isnan(number) else number for number in rounded(values).tolist()]
    if column.kind == "bool":
        return ["true" if value else "false" for value in values]
    if column.kind == "str":
        return [value if value is None else cell(value) for value in values]
    return values
