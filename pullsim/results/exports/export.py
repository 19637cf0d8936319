"""What a file of a run is: its name, the detail that it needs, and how it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import TextIO

    from pullsim.results.columns import Column
    from pullsim.results.summary.summary import Summary
    from pullsim.results.table import Table
    from pullsim.run import Result


class Origin(NamedTuple):
    """Where a run comes from, for those who read of it later."""

    description: str = ""  # the scenario's
    command: str = ""  # that makes it again; "" where there is none
    guessed: tuple[str, ...] = ()  # what nobody said, and was assumed
    advice: str = ""  # the command that tries what would help


class Output(NamedTuple):
    """What the files of a run are written from."""

    result: Result
    summary: Summary
    scenario: str  # the scenario with all defaults, as YAML
    metrics: Callable[[Result, TextIO], None]  # writes the kubelets' metrics in the form that was asked for
    origin: Origin = Origin()


class Export(NamedTuple):
    """One file that a run writes into its output directory."""

    name: str
    content: str  # what is in it, in the reference
    write: Callable[[Output, TextIO], None]
    detail: str = "none"  # least value of --detail with which it is written
    written: Callable[[Result], object] | None = None  # whether there is anything to write; None: always
    columns: tuple[Column, ...] = ()  # the columns of a table, or the keys of each line; none for other forms
    asked: str | None = None  # the name in --export with which it is written; None: it always is
    later: bool = False  # it is written when the others are in their places, as it takes long for large runs
    table: Table | None = None  # what can be written in another format too

    def wanted(self, result: Result, asked: Collection[str] = ()) -> bool:
        """Whether a run with this result writes the file, if these names were ``asked`` for."""
        if self.asked is not None and self.asked not in asked:
            return False
        return result.keeps(self.detail) and (self.written is None or bool(self.written(result)))
