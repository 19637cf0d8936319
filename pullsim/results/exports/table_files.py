"""The formats of the tables that a run writes, and their names."""

from __future__ import annotations

from typing import Final

CSV: Final = "csv"
PARQUET: Final = "parquet"
FORMATS: Final = (CSV, PARQUET)
DEFAULT_FORMATS: Final = (CSV,)


def parquet_file(name: str) -> str:
    """Return the name of the parquet file of a table, from that of its CSV file."""
    return f"{name.removesuffix(f'.{CSV}')}.{PARQUET}"
