"""Ranges of a knob: ``1..32`` of whole numbers, ``100MiB/s..1GB/s`` of quantities, ``500m..2`` of thousandths."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from pullsim.errors import InputError, Location, shown
from pullsim.frozen import dataclass
from pullsim.units import parse_duration, parse_frequency, parse_price, parse_rate, parse_size

_QUANTITY: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z/%]*)\s*")
PRECISION: Final = 0.02  # two quantities with a larger relative distance have another one between them to try
_DIGITS: Final = 4
_DECADES: Final = 1000  # a range that starts at 0 is searched from its end divided by this number
_THOUSANDTH: Final = "m"  # the unit of Kubernetes beside a number without one; beside other units it is a minute
_KINDS: Final = (parse_rate, parse_size, parse_duration, parse_frequency, parse_price)


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers of one unit from ``low`` to ``high``, both inclusive; whole ones when both ends are written so.

    An end that was written in another unit has its text in ``ends``: it is tried as it was written.
    """

    low: float
    high: float
    unit: str
    whole: bool
    ends: tuple[str, str] = ("", "")

    def __str__(self) -> str:
        """The range as it was written."""
        return f"{self.value(self.low)}..{self.value(self.high)}"

    def value(self, number: float) -> str:
        """Write a number of the range as ``--set`` takes it."""
        for end, text in zip((self.low, self.high), self.ends, strict=True):
            if text and number == end:
                return text
        if self.whole or (self.unit == _THOUSANDTH and all(self.ends)):
            return f"{number:.0f}{self.unit}"
        return f"{number:.{_DIGITS}g}{self.unit}"

    def spread(self, count: int) -> list[float]:
        """Return about ``count`` numbers from one end to the other, in equal ratios."""
        if self.whole and self.high - self.low < count:
            return [float(number) for number in range(int(self.low), int(self.high) + 1)]
        if self.low == self.high:
            return [self.low]
        start = self.low or (1.0 if self.whole else self.high / _DECADES)
        ratio = (self.high / start) ** (1 / (count - 1))
        inner = {self.rounded(start * ratio**step) for step in range(int(start == self.low), count - 1)}
        return sorted({self.low, *(number for number in inner if self.low < number < self.high), self.high})

    def between(self, low: float, high: float) -> float | None:
        """Return a number between two of the range, or None if they are neighbours."""
        if self.whole:
            return float((low + high) // 2) if high - low > 1 else None
        if low <= 0 and high <= self.high / _DECADES:
            return None
        middle = self.rounded((low * high) ** 0.5 if low > 0 else high / 2)
        return middle if high - low > PRECISION * high and low < middle < high else None

    def rounded(self, number: float) -> float:
        """Return the number that results when `value` writes the number and it is read again."""
        text = self.value(number)
        return number if text in self.ends else float(text.removesuffix(self.unit))


def parse_range(text: str) -> Range:
    """Read ``LOW..HIGH``. Raises InputError."""
    place = Location(f"--range {text}")
    ends = text.split("..")
    if len(ends) != 2:
        raise InputError("a range is LOW..HIGH: 1..32, 100MiB/s..1GiB/s, 1s..30s", place)
    first, last = (end.strip() for end in ends)
    (low, unit), (high, other) = (_quantity(end, place) for end in (first, last))
    texts = ("", "")
    if _THOUSANDTH in (unit, other) and "" in (unit, other) and low:
        low, high = (number * (1 if its == _THOUSANDTH else 1000) for number, its in ((low, unit), (high, other)))
        unit, texts = _THOUSANDTH, (first, last)
    elif unit and other and unit != other:
        high, texts = float(Fraction(high) * _ratio(other, unit, place)), ("", last)
    unit = unit or other
    if low > high:
        raise InputError(f"it ends below its start: write {last}..{first}", place)
    whole = not unit and all("." not in end for end in (first, last))
    return Range(low, high, unit, whole, texts)


def _ratio(unit: str, other: str, place: Location) -> Fraction:
    """Return how many of the other unit a unit is. Raises InputError for units of two kinds, or unknown ones."""
    for parse in _KINDS:
        try:
            return Fraction(parse(f"1{unit}")) / Fraction(parse(f"1{other}"))
        except ValueError:
            continue
    raise InputError(f"both ends need units of one kind, here are {other} and {unit}", place)


def _quantity(text: str, place: Location) -> tuple[float, str]:
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise InputError(f"{shown(text.strip())} is no number with or without a unit", place)
    return float(match[1]), match[2]
