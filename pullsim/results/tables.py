"""Records as tables: pandas data frames and CSV, both from the columns of `pullsim.results.columns`.

A table is one row of this file: a `Table` with the name of its CSV file, if a run is to write one.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Final

from pullsim.printable import cell, json_text
from pullsim.results import columns as schema
from pullsim.results.table import NANOSECONDS, Table

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    import pandas as pd

    from pullsim.records import KubeletEvent
    from pullsim.run import Result

_PODS: Final = Table(attrgetter("pods"), schema.PODS, "a row a pod", "pods.csv", detail="pods")
_PULLS: Final = Table(
    attrgetter("pulls"), schema.PULLS, "a row a pull that a kubelet asked for", "pulls.csv", detail="pulls"
)
_LAYERS: Final = Table(
    attrgetter("layers"), schema.LAYERS, "a row a layer that a pull fetched or unpacked", "layers.csv", detail="layers"
)
_STATUSES: Final = Table(
    attrgetter("statuses"),
    schema.STATUSES,
    "a row a change of what `kubectl get pods` shows of a pod",
    "status.csv",
    detail="pods",
    written=attrgetter("statuses"),
)
_REMOVALS: Final = Table(
    attrgetter("removals"),
    schema.REMOVALS,
    "a row an image that a kubelet removed; where disks have a size",
    "removals.csv",
    detail="pulls",
    written=lambda result: result.disks or result.removals,
)
_ROLLOUTS: Final = Table(
    attrgetter("rollouts"),
    schema.ROLLOUTS,
    "a row a rolling update; where there are any",
    "rollouts.csv",
    written=attrgetter("rollouts"),
)
_DEPARTURES: Final = Table(
    attrgetter("departures"),
    schema.DEPARTURES,
    "a row a node that left; where any did",
    "departures.csv",
    written=attrgetter("departures"),
)
_PREPULLS: Final = Table(
    attrgetter("prepulls"),
    schema.PODS,
    "a row a pod of a prepull job, with the columns of `pods.csv`; where there are any",
    "prepulls.csv",
    written=attrgetter("prepulls"),
)
_EVENTS: Final = Table(attrgetter("events"), schema.EVENTS, "a kubelet event", detail="pulls")
_DISKS: Final = Table(attrgetter("disks"), schema.DISKS, "a row a node whose disk has a size")
_LINKS: Final = Table(attrgetter("links"), schema.LINKS, "a row a link of a registry and an interval")

#: All tables; those with a file are among the exports of a run, in this order.
TABLES: Final = (
    _PODS,
    _PULLS,
    _LAYERS,
    _STATUSES,
    _REMOVALS,
    _ROLLOUTS,
    _DEPARTURES,
    _PREPULLS,
    _EVENTS,
    _DISKS,
    _LINKS,
)


def pods(result: Result) -> pd.DataFrame:
    """One row per pod; columns `pullsim.results.columns.PODS`."""
    return _PODS.frame(result)


def pulls(result: Result) -> pd.DataFrame:
    """One row per pull that a kubelet asked for; columns `pullsim.results.columns.PULLS`."""
    return _PULLS.frame(result)


def layers(result: Result) -> pd.DataFrame:
    """One row per layer and pull that had to have it; columns `pullsim.results.columns.LAYERS`."""
    return _LAYERS.frame(result)


def events(result: Result) -> pd.DataFrame:
    """One row per kubelet event, in the order emitted; columns `pullsim.results.columns.EVENTS`."""
    return _EVENTS.frame(result)


def statuses(result: Result) -> pd.DataFrame:
    """One row per change of what the API shows of a pod, by time; columns `pullsim.results.columns.STATUSES`."""
    return _STATUSES.frame(result)


def removals(result: Result) -> pd.DataFrame:
    """One row per image that a kubelet removed; columns `pullsim.results.columns.REMOVALS`."""
    return _REMOVALS.frame(result)


def rollouts(result: Result) -> pd.DataFrame:
    """One row per rolling update; columns `pullsim.results.columns.ROLLOUTS`."""
    return _ROLLOUTS.frame(result)


def prepulls(result: Result) -> pd.DataFrame:
    """One row per pod of a prepull job; columns `pullsim.results.columns.PODS`."""
    return _PREPULLS.frame(result)


def departures(result: Result) -> pd.DataFrame:
    """One row per node that left; columns `pullsim.results.columns.DEPARTURES`."""
    return _DEPARTURES.frame(result)


def disks(result: Result) -> pd.DataFrame:
    """One row per node whose disk has a size; columns `pullsim.results.columns.DISKS`."""
    return _DISKS.frame(result)


def links(result: Result) -> pd.DataFrame:
    """One row per registry link and interval; columns `pullsim.results.columns.LINKS`."""
    return _LINKS.frame(result)


def write_pods_csv(result: Result, file: TextIO) -> None:
    """Write the table of pods; open files with ``newline=""``."""
    _PODS.write_csv(result, file)


def write_pulls_csv(result: Result, file: TextIO) -> None:
    """Write the table of pulls; open files with ``newline=""``."""
    _PULLS.write_csv(result, file)


def write_layers_csv(result: Result, file: TextIO) -> None:
    """Write the table of layers; open files with ``newline=""``."""
    _LAYERS.write_csv(result, file)


def write_status_csv(result: Result, file: TextIO) -> None:
    """Write the table of statuses; open files with ``newline=""``."""
    _STATUSES.write_csv(result, file)


def write_removals_csv(result: Result, file: TextIO) -> None:
    """Write the table of removed images; open files with ``newline=""``."""
    _REMOVALS.write_csv(result, file)


def write_rollouts_csv(result: Result, file: TextIO) -> None:
    """Write the table of rolling updates; open files with ``newline=""``."""
    _ROLLOUTS.write_csv(result, file)


def write_prepulls_csv(result: Result, file: TextIO) -> None:
    """Write the table of pods of prepull jobs; open files with ``newline=""``."""
    _PREPULLS.write_csv(result, file)


def write_departures_csv(result: Result, file: TextIO) -> None:
    """Write the table of nodes that left; open files with ``newline=""``."""
    _DEPARTURES.write_csv(result, file)


def write_events_jsonl(events: Iterable[KubeletEvent], file: TextIO) -> None:
    """Write each event as a line of JSON that has all keys, in the order in which the events were emitted."""
    for event in events:
        row = event._asdict() | {"t": round(event.t * NANOSECONDS) / NANOSECONDS}
        file.write(json_text(row) + "\n")


def safe_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose names and texts are safe as cells of CSV, see `pullsim.printable.cell`."""
    safe = frame.rename(columns=lambda name: cell(str(name)))
    for name in safe.select_dtypes(include=["object", "string"]).columns:
        safe[name] = [cell(value) if isinstance(value, str) else value for value in safe[name]]
    return safe
