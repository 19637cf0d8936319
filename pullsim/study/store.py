"""The runs of a study on disk: a line a run, written as it comes, so that a study can be interrupted and go on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Self

import pullsim
from pullsim.errors import InputError, Location
from pullsim.study.job import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from pullsim.study.job import Bundle, Job

FILE: Final = "runs.jsonl"
FORMAT: Final = 1


class RunStore:
    """``runs.jsonl`` in a directory: a head that says of what, then an outcome a line. To be used in a ``with``."""

    def __init__(self, directory: Path, bundle: Bundle, *, resume: bool) -> None:
        """``resume``: keep the runs that are there. Raises InputError if they are another study's or unreadable."""
        self.path = directory / FILE
        self._head = {"format": FORMAT, "version": pullsim.__version__, "scenario": bundle.digest}
        self.found: dict[tuple[tuple[str, ...], int], Outcome] = {}  # by overrides and seed
        try:
            directory.mkdir(parents=True, exist_ok=True)
            if resume and self.path.exists():
                self._read()
                self._truncate()
            else:
                self.path.write_text(json.dumps(self._head) + "\n", encoding="utf-8")
            self._file = self.path.open("a", encoding="utf-8")
        except OSError as error:
            raise InputError(f"cannot be written: {error.strerror}", Location(str(self.path))) from None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()

    def get(self, job: Job) -> Outcome | None:
        """Return what is known of a job."""
        outcome = self.found.get((job.overrides, job.seed))
        return None if outcome is None else outcome._replace(number=job.number)

    def add(self, job: Job, outcome: Outcome) -> None:
        """Keep an outcome; it is on the disk when this returns."""
        line: dict[str, Any] = {"overrides": list(job.overrides), "seed": job.seed}
        line |= {"metrics": outcome.metrics, "verdict": outcome.verdict, "error": outcome.error}
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._file.flush()

    def _read(self) -> None:
        lines = self.path.read_text(encoding="utf-8").splitlines()
        head = _parsed(lines[0]) if lines else None
        if head != self._head:
            message = "these runs are of another scenario, or of another version of pullsim: sweep without --resume"
            raise InputError(message, Location(str(self.path), 1))
        self._kept = [lines[0]]
        for line in lines[1:]:
            entry = _parsed(line)
            if entry is None:  # cut while it was written
                break
            self._kept.append(line)
            if entry["error"] is None:
                key = (tuple(entry["overrides"]), entry["seed"])
                self.found[key] = Outcome(0, entry["metrics"], entry["verdict"])

    def _truncate(self) -> None:
        """Drop what was half-written."""
        self.path.write_text("".join(f"{line}\n" for line in self._kept), encoding="utf-8")


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except json.JSONDecodeError:
        return None
    return entry if isinstance(entry, dict) else None
