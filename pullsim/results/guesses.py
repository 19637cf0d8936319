"""What results say of the figures that nobody gave, as the scenario names them (`guesses`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.results.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.records import Guess


def guessed_figures(guesses: Sequence[Guess]) -> str:
    """Say how many figures were guessed, and which of them matters most; there is at least one."""
    first = told(guesses[0])
    if len(guesses) == 1:
        return f"1 figure was guessed: {first}"
    return f"{counted(len(guesses), 'figure')} were guessed. The one that matters most: {first}"


def told(guess: Guess) -> str:
    """Return a guess as a sentence, with what to do to know the figure."""
    text = f"{guess.what.rstrip('.')}."
    return f"{text} To know it: {guess.measure.rstrip('.')}." if guess.measure else text
