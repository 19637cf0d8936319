"""The files that inputs are read from: a collection of them can travel, and serve where the disk has none.

Everything that reads a file of the user's reads it with `read_bytes`. While `collecting`, what is read is remembered;
while `serving`, the collection answers before the disk does. So a scenario and all that it refers to can be sent to
another machine as plain text.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_collected: ContextVar[dict[str, bytes] | None] = ContextVar("collected", default=None)
_served: ContextVar[Mapping[str, bytes]] = ContextVar("served", default={})  # noqa: B039  # nobody writes to it


def read_bytes(path: str | Path, limit: int = -1) -> bytes:
    """Read a file, or its first ``limit`` bytes. Raises OSError."""
    name = str(path)
    data = _served.get().get(name)
    if data is None:
        with Path(path).open("rb") as file:
            data = file.read(limit)
    collected = _collected.get()
    if collected is not None:
        collected[name] = data
    return data


def list_directory(path: str | Path) -> list[Path]:
    """Return the entries of a directory in order of their names. Raises OSError."""
    here = Path(path)
    served = {here / Path(name).relative_to(here).parts[0] for name in _served.get() if Path(name).is_relative_to(here)}
    return sorted(served) if served else sorted(here.iterdir())


def is_file(path: str | Path) -> bool:
    """Whether it is a file."""
    return str(path) in _served.get() or Path(path).is_file()


def is_directory(path: str | Path) -> bool:
    """Whether it is a directory, with something in it where a collection serves."""
    here = Path(path)
    return any(here in Path(name).parents for name in _served.get()) or here.is_dir()


@contextmanager
def collecting() -> Iterator[dict[str, bytes]]:
    """Collect the files that are read meanwhile: content by path, as it was asked for."""
    files: dict[str, bytes] = {}
    token = _collected.set(files)
    try:
        yield files
    finally:
        _collected.reset(token)


@contextmanager
def serving(files: Mapping[str, bytes]) -> Iterator[None]:
    """Let ``files`` answer before the disk."""
    token = _served.set(files)
    try:
        yield
    finally:
        _served.reset(token)
