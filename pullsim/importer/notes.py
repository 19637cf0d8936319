"""What an import has to tell beside the scenario: guesses with the way to measure them, warnings, what was left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from pullsim.results.wording import counted


@dataclass(frozen=True, slots=True, order=True)
class Guess:
    """A figure that nobody gave. ``rank``: 1 for what changes the results most."""

    rank: int
    text: str
    measure: str  # what to do to know it


@dataclass(slots=True)
class Notes:
    """Collects what is told on standard error and in the scenario's comments."""

    guesses: list[Guess] = field(default_factory=list)
    warned: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # names by text and noun
    left_out: Counter[str] = field(default_factory=Counter)  # how many things by reason
    unread: list[str] = field(default_factory=list)  # files that cannot be used, with the reason

    def guess(self, rank: int, text: str, measure: str) -> None:
        """Add a guess, once."""
        new = Guess(rank, text, measure)
        if new not in self.guesses:
            self.guesses.append(new)

    def warn(self, text: str) -> None:
        """Add a warning, once."""
        self.warned.setdefault((text, ""), [])

    def tally(self, noun: str, text: str, name: str) -> None:
        """Add something to those of which a warning is: ``2 nodes left out: the runtime … (node-1, node-2)``."""
        names = self.warned.setdefault((text, noun), [])
        if name not in names:
            names.append(name)

    @property
    def warnings(self) -> list[str]:
        """The warnings, in the order in which they came first; those about many things have their count."""
        return [
            f"{counted(len(names), noun)} {text} ({listed(names)})" if noun else text
            for (text, noun), names in self.warned.items()
        ]

    def left_out_lines(self) -> list[str]:
        """Say what was left out, most frequent first."""
        return [
            f"{count} {reason}" for reason, count in sorted(self.left_out.items(), key=lambda each: (-each[1], each[0]))
        ]


def listed(names: list[str], most: int = 3) -> str:
    """Write names in a row, and how many more there are than ``most``."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
