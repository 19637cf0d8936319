"""Records as tables: pandas data frames and CSV, both from the columns of `pullsim.results.columns`.

A table is one `Table` of this file, with the name of its CSV file if a run is to write one.
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
    from pullsim.results.columns import Column


def _where_any(records: str, columns: tuple[Column, ...], content: str) -> Table:
    """Return the table of a field of a result, whose file has its name and is written only where there are rows."""
    rows = attrgetter(records)
    return Table(rows, columns, content, f"{records}.csv", written=rows)


POD_TABLE: Final = Table(attrgetter("pods"), schema.PODS, "a row a pod", "pods.csv", detail="pods")
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
_ROLLOUTS: Final = _where_any("rollouts", schema.ROLLOUTS, "a row a rolling update; where there are any")
_DEPARTURES: Final = _where_any("departures", schema.DEPARTURES, "a row a node that left; where any did")
_JOINS: Final = _where_any("joins", schema.JOINS, "a row a node that an autoscaler asked for; where it did")
_PREPULLS: Final = _where_any(
    "prepulls", schema.PODS, "a row a pod of a prepull job, with the columns of `pods.csv`; where there are any"
)
_READS: Final = _where_any(
    "reads",
    schema.READS,
    "a row a layer that comes as it is read, and a process that reads of it; where a workload has `reads`",
)
_TRAFFIC: Final = _where_any(
    "traffic",
    schema.TRAFFIC,
    "a row a receiver, a host that sent it bytes, and a class of link; where the scenario has classes or prices",
)
_CACHES: Final = _where_any("caches", schema.CACHES, "a row a pull-through cache; where there are any")
_PEERS: Final = _where_any("peers", schema.PEERS, "a row a node that may get blobs from others; where there are any")
_EVENTS: Final = Table(attrgetter("events"), schema.EVENTS, "a kubelet event", detail="pulls")
_DISKS: Final = Table(attrgetter("disks"), schema.DISKS, "a row a node whose disk has a size")
_LINKS: Final = Table(attrgetter("links"), schema.LINKS, "a row a link of a registry and an interval")

#: All tables; those with a file are among the exports of a run, in this order.
TABLES: Final = (
    POD_TABLE,
    _PULLS,
    _LAYERS,
    _STATUSES,
    _REMOVALS,
    _ROLLOUTS,
    _DEPARTURES,
    _JOINS,
    _PREPULLS,
    _READS,
    _TRAFFIC,
    _CACHES,
    _PEERS,
    _EVENTS,
    _DISKS,
    _LINKS,
)

# The functions of each table: `Table.frame` takes a result, `Table.write_csv` a result and an open file.
pods: Final = POD_TABLE.frame
pulls: Final = _PULLS.frame
layers: Final = _LAYERS.frame
events: Final = _EVENTS.frame
statuses: Final = _STATUSES.frame
removals: Final = _REMOVALS.frame
rollouts: Final = _ROLLOUTS.frame
prepulls: Final = _PREPULLS.frame
departures: Final = _DEPARTURES.frame
joins: Final = _JOINS.frame
reads: Final = _READS.frame
traffic: Final = _TRAFFIC.frame
caches: Final = _CACHES.frame
peers: Final = _PEERS.frame
disks: Final = _DISKS.frame
links: Final = _LINKS.frame

write_pods_csv: Final = POD_TABLE.write_csv
write_pulls_csv: Final = _PULLS.write_csv
write_layers_csv: Final = _LAYERS.write_csv
write_status_csv: Final = _STATUSES.write_csv
write_removals_csv: Final = _REMOVALS.write_csv
write_rollouts_csv: Final = _ROLLOUTS.write_csv
write_prepulls_csv: Final = _PREPULLS.write_csv
write_departures_csv: Final = _DEPARTURES.write_csv
write_joins_csv: Final = _JOINS.write_csv
write_reads_csv: Final = _READS.write_csv
write_traffic_csv: Final = _TRAFFIC.write_csv
write_caches_csv: Final = _CACHES.write_csv
write_peers_csv: Final = _PEERS.write_csv
write_disks_csv: Final = _DISKS.write_csv


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
