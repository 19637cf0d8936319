"""The file with the runs of a study: each run is written as a line when it ends, so that a study can be resumed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from pullsim.errors import InputError, Location
from pullsim.inputs.json_text import parse_json
from pullsim.inputs.validation import validated
from pullsim.outputs import reason, sync, written
from pullsim.printable import json_text
from pullsim.results.metrics import of_group, with_never, without_never
from pullsim.staging import Staging
from pullsim.study.job import Outcome
from pullsim.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pullsim.study.job import Bundle, Job

FILE: Final = "runs.jsonl"
FORMAT: Final = 1
MAX_LINE: Final = 10_000_000  # bytes; the line of a run with thousands of registries has about 100,000


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


class _Entry(BaseModel):
    """One of the other lines, a run. Keys of later versions are ignored."""

    model_config = ConfigDict(strict=True)

    overrides: list[str]
    seed: int
    metrics: dict[str, int | Annotated[float, Field(allow_inf_nan=False)] | None] | None
    verdict: _Verdict | None
    error: str | None

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
        return outcome._replace(number=job.number)

    def add(self, job: Job, outcome: Outcome) -> None:
        """Write an outcome to the disk at once, so that it survives this process. Raises InputError for a full disk."""
        line: dict[str, Any] = {"overrides": list(job.overrides), "seed": job.seed}
        found = None if outcome.metrics is None else without_never(outcome.metrics)
        line |= {"metrics": found, "verdict": outcome.verdict, "error": outcome.error}
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
                f"{self.path} has {old:,} runs, which the first new one replaces"
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
                    self.found[key] = Outcome(
                        0, with_never(entry.metrics), entry.verdict.model_dump() if entry.verdict else None
                    )
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
            message = f"these runs are of pullsim {head.version}, this is {self._head.version}: sweep without --resume"
            raise InputError(message, place)
        if head != self._head:
            raise InputError("these runs are of another scenario: sweep without --resume, or to another --out", place)

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
