"""The values of one field of many rows, stored in little memory.

Numbers of one type are an array of machine numbers. Texts are an array of codes: those of a table of the field's values
while these are few, and else those of the column's own values, which are compressed. What all rows share is kept once.
Anything else is a list. The values that are read have exactly the values and types that were stored.
"""

from __future__ import annotations

import marshal
import math
import struct
import zlib
from array import array
from functools import lru_cache
from itertools import chain, islice, repeat
from operator import is_, ne
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: The integers below which an array of a type code, with a sign, can hold.
_LIMITS: Final = {"b": 1 << 7, "h": 1 << 15, "i": 1 << 31, "q": 1 << 63}
_FLAGS: Final = (False, True, None)
_FLAG_CODES: Final = {flag: code for code, flag in enumerate(_FLAGS)}
_TEXT: Final = {str, NoneType}
_TEXTS: Final = {*_TEXT, tuple}
_NEW: Final = 4  # values there must be for each that a table gets from a column; with more they seldom come again
_FORMAT: Final = 2  # of `marshal`: later ones write how many references a text has
_READ: Final = 8  # compressed columns of each kind that were read last and are kept as they are
_LONG: Final = 4096  # values of a column from which on its codes are worth to be compressed


class PackedColumn(Protocol):
    """The values of one field of the rows of a block."""

    def __iter__(self) -> Iterator[Any]: ...

    def __getitem__(self, index: int, /) -> Any: ...


class ValueTable:
    """The distinct texts of a field, or tuples of texts, each with a number that stands for it."""

    __slots__ = ("_numbers", "values")

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}
        self.values: list[Any] = []  # by their numbers; columns refer to this list

    def coded(self, column: Sequence[Any], room: int) -> _Coded | None:
        """Return the column as codes, or None if the table would get more than ``room`` values, or many new ones."""
        numbers = self._numbers
        try:  # most columns have no new values
            return _Coded(_codes(column, numbers), self.values)
        except KeyError:
            new = [value for value in dict.fromkeys(column) if value not in numbers]
        if len(new) * _NEW > len(column) or len(numbers) + len(new) > room:
            return None
        numbers.update(zip(new, range(len(numbers), len(numbers) + len(new)), strict=True))
        self.values += new
        return _Coded(_codes(column, numbers), self.values)

    def __reduce__(self) -> tuple[Any, ...]:
        return _value_table, (self.values,)


def _value_table(found: list[Any]) -> ValueTable:
    """Make a table again when it is unpickled."""
    table = ValueTable()
    table.values = found
    table._numbers = {value: number for number, value in enumerate(found)}  # noqa: SLF001
    return table


class _Coded:
    """A column of numbers that stand for the values of a table."""

    __slots__ = ("_codes", "_values")

    def __init__(self, codes: PackedColumn, found: Sequence[Any]) -> None:
        self._codes = codes
        self._values = found

    def __iter__(self) -> Iterator[Any]:
        return map(self._values.__getitem__, self._codes)

    def __getitem__(self, index: int) -> Any:
        return self._values[self._codes[index]]


class _Codes:
    """Codes of many rows, compressed."""

    __slots__ = ("_content", "_width")

    def __init__(self, codes: array[int]) -> None:
        self._width = codes.typecode
        self._content = zlib.compress(codes, 1)

    def __iter__(self) -> Iterator[int]:
        return iter(_expanded(self._width, self._content))

    def __getitem__(self, index: int) -> int:
        return _expanded(self._width, self._content)[index]


@lru_cache(_READ)
def _expanded(width: str, content: bytes) -> array[int]:
    """Return codes that were compressed, by the type code of their array."""
    return array(width, zlib.decompress(content))


class _Texts:
    """A column of texts of which few are in other columns: numbers that stand for its distinct values, compressed."""

    __slots__ = ("_codes", "_found")

    def __init__(self, column: Sequence[Any]) -> None:
        found = dict.fromkeys(column)
        self._codes = _codes(column, dict(zip(found, range(len(found)), strict=True)))
        self._found = zlib.compress(marshal.dumps([*found], _FORMAT), 1)

    def __iter__(self) -> Iterator[Any]:
        return map(_decompressed(self._found).__getitem__, self._codes)

    def __getitem__(self, index: int) -> Any:
        return _decompressed(self._found)[self._codes[index]]


@lru_cache(_READ)
def _decompressed(found: bytes) -> list[Any]:
    """Return texts, or tuples of texts, that were compressed."""
    return marshal.loads(zlib.decompress(found))  # type: ignore[no-any-return]  # noqa: S302  written above


class _Same:
    """A column of one object, so many times."""

    __slots__ = ("_count", "_value")

    def __init__(self, value: Any, count: int) -> None:
        self._value = value
        self._count = count

    def __iter__(self) -> Iterator[Any]:
        return repeat(self._value, self._count)

    def __getitem__(self, index: int) -> Any:
        return self._value


class _Numbers:
    """A column of doubles in which NaN stands for None."""

    __slots__ = ("_numbers",)

    def __init__(self, numbers: array[float]) -> None:
        self._numbers = numbers

    def __iter__(self) -> Iterator[float | None]:
        return iter([None if number != number else number for number in self._numbers])  # noqa: PLR0124  # NaN

    def __getitem__(self, index: int) -> float | None:
        number = self._numbers[index]
        return None if math.isnan(number) else number


class _Dictionaries:
    """A column of dictionaries of doubles: the keys of each as a number, and all their values one after the other."""

    __slots__ = ("_keys", "_values")

    def __init__(self, keys: PackedColumn, found: array[float]) -> None:
        self._keys = keys
        self._values = found

    def __iter__(self) -> Iterator[dict[str, float]]:
        rest = iter(self._values)
        # zip stops at the end of the keys before it takes a value, so that no value is lost between two dictionaries.
        return iter([dict(zip(keys, rest, strict=False)) for keys in self._keys])

    def __getitem__(self, index: int) -> dict[str, float]:
        start = sum(map(len, islice(self._keys, index)))
        keys = self._keys[index]
        return dict(zip(keys, self._values[start : start + len(keys)], strict=True))


def pack(column: Sequence[Any], table: ValueTable, room: int) -> PackedColumn:
    """Return a column in the most compact form that the types of its values allow.

    ``room``: number of distinct values that ``table`` may have.
    """
    types = {*map(type, column)}
    if types == {dict}:
        return _pack_dictionaries(column, table, room)
    if all(map(is_, column, repeat(column[0]))):
        return _Same(column[0], len(column))
    if types == {float}:
        return _pack_numbers("d", column)
    if types == {int}:
        return _pack_integers(column)
    if types <= {bool, NoneType}:
        return _Coded(bytes(map(_FLAG_CODES.__getitem__, column)), _FLAGS)
    if types == {float, NoneType}:
        numbers = _array("d", [math.nan if number is None else number for number in column])
        return _Numbers(numbers) if sum(map(ne, numbers, numbers)) == column.count(None) else [*column]
    if types <= _TEXT or (types <= _TEXTS and _all_text(column)):
        return table.coded(column, room) or _Texts(column)
    return [*column]


def _array(code: str, column: Sequence[float]) -> array[Any]:
    """Make an array of numbers by its type code; its own constructor takes twice as long."""
    return array(code, struct.pack(f"{len(column)}{code}", *column))


def _codes(column: Sequence[Any], numbers: dict[Any, int]) -> PackedColumn:
    """Return the numbers that stand for values. Raises KeyError."""
    width = "B" if len(numbers) <= 1 << 8 else "H" if len(numbers) <= 1 << 16 else "I"
    codes = _array(width, [*map(numbers.__getitem__, column)])
    return _Codes(codes) if len(codes) >= _LONG else codes


def _pack_integers(column: Sequence[int]) -> PackedColumn:
    """Return integers as an array of the least width that holds them, or as a list beyond 64 bits."""
    lowest, highest = min(column), max(column)
    for width, limit in _LIMITS.items():
        if -limit <= lowest and highest < limit:
            return _pack_numbers(width, column)
    return [*column]


def _pack_numbers(code: str, column: Sequence[float]) -> PackedColumn:
    """Return numbers as an array, or as one of them if they are the same to the last bit."""
    numbers = _array(code, column)
    content = numbers.tobytes()
    return _Same(column[0], len(column)) if content == content[: numbers.itemsize] * len(column) else numbers


def _all_text(column: Sequence[Any]) -> bool:
    """Whether all tuples hold texts only, so that tuples that are equal may be replaced by one of them."""
    tuples = {id(value): value for value in column if type(value) is tuple}
    return all({*map(type, value)} <= _TEXT for value in tuples.values())


def _pack_dictionaries(column: Sequence[dict[Any, Any]], table: ValueTable, room: int) -> PackedColumn:
    """Return dictionaries of floats by text in compact form, others as a list."""
    found = [*chain.from_iterable(map(dict.values, column))]
    keys = [*map(tuple, column)]
    if {*map(type, found)} <= {float} and all({*map(type, each)} <= {str} for each in {*keys}):
        return _Dictionaries(table.coded(keys, room) or _Texts(keys), _array("d", found))
    return [*column]
