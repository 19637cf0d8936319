"""Which known name an unknown one may stand for."""

from __future__ import annotations

from difflib import SequenceMatcher, get_close_matches
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The likeness from which on the name of a Kubernetes field is taken for a slip of the pen. No field that upstream has
#: added to the KubeletConfiguration since 1.21 is that like an older one: imageMaximumGCAge, at 0.88, is the nearest.
SLIP: Final = 0.9
LONGEST: Final = 100  # letters of a name; the longest that there is has 38


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Give the end of a message about an unknown ``word``: the nearest known one, else all if they are few."""
    names = {_plain(name): name for name in known}
    near = get_close_matches(_plain(word), names, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {names[near[0]]}?"
    return f"; known are {', '.join(sorted(names.values()))}" if 0 < len(names) <= 16 else ""


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def mistaken_for(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that this one is nearly, whatever the case of its letters; None: it is another."""
    return like(name, known, SLIP)


def like(name: str, known: Iterable[str], least: float = 0.7) -> str | None:
    """Return the known name that this one is most like, by so much at least; None: there is no such."""
    if len(name) > LONGEST:  # no name is like it, and to find that out takes its length squared
        return None
    ratios = {right: SequenceMatcher(None, name.lower(), right.lower()).ratio() for right in sorted(known)}
    best = max(ratios, key=lambda right: ratios[right])
    return best if ratios[best] >= least else None
