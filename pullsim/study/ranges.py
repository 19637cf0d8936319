"""Ranges of a knob: ``1..32`` of whole numbers, ``100MiB/s..1GiB/s`` of quantities."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pullsim.errors import InputError, Location, shown

_QUANTITY: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z/%]*)\s*")
PRECISION: Final = 0.02  # two quantities with a larger relative distance have another one between them to try
_DIGITS: Final = 4
_DECADES: Final = 1000  # a range that starts at 0 is searched from its end divided by this number


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers of one unit from ``low`` to ``high``, both inclusive; whole ones when both ends are written so."""

    low: float
    high: float
    unit: str
    whole: bool

    def __str__(self) -> str:
        """The range as it was written, in one unit."""
        return f"{self.value(self.low)}..{self.value(self.high)}"

    def value(self, number: float) -> str:
        """Write a number of the range as ``--set`` takes it."""
        return f"{number:.0f}{self.unit}" if self.whole else f"{number:.{_DIGITS}g}{self.unit}"

    def spread(self, count: int) -> list[float]:
        """Return about ``count`` numbers from one end to the other, in equal ratios."""
        if self.whole and self.high - self.low < count:
            return [float(number) for number in range(int(self.low), int(self.high) + 1)]
        if self.low == self.high:
            return [self.low]
        start = self.low or (1.0 if self.whole else self.high / _DECADES)
        ratio = (self.high / start) ** (1 / (count - 1))
        numbers = {self.rounded(start * ratio**step) for step in range(count)}
        return sorted({self.low, *numbers, self.high})

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
        return float(round(number)) if self.whole else float(f"{number:.{_DIGITS}g}")


def parse_range(text: str) -> Range:
    """Read ``LOW..HIGH``. Raises InputError."""
    place = Location(f"--range {text}")
    ends = text.split("..")
    if len(ends) != 2:
        raise InputError("a range is LOW..HIGH: 1..32, 100MiB/s..1GiB/s, 1s..30s", place)
    low, high = (_quantity(end, place) for end in ends)
    unit = low[1] or high[1]
    if low[1] and high[1] and low[1] != high[1]:
        raise InputError(f"both ends need one unit, here are {low[1]} and {high[1]}: write both in {low[1]}", place)
    if low[0] > high[0]:
        raise InputError(f"it ends below its start: write {ends[1].strip()}..{ends[0].strip()}", place)
    whole = not unit and all("." not in end.strip() for end in ends)
    return Range(low[0], high[0], unit, whole)


def _quantity(text: str, place: Location) -> tuple[float, str]:
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise InputError(f"{shown(text.strip())} is no number with or without a unit", place)
    return float(match[1]), match[2]
