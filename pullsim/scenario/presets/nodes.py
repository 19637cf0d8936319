"""Presets: figures of a node by the name of its instance type, or from a file, that a pool's own keys override.

A preset has the keys of a pool that describe hardware (`SECTIONS`), and may have ``about`` (one line), ``sources`` (by
dotted key or section: where the number is from) and ``registry`` (an entry of ``registries``, below the scenario's).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import InputError, Location, shown
from pullsim.inputs import is_file
from pullsim.inputs.document import Document, parse_document, read_document
from pullsim.inputs.suggestion import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pullsim.inputs.document import Route

SECTIONS: Final = ("nic", "disk", "cores", "unpack", "metadata")
_KEYS: Final = (*SECTIONS, "registry", "about", "sources")
_FILE: Final = "presets.yaml"
#: Sections that may be written as the value of one of their keys.
SHORTHAND: Final = {"nic": "rate", "cores": "count"}


@dataclass(frozen=True, slots=True)
class Preset:
    """One preset: its values, in the document that they were read from."""

    name: str
    document: Document
    route: Route  # where the document has its values

    @property
    def tree(self) -> dict[str, Any]:
        """Its values, plain."""
        node: Any = self.document.tree
        for part in self.route:
            node = node[part]
        assert isinstance(node, dict)
        return node

    def place(self, route: Route, *, key: bool = False) -> Location:
        """Where the value (or the key) at a route below it stands."""
        return self.document.place((*self.route, *route), key=key)

    def figures(self) -> Iterator[tuple[str, Any, str]]:
        """Yield (dotted key, value, source) of every figure."""
        sources = self.tree.get("sources") or {}
        for section in (*SECTIONS, "registry"):
            for key, value in _leaves(self.tree.get(section) or {}, section):
                nearest = max((name for name in sources if f"{key}.".startswith(f"{name}.")), key=len, default="")
                yield key, value, sources.get(nearest, "")


def builtin() -> dict[str, Preset]:
    """Read the presets that come with the package, by name."""
    document = parse_document(files("pullsim.scenario.presets").joinpath(_FILE).read_text("utf-8"), _FILE)
    return {name: Preset(name, document, (name,)) for name in document.tree}


def find(name: str, directory: Path, place: Location) -> Preset:
    """Find a preset by its name, or in the file of that path. Raises InputError, for the name at ``place``."""
    known = builtin()
    if name in known:
        return known[name]
    path = directory / name
    if not is_file(path) and path.suffix not in (".yaml", ".yml", ".json"):
        raise InputError(f"{shown(name)} is neither a preset nor a file" + _suggestion(name, known), place)
    document = read_document(path)
    if not isinstance(document.tree, dict):
        raise InputError("a preset is a mapping with keys of a pool", document.place(()))
    for key, value in document.tree.items():
        if key not in _KEYS:
            message = f"unknown key {shown(key)} in a preset" + did_you_mean(key, _KEYS)
            raise InputError(message, document.place((key,), key=True))
        if rule := _broken_rule(key, value):
            raise InputError(f"{key}: {shown(value)} must be {rule}", document.place((key,)))
    return Preset(name, document, ())


def _broken_rule(key: str, value: Any) -> str | None:
    """Say what a key's value must be if it is not; sections are checked with the pool that they fill."""
    if value is None:
        return None
    if key == "about":
        return None if isinstance(value, str) else "text"
    if key == "sources":
        right = isinstance(value, dict) and all(isinstance(source, str) for source in value.values())
        return None if right else "a mapping of keys to texts"
    if isinstance(value, dict) or (key in SHORTHAND and not isinstance(value, list)):
        return None
    return "a mapping"


def expand(document: Document, directory: Path) -> Document:
    """Give the document with the figures of presets filled in below what the pools say themselves.

    A mapping is filled up; anything else that the pool has, null too, stands. Without presets it is the document
    itself. Raises InputError for presets that there are not.
    """
    pools = document.tree.get("nodes") if isinstance(document.tree, dict) else None
    chosen = [
        (index, pool["preset"])
        for index, pool in enumerate(pools if isinstance(pools, list) else ())
        if isinstance(pool, dict) and isinstance(pool.get("preset"), str)
    ]
    if not chosen:
        return document
    expanded = document.copy()
    for index, name in chosen:
        preset = find(name, directory, document.place(("nodes", index, "preset")))
        filling = _Filling(expanded, preset)
        for section in SECTIONS:
            if section in preset.tree:
                filling.fill(expanded.tree["nodes"][index], section, ("nodes", index), (section,))
        if preset.tree.get("registry") is not None:
            _fill_registry(expanded, preset, filling)
    return expanded


@dataclass(frozen=True, slots=True)
class _Filling:
    document: Document
    preset: Preset

    def fill(self, into: dict[str, Any], key: str, parent: Route, source: Route) -> None:
        """Take the value at ``source`` of the preset over as ``into[key]``, at ``parent`` of the document."""
        value: Any = self.preset.tree
        for part in source:
            value = value[part]
        here = (*parent, key)
        if key not in into:
            self.document.values[here] = self.preset.place(source)
            self.document.keys[here] = self.preset.place(source, key=True)
            if not isinstance(value, dict):
                into[key] = value
                return
            into[key] = {}
        if isinstance(into[key], dict) and key in SHORTHAND and not isinstance(value, dict):
            if SHORTHAND[key] not in into[key]:
                into[key][SHORTHAND[key]] = value
                self.document.values[*here, SHORTHAND[key]] = self.preset.place(source)
            return
        if isinstance(into[key], dict) and isinstance(value, dict):
            for inner in value:
                self.fill(into[key], inner, here, (*source, inner))


def _fill_registry(document: Document, preset: Preset, filling: _Filling) -> None:
    """Fill the registry of the preset's host, or all that the scenario lists where the preset names none."""
    given = preset.tree["registry"]
    registries = document.tree.setdefault("registries", [])
    if not isinstance(given, dict) or not isinstance(registries, list):
        return  # a mistake that validation finds
    hosts = [entry.get("host") if isinstance(entry, dict) else None for entry in registries]
    if "host" in given:
        if given["host"] not in hosts:
            registries.append({"host": given["host"]})
            hosts.append(given["host"])
        indices = [hosts.index(given["host"])]
    else:
        indices = [index for index, host in enumerate(hosts) if host is not None]
        if not indices:
            message = "registry: of which host? Write host: there, or list it under registries of the scenario"
            raise InputError(message, preset.place(("registry",), key=True))
    for index in indices:
        for key in given:
            filling.fill(registries[index], key, ("registries", index), ("registry", key))


def _leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}.{key}")
    else:
        yield name, value


def _suggestion(name: str, known: dict[str, Preset]) -> str:
    return did_you_mean(name, known) or "; pullsim presets lists them"
