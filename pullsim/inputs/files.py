"""Reading files as bytes and as text, up to a limit of their size, from the disk or from a collection in memory.

Within `collecting`, the content of every file that is read is kept. Within `serving`, files are read from such a
collection first and from the disk second. So a scenario can be sent to another machine with all files that it needs.
"""

from __future__ import annotations

import gzip
import os
import stat
import sys
import zlib
from contextlib import contextmanager
from contextvars import ContextVar
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pullsim.errors import InputError, Location

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: The default limit of the size of a file, in bytes.
MAX_BYTES: Final = 100_000_000

#: The paths that a shell passes for open pipes, as in ``<(command)``. Other pipes are refused, as they may never end.
_OPEN_PIPES: Final = ("/dev/fd/", "/dev/stdin", "/proc/self/fd/")
#: Byte order marks of UTF-16.
UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")

_collected: ContextVar[dict[str, bytes] | None] = ContextVar("collected", default=None)
_served: ContextVar[Mapping[str, bytes]] = ContextVar("served", default={})  # noqa: B039  # nobody writes to it


def read_bytes(path: str | Path, limit: int = MAX_BYTES) -> bytes:
    """Read a file of at most ``limit`` bytes.

    Raises InputError for a file that is larger, does not exist or cannot be read, and for a path that is no regular
    file: a directory, a device, or a named pipe, which may never end.
    """
    name = str(path)
    data = _served.get().get(name)
    if data is None:
        data = _read(name, limit)
    if len(data) > limit:
        raise InputError(f"the file is larger than {limit / 10**6:g} MB, the most that is read here", Location(name))
    collected = _collected.get()
    if collected is not None:
        collected[name] = data
    return data


def read_text(path: str | Path, limit: int = MAX_BYTES) -> str:
    """Read the text of a file in UTF-8, with or without a byte order mark. Raises InputError as `read_bytes` does."""
    return decoded(read_bytes(path, limit), str(path))


def standard_input() -> bytes:
    """Read standard input: at most one byte more than the limit, which is enough to see that it is too large."""
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def decoded(data: bytes, file: str) -> str:
    """Decode UTF-8, with or without a byte order mark. Raises InputError with the place of the first wrong byte."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        start = error.start + 3 * data.startswith(b"\xef\xbb\xbf")  # the decoder does not count the byte order mark
    if data.startswith(UTF_16):
        raise InputError("this is UTF-16, as PowerShell's > writes it; save it in UTF-8", Location(file))
    line = data.count(b"\n", 0, start) + 1
    column = len(data[data.rfind(b"\n", 0, start) + 1 : start].decode(errors="replace")) + 1
    message = f"this is no text in UTF-8: byte 0x{data[start]:02x} at offset {start} (a binary file?)"
    raise InputError(message, Location(file, line, column))


def unpacked(data: bytes, limit: int = MAX_BYTES) -> bytes:
    """Return what gzip has packed, at most one byte more than the limit. Raises ValueError for what cannot be read."""
    try:
        with gzip.GzipFile(fileobj=BytesIO(data)) as packed:
            return packed.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"this is no gzip that can be read: {error}") from None


def list_directory(path: str | Path) -> list[Path]:
    """Return the paths in a directory, sorted by name. Raises InputError if it cannot be read."""
    here = Path(path)
    served = {here / Path(name).relative_to(here).parts[0] for name in _served.get() if Path(name).is_relative_to(here)}
    if served:
        return sorted(served)
    try:
        return sorted(here.iterdir())
    except (OSError, ValueError) as error:
        raise InputError(f"the directory cannot be read: {reason(error)}", Location(str(path))) from None


def is_file(path: str | Path) -> bool:
    """Whether the path is a file."""
    return str(path) in _served.get() or os.path.isfile(path)  # noqa: PTH113  # Path's raises for names too long


def exists(path: str | Path) -> bool:
    """Whether the path exists."""
    return str(path) in _served.get() or os.path.exists(path)  # noqa: PTH110  # as above


def is_directory(path: str | Path) -> bool:
    """Whether the path is a directory on the disk or, within `serving`, has a file of the collection in it."""
    here = Path(path)
    return any(here in Path(name).parents for name in _served.get()) or os.path.isdir(path)  # noqa: PTH112  # as above


def reason(error: OSError | ValueError) -> str:
    """Return why the operating system refused a path; a ValueError means that the path has a null byte."""
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


@contextmanager
def collecting() -> Iterator[dict[str, bytes]]:
    """Collect the content of all files that are read in the ``with`` block, by the path that was asked for."""
    files: dict[str, bytes] = {}
    token = _collected.set(files)
    try:
        yield files
    finally:
        _collected.reset(token)


@contextmanager
def serving(files: Mapping[str, bytes]) -> Iterator[None]:
    """Read files in the ``with`` block from ``files`` (content by path) first, and from the disk second."""
    token = _served.set(files)
    try:
        yield
    finally:
        _served.reset(token)


def _read(name: str, limit: int) -> bytes:
    """Read at most one byte more than the limit, which is enough to see that a file is too large."""
    place = Location(name)
    try:
        kind = os.stat(name).st_mode  # noqa: PTH116  # before it is opened: opening a named pipe waits for its writer
        if wrong := _no_file(kind, name):
            raise InputError(f"this is a {wrong}; a file is needed", place)
        with Path(name).open("rb") as file:
            return file.read(limit + 1)
    except FileNotFoundError:
        raise InputError("there is no such file", place) from None
    except (OSError, ValueError) as error:
        raise InputError(f"the file cannot be read: {reason(error)}", place) from None


def _no_file(mode: int, name: str) -> str | None:
    """Return what a path is (a directory, a device, a pipe) if it cannot be read as a file; None: it can."""
    if stat.S_ISREG(mode) or (stat.S_ISFIFO(mode) and name.startswith(_OPEN_PIPES)):
        return None
    kinds = {stat.S_IFDIR: "directory", stat.S_IFIFO: "named pipe, which may have no end", stat.S_IFSOCK: "socket"}
    return kinds.get(stat.S_IFMT(mode), "device, which may have no end")
