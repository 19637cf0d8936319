"""The codes of the messages that people meet most: what each means and what to do (``diagnostics.toml``).

A code belongs to the words of a message and not to the place that raises it, as one rule is found in several places:
in files, in ``--set``, from Python. Codes are given where a message is shown, so no other code knows of them.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim.printable import message

if TYPE_CHECKING:
    from collections.abc import Sequence

#: A code alone, or as `coded` puts it after a message: a name in a message may look like one.
_CODE: Final = re.compile(r"(?i:PS\d{3})|.*\[(PS\d{3})\]", re.DOTALL)


class Diagnostic(NamedTuple):
    """A kind of message."""

    code: str
    title: str
    words: str  # a regular expression that its messages have somewhere
    example: str  # such a message
    help: str  # what it means and what to do

    @property
    def level(self) -> str:
        """Whether the input is refused: ``error``, or ``warning``, from PS101 on."""
        return "warning" if self.code > "PS100" else "error"


@cache
def table() -> tuple[Diagnostic, ...]:
    """Read the kinds of messages. A message is of the first that fits."""
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    return tuple(Diagnostic(code, **row) for code, row in tomllib.loads(text).items())


def find(text: str) -> Diagnostic | None:
    """Return the kind of a message, which may have its code at its end, or be the code alone; None if it has none."""
    named = _CODE.fullmatch(text.strip())
    if named is not None:
        code = named[1] or named[0].upper()
        return next((each for each in table() if each.code == code), None)
    return _of(text)


def coded(text: str, level: str = "error") -> str:
    """Return a message with its code in brackets at its end, if one of this level has its words."""
    found = _of(text)
    return text if found is None or found.level != level else f"{text} [{found.code}]"


def coded_warnings(lines: Sequence[str]) -> list[str]:
    """Return the lines that an import tells, those that are warnings with their codes."""
    return [coded(line, "warning") if line.startswith("warning: ") else line for line in lines]


def warning_lines(warnings: Sequence[str]) -> list[str]:
    """Return warnings as a terminal shows them: with their codes, and of long lists the first names only."""
    from pullsim.results.wording import abridged  # noqa: PLC0415  only where there are any

    return message([coded(abridged(warning), "warning") for warning in warnings])


def _of(text: str) -> Diagnostic | None:
    return next((each for each in table() if re.search(each.words, text)), None)
