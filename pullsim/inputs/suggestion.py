"""Did you mean."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Give the end of a message about an unknown ``word``: the nearest known one, else all if they are few."""
    names = {_plain(name): name for name in known}
    near = get_close_matches(_plain(word), names, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {names[near[0]]}?"
    return f"; known are {', '.join(sorted(names.values()))}" if 0 < len(names) <= 16 else ""


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")
