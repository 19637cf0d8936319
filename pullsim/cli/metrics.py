"""The metrics that ``pullsim run`` writes."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from pullsim.cli.options import Detail
from pullsim.errors import InputError, Location, shown
from pullsim.inputs import is_directory
from pullsim.outputs import replacing, written

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

    from pullsim.run import Result


class By(StrEnum):
    """What a series of metrics belongs to."""

    node = "node"
    pool = "pool"


class Exposition:
    """The form in which the kubelets' metrics are written, and the file.

    InputError: the detail does not keep what they need, the interval is no time, or there is nowhere to write them.
    """

    def __init__(self, file: Path | None, by: By, interval: str | None, detail: Detail, out: Path | None) -> None:
        if file is not None and detail not in (Detail.pulls, Detail.layers):
            raise InputError(f"metrics need --detail pulls or layers, not {detail.value}", Location("--metrics"))
        if file is not None and not is_directory(file.parent):
            raise InputError(f"{shown(str(file.parent))} is no directory", Location("--metrics"))
        if interval is not None and file is None and out is None:
            raise InputError("goes with --metrics or --out", Location("--metrics-interval"))
        self.file = file
        self._by = by
        self._interval = None if interval is None else _seconds(interval)

    def write(self, result: Result, file: TextIO) -> None:
        """Write the text."""
        from pullsim.results.exports.openmetrics import write_openmetrics  # noqa: PLC0415

        write_openmetrics(result, file, by=self._by.value, interval=self._interval)

    def write_file(self, result: Result) -> None:
        """Write the file that was asked for, if one was."""
        if self.file is None:
            return
        with written(self.file), replacing(self.file) as new, new.open("w", encoding="utf-8", newline="\n") as file:
            self.write(result, file)


def _seconds(text: str) -> float:
    from pullsim.units import parse_duration  # noqa: PLC0415

    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise InputError(str(error), Location("--metrics-interval")) from None
    if seconds <= 0:
        raise InputError(
            f"{text} is no time between samples: give more than 0, such as 30s", Location("--metrics-interval")
        )
    return seconds
