"""Reading what was given, files, directories and standard input, into an inventory.

Files are read in the order of their names, so that the order in which they are given changes nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pullsim.errors import InputError, Location
from pullsim.formats.simkube.trace_file import is_trace
from pullsim.importer.inventory import Inventory
from pullsim.importer.recognise import read_text
from pullsim.importer.unknown import why_unknown
from pullsim.inputs import decoded, exists, is_directory, read_bytes, standard_input, unpacked
from pullsim.inputs.files import MAX_BYTES, UTF_16

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pullsim.importer.notes import Notes

STANDARD_INPUT: Final = "-"
MOST_FILES: Final = 20_000
#: What files are named that hold nothing of a cluster, and are many: they are passed over within directories.
_LOGS: Final = (".log", ".log.gz", ".logs", ".tar.gz", ".tgz", ".html", ".png", ".svg")
_LOG_NAMES: Final = ("logs.txt", "timestamp", "version", "event-filter.html", "oci-layout")
_GZIP: Final = b"\x1f\x8b"


def read_all(given: Iterable[str], notes: Notes, stdin: bytes | None = None) -> Inventory:
    """Read files and directories. Raises InputError for a path that does not exist, or too many files.

    ``stdin`` is the content of standard input, if that has been read.
    """
    inventory = Inventory()
    paths = list(dict.fromkeys(given))
    if STANDARD_INPUT in paths:
        data = standard_input() if stdin is None else stdin
        _read(data, Path("standard input"), inventory, notes)
    for path in sorted(
        set(_files(path for path in paths if path != STANDARD_INPUT)), key=lambda each: (each.name, each)
    ):
        try:
            data = read_bytes(path)
        except InputError as error:
            notes.unread.append(str(error))
        else:
            _read(data, path, inventory, notes)
    return inventory


def _read(data: bytes, path: Path, inventory: Inventory, notes: Notes) -> None:
    content = ""
    if is_trace(data):
        notes.unread.append(f"{path}: is a trace of SimKube: a workload of a scenario takes it, as trace: {path.name}")
        return
    try:
        content = _text(data, path)
        if not content.strip():
            notes.unread.append(f"{path}: is empty: the command that was to write it has failed")
            return
        known = read_text(content, path, inventory, notes)
    except InputError as error:
        problem = str(error)
        reason = why_unknown(content, problem)
        notes.unread.append(problem if reason == problem else f"{path}: {reason}")
    except RecursionError:  # parts of MIME within parts
        notes.unread.append(f"{path}: is nested too deep to be read")
    else:
        if known:
            inventory.files.append(path.name)
        else:
            notes.unread.append(f"{path}: {why_unknown(content)}")


def _text(data: bytes, path: Path) -> str:
    """Return a file's text: UTF-8, compressed by gzip or not, or UTF-16. Raises InputError for what is none."""
    if data.startswith(_GZIP):
        try:
            data = unpacked(data)
        except ValueError as error:
            raise InputError(str(error), Location(str(path))) from None
    if len(data) > MAX_BYTES:
        raise InputError("is larger than what is read", Location(str(path)))
    if data.startswith(UTF_16):  # as PowerShell's > writes
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError:
            raise InputError("is no text in UTF-16, which its first bytes promise", Location(str(path))) from None
    return decoded(data, str(path))


def _files(paths: Iterable[str]) -> Iterator[Path]:
    found = 0
    for name in paths:
        if not exists(name):
            raise InputError("there is no such file or directory", Location(name))
        for path in _below(Path(name)) if is_directory(name) else (Path(name),):
            found += 1
            if found > MOST_FILES:
                raise InputError(f"more than {MOST_FILES:,} files are given", Location(name))
            yield path


def _below(directory: Path) -> Iterator[Path]:
    """Yield the files in a directory and in those below it, without logs, blobs, and what begins with a dot."""
    for parent, directories, names in os.walk(directory):
        blobs = {"blobs"} if "oci-layout" in names else set()
        directories[:] = sorted(name for name in directories if not (name.startswith(".") or name in blobs))
        for name in sorted(names):
            if not (name.startswith(".") or name.endswith(_LOGS) or name in _LOG_NAMES):
                yield Path(parent) / name
