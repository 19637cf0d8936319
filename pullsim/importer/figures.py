"""A figure of the scenario, and where it is from."""

from __future__ import annotations

from typing import Any, Final

from pullsim.frozen import dataclass

#: What a comment says of a figure that nobody gave.
DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class Figure:
    """A value as the scenario has it, and where it is from: ``read: nodes.json``, ``preset``, ``default``."""

    value: Any
    origin: str


def from_files(value: Any, *files: str) -> Figure:
    """Return a figure that stands in files."""
    return Figure(value, f"read: {', '.join(dict.fromkeys(files))}")


def default(value: Any, why: str = "") -> Figure:
    """Return a figure that is assumed."""
    return Figure(value, f"{DEFAULT}: {why}" if why else DEFAULT)
