"""Texts with a label in front of each, for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from pullsim.results.prose import Prose

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console, ConsoleOptions, RenderResult


class Notes:
    """Texts that are wrapped beside their labels; figures stay on one line, see `Prose`."""

    def __init__(self, labels: int = 10) -> None:
        """``labels``: the least width of the labels."""
        self._labels = labels
        self._rows: list[tuple[str, Prose]] = []

    def add(self, label: str, text: str, style: str = "") -> None:
        """Add a text."""
        self._rows.append((label, Prose(text, style)))

    def add_section(self, label: str, texts: Iterable[str]) -> None:
        """Add texts of which the first alone has the label; without any there is no label."""
        for index, text in enumerate(texts):
            self.add("" if index else label, text)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render it in the width of texts."""
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(style="dim", no_wrap=True, min_width=self._labels)
        grid.add_column(overflow="fold")
        for row in self._rows:
            grid.add_row(*row)
        yield grid
