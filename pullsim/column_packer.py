"""Packing the values of one field of many rows into the most compact form that their types allow.

Every value of a run that is kept passes here, so this is compiled; what it returns, `pullsim.packed_column`, is not.
"""

from __future__ import annotations

import math
import struct
from array import array
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

from pullsim.packed_column import Coded, Codes, Dictionaries, Numbers, Same, Texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.packed_column import PackedColumn, ValueTable

#: The integers below which an array of a type code, with a sign, can hold.
_LIMITS: Final = {"b": 1 << 7, "h": 1 << 15, "i": 1 << 31, "q": 1 << 63}
_FLAGS: Final = (False, True, None)
_FLAG_CODES: Final[dict[Any, Any]] = {flag: code for code, flag in enumerate(_FLAGS)}
_FLAG: Final[set[Any]] = {bool, NoneType}
_TEXT: Final[set[Any]] = {str, NoneType}
_TEXTS: Final[set[Any]] = {str, NoneType, tuple}
_NEW: Final = 4  # see `_learns`
_LONG: Final = 4096  # values of a column from which on its codes are worth to be compressed


def pack(values: Sequence[Any], table: ValueTable, room: int) -> PackedColumn:
    """Return a column in the most compact form that the types of its values allow.

    ``room``: number of distinct values that ``table`` may have.
    """
    column = tuple(values)
    types = _types_of(column)
    if types == {dict}:
        return _pack_dictionaries(column, table, room)
    if _all_the_same(column):
        return Same(column[0], len(column))
    if types == {float}:
        return _pack_numbers("d", column)
    if types == {int}:
        return _pack_integers(column)
    if types <= _FLAG:
        return Coded(bytes([_FLAG_CODES[value] for value in column]), _FLAGS)
    if types == {float, NoneType}:
        numbers = _with_nan(column)
        return column if numbers is None else Numbers(_array("d", numbers))
    if types <= _TEXT or (types <= _TEXTS and _all_text(column)):
        return _pack_texts(column, table, room)
    return column


def _types_of(column: tuple[Any, ...]) -> set[Any]:
    """Return the types of values."""
    found: set[Any] = set()
    last: Any = None
    for value in column:
        kind: Any = type(value)
        if kind is not last:  # most columns have one type
            found.add(kind)
            last = kind
    return found


def _all_the_same(column: tuple[Any, ...]) -> bool:
    """Whether all values are one object."""
    first: Any = column[0]
    return all(value is first for value in column)


def _array(code: str, column: Sequence[Any]) -> array[Any]:
    """Make an array of numbers by its type code; its own constructor takes twice as long."""
    return array(code, struct.pack(f"{len(column)}{code}", *column))


def _with_nan(column: tuple[Any, ...]) -> list[Any] | None:
    """Return doubles, in which NaN stands for None, or None if one of them is NaN."""
    nan: Any = math.nan
    numbers: list[Any] = []
    for value in column:
        if value is None:
            numbers.append(nan)
        else:
            number: float = value
            if number != number:  # noqa: PLR0124
                return None
            numbers.append(value)
    return numbers


def _pack_integers(column: tuple[Any, ...]) -> PackedColumn:
    """Return integers as an array of the least width that holds them, or as they are beyond 64 bits."""
    lowest, highest = min(column), max(column)
    for width, limit in _LIMITS.items():
        if -limit <= lowest and highest < limit:
            return _pack_numbers(width, column)
    return column


def _pack_numbers(code: str, column: tuple[Any, ...]) -> PackedColumn:
    """Return numbers as an array, or as one of them if they are the same to the last bit."""
    numbers = _array(code, column)
    content = numbers.tobytes()
    return Same(column[0], len(column)) if content == content[: numbers.itemsize] * len(column) else numbers


def _all_text(column: tuple[Any, ...]) -> bool:
    """Whether all tuples hold texts only, so that tuples that are equal may be replaced by one of them."""
    tuples = {id(value): value for value in column if type(value) is tuple}
    return all(_types_of(value) <= _TEXT for value in tuples.values())


def _pack_texts(column: tuple[Any, ...], table: ValueTable, room: int) -> PackedColumn:
    """Return texts as codes of the table, and of those of their own that it does not take."""
    known = len(table.values)
    new: dict[Any, Any] = {}
    numbers = _numbered(column, table.numbers, new)
    codes = _codes(numbers, known + len(new))
    if not new or _learns(table, new, len(column), room):
        return Coded(codes, table.values)
    return Texts(codes, table.values, known, [*new])


def _numbered(column: tuple[Any, ...], numbers: dict[Any, Any], new: dict[Any, Any]) -> list[Any]:
    """Return the numbers of values; those that have none are added to ``new`` with the numbers that follow."""
    codes: list[Any] = []
    last: Any = column  # no value of its own
    code: Any = None
    for value in column:
        if value is not last:  # many values are the ones before
            last = value
            code = numbers.get(value)
            if code is None:
                code = new.get(value)
                if code is None:
                    code = len(numbers) + len(new)
                    new[value] = code
        codes.append(code)
    return codes


def _learns(table: ValueTable, new: dict[Any, Any], count: int, room: int) -> bool:
    """Add new values of ``count`` to a table if they are few, or else those that come for the second time in a row.

    The latter are added if they are many, as it is with nodes and not with pods. Return whether all were added.
    """
    room -= len(table.values)
    if len(new) * _NEW <= count and len(new) <= room:
        table.add([*new])
        return True
    again = [value for value in new if value in table.last]
    if len(again) * _NEW >= len(new) and len(again) <= room:
        table.add(again)
    table.last = new if room else ()
    return False


def _codes(numbers: list[Any], count: int) -> PackedColumn:
    """Return numbers below ``count`` in compact form."""
    packed = array("B", bytes(numbers)) if count <= 1 << 8 else _array("H" if count <= 1 << 16 else "I", numbers)
    return Codes(packed) if len(packed) >= _LONG else packed


def _pack_dictionaries(column: tuple[Any, ...], table: ValueTable, room: int) -> PackedColumn:
    """Return dictionaries of floats by text in compact form, others as they are."""
    keys: list[Any] = []
    found: list[Any] = []
    for each in column:
        dictionary: dict[Any, Any] = each
        keys.append(tuple(dictionary))
        found.extend(dictionary.values())
    if _types_of(tuple(found)) <= {float} and all(_types_of(each) <= {str} for each in {*keys}):
        return Dictionaries(_pack_texts(tuple(keys), table, room), _array("d", found))
    return column
