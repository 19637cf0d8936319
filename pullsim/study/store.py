"""The file with the runs of a study: each run is written as a line when it ends, so that a study can be resumed."""

from __future__ import annotations

import os
from array import array
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from pullsim.errors import InputError, Location
from pullsim.inputs.json_text import parse_json
from pullsim.inputs.validation import validated
from pullsim.outputs import reason, sync, written
from pullsim.printable import json_text
from pullsim.results.metrics import of_group, with_never, without_never
from pullsim.results.waits import Waiting, parse_objective
from pullsim.results.wording import counted
from pullsim.staging import Staging
from pullsim.study.job import Outcome
from pullsim.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from pullsim.study.job import Bundle, Job

FILE: Final = "runs.jsonl"
FORMAT: Final = 1
MAX_LINE: Final = 250_000_000  # bytes; the line of a run has 11 for each pod of each of its waits that are kept


class _Head(BaseModel):
    """The first line, which says what study the runs belong to."""

    model_config = ConfigDict(strict=True)

    format: int
    version: str
    scenario: str


class _Verdict(BaseModel):
    """What `pullsim.study.job.Outcome` says of a run."""

    model_config = ConfigDict(strict=True)

    resource: str | None
    sentence: str
    hint: str
    ended: str = ""
    absent: int = 0


class _Waits(BaseModel):
    """Waits as text: their ``seconds`` in ascending order as doubles, little-endian, in base64."""

    model_config = ConfigDict(strict=True)

    seconds: str
    never: Annotated[int, Field(ge=0)]

    @classmethod
    def of(cls, waiting: Waiting) -> Self:
        doubles = np.asarray(waiting.seconds, dtype="<f8").tobytes()
        return cls(seconds=b64encode(doubles).decode("ascii"), never=waiting.never)

    def waiting(self) -> Waiting:
        """Return the waits."""
        return Waiting(array("d", self._doubles().astype(np.float64).tobytes()), self.never)

    def _doubles(self) -> NDArray[np.float64]:
        return np.frombuffer(b64decode(self.seconds, validate=True), dtype="<f8")

    @model_validator(mode="after")
    def _are_times_in_order(self) -> Self:
        try:
            doubles = self._doubles()
        except ValueError:
            raise ValueError("seconds must be doubles in base64") from None
        if not np.isfinite(doubles).all() or (np.diff(doubles) < 0).any():
            raise ValueError("seconds must be finite and in ascending order")
        return self


class _Entry(BaseModel):
    """One of the other lines, a run. Keys of later versions are ignored."""

    model_config = ConfigDict(strict=True)

    overrides: list[str]
    seed: int
    metrics: dict[str, int | Annotated[float, Field(allow_inf_nan=False)] | None] | None
    verdict: _Verdict | None
    error: str | None
    waits: dict[str, _Waits] = {}  # by `pullsim.results.waits.Objective` as text

    @model_validator(mode="after")
    def _came_to_something(self) -> Self:
        if (self.metrics is None) == (self.error is None):
            raise ValueError("a run has either metrics or an error")
        return self


_HEAD: Final = TypeAdapter(_Head)
_ENTRY: Final = TypeAdapter(_Entry)


class RunStore:
    """``runs.jsonl`` in a directory: a line about the study, then one for each outcome. To be used in a ``with``.

    A new file takes the place of an old one with its first run; until then the old one stays.
    """

    def __init__(
        self, directory: Path, bundle: Bundle, *, resume: bool, tell: Callable[[str], None] | None = None
    ) -> None:
        """``resume`` keeps the runs in the file; ``tell`` is called with a message about runs that are dropped."""
        self.path = directory / FILE
        self.found: dict[tuple[tuple[str, ...], int], Outcome] = {}  # the outcomes in the file, by overrides and seed
        self._resume = resume
        self._tell = tell or (lambda _: None)
        self._wanted = {name for name in bundle.wanted if of_group(name)}
        self._head = _Head(format=FORMAT, version=__version__, scenario=bundle.digest)
        self._staging = Staging(directory)
        self._new: Path | None = None  # the new file, until it is moved to its place
        self._file = -1
        self._waits = bundle.waits
        self._lacking = False  # whether it was told that runs have not all waits
        self._end = 0  # position after the last whole line

    def __enter__(self) -> Self:
        """Open the file. Raises InputError if its runs are another study's or unreadable, or nothing can be written."""
        with written(self.path):
            self._staging.__enter__()
        try:
            kept = self._resume and self.path.exists() and self._read()
            with written(self.path):
                if kept:
                    self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND)
                    os.ftruncate(self._file, self._end)  # removes a line that was written in part
                else:
                    self._begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file; a file without a run is removed."""
        if self._file >= 0:
            os.close(self._file)
        if self._new is None and self.path.is_file():
            with written(self.path):
                sync(self.path)
        self._staging.__exit__()

    def get(self, job: Job) -> Outcome | None:
        """Return the outcome of a job, None if it has not been run."""
        outcome = self.found.get((job.overrides, job.seed))
        if outcome is None or not self._wanted <= (outcome.metrics or {}).keys():
            return None  # or the run has not all metrics that are wanted now, and is made again
        if not self._waits <= (outcome.waits or {}).keys():
            if not self._lacking:
                missing = ", ".join(sorted(map(str, self._waits - (outcome.waits or {}).keys())))
                self._tell(f"{self.path}: runs that have not kept how long each pod took ({missing}) are made again")
            self._lacking = True
            return None
        return outcome._replace(number=job.number)

    def add(self, job: Job, outcome: Outcome) -> None:
        """Write an outcome to the disk at once, so that it survives this process. Raises InputError for a full disk."""
        line: dict[str, Any] = {"overrides": list(job.overrides), "seed": job.seed}
        found = None if outcome.metrics is None else without_never(outcome.metrics)
        line |= {"metrics": found, "verdict": outcome.verdict, "error": outcome.error}
        if outcome.waits:
            line["waits"] = {str(whose): _Waits.of(each).model_dump() for whose, each in outcome.waits.items()}
        try:
            self._write(line)
            if self._new is not None:
                sync(self._new)
                self._new.replace(self.path)
                self._new = None
        except OSError as error:
            message = f"cannot be written: {reason(error)}; the runs before are kept, --resume goes on with them"
            raise InputError(message, Location(str(self.path))) from None

    def _begin(self) -> None:
        """Begin a new file beside the old one."""
        if self.path.exists() and (old := self._runs()):
            self._tell(
                f"{self.path} has {counted(old, 'run')}, which the first new one replaces"
                + ("" if self._resume else " (--resume would go on with those of the same scenario)")
            )
        self._new = self._staging.path / FILE
        self._file = os.open(self._new, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        self._write(self._head.model_dump())

    def _write(self, value: dict[str, Any]) -> None:
        """Append a whole line, or nothing if that fails."""
        line = f"{json_text(value)}\n".encode()
        try:
            done = 0
            while done < len(line):
                done += os.write(self._file, line[done:])
        except OSError:
            os.ftruncate(self._file, self._end)
            raise
        self._end += len(line)

    def _read(self) -> bool:
        """Read the runs, and return False if not even the first line is whole. An incomplete last line is dropped."""
        with self._opened() as file:
            head = file.readline(MAX_LINE)
            if not head.endswith(b"\n"):
                return False
            self._check(self._parsed(head, 1))
            self._end = len(head)
            number = 1
            while line := file.readline(MAX_LINE):
                number += 1
                if not line.endswith(b"\n"):
                    if len(line) == MAX_LINE:
                        raise InputError(f"the line is longer than {MAX_LINE:,} bytes", self._place(number))
                    self._tell(f"{self._place(number)}: a run that was cut while it was written is made again")
                    break
                entry = validated(_ENTRY, self._parsed(line, number), str(self._place(number)))
                self._end += len(line)
                if entry.metrics is not None:
                    key = (tuple(entry.overrides), entry.seed)
                    waits = {
                        parse_objective(name, self._place(number)): each.waiting() for name, each in entry.waits.items()
                    }
                    if (before := self.found.get(key)) is not None:  # the same run, which was asked for other waits
                        waits = {**(before.waits or {}), **waits}
                    verdict = entry.verdict.model_dump() if entry.verdict else None
                    self.found[key] = Outcome(0, with_never(entry.metrics), verdict, waits=waits or None)
        return True

    def _opened(self) -> BinaryIO:
        if not self.path.is_file():
            raise InputError("this is no file; runs are kept in one", Location(str(self.path)))
        try:
            return self.path.open("rb")
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", Location(str(self.path))) from None

    def _check(self, value: Any) -> None:
        """Raise InputError unless the runs are of this scenario and version."""
        place = self._place(1)
        known = value.get("format") if isinstance(value, dict) else None
        if isinstance(known, int) and known > FORMAT:
            raise InputError(
                f"these runs have format {known}, this version of pullsim reads {FORMAT}: use a newer one", place
            )
        head = validated(_HEAD, value, str(place))
        if head.version != self._head.version:
            message = f"these runs are of pullsim {head.version}, this is {self._head.version}: go without --resume"
            raise InputError(message, place)
        if head != self._head:
            raise InputError("these runs are of another scenario: go without --resume, or to another --out", place)

    def _parsed(self, line: bytes, number: int) -> Any:
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            raise InputError("this is no text in UTF-8; the line must go", self._place(number)) from None
        return parse_json(text, str(self.path), number)

    def _place(self, number: int) -> Location:
        return Location(str(self.path), number)

    def _runs(self) -> int:
        """Count the lines after the first."""
        with self._opened() as lines:
            return max(sum(1 for _ in lines) - 1, 0)
