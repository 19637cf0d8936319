"""Lists of named tuples that are stored by column: hundreds of thousands of rows in a quarter of the memory.

A record of a run is a tuple of Python numbers, whose objects take most of the memory. Rows are appended one by one, and
a block of 2048 is packed into columns. A column is an array of machine numbers if all its values are numbers of one
type, an array of codes if they are texts, and otherwise a tuple of its values, see `pullsim.packed_column`. Rows that
are read have exactly the values and types that were appended. Packed columns may be kept on the disk.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, MutableSequence, Sequence
from functools import partial
from itertools import accumulate, chain, islice
from operator import attrgetter, eq
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, overload

from pullsim.packed_column import ValueTable

if TYPE_CHECKING:
    from pullsim.packed_column import PackedColumn
    from pullsim.scratch import Scratch

Row = TypeVar("Row", bound=tuple[Any, ...])

BLOCK: Final = 2048  # rows that are packed at a time
_ROOM: Final = 2048  # distinct texts of a field that its table may have


class Rows(MutableSequence[Row]):
    """A list of named tuples of one type, of which full blocks are stored by column and the rest as tuples.

    A row that is read is a new tuple, equal to the one appended; a dictionary in it is a copy. Iterating takes half a
    microsecond for each row, `values` of a few fields a tenth of that. Single rows are best read in their order,
    as some texts are unpacked by the block. Replacing, inserting and deleting unpack all rows from that place on into
    tuples, until the next row is appended. Slices are plain lists.

    Appending raises TypeError when a block is packed whose rows are of several types or no named tuples.
    """

    __slots__ = ("_blocks", "_end", "_kind", "_scratch", "_size", "_tables")

    def __init__(self, rows: Iterable[Row] = (), *, block: int = BLOCK, scratch: Scratch | None = None) -> None:
        """``block`` is the number of rows that are packed at a time; ``scratch`` keeps most of them on the disk."""
        self._size = block
        self._scratch = scratch
        self._blocks: list[_Block[Row]] = []  # each has exactly that many rows
        self._end: list[Any] = []  # the rows after them; see `_rest`
        self._kind: type[Row] | None = None  # of those of them that are plain tuples
        self._tables: dict[str, ValueTable] = {}  # the distinct texts of each field
        self.extend(rows)

    def append(self, value: Row) -> None:
        """Add a row at the end."""
        rest = self._rest
        rest.append(value)
        if len(rest) >= self._size:
            self._pack()

    def appender(self, kind: type[Row]) -> Callable[[tuple[Any, ...]], None]:
        """Return what appends a row of a kind, given as a plain tuple, until rows are changed in any other way.

        Making a named tuple takes ten times as long as a plain one, and few rows are read before they are packed.
        """
        from pullsim.row_appender import RowAppender  # noqa: PLC0415  `import pullsim` loads nothing that is compiled

        self._kind = kind
        return RowAppender(self._end, self._size, self._pack).append

    def extend(self, values: Iterable[Row]) -> None:
        """Add rows at the end."""
        for row in [*values] if values is self else values:
            self.append(row)

    def insert(self, index: int, value: Row) -> None:
        """Insert a row before the one at ``index``."""
        place, _, _ = slice(index, None).indices(len(self))
        self._unpack(place)
        self._rest.insert(place - self._packed, value)

    def clear(self) -> None:
        """Remove all rows."""
        self._blocks.clear()
        self._rest.clear()
        self._tables.clear()

    def sort(self, *, key: Callable[[Row], Any]) -> None:
        """Sort by a key; rows with equal keys keep their order.

        At any time only the rows that are out of order, and those of one block, are unpacked.
        """
        parts: list[Iterable[Row]] = [*self._blocks, *([self._rest] if self._rest else [])]
        parts.reverse()
        # The lowest key of the last part, of the last two parts, and so on.
        lowest = [*accumulate((min(map(key, part)) for part in parts), min)]
        self._blocks, self._end = [], []
        waiting: list[Row] = []
        while parts:
            waiting += parts.pop()
            waiting.sort(key=key)
            ready = bisect_right(waiting, lowest[len(parts) - 1], key=key) if parts else len(waiting)
            self.extend(waiting[:ready])
            del waiting[:ready]

    def values(self, *fields: str) -> Iterator[Any]:
        """Iterate over a field's values, or over tuples of the values of several fields, in the order of the rows."""
        packed = (block.values(fields) for block in self._blocks)
        return chain(chain.from_iterable(packed), map(attrgetter(*fields), self._rest))

    def __iter__(self) -> Iterator[Row]:
        return chain(chain.from_iterable(self._blocks), self._rest)

    def __reversed__(self) -> Iterator[Row]:
        blocks = (reversed([*block]) for block in reversed(self._blocks))
        return chain(reversed(self._rest), chain.from_iterable(blocks))

    def __len__(self) -> int:
        return self._packed + len(self._end)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return self._slice(range(len(self))[index])
        place = self._place(index)
        block, within = divmod(place, self._size)
        return self._blocks[block].row(within) if block < len(self._blocks) else self._rest[place - self._packed]

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, slice):
            self._unpack(0)
            self._rest[index] = value
        else:
            place = self._place(index)
            self._unpack(place)
            self._rest[place - self._packed] = value

    def __delitem__(self, index: int | slice) -> None:
        if isinstance(index, slice):
            self._unpack(0)
            del self._rest[index]
        else:
            place = self._place(index)
            self._unpack(place)
            del self._rest[place - self._packed]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (Rows, list)):
            return NotImplemented
        return len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]  # it can change, as a list can

    def __repr__(self) -> str:
        return repr([*self])

    def __copy__(self) -> Rows[Row]:
        return Rows(self, block=self._size)

    @property
    def _rest(self) -> list[Row]:
        """The rows that are not packed, as named tuples."""
        end = self._end
        if self._kind is not None and end and type(end[-1]) is tuple:
            end[:] = [tuple.__new__(self._kind, row) if type(row) is tuple else row for row in end]
        return end

    @property
    def _packed(self) -> int:
        return len(self._blocks) * self._size

    def _place(self, index: int) -> int:
        """Return an index as counted from the first row. Raises IndexError."""
        try:
            return range(len(self))[index]
        except IndexError:
            raise IndexError("row index out of range") from None

    def _slice(self, places: range) -> list[Row]:
        if places.step < 0:
            return self._slice(places[::-1])[::-1]
        before = min(places.start // self._size, len(self._blocks))
        rows = chain(chain.from_iterable(self._blocks[before:]), self._rest)
        skipped = before * self._size
        return [*islice(rows, places.start - skipped, max(places.stop, places.start) - skipped, places.step)]

    def _pack(self) -> None:
        """Pack all rows at the end that make up whole blocks."""
        rest, size = self._end, self._size
        whole = len(rest) - len(rest) % size
        for start in range(0, whole, size):
            block = _Block(rest[start : start + size], self._kind, self._tables)
            if self._scratch is not None and len(self._blocks) >= self._scratch.after:
                block.store(self._scratch, self._tables)
            self._blocks.append(block)
        del rest[:whole]

    def _unpack(self, place: int) -> None:
        """Unpack the block that has the row at ``place`` and all blocks after it."""
        kept = place // self._size
        if kept < len(self._blocks):
            # New lists are made, because an iteration that is under way goes on over the old ones.
            self._end = [*chain.from_iterable(self._blocks[kept:]), *self._rest]
            self._blocks = self._blocks[:kept]


def values(rows: Sequence[Row], *fields: str) -> Iterator[Any]:
    """Iterate as `Rows.values` does, over rows of any sequence."""
    return rows.values(*fields) if isinstance(rows, Rows) else map(attrgetter(*fields), rows)


class _Block(Generic[Row]):
    """A fixed number of rows, stored as one packed column for each field."""

    __slots__ = ("_columns", "_kind")

    def __init__(self, rows: Sequence[Any], kind: type[Row] | None, tables: dict[str, ValueTable]) -> None:
        """``kind`` is that of rows that are plain tuples."""
        from pullsim.column_packer import pack  # noqa: PLC0415  `import pullsim` loads nothing that is compiled

        kinds = {kind if kind and each is tuple else each for each in {*map(type, rows)}}
        self._kind = kinds.pop()
        if kinds or not hasattr(self._kind, "_fields"):
            names = sorted(kind.__name__ for kind in {*kinds, self._kind})
            raise TypeError(f"rows are named tuples of one type, not {', '.join(names)}")
        self._columns: dict[str, PackedColumn] = {}
        arrays: dict[tuple[str, bytes], PackedColumn] = {}  # columns that are equal are kept once
        for field, column in zip(self._kind._fields, zip(*rows, strict=True), strict=True):
            packed = pack(column, tables.setdefault(field, ValueTable()), _ROOM)
            if isinstance(packed, array):
                packed = arrays.setdefault((packed.typecode, packed.tobytes()), packed)
            self._columns[field] = packed

    def store(self, scratch: Scratch, tables: dict[str, ValueTable]) -> None:
        """Move the columns to the disk; the ``tables`` that they refer to stay in memory."""
        for table in tables.values():
            scratch.share(table.values)
        self._columns = {field: scratch.store(column) for field, column in self._columns.items()}

    def __iter__(self) -> Iterator[Row]:
        return map(partial(tuple.__new__, self._kind), zip(*self._columns.values(), strict=True))

    def row(self, place: int) -> Row:
        """Return one row."""
        return tuple.__new__(self._kind, [column[place] for column in self._columns.values()])

    def values(self, fields: Sequence[str]) -> Iterator[Any]:
        """Iterate over the values of one field, or over tuples of the values of several fields."""
        columns = [self._columns[field] for field in fields]
        return iter(columns[0]) if len(columns) == 1 else zip(*columns, strict=True)
