"""Warnings about objects, each of which is told once, whatever number of objects it is about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator


@dataclass(slots=True)
class Told:
    """Texts by kind of object, in the order in which they came first, with the objects that they are about."""

    _titles: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def about(self, title: str, text: str) -> None:
        """Add a text about an object, such as ``Deployment web``, or about a file."""
        kind, space, _ = title.partition(" ")
        kind = kind if space and "/" not in kind else ""
        titles = self._titles.setdefault((kind, text), [])
        if title not in titles:
            titles.append(title)

    def lines(self) -> Iterator[str]:
        """Yield a line for each text: the first object, how many more of its kind there are, and the text."""
        for (_, text), titles in self._titles.items():
            more = f" and {len(titles) - 1} more" if len(titles) > 1 else ""
            yield f"{titles[0]}{more}: {text}"


def counts(kinds: Counter[str]) -> str:
    """Write how many there are of each kind, the most first: ``Service (12), ConfigMap (3)``."""
    ordered = sorted(kinds.items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{kind} ({count})" for kind, count in ordered)
