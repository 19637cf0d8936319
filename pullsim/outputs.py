"""The files that pullsim writes: whole or not at all, and what stood there before stays until the new one is whole.

Files that belong together are in `pullsim.staging`.
"""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pullsim.errors import InputError, Location

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What files and directories begin with that are not whole yet.
PREFIX: Final = ".pullsim-"
_HELP: Final = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.EFBIG: "allow larger files: ulimit -f",
    errno.ENAMETOOLONG: "give a shorter name",
}


@contextmanager
def written(place: str | Path) -> Iterator[None]:
    """Turn what the operating system refuses into an InputError about ``place``."""
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot be written: {reason(error)}", Location(str(place))) from error


def reason(error: OSError) -> str:
    """Say why the operating system refused, and what helps."""
    text = error.strerror or str(error)
    return f"{text} ({_HELP[error.errno]})" if error.errno in _HELP else text


def write_text(path: Path, text: str) -> None:
    """Write a file of text in UTF-8, whole or not at all. Raises InputError; then the old file is as it was."""
    with written(path), replacing(path) as new:
        new.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a place beside ``path`` for its new content, which is moved there when the body has ended well.

    A link stays one, and its target is replaced. What is no file (a pipe, /dev/stdout) is written itself. The
    directories above are made. Raises OSError.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    new = target.with_name(f"{PREFIX}{secrets.token_hex(8)}{path.suffix[-16:]}")
    mode = target.stat().st_mode & 0o7777 if target.exists() else None
    try:
        new.touch(exist_ok=False)
        yield new
        if mode is not None:
            new.chmod(mode)
        sync(new)
        new.replace(target)
        sync(target.parent)
    finally:
        new.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Put what the system keeps of a file or directory on the disk."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system without it
            raise
    finally:
        os.close(handle)
