"""What `pullsim run --out` wrote of pods, read back for descriptions of them."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, TypeAdapter

from pullsim.errors import InputError, Location
from pullsim.inputs import is_file, json_lines, read_text
from pullsim.inputs.validation import validated
from pullsim.printable import from_cell
from pullsim.records import KubeletEvent, StatusRecord
from pullsim.results.exports.registry import SUMMARY
from pullsim.results.summary.file import read_summary

if TYPE_CHECKING:
    from pathlib import Path

_FILES: Final = ("pods.csv", "status.csv", "events.jsonl")
_Row = TypeVar("_Row", bound=BaseModel)
_Text = Annotated[str, BeforeValidator(lambda cell: from_cell(cell) if isinstance(cell, str) else cell)]
_MaybeText = Annotated[
    str | None, BeforeValidator(lambda cell: from_cell(cell) or None if isinstance(cell, str) else cell)
]
_Seconds = Annotated[float, Field(allow_inf_nan=False)]
_MaybeSeconds = Annotated[_Seconds | None, BeforeValidator(lambda cell: cell or None)]


class _PodRow(BaseModel):
    """What is read of a row of pods.csv."""

    namespace: _Text
    pod: _Text
    node: _MaybeText
    created_at: _Seconds
    scheduled_at: _MaybeSeconds
    message: _MaybeText


class _StatusRow(BaseModel):
    """A row of status.csv."""

    namespace: _Text
    pod: _Text
    node: _MaybeText
    shown_at: _Seconds
    age_s: _Seconds
    ready: int
    containers: int
    status: _Text
    message: _MaybeText


class SavedPod(NamedTuple):
    """A pod of a saved run; times are seconds."""

    namespace: str
    pod: str
    node: str | None
    created: float
    scheduled: float | None
    message: str | None


class SavedRun:
    """A directory that a run wrote, with its pods, and their statuses and events for those that are asked for."""

    def __init__(self, directory: Path) -> None:
        """Read the summary and the pods. Raises InputError for what is no such directory, or has too little in it."""
        self._directory = directory
        self.end = float(read_summary(directory / SUMMARY)["end"])
        lacking = [name for name in _FILES if not is_file(directory / name)]
        if lacking:
            raise InputError(
                f"{', '.join(lacking)} is not there: the run is to be made again with --detail pulls or layers",
                Location(str(directory)),
            )
        rows = _rows(_PodRow, directory / "pods.csv")
        self.pods = [
            SavedPod(row.namespace, row.pod, row.node, row.created_at, row.scheduled_at, row.message) for row in rows
        ]

    def statuses(self, pod: SavedPod) -> list[StatusRecord]:
        """Read the statuses of a pod, in the order of time. Raises InputError."""
        return [
            StatusRecord(
                row.shown_at,
                row.node,
                row.namespace,
                row.pod,
                row.shown_at - row.age_s,
                row.ready,
                row.containers,
                row.status,
                row.message,
            )
            for row in _rows(_StatusRow, self._directory / "status.csv")
            if (row.namespace, row.pod) == (pod.namespace, pod.pod)
        ]

    def events(self, pod: SavedPod) -> list[KubeletEvent]:
        """Read the events of a pod, in the order of time. Raises InputError."""
        path = self._directory / "events.jsonl"
        adapter = TypeAdapter(KubeletEvent)
        found = []
        for number, value in json_lines(read_text(path), str(path)):
            if isinstance(value, dict) and (value.get("namespace"), value.get("pod")) == (pod.namespace, pod.pod):
                found.append(validated(adapter, value, f"{path}:{number}"))
        return found


def _rows(kind: type[_Row], path: Path) -> list[_Row]:
    """Read the rows of a table. Raises InputError with the line of a row that is not as it was written."""
    adapter = TypeAdapter(kind)
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""))
    try:
        return [validated(adapter, row, f"{path}:{reader.line_num}") for row in reader]
    except csv.Error as error:
        raise InputError(f"this is no CSV: {error}", Location(str(path), reader.line_num)) from None
