"""Parsing JSON and JSON lines into plain values, with InputError for everything that cannot be used."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, Final, NoReturn

from pullsim.errors import InputError, Location

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The most memory that the values of one document may take, in bytes; it is estimated before parsing.
MAX_MEMORY: Final = 600_000_000
MAX_DIGITS: Final = 100  # most digits of a whole number, in YAML too
MAX_DEPTH: Final = 200  # schemas in CustomResourceDefinitions are the deepest of what clusters tell

#: Upper bounds of the memory that CPython needs for an object, for a list, and for each value in one, in bytes.
_OBJECT, _LIST, _VALUE = 200, 60, 70
_LONE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_TEXT: Final = re.compile(r"\S")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class _WrongNumber(ValueError):
    """A number that cannot be used, with its text and what is wrong with it."""

    def __init__(self, text: str, wrong: str) -> None:
        super().__init__(wrong)
        self.text = text
        self.wrong = wrong


def parse_json(text: str, file: str, first_line: int = 1) -> Any:
    """Parse one JSON document: dict, list, str, int, finite float, bool or None.

    Raises InputError with its place for bad syntax, numbers that no float can hold, NaN and Infinity, whole numbers of
    more than MAX_DIGITS digits, nesting deeper than MAX_DEPTH, and more values than fit into MAX_MEMORY. Half of a
    surrogate pair is read as U+FFFD, as Go's encoding/json does. ``first_line`` is the number of the text's first line
    in its file.
    """
    _check_memory(text, Location(file))
    try:
        value = json.loads(text, parse_int=_whole, parse_float=_finite, parse_constant=_constant)
    except json.JSONDecodeError as error:
        _refuse(f"this is no JSON: {error.msg}", text, error.pos, file, first_line)
    except _WrongNumber as error:
        _refuse(error.wrong, text, text.find(error.text), file, first_line)
    except RecursionError:
        value = None
        deep = True
    else:
        deep = text.count("[") + text.count("{") > MAX_DEPTH and _is_deep(value)
    if deep:
        raise InputError(f"nested more than {MAX_DEPTH} levels deep", Location(file, first_line))
    return without_lone_surrogates(value) if _LONE.search(text) else value


def json_lines(text: str, file: str) -> Iterator[tuple[int, Any]]:
    """Yield the number and the value of each line that is not blank. Only a line feed ends a line.

    Raises InputError as `parse_json` does, with the number of the line.
    """
    _check_memory(text, Location(file))
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, parse_json(line, file, number)


def json_documents(text: str, file: str) -> Iterator[Any]:
    """Yield the values of JSON documents that stand one after the other, as ``>>`` and streams append them.

    Raises InputError as `parse_json` does.
    """
    _check_memory(text, Location(file))
    decoder, position, line, size = json.JSONDecoder(), 0, 1, len(text)
    while (match := _TEXT.search(text, position)) is not None:
        begin = match.start()
        line += text.count("\n", position, begin)
        try:
            _, end = decoder.raw_decode(text, begin)
        except (ValueError, RecursionError):
            end = size  # of which `parse_json` says what is wrong, and where
        yield parse_json(text[begin:end], file, line)
        line += text.count("\n", begin, end)
        position = end


def without_lone_surrogates(value: Any) -> Any:
    """Replace halves of surrogate pairs by U+FFFD, as Go's encoding/json does."""
    if isinstance(value, str):
        return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, dict):
        return {without_lone_surrogates(key): without_lone_surrogates(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_lone_surrogates(inner) for inner in value]
    return value


def _is_deep(value: Any) -> bool:
    """Whether a value is nested deeper than MAX_DEPTH: what reads it then may go down into it level by level."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for each in level
            for inner in (each.values() if type(each) is dict else each)
            if type(inner) is dict or type(inner) is list
        ]
        if not level:
            return False
    return True


def _check_memory(text: str, place: Location) -> None:
    """Raise InputError if the values of a JSON text could take more than MAX_MEMORY."""
    estimate = 2 * len(text) + _OBJECT * text.count("{") + _LIST * text.count("[") + _VALUE * text.count(",")
    if estimate > MAX_MEMORY:
        raise InputError(
            f"the values of this file would take about {estimate / 10**6:,.0f} MB of memory; "
            f"up to {MAX_MEMORY / 10**6:,.0f} MB are read",
            place,
        )


def _refuse(message: str, text: str, position: int, file: str, first_line: int) -> NoReturn:
    """Raise an InputError with the line and column of a position in the text."""
    line = text.count("\n", 0, position) + first_line
    raise InputError(message, Location(file, line, position - text.rfind("\n", 0, position))) from None


def _whole(text: str) -> int:
    """Read a whole number. Raises _WrongNumber for too many digits."""
    if len(text) > MAX_DIGITS:
        raise _WrongNumber(text, f"a number of {len(text)} digits is too long: at most {MAX_DIGITS}")
    return int(text)


def _finite(text: str) -> float:
    """Read a number with a fraction or exponent. Raises _WrongNumber if no float can hold it."""
    value = float(text)
    if not math.isfinite(value):
        raise _WrongNumber(text, f"{text[:60]} is too large for a number")
    return value


def _constant(text: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python's parser accepts and JSON does not have."""
    raise _WrongNumber(text, f"{text} is no number in JSON")
