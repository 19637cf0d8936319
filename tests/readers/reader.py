"""A reader of files and what holds of every one: it reads, or raises the project's error with a place and a rule."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pullsim.errors import InputError, InputErrors
from pullsim.inputs import serving
from pullsim.printable import MOST_LETTERS, MOST_LINES, printable
from tests.readers.changes import changed_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from random import Random


#: The directory of all files, which are served from memory; it is not there.
HERE = Path("/nowhere/given")


@dataclass(frozen=True)
class Reader:
    """A way to read files: ``read`` takes the path of the first; the others lie beside it.

    ``forms`` are valid sets of files by their names, each of which may be changed.
    """

    name: str
    read: Callable[[Path], object]
    forms: tuple[Mapping[str, bytes], ...]

    def read_forms(self, most: int | None = None) -> list[object]:
        """Return what is read of the forms as they are, which must be right, or only of the first ones."""
        return [self._served(files) for files in self.forms[:most]]

    def drawn(self, random: Random) -> dict[str, bytes]:
        """Return one of the forms with a file that is changed."""
        files = dict(random.choice(self.forms))
        first = next(iter(files))
        name = first if random.random() < 0.6 else random.choice(list(files))
        files[name] = changed_file(name, files[name], random)
        return files

    def raw(self, content: bytes) -> dict[str, bytes]:
        """Return the first form with other bytes in its first file."""
        files = dict(self.forms[0])
        return {**files, next(iter(files)): content}

    def wrong(self, files: Mapping[str, bytes]) -> str | None:
        """Read files and say what is wrong with the error that is raised; other exceptions than ours pass."""
        try:
            self._served(files)
        except InputError as error:
            return next(_wrong(error), None)
        return None

    def _served(self, files: Mapping[str, bytes]) -> object:
        with serving({str(HERE / name): content for name, content in files.items()}):
            return self.read(HERE / next(iter(files)))


def _wrong(error: InputError) -> Iterator[str]:
    for each in error.errors if isinstance(error, InputErrors) else (error,):
        if each.location is None and str(HERE) not in each.message:
            yield f"an error without a place: {each}"
        if not each.message.strip():
            yield "an error without a word"
        if "Traceback" in each.message or " object at 0x" in each.message:
            yield f"an error of Python's: {each}"
    text = "\n".join(error.lines())
    if len(text) > MOST_LETTERS or len(text.splitlines()) > MOST_LINES + 1:
        yield f"{len(text):,} letters in {len(text.splitlines())} lines: {text[:300]}"
    if printable(text, "\n") != text:
        yield f"raw characters: {text!r}"
