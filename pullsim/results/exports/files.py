"""The files of a run, written so that none is ever half-written or left over from another run."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from pullsim.errors import InputError, Location
from pullsim.garbage import rare_collections
from pullsim.inputs import exists
from pullsim.outputs import reason
from pullsim.printable import json_text
from pullsim.results import tables
from pullsim.results.exports.openmetrics import write_openmetrics
from pullsim.results.summary.summary import summarize
from pullsim.staging import Staging

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Self, TextIO

    from pullsim.results.summary.summary import Summary
    from pullsim.run import Result

SUMMARY: Final = "summary.json"
SCENARIO: Final = "scenario.effective.yaml"
PODS: Final = "pods.csv"
PULLS: Final = "pulls.csv"
LAYERS: Final = "layers.csv"
STATUS: Final = "status.csv"
EVENTS: Final = "events.jsonl"
REMOVALS: Final = "removals.csv"
ROLLOUTS: Final = "rollouts.csv"
DEPARTURES: Final = "departures.csv"
PREPULLS: Final = "prepulls.csv"
METRICS: Final = "metrics.txt"
DATA: Final = (
    SUMMARY,
    SCENARIO,
    PODS,
    PULLS,
    LAYERS,
    STATUS,
    EVENTS,
    REMOVALS,
    ROLLOUTS,
    DEPARTURES,
    METRICS,
    PREPULLS,
)
CHARTS: Final = "charts"
#: As `pullsim.results.charts` has them, which would load matplotlib.
CHART_NAMES: Final = ("start-cdf", "throughput", "time-by-pool", "time-by-image", "pulls", "slowest-pulls")
CHART_FORMATS: Final = ("png", "svg")


class OutputDirectory:
    """A directory for the files of one run, to be used in a ``with`` before the run starts.

    Entering creates it with a staging directory inside, so that a place that cannot be written is known at once.
    Writing fills the staging directory and then moves all files to their places together. Files of ours that this run
    does not have are removed, others are left alone. Leaving removes what is not needed, the directory too when it is
    empty.

    InputError: the directory cannot be created or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._staging = Staging(path)

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
    ) -> None:
        """Write the summary, the scenario with its defaults, the tables that the run's detail has and the metrics."""
        with self._writing():
            with self._file(SUMMARY) as file:
                file.write(summary_json(summary))
            with self._file(SCENARIO) as file:
                file.write(scenario)
            if result.detail != "none":
                with self._file(PODS) as file:
                    tables.write_pods_csv(result, file)
            if result.rollouts:
                with self._file(ROLLOUTS) as file:
                    tables.write_rollouts_csv(result, file)
            if result.departures:
                with self._file(DEPARTURES) as file:
                    tables.write_departures_csv(result, file)
            if result.prepulls:
                with self._file(PREPULLS) as file:
                    tables.write_prepulls_csv(result, file)
            if result.statuses:
                with self._file(STATUS) as file:
                    tables.write_status_csv(result, file)
            if result.detail in ("pulls", "layers"):
                with self._file(EVENTS) as file:
                    tables.write_events_jsonl(result.events, file)
                if result.disks or result.removals:
                    with self._file(REMOVALS) as file:
                        tables.write_removals_csv(result, file)
                with self._file(PULLS) as file:
                    tables.write_pulls_csv(result, file)
                if result.statuses:
                    with self._file(METRICS) as file:
                        metrics(result, file)
            if result.detail == "layers":
                with self._file(LAYERS) as file:
                    tables.write_layers_csv(result, file)
            self._staging.commit(obsolete=[*DATA, *_charts()])  # charts of another run would contradict the data

    def write_charts(self, result: Result) -> None:
        """Write the charts into the directory ``charts``."""
        from pullsim.results import charts  # noqa: PLC0415  matplotlib, only when charts are wanted

        with self._writing():
            staging = self._staging.path / CHARTS
            staging.mkdir()
            charts.write_charts(result, staging)
            self._staging.commit()

    @contextmanager
    def _file(self, name: str) -> Iterator[TextIO]:
        with (self._staging.path / name).open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
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


def write(result: Result, scenario_text: str, directory: Path) -> None:
    """Write all files of a run.

    InputError: the directory cannot be created or written.
    """
    with OutputDirectory(directory) as output:
        output.write_data(result, summarize(result), scenario_text)
        output.write_charts(result)


def summary_json(summary: Summary) -> str:
    """Return the text of ``summary.json``."""
    return json_text(summary.to_dict(), indent=2) + "\n"


def _charts() -> list[str]:
    return [f"{CHARTS}/{name}.{form}" for name in CHART_NAMES for form in CHART_FORMATS]
