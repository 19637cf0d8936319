r"""Texts of the user's, made safe for where they are shown: terminals, XML, Markdown, charts, tables for spreadsheets.

Names, values and error texts come from files that someone else may have written. What a terminal, a browser or a
spreadsheet would obey instead of showing it is written as what it is: ``\x1b`` for an escape.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Controls of C0 and C1, invisible and bidirectional formatting (but not the joiners that scripts and emoji need),
#: separators of lines, halves of characters, and what is no character. The last three are nothing XML 1.0 can hold.
_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)
_NAMED: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
#: What begins a formula for spreadsheets (OWASP, CSV injection), after any apostrophes.
_FORMULA: Final = re.compile("'*[=+\\-@\t\uff1d\uff0b\uff0d\uff20]")
_NUMBER: Final = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")

MOST_LINES: Final = 20  # of a message
MOST_LETTERS: Final = 2000  # of a message


def printable(text: str, keep: str = "") -> str:
    """Write out what is not to be printed, other than the characters of ``keep``; the result is one line without it."""
    return _UNSAFE.sub(lambda match: match[0] if match[0] in keep else _escaped(match[0]), text)


def shortened(text: str, most: int) -> str:
    """Cut the middle out of a text longer than ``most`` letters: places stand at its begin, rules at its end."""
    if len(text) <= most:
        return text
    head = most // 3
    return f"{text[:head]}…{text[len(text) - (most - head - 1) :]}"


def message(lines: Sequence[str]) -> list[str]:
    """Make lines of a message printable and few: MOST_LINES, and MOST_LETTERS in all, with what else there is."""
    shown: list[str] = []
    room = MOST_LETTERS - 20 * MOST_LINES  # for what marks the lines
    for line in lines:
        text = printable(shortened(line, room if not shown else room // 2))
        text = shortened(text, room)
        if shown and (len(shown) == MOST_LINES - 1 < len(lines) - 1 or sum(map(len, shown)) + len(text) > room):
            return [*shown, f"and {len(lines) - len(shown):,} more"]
        shown.append(text)
    return shown


def markdown(text: str) -> str:
    """Make a text safe inside of a line or a cell of Markdown: no other cell, tag, link or code."""
    safe = printable(text).replace("&", "&amp;").replace("<", "&lt;").replace("|", r"\|")
    return safe.replace("`", r"\`").replace("](", r"]\(")


def chart(text: str, keep: str = "\n") -> str:
    """Make a text safe for matplotlib, which takes what stands between dollars for a formula."""
    return printable(text, keep).replace("$", r"\$")


def cell(text: str) -> str:
    """Make a text safe as a cell of CSV: one that a spreadsheet would run gets an apostrophe before it.

    Numbers stay what they are. `from_cell` reads it back.
    """
    safe = printable(text, "\n\t")
    return f"'{safe}" if _FORMULA.match(safe) and not _NUMBER.fullmatch(safe) else safe


def from_cell(text: str) -> str:
    """Read a cell that `cell` may have written."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def json_text(document: Any, indent: int | None = None) -> str:
    """Write JSON in which nothing is raw that is not to be printed; letters of all scripts stay as they are."""
    text = _encoder(indent).encode(document)
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE.sub(lambda match: match[0] if match[0] == "\n" else json.dumps(match[0])[1:-1], text)


@cache
def _encoder(indent: int | None) -> json.JSONEncoder:
    """Return an encoder: making one takes longer than writing a row with it."""
    return json.JSONEncoder(indent=indent, ensure_ascii=False, allow_nan=False)


def _escaped(letter: str) -> str:
    if letter in _NAMED:
        return _NAMED[letter]
    number = ord(letter)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
