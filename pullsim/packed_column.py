"""The values of one field of many rows, stored in little memory.

Numbers of one type are an array of machine numbers. Texts are an array of codes: those of a table of the field's
values, and those of the column's own ones, which are compressed. What all rows share is kept once. Anything else is a
tuple. The values that are read have exactly the values and types that were stored.
"""

from __future__ import annotations

import marshal
import math
import zlib
from array import array
from functools import lru_cache
from itertools import count, islice, repeat
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

_FORMAT: Final = 2  # of `marshal`: later ones write how many references a text has
_LEVEL: Final = 1  # of compression: the fastest
_WINDOW: Final = 13  # base-two logarithm of the bytes of which the compressor remembers what was in them
_MEMORY: Final = 5  # of the compressor: 2**(5 + 9) bytes, and four times its window
_READ: Final = 8  # compressed columns of each kind that were read last and are kept as they are


class PackedColumn(Protocol):
    """The values of one field of the rows of a block."""

    def __iter__(self) -> Iterator[Any]: ...

    def __getitem__(self, index: int, /) -> Any: ...


class ValueTable:
    """The distinct texts of a field, or tuples of texts, each with a number that stands for it."""

    __slots__ = ("last", "numbers", "values")

    def __init__(self, values: list[Any] | None = None) -> None:
        self.values = [] if values is None else values  # by their numbers; columns refer to this list
        self.numbers = {value: number for number, value in enumerate(self.values)}
        self.last: Container[Any] = ()  # the values of the last column of which it did not take all

    def add(self, new: Sequence[Any]) -> None:
        """Add values that it does not have."""
        self.numbers.update(zip(new, count(len(self.values))))
        self.values += new

    def __reduce__(self) -> tuple[Any, ...]:
        return ValueTable, (self.values,)


class Coded:
    """A column of numbers that stand for the values of a table."""

    __slots__ = ("_codes", "_values")

    def __init__(self, codes: PackedColumn, found: Sequence[Any]) -> None:
        self._codes = codes
        self._values = found

    def __iter__(self) -> Iterator[Any]:
        return map(self._values.__getitem__, self._codes)

    def __getitem__(self, index: int) -> Any:
        return self._values[self._codes[index]]


class Codes:
    """Codes of many rows, compressed."""

    __slots__ = ("_content", "_width")

    def __init__(self, codes: array[int]) -> None:
        self._width = codes.typecode
        self._content = _compressed(codes)

    def __iter__(self) -> Iterator[int]:
        return iter(_expanded(self._width, self._content))

    def __getitem__(self, index: int) -> int:
        return _expanded(self._width, self._content)[index]


def _compressed(content: bytes | array[int]) -> bytes:
    """Compress some kilobytes: with the window and the memory for many more, this would take three times as long."""
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, wbits=_WINDOW, memLevel=_MEMORY)
    return compressor.compress(content) + compressor.flush()


@lru_cache(_READ)
def _expanded(width: str, content: bytes) -> array[int]:
    """Return codes that were compressed, by the type code of their array."""
    return array(width, zlib.decompress(content))


class Texts:
    """A column of texts of which many are in no other column: these are compressed, others are in a table."""

    __slots__ = ("_codes", "_found", "_known", "_values")

    def __init__(self, codes: PackedColumn, values: Sequence[Any], known: int, found: list[Any]) -> None:
        """``codes`` are places in the first ``known`` values of a table, followed by those ``found`` here."""
        self._codes = codes
        self._values = values
        self._known = known
        self._found = _compressed(marshal.dumps(found, _FORMAT))

    def __iter__(self) -> Iterator[Any]:
        return map([*self._values[: self._known], *_decompressed(self._found)].__getitem__, self._codes)

    def __getitem__(self, index: int) -> Any:
        code = self._codes[index]
        return self._values[code] if code < self._known else _decompressed(self._found)[code - self._known]


@lru_cache(_READ)
def _decompressed(found: bytes) -> list[Any]:
    """Return texts, or tuples of texts, that were compressed."""
    return marshal.loads(zlib.decompress(found))  # type: ignore[no-any-return]  # noqa: S302  written above


class Same:
    """A column of one object, so many times."""

    __slots__ = ("_count", "_value")

    def __init__(self, value: Any, count: int) -> None:
        self._value = value
        self._count = count

    def __iter__(self) -> Iterator[Any]:
        return repeat(self._value, self._count)

    def __getitem__(self, index: int) -> Any:
        return self._value


class Numbers:
    """A column of doubles in which NaN stands for None."""

    __slots__ = ("_numbers",)

    def __init__(self, numbers: array[float]) -> None:
        self._numbers = numbers

    def __iter__(self) -> Iterator[float | None]:
        return iter([None if number != number else number for number in self._numbers])  # noqa: PLR0124  # NaN

    def __getitem__(self, index: int) -> float | None:
        number = self._numbers[index]
        return None if math.isnan(number) else number


class Dictionaries:
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
