"""The files in formats of other programs that ``pullsim run`` is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.errors import InputError, Location, shown
from pullsim.inputs.suggestion import did_you_mean
from pullsim.results.exports.registry import NAMES
from pullsim.run import DETAILS

if TYPE_CHECKING:
    from pathlib import Path

_OPTION: Final = Location("--export")


def asked_exports(text: str, detail: str, out: Path | None) -> tuple[str, ...]:
    """Read the names of exports, joined by commas.

    Raises InputError: a name is not known, the detail does not keep what an export needs, or there is no ``out``.
    """
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if name not in NAMES:
            raise InputError(f"{shown(name)} is no export{did_you_mean(name, NAMES)}", _OPTION)
        if DETAILS.index(detail) < DETAILS.index(NAMES[name]):
            raise InputError(f"{name} needs --detail {NAMES[name]} or more, not {detail}", _OPTION)
    if out is None:
        raise InputError("goes with --out, which says where they are written", _OPTION)
    return names
