"""Directories whose files are to be of one run: all of them are replaced, or none.

They are written into a staging directory inside theirs and moved when all of them are on the disk. What a killed
process left is moved if it was complete, else removed, by the next that writes or reads there.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Final

from pullsim.held_signals import signals_held
from pullsim.outputs import PREFIX, replacing, sync, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Self

_COMPLETE: Final = "complete.json"  # in a staging directory whose files are all there: which go where


@contextmanager
def staged(directory: Path) -> Iterator[Path]:
    """Give a place for files that are moved to ``directory`` together when the body has ended well.

    Raises InputError for what the operating system refuses.
    """
    with written(directory), Staging(directory) as staging:
        yield staging.path
        staging.commit()


class Staging:
    """A directory inside another for files that are to be there together; to be used in a ``with``.

    Entering makes both directories, so that a place that cannot be written is known at once, and looks after what
    killed processes left. `commit` moves the files. Leaving removes the staging directory, and the directories that
    entering made if they are empty. Raises OSError.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory
        self._made: list[Path] = []
        self._lock: int | None = None

    def __enter__(self) -> Self:
        """Make the directories."""
        try:
            with signals_held():
                self._made = [place for place in (self.directory, *self.directory.parents) if not place.exists()]
                self.directory.mkdir(parents=True, exist_ok=True)
                clean(self.directory)
                while self._lock is None:
                    self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=self.directory))
                    self._lock = _lock(self.path)
                    if self._lock is None or self.path.exists():
                        break
                    os.close(self._lock)  # another process took it for left behind before it was locked
                    self._lock = None
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Remove what is not needed."""
        with signals_held():
            if self.path != self.directory:
                shutil.rmtree(self.path, ignore_errors=True)
            if self._lock is not None:
                os.close(self._lock)
            with suppress(OSError):  # the first that is not empty, is gone or was never made
                for place in self._made:
                    place.rmdir()

    def commit(self, obsolete: Iterable[str] = ()) -> None:
        """Move all files to their places, and remove the ``obsolete`` ones among those that were there.

        Signals wait until it is done; what a kill interrupts is finished by `clean`.
        """
        names = sorted(str(file.relative_to(self.path)) for file in self.path.rglob("*") if file.is_file())
        for name in names:
            sync(self.path / name)
        gone = sorted(set(obsolete).difference(names))
        with replacing(self.path / _COMPLETE) as file:
            file.write_text(json.dumps({"move": names, "remove": gone}), encoding="utf-8")
        with signals_held(), _locked(self.directory):
            _move(self.path, self.directory, {"move": names, "remove": gone})


def clean(directory: Path) -> None:
    """Finish or remove what killed processes left in a directory. Raises OSError."""
    for left in directory.glob(f"{PREFIX}*"):
        if not left.is_dir() or left.is_symlink():
            continue
        lock = _lock(left)
        if lock is None:  # its process lives, or nobody can know
            continue
        try:
            if (wanted := _wanted(left)) is not None:
                with signals_held(), _locked(directory):
                    _move(left, directory, wanted)
            shutil.rmtree(left, ignore_errors=True)
        finally:
            os.close(lock)


def _wanted(staging: Path) -> dict[str, list[str]] | None:
    """Return the list of a complete staging directory; None: it has none, or none of ours.

    A directory may come from anybody, so a list that names a file outside it is not followed.
    """
    try:
        found: Any = json.loads((staging / _COMPLETE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    lists = [found.get(key) if isinstance(found, dict) else None for key in ("move", "remove")]
    if not all(isinstance(names, list) and all(map(_is_inside, names)) for names in lists):
        return None
    return {"move": lists[0], "remove": lists[1]}  # type: ignore[dict-item]


def _is_inside(name: Any) -> bool:
    """Whether something is the path of a file below a directory."""
    if not isinstance(name, str) or not name or "\0" in name:
        return False
    path = PurePath(name)
    return not path.is_absolute() and not path.drive and ".." not in path.parts and bool(path.parts)


def _move(staging: Path, directory: Path, wanted: dict[str, list[str]]) -> None:
    """Do what the list of a complete staging directory says, as far as it is not done yet."""
    for name in wanted["remove"]:
        with suppress(FileNotFoundError, NotADirectoryError):  # a file of the user's has the name of our directory
            (directory / name).unlink()
    for name in wanted["move"]:
        (directory / name).parent.mkdir(exist_ok=True)
        with suppress(FileNotFoundError):  # moved before the process was killed
            (staging / name).replace(directory / name)
    (staging / _COMPLETE).unlink()
    sync(directory)


def _lock(directory: Path) -> int | None:
    """Lock a directory for as long as the handle is open, which a kill closes too; None: it is locked, or cannot be."""
    if sys.platform == "win32":  # what a killed process left stays there
        return None
    import fcntl  # noqa: PLC0415  not on Windows

    handle = None
    try:
        handle = os.open(directory, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        if handle is not None:
            os.close(handle)
        return None
    return handle


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Let one process at a time move files to a directory, where the file system can say so."""
    if sys.platform == "win32":
        yield
        return
    import fcntl  # noqa: PLC0415  not on Windows

    handle = os.open(directory, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
