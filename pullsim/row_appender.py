"""Appending rows while a run is under way: one for each layer, pull, event and pod."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class RowAppender:
    """Appends rows to `pullsim.rows.Rows` as its `append` does, which is not compiled."""

    __slots__ = ("_pack", "_rest", "_size")

    def __init__(self, rest: list[Any], size: int, pack: Callable[[], None]) -> None:
        """``pack`` is called when there are ``size`` rows in ``rest``, and takes them out of it."""
        self._rest = rest
        self._size = size
        self._pack = pack

    def append(self, row: Any) -> None:
        """Add a row at the end."""
        self._rest.append(row)
        if len(self._rest) >= self._size:
            self._pack()
