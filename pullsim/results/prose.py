"""Text for the terminal whose figures stay on one line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.containers import Lines

#: The space between a number and its unit, or its interval, and between minutes and seconds.
_INSIDE: Final = re.compile(
    r"(?<=\d) (?=(?:%|[nµm]?s|min|h|d|[kMGTP]?i?B|[kMGT]?bit)(?![A-Za-z]))| (?=±\d)"
    r"|(?<=min) (?=\d+ s\b)|(?<=\d h) (?=\d+ min\b)|(?<=\d d) (?=\d+ h\b)"
)
_INTERVAL: Final = re.compile(r"\[[-+]?\d[^\]]{0,40}\]")
_GLUE: Final = "\ue000"  # of the private use area: as wide as a space, and no place to break a line


class Prose(Text):
    """A text that is wrapped at spaces, but not at the one between a number and its unit."""

    def wrap(self, console: Console, width: int, **options: Any) -> Lines:
        """Return the lines of at most ``width`` cells."""
        glued = Text(style=self.style, justify=self.justify, overflow=self.overflow, no_wrap=self.no_wrap, end=self.end)
        whole = _INTERVAL.sub(lambda found: found[0].replace(" ", _GLUE), self.plain)
        glued.append(_INSIDE.sub(_GLUE, whole))
        glued.spans = [*self.spans]
        lines = glued.wrap(console, width, **options)
        for line in lines:
            line.plain = line.plain.replace(_GLUE, " ")
        return lines
