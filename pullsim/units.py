"""Quantities with units, as people and Kubernetes write them: parsed into numbers, and written as text.

Inside the package sizes are int bytes, rates float bytes/s and times float seconds. Each ``parse_…`` raises ValueError
with a message that names the value, the rule and right examples. Each ``…_text`` writes a form that parses to the same
value, each ``format_…`` one for people or in the style of an upstream program.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Final

from pullsim.errors import shown

_DECIMAL: Final = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15, "E": 10**18}
_BINARY: Final = {prefix + "i": 1 << 10 * power for power, prefix in enumerate("KMGTPE", start=1)}
_PREFIXES: Final = {"K": 10**3, **_DECIMAL, **_BINARY}

#: Bytes of each unit: with a ``B`` as people write it (``MB``, ``GiB``), and without as in Kubernetes (``M``, ``Gi``).
_SIZES: Final = {
    **{prefix + "B": factor for prefix, factor in _PREFIXES.items()},
    **{prefix: factor for prefix, factor in _PREFIXES.items() if prefix != "K"},
}
_RATES: Final = {
    **{f"{prefix}{per}": Fraction(factor) for prefix, factor in _PREFIXES.items() for per in ("B/s", "Bps")},
    **{f"{prefix}{per}": Fraction(factor, 8) for prefix, factor in _PREFIXES.items() for per in ("bit/s", "bps")},
}
#: Factors of the suffixes that Kubernetes knows (apimachinery, api/resource, suffix.go).
_SUFFIXES: Final = {
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 1000),
    **{suffix: Fraction(factor) for suffix, factor in (*_DECIMAL.items(), *_BINARY.items())},
}
_SECOND: Final = 10**9  # nanoseconds, as the next
_MINUTE: Final = 60 * 10**9
_NANOSECONDS: Final = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,  # U+00B5, micro sign
    "μs": 10**3,  # U+03BC, Greek letter
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_SECONDS_PER: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}

_NUMBER: Final = re.compile(r"([+-]?)(\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE]([+-]?\d{1,2})(?![\d.]))?", re.ASCII)
_DURATION_PART: Final = re.compile(r"(\d{1,30}(?:\.\d{0,300})?|\.\d{1,300})([^\d.]+)", re.ASCII)
_MAX: Final = 2**63 - 1  # of int64, in which Go and Kubernetes keep a quantity or a duration


def parse_size(text: str | float) -> int:
    """Return the bytes of ``30MB``, ``10GiB``, a Kubernetes quantity (``10Gi``, ``500M``, ``1e6``) or a number.

    Fractions of a byte are rounded up, as Kubernetes does (apimachinery, api/resource, Quantity.Value).
    """
    rule = "a size is a number of bytes or a number with a unit: 30MB, 900kB, 10GiB, 10Gi, 14480B"
    number, unit = _split(text, "size", rule)
    if unit not in _SIZES:
        raise ValueError(f"size {shown(str(text))}: {_wrong_size_unit(unit)}; {rule}")
    size = math.ceil(number * _SIZES[unit])
    if size > _MAX:
        raise ValueError(f"size {shown(str(text))} is too large: at most 2^63 - 1 bytes")
    return size


def parse_quantity(text: str | float) -> Fraction:
    """Return the value of a Kubernetes quantity that is not negative: ``2``, ``500m``, ``1.5Gi``, ``1e3``.

    Source: apimachinery, api/resource, quantity.go ParseQuantity.
    """
    rule = "a quantity is a number, with a suffix or without: 2, 500m, 1.5, 64Gi, 100M, 1e3"
    number, suffix = _split(text, "quantity", rule)
    if suffix not in _SUFFIXES or (suffix and "e" in str(text).lower().removesuffix(suffix.lower())):
        known = suffix.removesuffix("B")
        right = f" (Kubernetes writes {known})" if suffix.endswith("B") and known in _SUFFIXES else ""
        raise ValueError(f"quantity {shown(str(text))}: unknown suffix {shown(suffix)}{right}; {rule}")
    if number * _SUFFIXES[suffix] > _MAX:
        raise ValueError(f"quantity {shown(str(text))} is too large: at most 2^63 - 1")
    return number * _SUFFIXES[suffix]


def parse_rate(text: str | float) -> float:
    """Return the bytes/s, above 0, of ``40Gbit/s`` or ``10Gbps`` (bits), ``90MB/s`` or ``250MBps`` (bytes)."""
    rule = "a rate is a number with a unit, bits or bytes a second: 10Gbit/s, 800Mbit/s, 90MB/s, 128MiB/s"
    number, unit = _split(text, "rate", rule)
    if unit not in _RATES:
        raise ValueError(f"rate {shown(str(text))}: {_wrong_rate_unit(str(text).strip(), unit)}; {rule}")
    if number == 0:
        raise ValueError(f"rate {shown(str(text))} would never move a byte: it must be greater than 0")
    return float(number * _RATES[unit])


def parse_duration_ns(text: str) -> int:
    """Return the whole nanoseconds of a Go duration, which may be negative; fractions of one are cut off.

    Source: Go, time/format.go, ParseDuration.
    """
    body = text[1:] if text[:1] in ("-", "+") else text
    if body == "0":
        return 0
    total, end = Fraction(0), 0
    while match := _DURATION_PART.match(body, end):
        if match[2] not in _NANOSECONDS:
            raise ValueError(_wrong_duration(text, f"unknown unit {shown(match[2])}"))
        total += int(Fraction(match[1]) * _NANOSECONDS[match[2]])
        end = match.end()
    if end == 0 or end < len(body):
        missing = "has no unit" if _NUMBER.fullmatch(body) else "is not one"
        suggestion = f" (write {body}s for seconds)" if _NUMBER.fullmatch(body) else ""
        raise ValueError(_wrong_duration(text, missing + suggestion))
    if total > _MAX:
        raise ValueError(_wrong_duration(text, "is too long: at most about 292 years"))
    return -int(total) if text[0] == "-" else int(total)


def parse_duration(text: str | float) -> float:
    """Return the seconds of a Go duration that is not negative: ``5m0s``, ``250ms``, ``50us``, ``2h45m``, ``0``."""
    nanoseconds = parse_duration_ns(str(text).strip())
    if nanoseconds < 0:
        raise ValueError(_wrong_duration(str(text), "is negative"))
    return nanoseconds / 10**9


def parse_frequency(text: str | float) -> float:
    """Return the frequency in 1/s of ``4/s``, ``10/min`` (or ``10/m``), ``0.1/h`` or ``2/d``."""
    rule = "a frequency is a number per s, min, h or d: 4/s, 10/min, 0.1/h"
    number, unit = _split(text, "frequency", rule)
    if unit[:1] != "/" or unit[1:].strip() not in _SECONDS_PER:
        raise ValueError(f"frequency {shown(str(text))}: {rule}")
    return float(number / _SECONDS_PER[unit[1:].strip()])


def parse_price(text: str | float) -> float:
    """Return the price of a byte from ``0.09/GB``, in whatever currency the user means. 0 without a unit is free."""
    rule = "a price is a number per unit of size: 0.09/GB, 0.09/GiB, 90/TB"
    number, unit = _split(text, "price", rule)
    if not unit and number == 0:
        return 0.0
    size = unit[1:].strip()
    if unit[:1] != "/" or not size.endswith("B") or size not in _SIZES:
        raise ValueError(f"price {shown(str(text))}: {rule}")
    return float(number / _SIZES[size])


def parse_percent(text: str | float) -> float:
    """Return the fraction that a percentage stands for: 0.25 for ``25%``."""
    rule = "a percentage is a number with %: 25%"
    number, unit = _split(text, "percentage", rule)
    if unit != "%":
        raise ValueError(f"percentage {shown(str(text))}: {rule}")
    return float(number / 100)


def format_duration_go(nanoseconds: int) -> str:
    """Write nanoseconds as Go's time.Duration.String does: ``534ms``, ``1.234s``, ``1m2.5s``, ``1h0m3s``, ``0s``."""
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if rest < _SECOND:
        if rest == 0:
            return "0s"
        if rest < 10**3:
            return f"{sign}{rest}ns"
        return f"{sign}{_trimmed(rest, 10**3, 3)}µs" if rest < 10**6 else f"{sign}{_trimmed(rest, 10**6, 6)}ms"
    minutes = rest // _MINUTE
    rest -= minutes * _MINUTE
    hours = minutes // 60
    minutes -= hours * 60
    lead = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{sign}{lead}{_trimmed(rest, _SECOND, 9)}s"


def format_duration_ms(seconds: float) -> str:
    """Write seconds as the kubelet prints the duration of a pull: in milliseconds, cut off.

    Source: pkg/kubelet/images/image_manager.go, logIt of EnsureImageExists (Truncate(time.Millisecond)).
    """
    nanoseconds = round(seconds * 10**9)
    return format_duration_go(nanoseconds - int(math.fmod(nanoseconds, 10**6)))


def format_quantity(size: int) -> str:
    """Write bytes as Kubernetes prints a binary quantity: ``2146223340``, ``1883424Ki`` (resource.BinarySI)."""
    units = iter(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"))
    unit = ""
    while size and size % 1024 == 0:
        size, unit = size // 1024, next(units)
    return f"{size}{unit}"


def format_size(size: float) -> str:
    """Write bytes for people, in powers of 1000: ``1.2 GB``."""
    return _scaled(size, "B")


def format_rate(rate: float) -> str:
    """Write bytes/s for people, in bits: ``3.4 Gbit/s``; inf is ``unlimited``."""
    return "unlimited" if math.isinf(rate) else _scaled(rate * 8, "bit/s")


def format_seconds(seconds: float) -> str:
    """Write seconds for people: ``350 ms``, ``4.2 s``, ``2m 03s``, ``1h 05m``."""
    if seconds < 0:
        return "-" + format_seconds(-seconds)
    if round(seconds) >= 3600:
        hours, minutes = divmod(round(seconds / 60), 60)
        return f"{hours}h {minutes:02}m"
    if round(seconds) >= 60:
        return f"{round(seconds) // 60}m {round(seconds) % 60:02}s"
    if seconds >= 0.9995:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.00995 or seconds == 0 else f"{seconds * 1000:.2g} ms"


def size_text(size: int) -> str:
    """Write a size so that it parses back to the same bytes, in the largest unit that divides it."""
    factor, unit = max((factor, unit) for unit, factor in _SIZES.items() if unit.endswith("B") and size % factor == 0)
    return f"{size // factor}{unit}" if size else "0B"


def rate_text(rate: float) -> str:
    """Write a finite rate so that it parses back to the same bytes/s."""
    for unit in ("Gbit/s", "MB/s", "MiB/s", "Mbit/s", "kbit/s", "bit/s"):
        number = Fraction(rate) / _RATES[unit]
        if number >= 1 and number.denominator in (1, 2):
            return f"{float(number):.1f}".removesuffix(".0") + unit
    return f"{rate!r}B/s"


def duration_text(seconds: float) -> str:
    """Write seconds as a Go duration, rounded to whole nanoseconds."""
    return format_duration_go(round(seconds * 10**9))


def _split(text: str | float, kind: str, rule: str) -> tuple[Fraction, str]:
    """Split a quantity into its number and its unit. Raises ValueError for no number or a negative one."""
    stripped = str(text).strip()
    match = _NUMBER.match(stripped)
    if match is None:
        raise ValueError(f"{kind} {shown(str(text))} does not start with a number; {rule}")
    number = Fraction(match[2]) * Fraction(10) ** int(match[3] or 0)
    if match[1] == "-" and number:
        raise ValueError(f"{kind} {shown(str(text))} is negative; {rule}")
    return number, stripped[match.end() :].strip()


def _trimmed(value: int, unit: int, places: int) -> str:
    """Write ``value / unit`` exactly, in decimals without trailing zeros; ``unit`` is 10 to the power ``places``."""
    whole = value // unit
    rest = value - whole * unit
    return f"{whole}.{str(rest).rjust(places, '0').rstrip('0')}" if rest else str(whole)


def _scaled(value: float, unit: str) -> str:
    """Write a value with the prefix, a power of 1000, that leaves one to three digits before the point."""
    for prefix in ("", "k", "M", "G", "T", "P"):
        if abs(value) < 999.5 or prefix == "P":
            break
        value /= 1000
    return f"{value:.0f} {prefix}{unit}" if abs(value) >= 9.95 or not prefix else f"{value:.1f} {prefix}{unit}"


def _wrong_size_unit(unit: str) -> str:
    if unit == "m":
        return "m is a thousandth in Kubernetes; megabytes are M or MB"
    if "bit" in unit or (unit.endswith("b") and unit[:-1] in _PREFIXES):
        return f"{shown(unit)} stands for bits, a size is in bytes (B)"
    right = next((known for known in _SIZES if known.endswith("B") and known.lower() == unit.lower()), None)
    return f"unknown unit {shown(unit)}" + (f", did you mean {right}?" if right else "")


def _wrong_rate_unit(text: str, unit: str) -> str:
    number = text.removesuffix(unit).strip()
    if unit.endswith("b/s"):
        prefix = unit[:-3]
        return f"{unit} is read as bits by some and bytes by others: write {number}{prefix}bit/s or {number}{prefix}B/s"
    if unit in _SIZES or not unit:
        prefix = unit.removesuffix("B") or "M"
        return f"no time in the unit: write {number}{prefix}bit/s for bits or {number}{prefix}B/s for bytes"
    return f"unknown unit {shown(unit)}"


def _wrong_duration(text: str, what: str) -> str:
    return (
        f"duration {shown(text)} {what}; a duration is numbers with units h, m, s, ms, us, ns: 10s, 250ms, 5m0s, 1.5h"
    )
