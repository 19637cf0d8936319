"""What an import has to tell beside the scenario: guesses with the way to measure them, warnings, what was left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


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
    warnings: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)  # how many things by reason
    unread: list[str] = field(default_factory=list)  # files that cannot be used, with the reason

    def guess(self, rank: int, text: str, measure: str) -> None:
        """Add a guess, once."""
        new = Guess(rank, text, measure)
        if new not in self.guesses:
            self.guesses.append(new)

    def warn(self, text: str) -> None:
        """Add a warning, once."""
        if text not in self.warnings:
            self.warnings.append(text)

    def left_out_lines(self) -> list[str]:
        """Say what was left out, most frequent first."""
        return [
            f"{count} {reason}" for reason, count in sorted(self.left_out.items(), key=lambda each: (-each[1], each[0]))
        ]


def listed(names: list[str], most: int = 3) -> str:
    """Write names in a row, and how many more there are than ``most``."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
