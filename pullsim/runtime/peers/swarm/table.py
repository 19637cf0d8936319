"""Rows of numbers that grow, as one numpy array a column."""

from __future__ import annotations

from typing import Any

import numpy as np


class Table:
    """Columns of equal length. A column is read and written by its name, and is a view of the rows that there are."""

    def __init__(self, columns: dict[str, Any]) -> None:
        """``columns``: the type of each column by its name."""
        self._columns: dict[str, Any] = {name: np.zeros(16, dtype=kind) for name, kind in columns.items()}
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, name: str) -> Any:
        """Return a column."""
        return self._columns[name][: self._length]

    def add(self) -> int:
        """Add a row of zeros; return its number."""
        row = self._length
        for name, column in self._columns.items():
            if row == len(column):
                self._columns[name] = doubled(column)
        self._length = row + 1
        return row


def doubled(array: Any, fill: int = 0) -> Any:
    """Return an array with as many rows again, full of ``fill``."""
    return np.concatenate((array, np.full_like(array, fill)))
