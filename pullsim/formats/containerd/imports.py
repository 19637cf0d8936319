"""The files that a containerd config.toml imports, merged as the release merges them."""

from __future__ import annotations

import os
import re
from fnmatch import translate
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import shown
from pullsim.inputs import is_directory, is_file, list_directory
from pullsim.inputs.document import Document
from pullsim.inputs.toml_document import Table, read_toml

if TYPE_CHECKING:
    from pullsim.errors import Location
    from pullsim.inputs.document import Mark, Route


MOST_IMPORTS: Final = 1000
_PATTERN: Final = re.compile(r"[*?\[]")


def read_with_imports(path: Path, version: tuple[int, ...]) -> tuple[Document, list[str]]:
    """Read a config.toml and the files that it imports. The second value has the warnings.

    Relative imports are followed; those with a wildcard only below the directory of the file. Absolute imports are not
    followed but warned of, as they are paths on the node and not on this machine. Raises InputError for a file that
    cannot be read or merged.

    Models cmd/containerd/server/config/config.go LoadConfig (1.x: services/server/config/config.go): values of later
    files win. From 2.0 on the tables of plugins are merged key by key; before, a later file's table replaces the table.
    """
    merged = Document(str(path), {})
    warnings: list[str] = []
    pending, loaded = [_plain(path)], set()
    root = None  # the version of the importing file
    while pending:
        file = pending.pop(0)
        if file in loaded:
            continue
        loaded.add(file)
        document = read_toml(file)
        top = Table.top(document)
        own = top.get("version", int) or 1
        root = own if root is None else root
        if own > root:
            top.fail(f"an imported file of version {own} is later than the importing one's, which is {root}", "version")
        if own < root:
            top.fail(f"an imported file of version {own} in one of version {root} is not read; write version = {root}")
        for text in top.texts("imports"):
            if PurePosixPath(text).is_absolute():
                warnings.append(
                    f"{top.place('imports')}: imports: {text} is a path of the node and not read here; "
                    "`containerd config dump` prints the whole configuration"
                )
            elif "*" not in text:
                pending.append(_plain(file.parent / text))
            elif ".." in PurePosixPath(text).parts:
                warnings.append(
                    f"{top.place('imports')}: imports: {shown(text)} is not followed: patterns are looked for below "
                    "the directory of the file; a path without * may be anywhere"
                )
            else:
                pending += _matches(file.parent, text, top)
        if len(loaded) + len(pending) > MOST_IMPORTS:
            top.fail(f"more than {MOST_IMPORTS} files are imported", "imports")
        places: dict[Route, Mark | Location] = {route: document.place(route) for route in document.values}
        merged.values |= places
        merged.tree = _merge(merged.tree, document.tree, deep=version >= (2, 0))
    return merged, warnings


def _matches(directory: Path, pattern: str, top: Table) -> list[Path]:
    """Find the files that match a pattern (path/filepath/match.go Glob), whose ``*`` does not match a slash."""
    found = [directory]
    for part in PurePosixPath(pattern).parts:
        if not _PATTERN.search(part):
            found = [path / part for path in found]
            continue
        name = re.compile(translate(part.replace("[^", "[!")))
        found = [
            entry for path in found if is_directory(path) for entry in list_directory(path) if name.match(entry.name)
        ]
        if len(found) > MOST_IMPORTS:
            top.fail(f"{shown(pattern)} fits more than {MOST_IMPORTS} names", "imports")
    return sorted(_plain(path) for path in found if is_file(path))


def _plain(path: Path) -> Path:
    """Return the path without ``.`` and ``..``, so that a file that imports itself is recognised."""
    return Path(os.path.normpath(path))


def _merge(to: dict[str, Any], new: dict[str, Any], *, deep: bool) -> dict[str, Any]:
    """Merge the top-level keys of a later file into those of the files before it."""
    result = dict(to)
    for key, value in new.items():
        old = result.get(key)
        if key == "plugins" and isinstance(old, dict) and isinstance(value, dict):
            result[key] = _deep(old, value) if deep else {**old, **value}
        elif isinstance(old, dict) and isinstance(value, dict):
            result[key] = {**old, **value}
        elif isinstance(old, list) and isinstance(value, list):
            result[key] = [*old, *(entry for entry in value if entry not in old)]
        else:
            result[key] = value
    return result


def _deep(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Merge two tables key by key, at every depth."""
    result = dict(old)
    for key, value in new.items():
        before = result.get(key)
        result[key] = _deep(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return result
