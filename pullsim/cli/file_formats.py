"""The formats that ``pullsim run`` is asked to draw charts and to write tables in."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from pullsim.errors import InputError, Location, shown
from pullsim.results.exports import chart_files, table_files

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

_CHARTS: Final = Location("--chart-formats")
_TABLES: Final = Location("--table-formats")


def asked_chart_formats(text: str | None, out: Path | None, *, charts: bool) -> tuple[str, ...]:
    """Read the formats, joined by commas, the default ones of None; none if there are to be no ``charts``.

    Raises InputError: a format is not known, there are to be no charts, or there is no ``out``.
    """
    if text is None:
        return chart_files.DEFAULT_FORMATS if charts else ()
    names = _read(text, chart_files.FORMATS, "charts", _CHARTS)
    if not charts:
        raise InputError("contradicts --no-charts", _CHARTS)
    if out is None:
        raise InputError("goes with --out, which says where charts are written", _CHARTS)
    return names


def asked_table_formats(text: str | None, out: Path | None) -> tuple[str, ...]:
    """Read the formats, joined by commas, the default ones of None.

    Raises InputError: a format is not known, what writes it is not installed, or there is no ``out``.
    """
    if text is None:
        return table_files.DEFAULT_FORMATS
    names = _read(text, table_files.FORMATS, "tables", _TABLES)
    if out is None:
        raise InputError("goes with --out, which says where tables are written", _TABLES)
    if table_files.PARQUET in names and find_spec("pyarrow") is None:
        raise InputError("parquet needs pyarrow: pip install 'pullsim[parquet]'", _TABLES)
    return names


def _read(text: str, known: Collection[str], what: str, option: Location) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if name not in known:
            raise InputError(f"{shown(name)} is no format of {what}; known are {', '.join(known)}", option)
    return names
