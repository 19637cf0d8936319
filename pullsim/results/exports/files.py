"""The files of a run, written so that none is ever half-written or left over from another run."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pullsim.errors import InputError, Location
from pullsim.garbage import rare_collections
from pullsim.inputs import exists
from pullsim.outputs import reason
from pullsim.results.exports.chart_files import DEFAULT_FORMATS, DIRECTORY, chart_files
from pullsim.results.exports.export import Origin, Output
from pullsim.results.exports.openmetrics import write_openmetrics
from pullsim.results.exports.registry import EXPORTS
from pullsim.results.exports.table_files import CSV, PARQUET, parquet_file
from pullsim.results.exports.table_files import DEFAULT_FORMATS as CSV_ALONE
from pullsim.results.summary.summary import summarize
from pullsim.staging import Staging

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path
    from typing import Self, TextIO

    from pullsim.results.exports.export import Export
    from pullsim.results.summary.summary import Summary
    from pullsim.run import Result


class OutputDirectory:
    """A directory for the files of one run, to be used in a ``with`` before the run starts.

    Entering creates it with a staging directory inside, so that a place that cannot be written is known at once.
    Writing fills the staging directory and then moves all files to their places together. Files of ours that this run
    does not have are removed, others are left alone. Leaving removes what is not needed, the directory too when it is
    empty.

    InputError: the directory cannot be created or written.
    """

    def __init__(self, path: Path, table_formats: Collection[str] = CSV_ALONE) -> None:
        """``table_formats``: what tables are written as, of `pullsim.results.exports.table_files.FORMATS`."""
        self.path = path
        self._staging = Staging(path)
        self._table_formats = table_formats

    def __enter__(self) -> Self:
        """Create the directory."""
        with self._writing():
            self._staging.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the staging directory and the directories that were made for nothing."""
        self._staging.__exit__()

    @rare_collections()
    def write_data(
        self,
        result: Result,
        summary: Summary,
        scenario: str,
        metrics: Callable[[Result, TextIO], None] = write_openmetrics,
        asked: Collection[str] = (),
    ) -> None:
        """Write all files that the run's detail has, but those that are to be written later.

        ``scenario`` is the text of the scenario with its defaults; ``asked`` has the names of exports in formats of
        other programs, see `pullsim.results.exports.registry.NAMES`.
        """
        output = Output(result, summary, scenario, metrics)
        with self._writing():
            self._write(output, [each for each in EXPORTS if not each.later and each.wanted(result, asked)])
            # Charts of another run would contradict the data.
            names = [export.name for export in EXPORTS]
            tables = [parquet_file(export.name) for export in EXPORTS if export.table is not None]
            self._staging.commit(obsolete=[*names, *tables, *chart_files()])

    @rare_collections()
    def write_later(self, result: Result, summary: Summary, scenario: str, origin: Origin = Origin()) -> None:  # noqa: B008
        """Write the files that are written after the others; ``scenario`` as for these."""
        with self._writing():
            output = Output(result, summary, scenario, write_openmetrics, origin)
            self._write(output, [each for each in EXPORTS if each.later and each.wanted(result)])
            self._staging.commit()

    def _write(self, output: Output, exports: Iterable[Export]) -> None:
        for export in exports:
            if export.table is not None and PARQUET in self._table_formats:
                from pullsim.results.parquet import write_parquet  # noqa: PLC0415  pyarrow, an extra

                with (self._staging.path / parquet_file(export.name)).open("wb") as file:
                    write_parquet(export.table, output.result, file)
            if export.table is None or CSV in self._table_formats:
                with self._file(export.name) as text:
                    export.write(output, text)

    def write_charts(self, result: Result, formats: Collection[str] = DEFAULT_FORMATS) -> None:
        """Write the charts into the directory ``charts``, in formats of `pullsim.results.exports.chart_files`."""
        from pullsim.results import charts  # noqa: PLC0415  matplotlib, only when charts are wanted

        with self._writing():
            staging = self._staging.path / DIRECTORY
            staging.mkdir()
            charts.write_charts(result, staging, formats)
            self._staging.commit()

    @contextmanager
    def _file(self, name: str) -> Iterator[TextIO]:
        path = self._staging.path / name
        path.parent.mkdir(exist_ok=True)
        with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            yield file

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn what the operating system refuses into an error of the input."""
        try:
            yield
        except OSError as error:
            message = (
                f"cannot write to the output directory: {reason(error)}; give --out a writable directory"
                if exists(self.path) or self._staging.path == self.path
                else "the output directory was removed while the run went on: run again, and leave it there"
            )
            raise InputError(message, Location(str(self.path))) from error


def write(result: Result, scenario_text: str, directory: Path, asked: Collection[str] = ()) -> None:
    """Write all files of a run, and the exports that are ``asked`` for by their names.

    InputError: the directory cannot be created or written.
    """
    with OutputDirectory(directory) as output:
        summary = summarize(result)
        output.write_data(result, summary, scenario_text, asked=asked)
        output.write_later(result, summary, scenario_text)
        output.write_charts(result)
