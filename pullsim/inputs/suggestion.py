"""Finding the known name that an unknown, perhaps misspelt name may mean."""

from __future__ import annotations

from difflib import SequenceMatcher, get_close_matches
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The similarity (0 to 1) to a known field of Kubernetes from which on an unknown field counts as a misspelling of it.
#: No field that upstream has added to the KubeletConfiguration since 1.21 is so similar to an older one: the nearest is
#: imageMaximumGCAge, with 0.88.
SLIP: Final = 0.9
FEW: Final = 8  # known names that a message lists
LONGEST: Final = 100  # letters of a name that is compared; the longest field of Kubernetes has 38


def did_you_mean(word: str, known: Iterable[str], most: int = 1, lists: str = "") -> str:
    """Return the end of a message about an unknown ``word``: the ``most`` similar known ones, or else all if few.

    ``lists`` is the command that lists all of them.
    """
    names = list(dict.fromkeys(known))
    near = nearest(word, names, most)
    command = f"; `{lists}` lists all" if lists else ""
    if near:
        return (
            f"; did you mean {' or '.join(filter(None, (', '.join(near[:-1]), near[-1])))}?{command.removeprefix(';')}"
        )
    return f"; known are {', '.join(sorted(names))}" if 0 < len(names) <= FEW else command


def nearest(word: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Return the ``most`` known names that are most similar to a word: those that end with it, then by spelling."""
    names = {_plain(name): name for name in known}
    plain = _plain(word[:LONGEST])
    longer = [name for each, name in names.items() if plain and each.endswith(f".{plain}")]
    similar = [names[each] for each in get_close_matches(plain, names, n=most, cutoff=0.6)]
    return list(dict.fromkeys((*longer, *similar)))[:most]


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def mistaken_for(name: str, known: Iterable[str]) -> str | None:
    """Return the known name of which this one is a misspelling, regardless of case; None: there is none."""
    return like(name, known, SLIP)


def like(name: str, known: Iterable[str], least: float = 0.7) -> str | None:
    """Return the known name that is most similar; None: none has a similarity (0 to 1) of at least ``least``."""
    if len(name) > LONGEST:  # no known name is similar, and comparing would take time quadratic in its length
        return None
    ratios = {right: SequenceMatcher(None, name.lower(), right.lower()).ratio() for right in sorted(known)}
    best = max(ratios, key=lambda right: ratios[right])
    return best if ratios[best] >= least else None
