"""Texts of durations, sizes, money, counts and names for people. Commands import it at once: it needs little."""

from __future__ import annotations

import math
import re


def duration(seconds: float | None) -> str:
    """Write seconds: ``0.42 s``, ``4 min 05 s``, ``2 h 03 min``; ``never`` for infinity, a dash for None."""
    if seconds is None:
        return "-"
    if seconds == float("inf"):
        return "never"
    if seconds < 99.95:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def clock(seconds: float) -> str:
    """Write a time of the run as a clock shows it: ``10:00`` for ten minutes, ``2:03:00`` for two hours and three."""
    whole = round(seconds)
    minutes = f"{whole // 60 % 60:02d}:{whole % 60:02d}"
    return f"{whole // 3600}:{minutes}" if whole >= 3600 else minutes


def size(amount: float) -> str:
    """Write a size in bytes with decimal units, which registries and links use too: ``12.3 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 999.5:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:,.3g} TB" if amount < 1000 else f"{amount:,.0f} TB"


def money(amount: float) -> str:
    """Write an amount of money with two decimals, or with three significant digits where it is less than one.

    ``1,234.50``, ``0.0213``.
    """
    return f"{amount:,.{money_digits(amount)}f}"


def money_digits(amount: float) -> int:
    """Return how many decimals an amount of money is written with."""
    size = abs(amount)
    return 2 if size >= 1 or not size else min(2 - math.floor(math.log10(size)), 9)


def percentage(share: float) -> str:
    """Write a share of a whole: ``28 %`` for 0.28."""
    return f"{share:.0%}".replace("%", " %")


def qualified(namespace: str, name: str) -> str:
    """Write the name of a pod or workload, with its namespace before it where that is not ``default``."""
    return name if namespace == "default" else f"{namespace}/{name}"


def counted(number: int, noun: str) -> str:
    """Write a number with its noun in the right form: ``1 pull``, ``1,200 pulls``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def abridged(text: str) -> str:
    """Name of a list of six and more words in a text the first three, and how many more there are."""
    return re.sub(r"((?:[^\s,;]+, ){2}[^\s,;]+), ((?:[^\s,;]+, ){2,}[^\s,;]+)", _cut, text)


def _cut(match: re.Match[str]) -> str:
    return f"{match[1]} and {match[2].count(', ') + 1:,} more"
