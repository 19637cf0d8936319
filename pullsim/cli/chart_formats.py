"""The formats that ``pullsim run`` is asked to draw charts in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.errors import InputError, Location, shown
from pullsim.results.exports.chart_files import DEFAULT_FORMATS, FORMATS

if TYPE_CHECKING:
    from pathlib import Path

_OPTION: Final = Location("--chart-formats")


def asked_formats(text: str | None, out: Path | None, *, charts: bool) -> tuple[str, ...]:
    """Read the formats, joined by commas, the default ones of None; none if there are to be no ``charts``.

    Raises InputError: a format is not known, there are to be no charts, or there is no ``out``.
    """
    if text is None:
        return DEFAULT_FORMATS if charts else ()
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if name not in FORMATS:
            raise InputError(f"{shown(name)} is no format of charts; known are {', '.join(FORMATS)}", _OPTION)
    if not charts:
        raise InputError("contradicts --no-charts", _OPTION)
    if out is None:
        raise InputError("goes with --out, which says where charts are written", _OPTION)
    return names
