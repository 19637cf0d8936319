"""A file that holds the rows which a run has recorded, so that its memory does not grow with them.

It has no name, or is deleted when it is closed: whatever ends the process, nothing of it is left.
"""

from __future__ import annotations

import io
import pickle
import tempfile
import weakref
from typing import IO, TYPE_CHECKING, Any, Final

from pullsim.outputs import PREFIX, written

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pullsim.packed_column import PackedColumn

#: Blocks of each kind of rows that stay in memory, 131,072 rows: all those of most runs, which are read fastest there.
IN_MEMORY: Final = 64


class Scratch:
    """A file in a directory to which packed columns are appended, and from which they are read as often as needed.

    It is made when the first column comes. A copy of what refers to it, by `copy` or `pickle`, has its columns in
    memory.
    """

    def __init__(self, directory: Path) -> None:
        self.after = IN_MEMORY  # blocks of each kind of rows that stay in memory
        self._directory = directory
        self._file: IO[bytes] | None = None
        self._shared: list[list[Any]] = []  # what columns refer to, and what stays in memory
        self._numbers: dict[int, int] = {}  # of the lists above, by their identity

    def share(self, values: list[Any]) -> None:
        """Keep a list in memory to which columns refer, and which may grow."""
        if id(values) not in self._numbers:
            self._numbers[id(values)] = len(self._shared)
            self._shared.append(values)

    def store(self, column: PackedColumn) -> StoredColumn:
        """Write a column to the file; return what stands for it.

        Raises InputError for what the operating system refuses.
        """
        content = io.BytesIO()
        _Pickler(content, self._numbers).dump(column)
        with written(self._directory):
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix=PREFIX, dir=self._directory)  # noqa: SIM115  see finalize
                weakref.finalize(self, self._file.close)
            place = self._file.seek(0, io.SEEK_END)
            self._file.write(content.getbuffer())
        return StoredColumn(self, place, content.tell())

    def load(self, place: int, size: int) -> PackedColumn:
        """Read the column of so many bytes at a place. Raises InputError for what the operating system refuses."""
        assert self._file is not None
        with written(self._directory):
            self._file.seek(place)
            content = self._file.read(size)
        column: PackedColumn = _Unpickler(io.BytesIO(content), self._shared).load()
        return column

    def __reduce__(self) -> tuple[Any, ...]:
        return _none, ()


class StoredColumn:
    """A packed column on the disk, which is read whenever it is used."""

    __slots__ = ("_place", "_scratch", "_size")

    def __init__(self, scratch: Scratch, place: int, size: int) -> None:
        self._scratch = scratch
        self._place = place
        self._size = size

    def load(self) -> PackedColumn:
        """Read the column."""
        return self._scratch.load(self._place, self._size)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.load())

    def __getitem__(self, index: int) -> Any:
        return self.load()[index]

    def __reduce__(self) -> tuple[Any, ...]:
        return _same, (self.load(),)


def loaded(column: PackedColumn) -> PackedColumn:
    """Return a column in memory: itself, unless it is on the disk."""
    return column.load() if isinstance(column, StoredColumn) else column


class _Pickler(pickle.Pickler):
    """Writes shared lists as their numbers."""

    def __init__(self, file: IO[bytes], numbers: dict[int, int]) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._numbers = numbers

    def persistent_id(self, value: Any) -> int | None:
        return self._numbers.get(id(value)) if type(value) is list else None


class _Unpickler(pickle.Unpickler):
    """Reads shared lists by their numbers."""

    def __init__(self, file: IO[bytes], shared: list[list[Any]]) -> None:
        super().__init__(file)
        self._shared = shared

    def persistent_load(self, number: Any) -> Any:
        return self._shared[number]


def _none() -> None:
    """Stand for a file in copies of what referred to it."""


def _same(column: PackedColumn) -> PackedColumn:
    return column
