"""Parsing TOML text into plain values with their places in the file, and reading them with type checks."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any, Final, NoReturn

from pullsim.errors import InputError, Location, shown
from pullsim.frozen import dataclass
from pullsim.inputs import read_text
from pullsim.inputs.document import MAX_DEPTH, Document
from pullsim.inputs.suggestion import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from pullsim.inputs.document import Route

MAX_BYTES: Final = 1_000_000

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_KEY: Final = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_HEADER: Final = re.compile(r"\s*(\[\[?[^\[\]]*\]\]?)\s*(#.*)?$")
#: A dotted name with more parts than a document may be deep; tomllib's time for one is quadratic in the parts.
_LONG_NAME: Final = re.compile(rf"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{MAX_DEPTH}}}""")
_LONG_NUMBER: Final = re.compile(r"[0-9][0-9_]{999}")
_AT: Final = re.compile(r" \(at line (\d+), column (\d+)\)$")
_KINDS: Final = {str: "text", int: "a whole number", bool: "true or false", list: "a list", dict: "a table"}


def read_toml(path: Path) -> Document:
    """Read a TOML file. Raises InputError with the place for a file that is not TOML."""
    return parse_toml(read_text(path, MAX_BYTES), str(path))


def parse_toml(text: str, file: str) -> Document:
    """Parse TOML; keys and table headers have places. Raises InputError with the place for text that is not TOML."""
    if long := _LONG_NAME.search(text):
        raise InputError(f"a name of more than {MAX_DEPTH} parts", _line_of(long, file))
    try:
        tree = tomllib.loads(text)
    except RecursionError:
        raise InputError(f"nested more than {MAX_DEPTH} levels deep", Location(file)) from None
    except tomllib.TOMLDecodeError as error:
        reason = str(error)
        place = _AT.search(reason)
        lines = text.splitlines() or [""]
        line, column = (int(place[1]), int(place[2])) if place else (len(lines), len(lines[-1]) + 1)
        raise InputError(f"this is no valid TOML: {_AT.sub('', reason)}", Location(file, line, column)) from None
    except ValueError:  # a number with more digits than Python's int accepts
        digits = _LONG_NUMBER.search(text)
        raise InputError("a number of too many digits", _line_of(digits, file)) from None
    document = Document(file, tree).copy()
    table: Route = ()
    for number, written in enumerate(text.splitlines()):
        if header := _HEADER.match(written):
            found = _route(header[1])
            if found is not None:
                table = found
                for length in range(1, len(table) + 1):
                    document.values.setdefault(table[:length], (number, written.index("[")))
        elif (key := _KEY.match(written)) and (found := _route(f"{key[1]} = 0")) is not None:
            document.values.setdefault((*table, *found), (number, key.start(1)))
    return document


def _line_of(match: re.Match[str] | None, file: str) -> Location:
    return Location(file, match.string.count("\n", 0, match.start()) + 1 if match else None)


def _route(text: str) -> Route | None:
    """Return the route of ``text``, a table header or an assignment ``key = 0``; None: it is neither."""
    try:
        value: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError:  # it is a line of a multi-line string
        return None
    route: list[str] = []
    while isinstance(value, dict | list) and value:
        if isinstance(value, dict):
            key, value = next(iter(value.items()))
            route.append(key)
        else:
            value = value[0]
    return tuple(route)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a TOML document. A table that the document does not have is an empty table."""

    value: Mapping[str, Any]
    document: Document
    route: Route = ()

    @classmethod
    def top(cls, document: Document) -> Table:
        """Return the whole document."""
        return cls(document.tree, document)

    def __contains__(self, key: str) -> bool:
        """Whether the table has the key."""
        return key in self.value

    def name(self, *keys: str) -> str:
        """Return a key's path in TOML's notation: ``plugins."io.containerd.grpc.v1.cri".registry``."""
        return ".".join(str(part) if _BARE.fullmatch(str(part)) else f'"{part}"' for part in (*self.route, *keys))

    def place(self, *keys: str) -> Location:
        """Return the place of a key in the file."""
        return self.document.place((*self.route, *keys))

    def fail(self, message: str, *keys: str) -> NoReturn:
        """Raise an InputError about the value of a key."""
        name = self.name(*keys)
        raise InputError(f"{name}: {message}" if name else message, self.place(*keys))

    def table(self, *keys: str) -> Table:
        """Return the table at a path of keys. Raises InputError if the value there is no table."""
        table = self
        for key in keys:
            table = Table(table.get(key, dict) or {}, self.document, (*table.route, key))
        return table

    def tables(self) -> Iterator[tuple[str, Table]]:
        """Yield the keys and the tables directly in this table, in the order of the file. Raises InputError."""
        for key in self.value:
            yield key, self.table(key)

    def get(self, key: str, type_: type[Any]) -> Any:
        """Return the value at a key; None: there is none. Raises InputError if it is not of the type."""
        value = self.value.get(key)
        if value is not None and type(value) is not type_:
            self.fail(f"{shown(value)} must be {_KINDS[type_]}", key)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the list of texts at a key, empty where there is none. Raises InputError for another type."""
        value = self.get(key, list) or []
        if not all(isinstance(entry, str) for entry in value):
            self.fail("all entries must be text", key)
        return tuple(value)

    def unknown(self, known: Iterable[str], who: str) -> list[str]:
        """Return a warning for each key that is not in ``known``, which says that the program ``who`` ignores it."""
        names = sorted(known)
        return [
            f"{self.place(key)}: {self.name(key)}: {who} knows no such key and ignores it{did_you_mean(key, names)}"
            for key in self.value
            if key not in names
        ]
