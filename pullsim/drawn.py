"""What notebooks show as HTML."""

from __future__ import annotations

from importlib import import_module
from typing import ClassVar


class Drawn:
    """A value that notebooks show as HTML instead of its text.

    The function that makes it is named, not imported: it knows much that the value does not need to know, such as
    templates, and what it makes pages of stands in rooms above.
    """

    __slots__ = ()
    drawn_by: ClassVar[str] = ""  # MODULE:FUNCTION, which takes the value and returns HTML

    def _repr_html_(self) -> str:
        module, _, function = self.drawn_by.partition(":")
        return str(getattr(import_module(module), function)(self))
