"""Units in which the axis of a chart is readable."""

from __future__ import annotations

from typing import NamedTuple


class Unit(NamedTuple):
    """A unit in which an axis is readable: values are divided by `size`."""

    size: float
    name: str


def time_unit(seconds: float) -> Unit:
    """Return seconds, minutes or hours, so that an axis up to `seconds` has small numbers."""
    if seconds <= 240:
        return Unit(1, "s")
    return Unit(60, "min") if seconds <= 4 * 3600 else Unit(3600, "h")


def rate_unit(bytes_per_second: float) -> Unit:
    """Return kB/s, MB/s or GB/s."""
    if bytes_per_second >= 2e9:
        return Unit(1e9, "GB/s")
    return Unit(1e6, "MB/s") if bytes_per_second >= 2e6 else Unit(1e3, "kB/s")
