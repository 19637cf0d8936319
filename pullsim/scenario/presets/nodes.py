"""Presets of nodes: the hardware of an instance type by its name, or from a file. A pool's own keys override them.

A preset has keys of a pool that describe hardware and what a node of that type has for pods (`SECTIONS`). It may also
have ``about`` (a line of description), ``sources`` (for a dotted key or a section, where its value is from) and
``registry`` (values for an entry of ``registries``, which the scenario's own keys override).

Some presets were fitted on pulls, or written by hand, in presets.yaml; the others are made of the table of machines
(`pullsim.scenario.presets.machines`) with the disk that such a node has by default. A pool's `disk` may name another
(`pullsim.scenario.presets.volumes`).
"""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import InputError, Location, shown
from pullsim.frozen import dataclass
from pullsim.inputs import is_file
from pullsim.inputs.document import Document, parse_document, read_document
from pullsim.inputs.suggestion import did_you_mean
from pullsim.scenario.model.variation import of_presets
from pullsim.scenario.presets.machines import INSTANCE_TYPE, find_machine, machine_names, machine_of_type
from pullsim.scenario.presets.variations import variation_of
from pullsim.scenario.presets.volumes import parse_volume

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pullsim.inputs.document import Route
    from pullsim.scenario.presets.machines import Machine

PLATFORM: Final = "platform"
DISK: Final = "disk"
VOLUME: Final = "volume"
MAX_PODS: Final = "maxPods"
ALLOCATABLE: Final = "allocatable"
SECTIONS: Final = (PLATFORM, "nic", DISK, "cores", "unpack", "metadata", MAX_PODS, ALLOCATABLE, "labels")
VARIATION: Final = "variation"
_KEYS: Final = (*SECTIONS, "registry", VARIATION, "about", "sources")
_FILE: Final = "presets.yaml"
#: Sections that may be written as the value of one of their keys.
SHORTHAND: Final = {
    "nic": "rate",
    "cores": "count",
    DISK: VOLUME,
    "snapshot": "size",
    "fastRestore": "since",
    "reads": "preset",
}


@dataclass(frozen=True, slots=True)
class Preset:
    """One preset, as a part of the document from which it was read."""

    name: str
    document: Document
    route: Route  # the route of its values in the document

    @property
    def tree(self) -> dict[str, Any]:
        """The preset's values as plain dicts, lists and scalars."""
        node: Any = self.document.tree
        for part in self.route:
            node = node[part]
        assert isinstance(node, dict)
        return node

    def place(self, route: Route, *, key: bool = False) -> Location:
        """Return the place of the value (or of the key) at a route within the preset."""
        return self.document.place((*self.route, *route), key=key)

    def figures(self) -> Iterator[tuple[str, Any, str]]:
        """Yield (dotted key, value, source) for every value of the preset, and None for what only has a source."""
        sources = self.tree.get("sources") or {}
        told: list[str] = []
        for section in (*SECTIONS, "registry"):
            for key, value in _leaves(self.tree.get(section) or {}, section):
                nearest = max((name for name in sources if f"{key}.".startswith(f"{name}.")), key=len, default="")
                told.append(key)
                yield key, value, sources.get(nearest, "")
        for name, source in sources.items():
            if not any(f"{key}.".startswith(f"{name}.") for key in told):
                yield name, None, source


@cache
def builtin() -> dict[str, Preset]:
    """Read the presets that were fitted on pulls or written by hand, by name."""
    document = parse_document(files("pullsim.scenario.presets").joinpath(_FILE).read_text("utf-8"), _FILE)
    return {name: Preset(name, document, (name,)) for name in document.tree}


def names() -> list[str]:
    """Return the names of all presets that come with the package."""
    return list(dict.fromkeys((*builtin(), *machine_names())))


def _of_machine(machine: Machine) -> Preset:
    """Return the preset of a machine with the disk that it has by default."""
    tree, volume = machine.tree(), parse_volume(machine.disk)
    made = volume.figures(machine)
    rate = f"{machine.disk}: {volume.type.source if volume.rate is None else machine.source}"
    if machine.volumes is not None and not volume.type.local:
        rate += f"; at most what the type sends to disks ({machine.source})"
    tree["disk"] |= made["disk"]
    tree["metadata"] = made["metadata"]
    tree["sources"] |= {DISK: rate, "disk.fsync": volume.type.times, "metadata": volume.type.times}
    return Preset(machine.name, Document(f"{machine.provider}.csv", tree), ())


def find(name: str, directory: Path, place: Location) -> Preset:
    """Return the built-in preset with a name, or the preset in the file at a path that starts at ``directory``.

    Raises InputError if there is none; ``place`` is the place of the name in the scenario.
    """
    known = builtin()
    if name in known:
        return known[name]
    if machine := find_machine(name):
        return _of_machine(machine)
    path = directory / name
    if not is_file(path) and path.suffix not in (".yaml", ".yml", ".json"):
        raise InputError(f"{shown(name)} is neither a preset nor a file" + _suggestion(name), place)
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
    """Return the rule that a key's value breaks, or None. Sections are validated later, as part of the pool."""
    if value is None:
        return None
    if key == "about":
        return None if isinstance(value, str) else "text"
    if key == "sources":
        right = isinstance(value, dict) and all(isinstance(source, str) for source in value.values())
        return None if right else "a mapping of keys to texts"
    if key == MAX_PODS:
        return None if type(value) is int else "a whole number"
    if key == PLATFORM:
        return None if isinstance(value, str) else "text"
    if isinstance(value, dict) or (key in SHORTHAND and not isinstance(value, list)):
        return None if key != DISK or isinstance(value, dict | str) else "a mapping"
    return "a mapping"


def expand(document: Document, directory: Path) -> Document:
    """Return the document with the values of presets and of named disks added to the pools that name them.

    Keys that a mapping of the pool does not have are added; any other value of the pool is kept, null included. Without
    presets and named disks the document itself is returned. Raises InputError for those that do not exist.
    """
    pools = document.tree.get("nodes") if isinstance(document.tree, dict) else None
    chosen = [
        (index, pool.get("preset") if isinstance(pool.get("preset"), str) else None)
        for index, pool in enumerate(pools if isinstance(pools, list) else ())
        if isinstance(pool, dict) and (isinstance(pool.get("preset"), str) or _volume(pool) is not None)
    ]
    if not chosen:
        return document
    expanded = document.copy()
    for index, name in chosen:
        pool = expanded.tree["nodes"][index]
        preset = None if name is None else find(name, directory, document.place(("nodes", index, "preset")))
        machine = None if preset is None else _machine_of(preset)
        given = _given(pool)
        if _volume(pool) is not None:
            given |= {(DISK, key) for key in ("write", "burst", "fsync", VOLUME)}
            _fill_volume(expanded, index, machine)
        if preset is None:
            continue
        filling = _Filling(expanded, preset)
        for section in SECTIONS:
            if section in preset.tree and (section,) not in given:
                filling.fill(pool, section, ("nodes", index), (section,), given)
        if _volume(pool) is not None and (DISK, VOLUME) not in given:
            _fill_volume(expanded, index, machine)
        if of_presets(expanded.tree.get(VARIATION)) and pool.get(VARIATION) is None:
            _fill_variation(expanded, index, preset)
        if preset.tree.get("registry") is not None:
            _fill_registry(expanded, preset, filling)
    return expanded


def _fill_variation(document: Document, index: int, preset: Preset) -> None:
    """Add how the figures of a preset vary to a pool that does not say it."""
    route: Route = (VARIATION,) if VARIATION in preset.tree else ()
    document.tree["nodes"][index][VARIATION] = deepcopy(preset.tree.get(VARIATION)) or variation_of(preset.name)
    here = ("nodes", index, VARIATION)
    document.values[here] = document.keys[here] = preset.place(route)


def _volume(pool: dict[str, Any]) -> str | None:
    """Return the disk that a pool names; None: it names none."""
    disk = pool.get(DISK)
    name = disk.get(VOLUME) if isinstance(disk, dict) else disk
    return name if isinstance(name, str) else None


def _machine_of(preset: Preset) -> Machine | None:
    """Return the machine whose nodes a preset is of, by their label."""
    labels = preset.tree.get("labels")
    kind = labels.get(INSTANCE_TYPE) if isinstance(labels, dict) else None
    return machine_of_type(kind) if isinstance(kind, str) else None


def _fill_volume(document: Document, index: int, machine: Machine | None) -> None:
    """Add the figures of the disk that a pool names to those that it has. Raises InputError for a wrong name."""
    pool, here = document.tree["nodes"][index], ("nodes", index, DISK)
    text = _volume(pool)
    assert text is not None
    if not isinstance(pool[DISK], dict):
        pool[DISK] = {VOLUME: text}
        document.values[*here, VOLUME] = document.values.get(here, (0, 0))
    place = document.place((*here, VOLUME))
    try:
        made = parse_volume(text).figures(machine)
    except ValueError as error:
        raise InputError(f"{document.name(here)}: {error}", place) from None
    if "write" in pool[DISK]:
        made[DISK].pop("burst", None)  # it is one above the disk's own rate
    for section, figures in made.items():
        into = pool.setdefault(section, {}) if figures else None
        if isinstance(into, dict):
            for key, value in figures.items():
                if key not in into:
                    into[key] = value
                    document.values["nodes", index, section, key] = place


def _given(pool: dict[str, Any]) -> frozenset[Route]:
    """Return the routes of values that a pool says in another way, which stands above the preset's."""
    kubelet, allocatable = pool.get("kubelet"), pool.get(ALLOCATABLE)
    given: set[Route] = set()
    if isinstance(kubelet, dict):  # as it is, or in the answer of /configz
        kubelet = kubelet.get("kubeletconfig", kubelet)
    if isinstance(kubelet, str) or (isinstance(kubelet, dict) and kubelet.get(MAX_PODS) is not None):
        given.add((MAX_PODS,))
    if isinstance(allocatable, dict) and allocatable.get("pods") is not None:
        given.add((MAX_PODS,))
    if pool.get("cores") is not None:
        given.add((ALLOCATABLE, "cpu"))
    return frozenset(given)


@dataclass(frozen=True, slots=True)
class _Filling:
    document: Document
    preset: Preset

    def fill(
        self, into: dict[str, Any], key: str, parent: Route, source: Route, given: frozenset[Route] = frozenset()
    ) -> None:
        """Add the preset's value at the route ``source`` as ``into[key]``; ``parent`` is the route of ``into``.

        Values at the routes ``given`` of the preset are left out.
        """
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
                if (*source, inner) not in given:
                    self.fill(into[key], inner, here, (*source, inner), given)


def _fill_registry(document: Document, preset: Preset, filling: _Filling) -> None:
    """Add the preset's registry values to the registry with its host; without a host, to all listed registries."""
    given = preset.tree["registry"]
    registries = document.tree.setdefault("registries", [])
    if not isinstance(given, dict) or not isinstance(registries, list):
        return  # this is an error that the validation reports
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


def _suggestion(name: str) -> str:
    """Return the end of a message about a name that no preset has; of one that is cut off, the longer ones."""
    longer = [each for each in names() if each.startswith(name)] if name else []
    return did_you_mean(name, longer if 0 < len(longer) <= 3 else names(), 3, "pullsim presets")
