"""Parsing YAML and JSON text into plain values, with the place of every value and key in the file.

Scalars are resolved by the core schema of YAML 1.2 (`pullsim.inputs.core_schema`). Keys are always text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import yaml

from pullsim.errors import InputError, InputErrors, Location, shown
from pullsim.inputs import read_text
from pullsim.inputs.core_schema import TAG, resolved, tagged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_BYTES: Final = 10_000_000  # most bytes of a file that holds one document
MAX_BYTES_OF_MANY: Final = 50_000_000  # most bytes of a file of Kubernetes objects
MAX_VALUES: Final = 500_000  # most values of a file, counting keys: each takes half a kilobyte of memory
MAX_DEPTH: Final = 64
MAX_ALIASED: Final = 100_000  # values that aliases may repeat

#: Keys and indices from the top of a document.
Route = tuple[str | int, ...]
#: Line and column, from 0.
Mark = tuple[int, int]

#: The first half of a surrogate pair as JSON escapes it, and any escape: each begins with what is quickly found.
_SURROGATE: Final = re.compile(r"\\u[dD][89abAB]")
_ESCAPE: Final = re.compile(r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|.)", re.DOTALL)
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class Document:
    """One document: plain values (dict, list, str, int, float, bool, None) and the places they were read from."""

    file: str
    tree: Any
    #: The place of each value and of each key: a mark in this file, or the place of the override that set it.
    values: dict[Route, Mark | Location] = field(default_factory=dict)
    keys: dict[Route, Mark | Location] = field(default_factory=dict)

    def copy(self) -> Document:
        """Return a copy that can be changed. Raises InputError for values that a file cannot have."""
        try:
            tree = plain(self.tree)
        except ValueError as error:
            raise InputError(str(error), Location(self.file)) from None
        return Document(self.file, tree, dict(self.values), dict(self.keys))

    def place(self, route: Route, *, key: bool = False) -> Location:
        """Return the place of the value (or of the key) at ``route``; if the file has none, of the nearest parent."""
        if key and route in self.keys:
            return _location(self.file, self.keys[route])
        while route and route not in self.values:
            route = route[:-1]
        return _location(self.file, self.values.get(route))

    def changed(self, route: Route) -> Location | None:
        """Return the place of the override that last changed a value at or below ``route``; None: there is none."""
        changes = [
            mark for key, mark in self.values.items() if isinstance(mark, Location) and key[: len(route)] == route
        ]
        return changes[-1] if changes else None

    def own_route(self, loc: Route) -> Route:
        """Return the longest part of ``loc``, from its start, that is a route in this document."""
        node, route = self.tree, []
        for part in loc:
            in_list = isinstance(node, list) and isinstance(part, int) and part < len(node)
            if not in_list and not (isinstance(node, dict) and part in node):
                break
            node = node[part]
            route.append(part)
        return tuple(route)

    def name(self, route: Route) -> str:
        """Write the route in the grammar of overrides: ``nodes[workers].kubelet``."""
        text, node = "", self.tree
        for part in route:
            if isinstance(part, int):
                node = node[part] if isinstance(node, list) and part < len(node) else None
                text += f"[{entry_name(node) or part}]"
            else:
                node = node.get(part) if isinstance(node, dict) else None
                text += f".{part}" if text else part
        return text


def entry_name(entry: Any) -> str | None:
    """Return the name, host or image of a list entry, by which overrides and messages name it; None: it has none."""
    if isinstance(entry, dict):
        for key in ("name", "host", "image"):
            if isinstance(entry.get(key), str):
                return str(entry[key])
    return None


def plain(value: Any, depth: int = 0) -> Any:
    """Return a deep copy of a value. Raises ValueError for keys that are not text and for too deep a nesting."""
    if depth > MAX_DEPTH:
        raise ValueError(f"nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, Mapping):
        if wrong := [key for key in value if not isinstance(key, str)]:
            raise ValueError(f"key {shown(wrong[0])} must be text")
        return {key: plain(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner, depth + 1) for inner in value]
    return value


def read_document(path: Path) -> Document:
    """Read a file with one YAML or JSON document. Raises InputError."""
    return parse_document(read_text(path, MAX_BYTES), str(path))


def read_documents(path: Path) -> list[Document]:
    """Read a file with any number of YAML or JSON documents. Raises InputError."""
    return parse_documents(read_text(path, MAX_BYTES_OF_MANY), str(path))


def parse_document(text: str, file: str) -> Document:
    """Parse a text with one YAML or JSON document; ``file`` is its name in errors. Raises InputError."""
    return only_document(parse_documents(text, file), file)


def only_document(documents: list[Document], file: str) -> Document:
    """Return the only one of the documents of a file. Raises InputError if there is none, or another one."""
    if not documents:
        raise InputError("the file is empty", Location(file))
    if len(documents) > 1:
        raise InputError("only one document is allowed here, another one starts with ---", documents[1].place(()))
    return documents[0]


def parse_documents(text: str, file: str) -> list[Document]:
    """Parse a text with any number of YAML or JSON documents; empty documents are left out.

    Raises InputError with its place for bad syntax, duplicate keys, nesting deeper than MAX_DEPTH, more than MAX_VALUES
    values, too many values repeated by aliases, and tags outside the core schema.
    """
    if text.lstrip()[:1] in ("{", "["):
        text = text.replace("\t", " ")  # JSON may indent with tabs, which YAML forbids
        if _SURROGATE.search(text):
            text = _ESCAPE.sub(_joined, text)
    try:
        nodes = list(_Composer(text, file).documents())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Location(file, mark.line + 1, mark.column + 1) if mark else Location(file)
        context = f"{error.context}: " if error.context else ""
        raise InputError(f"this is no valid YAML: {context}{error.problem}", place) from None
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"this is no valid YAML: {reason}", Location(file)) from None
    documents = []
    for node in nodes:
        builder = _Builder(file)
        document = Document(file, builder.build(node, (), 0), builder.values, builder.keys)
        if builder.errors:
            raise builder.errors[0] if len(builder.errors) == 1 else InputErrors(builder.errors)
        if document.tree is not None:
            documents.append(document)
    return documents


@dataclass(slots=True, eq=False)
class _Node:
    """A node of YAML's representation graph.

    ``content`` is a scalar's value and its text, the nodes of a sequence, or the pairs of nodes of a mapping.
    """

    mark: Mark
    content: Any
    scalar: bool = False
    mapping: bool = False
    aliases: int = 0  # 1 if the node stands where an alias repeats another one


class _Composer:
    """Composes nodes from PyYAML's events without recursion, so that depth can be limited."""

    def __init__(self, text: str, file: str) -> None:
        self._events = yaml.parse(text, Loader=_LOADER)
        self._file = file
        self._count = 0  # values so far, in all documents

    def documents(self) -> Iterator[_Node]:
        """Yield the top node of each document. Raises InputError."""
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                yield self._document()

    def _document(self) -> _Node:
        """Compose one document, whose start event was the last one. Raises InputError."""
        root: list[_Node] = []
        open_: list[tuple[_Node, list[_Node]]] = []  # the collections that are open, and their children so far
        anchors: dict[str, _Node] = {}
        for event in self._events:
            if isinstance(event, yaml.DocumentEndEvent):
                break
            children = open_[-1][1] if open_ else root
            mark = _mark(event)
            self._count += 1
            if self._count > MAX_VALUES:
                raise InputError(f"more than {MAX_VALUES:,} values, the most that is read of a file", self._place(mark))
            if isinstance(event, yaml.AliasEvent):
                if event.anchor not in anchors:
                    raise InputError(
                        f"alias *{event.anchor} has no anchor &{event.anchor} before it", self._place(mark)
                    )
                node = anchors[event.anchor]
                if any(node is parent for parent, _ in open_):
                    raise InputError(f"alias *{event.anchor} stands inside of what it repeats", self._place(mark))
                children.append(_Node(mark, node.content, node.scalar, node.mapping, aliases=1))
            elif isinstance(event, yaml.ScalarEvent):
                node = _Node(mark, _scalar(event, self._file), scalar=True)
                children.append(node)
                if event.anchor:
                    anchors[event.anchor] = node
            elif isinstance(event, yaml.CollectionStartEvent):
                mapping = isinstance(event, yaml.MappingStartEvent)
                if event.tag not in (None, "!", TAG + ("map" if mapping else "seq")):
                    raise InputError(f"tag {event.tag} is not one of YAML's core schema", self._place(mark))
                if len(open_) >= MAX_DEPTH:
                    raise InputError(f"nested more than {MAX_DEPTH} levels deep", self._place(mark))
                node = _Node(mark, [], mapping=mapping)
                children.append(node)
                open_.append((node, []))
                if event.anchor:
                    anchors[event.anchor] = node
            else:  # the event ends a collection
                node, inner = open_.pop()
                node.content += zip(inner[::2], inner[1::2], strict=True) if node.mapping else inner
        return root[0]

    def _place(self, mark: Mark) -> Location:
        return _location(self._file, mark)


class _Builder:
    """Builds plain values from nodes, with their places, and collects duplicate keys."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._aliased = 0  # values so far that aliases repeat
        self.values: dict[Route, Mark | Location] = {}
        self.keys: dict[Route, Mark | Location] = {}
        self.errors: list[InputError] = []

    def build(self, node: _Node, route: Route, aliases: int) -> Any:
        """Return the value of a node that is reached through a number of aliases. Raises InputError."""
        aliases += node.aliases
        if aliases:
            self._aliased += 1
            if self._aliased > MAX_ALIASED:
                raise InputError(f"aliases repeat more than {MAX_ALIASED} values", _location(self._file, node.mark))
        if len(route) > MAX_DEPTH:
            raise InputError(f"nested more than {MAX_DEPTH} levels deep", _location(self._file, node.mark))
        self.values[route] = node.mark
        if node.scalar:
            return node.content[0]
        if not node.mapping:
            return [self.build(child, (*route, index), aliases) for index, child in enumerate(node.content)]
        built: dict[str, Any] = {}
        for key, value in node.content:
            if not key.scalar:
                self._refuse("a key must be text, not a mapping or list", key)
                continue
            name = key.content[1]
            if name == "<<":
                self._refuse("merge keys (<<) are no part of YAML 1.2: write the keys out", key)
            elif name in built:
                first = _location(self._file, self.keys[*route, name])
                self._refuse(f"duplicate key {shown(name)}, first on line {first.line}", key)
            else:
                self.keys[*route, name] = key.mark
                built[name] = self.build(value, (*route, name), aliases)
        return built

    def _refuse(self, message: str, node: _Node) -> None:
        self.errors.append(InputError(message, _location(self._file, node.mark)))


def _mark(event: yaml.Event) -> Mark:
    assert event.start_mark is not None
    return event.start_mark.line, event.start_mark.column


def _location(file: str, mark: Mark | Location | None) -> Location:
    if isinstance(mark, Location):
        return mark
    return Location(file, mark[0] + 1, mark[1] + 1) if mark else Location(file)


def _scalar(event: yaml.ScalarEvent, file: str) -> tuple[Any, str]:
    """Return a scalar's value by the core schema, and its text. Raises InputError."""
    text: str = event.value
    plain, _ = event.implicit
    try:
        if event.tag in (None, "!"):
            return (resolved(text) if plain and event.tag is None else text), text
        return tagged(event.tag, text), text
    except ValueError as error:
        raise InputError(str(error), _location(file, _mark(event))) from None


def _joined(match: re.Match[str]) -> str:
    """Return the character for a pair of surrogates, as JSON escapes one above U+FFFF; other escapes as they are."""
    return match[0] if match[1] is None else bytes.fromhex(match[1] + match[2]).decode("utf-16-be")
