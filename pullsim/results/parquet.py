"""Tables of a run as Parquet files: the rows and columns of the CSV files, with the types of the columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, Final

import pyarrow as pa
from pyarrow import parquet

from pullsim.results.columns import bound
from pullsim.results.table import chunks, rounded

if TYPE_CHECKING:
    from pullsim.results.columns import Column
    from pullsim.results.table import Table
    from pullsim.run import Result

_GROUP: Final = 100_000  # rows that are written together, and can be read without the others
_COMPRESSION: Final = "zstd"
_TYPES: Final = {"str": pa.string(), "float": pa.float64(), "int": pa.int64(), "bool": pa.bool_()}


def write_parquet(table: Table, result: Result, file: BinaryIO) -> None:
    """Write a table a row group at a time, so that its rows are never in memory together.

    Numbers are those of the CSV file. Texts are as they are: none has an apostrophe before what a spreadsheet would
    take for a formula. A missing value is null.
    """
    columns = bound(table.columns, result.pools)
    schema = pa.schema([(column.name, _TYPES[column.kind]) for column in columns])
    with parquet.ParquetWriter(file, schema, compression=_COMPRESSION) as writer:
        waiting: list[Any] = []
        for chunk in chunks(table.rows(result)):
            waiting.append(pa.record_batch([_array(column, chunk) for column in columns], schema))
            if sum(batch.num_rows for batch in waiting) >= _GROUP:
                writer.write_table(pa.Table.from_batches(waiting))
                waiting = []
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting))


def _array(column: Column, rows: list[Any]) -> Any:
    """Return the values of a column as Arrow keeps them."""
    values = [*map(column.value, rows)]
    if column.kind == "float":
        return pa.array(rounded(values), from_pandas=True)  # NaN becomes null
    if column.kind == "str":
        values = [value if value is None else _sendable(value) for value in values]
    return pa.array(values, _TYPES[column.kind])


def _sendable(text: str) -> str:
    """Return a text that UTF-8 can hold: half a surrogate pair is written as its number."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()
